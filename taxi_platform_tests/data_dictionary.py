"""`python -m taxi_platform_tests.data_dictionary`: write docs/data_dictionary.md from the data dictionary itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from taxi_platform.assets.stages import column_schema
from taxi_platform.trips import zones
from taxi_platform.trips.by_zone_and_day import REVENUE, mart_columns
from taxi_platform.trips.dictionary import WALL_CLOCK
from taxi_platform.trips.layouts import Layout, normalised
from taxi_platform.trips.oddities import oddities_of
from taxi_platform.trips.rules import REJECTING, applicable
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import SERVICES, Service

PAGE = Path(__file__).parents[1] / "docs" / "data_dictionary.md"

_MART = mart_columns(SERVICES["yellow"])

_HEAD = """# Data dictionary

What every column holds, in all years and all stores. The same words are the comments of the columns in the warehouse,
the metadata of the Parquet files and the column descriptions in Dagster's UI.

Times are New York wall-clock without a zone. Money is exact, in US dollars. What the publisher left empty is NULL;
so is a column that a layout does not have. (service, source_month, source_row) identifies a trip.

"In the files" is what the publisher calls a column (in whatever case), and in which layouts otherwise or not at all.
The layouts, and the months in which they were used, stand at the end of each service.

The four columns of coordinates say where people were, to the house: [handle them with
care](../README.md#tlcs-data-and-the-people-in-it).

This page is made by `python -m taxi_platform_tests.data_dictionary`; a test holds it against the code.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for service in SERVICES.values():
        lines += _of_service(service)
    lines += ["## Zones: `taxi_zones`", "", *_columns(zones.COLUMNS), ""]
    lines += ["## Marts: `{service}_trips_by_zone_and_day`", ""]
    lines += ["A row is a zone on a day, of a month's file. What `revenue` is depends on the service:", ""]
    lines += [f"- {service.name}: {mart_columns(service)[-1].description}" for service in SERVICES.values()]
    lines += ["", *_columns([replace(one, meaning="As above") if one.name == REVENUE else one for one in _MART]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _of_service(service: Service) -> Iterator[str]:
    yield f"## {service.title}: `{service.table}`"
    yield ""
    yield f"Since {service.first_month}. Sums that must agree in every store: {_names(service.control_columns)}."
    yield ""
    yield from _columns(service.stored_columns, service.layouts)
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


def _columns(columns: Sequence[Column], layouts: Sequence[Layout] = ()) -> Iterator[str]:
    types = {column.name: column.type for column in column_schema(columns).columns}
    yield "| column | type | unit | what it is | in the files |"
    yield "|---|---|---|---|---|"
    for column in columns:
        meaning = replace(column, unit="").description
        unit = "" if column.unit == WALL_CLOCK else column.unit
        yield f"| `{column.name}` | {types[column.name]} | {unit} | {meaning} | {_published(column, layouts)} |"


def _published(column: Column, layouts: Sequence[Layout]) -> str:
    """What the publisher calls a column: the name that most layouts have, then those that are otherwise."""
    names = {normalised(name): name.strip() for layout in layouts for name in layout.header}
    having = {name: [one for one in layouts if name in map(normalised, one.header)] for name in column.sources}
    (usual, most), *others = sorted(having.items(), key=lambda one: -len(one[1])) or [("", [])]
    if not most:
        return ""
    without = [one for one in layouts if not any(one in those for those in having.values())]
    said = [f"`{names[usual]}`" + (f" in {_ids(most)}" if len(without) > len(most) else "")]
    said += [f"`{names[name]}` in {_ids(those)}" for name, those in others if those]
    said += [f"none in {_ids(without)}"] if without and len(without) <= len(most) else []
    return "; ".join(said)


def _ids(layouts: Sequence[Layout]) -> str:
    return ", ".join(layout.id.partition("-")[2] for layout in layouts)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
