"""Which Postgres type keeps every value of an Arrow column, and which Arrow type a column comes back as."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_LONGEST_NAME = 63


def as_sent(field: pa.Field) -> pa.DataType:
    """The Arrow type in which a column goes over: the narrowest that Postgres has for all of its values.

    Postgres has no unsigned numbers, none of one byte, and times in microseconds only.

    Raises:
        SchemaError: There is none that we know.
    """
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_decimal128(kind):
        return kind
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    known = {
        pa.bool_(): pa.bool_(),
        pa.int8(): pa.int16(),
        pa.uint8(): pa.int16(),
        pa.int16(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.int32(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.int64(): pa.int64(),
        pa.uint64(): pa.decimal128(20, 0),
        pa.float32(): pa.float32(),
        pa.float64(): pa.float64(),
        pa.string(): pa.string(),
        pa.large_string(): pa.string(),
        pa.binary(): pa.binary(),
        pa.large_binary(): pa.binary(),
        pa.date32(): pa.date32(),
    }
    if kind not in known:
        raise SchemaError(
            f"The column {field.name} of type {kind} cannot be stored in Postgres. Nothing was written. Cast it to one "
            f"of {', '.join(map(str, known))}, a decimal128 or a timestamp."
        )
    return known[kind]


def postgres_type(field: pa.Field) -> str:
    """The type of a column, spelled as Postgres itself spells it.

    Raises:
        SchemaError: There is none for it.
    """
    import pyarrow as pa

    kind = as_sent(field)
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp with time zone" if kind.tz else "timestamp without time zone"
    return {
        pa.bool_(): "boolean",
        pa.int16(): "smallint",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double precision",
        pa.string(): "text",
        pa.binary(): "bytea",
        pa.date32(): "date",
    }[kind]


def arrow_type(spelled: str) -> pa.DataType:
    """The Arrow type that a column of Postgres comes back as; text where Arrow has none for it."""
    import pyarrow as pa

    numeric = _NUMERIC.fullmatch(spelled)
    if numeric is not None and int(numeric[1]) <= 38:
        return pa.decimal128(int(numeric[1]), int(numeric[2]))
    return {
        "boolean": pa.bool_(),
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "real": pa.float32(),
        "double precision": pa.float64(),
        "bytea": pa.binary(),
        "date": pa.date32(),
        "timestamp without time zone": pa.timestamp("us"),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
    }.get(spelled, pa.string())


def require_names(table: str, schema: pa.Schema) -> None:
    """Refuse names that Postgres would cut short, or cannot have.

    Raises:
        SchemaError: One is longer than 63 bytes, empty, or has a NUL in it.
    """
    for name in (table, *schema.names):
        if not name or "\0" in name or len(name.encode()) > _LONGEST_NAME:
            raise SchemaError(
                f"{name[:_LONGEST_NAME]!r} cannot be a name in Postgres: it has 1 to {_LONGEST_NAME} bytes. "
                "Nothing was written. Rename it."
            )
