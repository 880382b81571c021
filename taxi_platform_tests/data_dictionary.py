"""`python -m taxi_platform_tests.data_dictionary`: write docs/data_dictionary.md from the data dictionary itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from taxi_platform.assets.stages import column_schema
from taxi_platform.trips import zones
from taxi_platform.trips.oddities import oddities_of
from taxi_platform.trips.rules import REJECTING, applicable
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import SERVICES, Service

PAGE = Path(__file__).parents[1] / "docs" / "data_dictionary.md"

_HEAD = """# Data dictionary

What every column holds, in all years and all stores. The same words are the comments of the columns in the warehouse,
the metadata of the Parquet files and the column descriptions in Dagster's UI.

Times are New York wall-clock without a zone. Money is exact, in US dollars. What the publisher left empty is NULL;
so is a column that a layout does not have. (service, source_month, source_row) identifies a trip.

This page is made by `python -m taxi_platform_tests.data_dictionary`; a test holds it against the code.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for service in SERVICES.values():
        lines += _of_service(service)
    lines += ["## Zones: `taxi_zones`", "", *_columns(zones.COLUMNS), ""]
    return "\n".join(lines).rstrip() + "\n"


def _of_service(service: Service) -> Iterator[str]:
    yield f"## {service.title}: `{service.table}`"
    yield ""
    yield f"Since {service.first_month}. Sums that must agree in every store: {_names(service.control_columns)}."
    yield ""
    yield from _columns(service.stored_columns)
    yield ""
    rejecting = applicable(REJECTING.values(), [column.name for column in service.columns])
    for title, rules in (("Rejected", rejecting), ("Kept, and counted", oddities_of(service.columns))):
        if rules:
            yield f"{title}:"
            yield ""
            yield from (f"- `{rule.name}` {rule.meaning}" for rule in rules)
            yield ""
    yield "| layout of the files | used | columns |"
    yield "|---|---|---|"
    for layout in service.layouts:
        used = f"{layout.first} to {layout.last}" if layout.last else f"since {layout.first}"
        yield f"| {layout.id} | {used} | {len(layout.header)} |"
    yield ""


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    types = {column.name: column.type for column in column_schema(columns).columns}
    yield "| column | type | what it is | in the files |"
    yield "|---|---|---|---|"
    for column in columns:
        yield f"| `{column.name}` | {types[column.name]} | {column.description} | {', '.join(column.sources)} |"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
