"""The SQL of a month in DuckDB. Identifiers are quoted here and nowhere else; values are always parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError
from taxi_platform.io_managers.table_columns import description_of, require_partition_column
from taxi_platform.io_managers.warehouse import LEDGER

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

CREATE_LEDGER = f"""
CREATE TABLE IF NOT EXISTS {LEDGER} (
    table_name VARCHAR NOT NULL,
    source_month DATE,
    version VARCHAR NOT NULL,
    as_of VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    control_sums VARCHAR NOT NULL,
    schema_version INTEGER NOT NULL,
    loaded_at TIMESTAMP NOT NULL,
    run_id VARCHAR NOT NULL
)
"""


def quoted(name: str) -> str:
    """`name` as an identifier, whatever is in it."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """`text` as a string literal, for the few statements that take no parameters."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def duckdb_type(field: pa.Field) -> str:
    """The DuckDB type that keeps every value of an Arrow column.

    Raises:
        SchemaError: There is none that we know.
    """
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP_NS" if kind.unit == "ns" else "TIMESTAMP"
    name = _TYPES.get(str(kind))
    if name is None:
        raise SchemaError(
            f"The column {field.name} of type {kind} cannot be stored in DuckDB. Nothing was written. Cast it to one "
            f"of {', '.join(_TYPES)}, a decimal or a timestamp."
        )
    return name


_TYPES: Mapping[str, str] = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "large_string": "VARCHAR",
    "binary": "BLOB",
    "large_binary": "BLOB",
    "date32[day]": "DATE",
}


def where(column: str, day: dt.date | None) -> tuple[str, list[dt.date]]:
    """What picks the rows of a partition, and its values; of a table without partitions (None) all rows."""
    return ("", []) if day is None else (f"WHERE {quoted(column)} = ?", [day])


OF_LEDGER = "WHERE table_name = ? AND source_month IS NOT DISTINCT FROM ?"
"""What picks a partition's row of the ledger; the month of a table without partitions is NULL."""


def create_table(table: str, schema: pa.Schema) -> str:
    columns = ", ".join(f"{quoted(field.name)} {duckdb_type(field)}" for field in schema)
    return f"CREATE TABLE {quoted(table)} ({columns})"


def add_column(table: str, field: pa.Field) -> str:
    return f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(field.name)} {duckdb_type(field)}"


def create_view(view: LookupView) -> str:
    """The rows of the view's table, each once: what the lookup does not know is NULL."""
    details = [
        f"{quoted(prefix)}.{quoted(detail)} AS {quoted(f'{prefix}_{detail}')}"
        for prefix in view.joined
        for detail in view.details
    ]
    joins = [
        f"LEFT JOIN {quoted(view.lookup)} AS {quoted(prefix)} "
        f"ON {quoted(prefix)}.{quoted(view.key)} = {quoted(view.table)}.{quoted(column)}"
        for prefix, column in view.joined.items()
    ]
    return (
        f"CREATE OR REPLACE VIEW {quoted(view.name)} AS SELECT {quoted(view.table)}.*, {', '.join(details)} "  # noqa: S608
        f"FROM {quoted(view.table)} {' '.join(joins)}"
    )


def comment_on_column(table: str, field: pa.Field) -> str | None:
    """The column's description as its comment, where it has one."""
    text = description_of(field)
    return None if text is None else f"COMMENT ON COLUMN {quoted(table)}.{quoted(field.name)} IS {literal(text)}"


def require_columns(table: str, schema: pa.Schema, partition_column: str | None) -> None:
    """Refuse rows that could not be told apart by partition, or columns that DuckDB could not.

    Raises:
        SchemaError: There is no such column of dates, or two columns differ only in upper and lower case.
    """
    seen: dict[str, str] = {}
    for name in schema.names:
        if name.lower() in seen:
            raise SchemaError(
                f"{table}: {seen[name.lower()]} and {name} are one column for DuckDB. Nothing was written. Rename one."
            )
        seen[name.lower()] = name
    require_partition_column(table, schema, partition_column)
