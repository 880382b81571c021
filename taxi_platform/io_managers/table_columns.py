"""Columns that are sent to a table, held against those that it has. By name, never by place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

TypeOf = Callable[["pa.Field"], str]
"""The type that a warehouse gives to an Arrow column, as it spells it itself."""


def require_partition_column(table: str, schema: pa.Schema, column: str | None) -> None:
    """Refuse rows that could not be told apart by partition.

    Raises:
        SchemaError: There is no such column of dates.
    """
    import pyarrow as pa

    if column is not None and (column not in schema.names or schema.field(column).type != pa.date32()):
        raise SchemaError(
            f"{table}: there is no column {column} of dates (date32) in what was sent. Nothing was written."
        )


def new_columns(table: str, schema: pa.Schema, there: Mapping[str, str], type_of: TypeOf) -> Sequence[pa.Field]:
    """The columns of `schema` that the table does not have yet. A column of nothing but nulls fits any type.

    Raises:
        SchemaError: A column of the table is missing in `schema`, or has another type there.
    """
    complaints = [f"the column {name} is missing" for name in there if name not in schema.names]
    complaints += [
        f"{field.name} is {type_of(field)}, in the table {there[field.name]}"
        for field in sent_columns(schema, there)
        if field.name in there and there[field.name] != type_of(field)
    ]
    if complaints:
        raise SchemaError(
            f"{table}: {'; '.join(complaints)}. Nothing was written. Give the columns of the table, or a new table."
        )
    return [field for field in schema if field.name not in there]


def sent_columns(schema: pa.Schema, there: Mapping[str, str]) -> Sequence[pa.Field]:
    """The columns to insert: where Arrow saw nothing but nulls, the table knows the type, and NULL is its default."""
    import pyarrow as pa

    return [field for field in schema if not (pa.types.is_null(field.type) and field.name in there)]


def description_of(field: pa.Field) -> str | None:
    """What is said of a column, where something is: its comment in the warehouse."""
    text = (field.metadata or {}).get(b"description")
    return None if text is None else text.decode()
