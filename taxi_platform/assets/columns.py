"""Columns from the published file to the warehouse: which becomes which, and what is in the first rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from taxi_platform.assets.stages import STAGES, asset_key
from taxi_platform.trips.services import Service

EXTRAS = "kept aside, in the extras"


def first_rows(
    columns: Sequence[str], arrow: str, related: Mapping[str, Sequence[str]], rows: Sequence[Mapping[str, str]]
) -> dg.TableMetadataValue:
    """A table that lies on its side, a line a column: twenty columns beside each other nobody can read.

    Args:
        arrow: Stands between a column and those that it comes from, or goes to, where they have other names.
    """
    shown = [name for name in columns if related.get(name) or any(name in row for row in rows)]
    numbers = [f"row {number}" for number in range(1, len(rows) + 1)]

    def title(name: str) -> str:
        others = [other for other in related.get(name, ()) if other != name]
        return f"{name} {arrow} {', '.join(others)}" if others else name

    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {"column": title(name)} | {number: row.get(name, "") for number, row in zip(numbers, rows, strict=True)}
            )
            for name in shown
        ],
        dg.TableSchema([dg.TableColumn(name) for name in ("column", *numbers)]),
    )


def read_as(header: Sequence[str], read_from: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What each column of a file becomes; nothing is said of a file of which nothing is read."""
    becomes: dict[str, list[str]] = {name: [] for name in header}
    for column, names in read_from.items():
        for name in names:
            becomes[name].append(column)
    return {name: columns or [EXTRAS] for name, columns in becomes.items()} if read_from else becomes


def file_schema(header: Sequence[str], becomes: Mapping[str, Sequence[str]]) -> dg.TableSchema:
    """The columns of a published file."""
    return dg.TableSchema(
        [dg.TableColumn(name, "as published", f"Becomes: {', '.join(becomes[name]) or 'unknown'}.") for name in header]
    )


def lineage(service: Service, stage: str, read_from: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """From which columns of the stage before each column comes. Dagster+ draws it; it costs others nothing."""
    before = asset_key(STAGES[STAGES.index(stage) - 1], service)
    names = [column.name for column in service.stored_columns]
    sources: Mapping[str, Sequence[str]] = {name: [name] for name in names}
    if stage == "cleaned":  # a text that is no code goes into a column of its own
        unmapped = {c.unmapped_to: read_from[c.name] for c in service.columns if c.unmapped_to and c.name in read_from}
        sources = {**unmapped, **read_from}
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {name: [dg.TableColumnDep(before, source) for source in sources[name]] for name in names if name in sources}
        )
    }
