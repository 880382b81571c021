"""The SQL of a month in DuckDB. Identifiers are quoted here and nowhere else; values are always parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

LEDGER = "_taxi_months"

CREATE_LEDGER = f"""
CREATE TABLE IF NOT EXISTS {LEDGER} (
    table_name VARCHAR NOT NULL,
    source_month DATE NOT NULL,
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


def duckdb_type(kind: pa.DataType) -> str:
    """The DuckDB type that keeps every value of an Arrow type.

    Raises:
        SchemaError: There is none that we know.
    """
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP_NS" if kind.unit == "ns" else "TIMESTAMP"
    name = _TYPES.get(str(kind))
    if name is None:
        raise SchemaError(
            f"A column of type {kind} cannot be stored in DuckDB. Nothing was written. Cast it to one of "
            f"{', '.join(_TYPES)}, a decimal or a timestamp."
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


def create_table(table: str, schema: pa.Schema) -> str:
    columns = ", ".join(f"{quoted(field.name)} {duckdb_type(field.type)}" for field in schema)
    return f"CREATE TABLE {quoted(table)} ({columns})"


def add_column(table: str, field: pa.Field) -> str:
    return f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(field.name)} {duckdb_type(field.type)}"


def comment_on_column(table: str, field: pa.Field) -> str | None:
    """The column's description as its comment, where it has one."""
    text = (field.metadata or {}).get(b"description")
    if text is None:
        return None
    return f"COMMENT ON COLUMN {quoted(table)}.{quoted(field.name)} IS {literal(text.decode())}"


def new_columns(table: str, schema: pa.Schema, there: Mapping[str, str]) -> Sequence[pa.Field]:
    """The columns of `schema` that the table does not have yet.

    Raises:
        SchemaError: A column of the table is missing in `schema`, or has another type there.
    """
    missing = [name for name in there if name not in schema.names]
    retyped = [
        f"{field.name} is {duckdb_type(field.type)}, in the table {there[field.name]}"
        for field in schema
        if field.name in there and there[field.name] != duckdb_type(field.type)
    ]
    if missing or retyped:
        complaints = [f"the column {name} is missing" for name in missing] + retyped
        raise SchemaError(
            f"{table}: {'; '.join(complaints)}. Nothing was written. Give the columns of the table, or a new table."
        )
    return [field for field in schema if field.name not in there]
