"""Which BigQuery type keeps every value of an Arrow column, and which Arrow type a column comes back as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError
from taxi_platform.io_managers.table_columns import description_of

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import SchemaField

_API_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""What the API calls types, and what SQL does."""

_DECLARED = re.compile(r"\s*\[(\w+)\]$")
"""At the end of a column's description: the Arrow type, where BigQuery's is wider."""

_NO_NAME = re.compile(r'[!"$()*,./;?@\[\\\]^`{}~\x00-\x1f\x7f]|^$')
_RESERVED = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")
_LONGEST_NAME = 300


def as_loaded(field: pa.Field) -> pa.DataType:
    """The Arrow type in which a column goes into the Parquet file of a load job.

    BigQuery has no unsigned number of eight bytes, and times in microseconds only.

    Raises:
        SchemaError: There is none that we know.
    """
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_decimal128(kind) and kind.scale >= 0:
        return kind
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    same = (
        pa.bool_(),
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()),
        *(pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.date32()),
    )
    others = {pa.uint64(): pa.decimal128(20, 0), pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    if kind not in same and kind not in others:
        raise SchemaError(
            f"The column {field.name} of type {kind} cannot be stored in BigQuery. Nothing was written. Cast it to one "
            f"of {', '.join(map(str, (*same, *others)))}, a decimal128 or a timestamp."
        )
    return others.get(kind, kind)


def schema_field(field: pa.Field) -> SchemaField:
    """The column of a BigQuery table that keeps an Arrow column, with what is said of it.

    Raises:
        SchemaError: There is none for it.
    """
    import pyarrow as pa
    from google.cloud.bigquery import SchemaField

    kind, said = as_loaded(field), description_of(field) or ""
    if pa.types.is_decimal(kind):
        precision, scale = max(kind.precision, kind.scale), kind.scale
        fits = scale <= 9 and precision - scale <= 29
        return SchemaField(
            field.name, "NUMERIC" if fits else "BIGNUMERIC", description=said, precision=precision, scale=scale
        )
    if pa.types.is_timestamp(kind):
        return SchemaField(field.name, "TIMESTAMP" if kind.tz else "DATETIME", description=said)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        wide = pa.types.is_integer(kind) and kind != pa.int64(), kind == pa.float32()
        if any(wide):
            said = f"{said} [{'float32' if wide[1] else kind}]".lstrip()
        return SchemaField(field.name, "INTEGER" if pa.types.is_integer(kind) else "FLOAT", description=said)
    name = {pa.bool_(): "BOOLEAN", pa.string(): "STRING", pa.binary(): "BYTES", pa.date32(): "DATE"}[kind]
    return SchemaField(field.name, name, description=said)


def spelled(column: SchemaField) -> str:
    """The type of a column, as people read it: `INT64`, `INT64 [int16]`, `NUMERIC(12,2)`."""
    kind = _API_NAMES.get(column.field_type, column.field_type)
    if column.mode == "REPEATED":
        return f"ARRAY<{kind}>"
    if column.precision is not None:
        return f"{kind}({column.precision},{column.scale or 0})"
    declared = _DECLARED.search(column.description or "")
    return f"{kind} [{declared[1]}]" if declared and kind in ("INT64", "FLOAT64") else kind


def bigquery_type(field: pa.Field) -> str:
    """The type that a column gets, as `spelled` spells it."""
    return spelled(schema_field(field))


def arrow_type(column: SchemaField) -> pa.DataType | None:
    """The Arrow type that a column comes back as; None where whatever Google's client makes of it is as good."""
    import pyarrow as pa

    if column.precision is not None and column.precision <= 38:
        return pa.decimal128(column.precision, column.scale or 0)
    kind, _, declared = spelled(column).partition(" ")
    if declared:
        known = {str(one): one for one in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32())}
        return {**known, "float32": pa.float32()}.get(declared.strip("[]"))
    return {
        "BOOL": pa.bool_(),
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "STRING": pa.string(),
        "BYTES": pa.binary(),
        "DATE": pa.date32(),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
    }.get(kind)


def require_names(names: Sequence[str]) -> None:
    """Refuse names of columns that BigQuery cannot have.

    Raises:
        SchemaError: One is too long, empty, reserved, has a character that none may have, or is there twice.
    """
    for name in names:
        if _NO_NAME.search(name) or len(name) > _LONGEST_NAME or name.lower().startswith(_RESERVED):
            raise SchemaError(
                f"{name[:60]!r} cannot be a column in BigQuery: its names have 1 to {_LONGEST_NAME} characters, "
                'none of !"$()*,./;?@[\\]^`{}~, and do not begin like its own. Nothing was written. Rename it.'
            )
    lower = [name.lower() for name in names]
    if twice := sorted({name for name in names if lower.count(name.lower()) > 1}):
        raise SchemaError(
            f"To BigQuery the columns {', '.join(twice)} are the same: it does not tell small letters from large ones. "
            "Nothing was written. Rename them."
        )
