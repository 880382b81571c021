"""BigQuery's types as DuckDB has them, and values as BigQuery's REST API writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

Field = Mapping[str, Any]

_DUCKDB = {
    "INTEGER": "BIGINT",
    "INT64": "BIGINT",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ",
}
_BAD_NAME = re.compile(r'[!"$()*,./;?@\[\\\]^`{}~]')


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(field: Field) -> str:
    """NUMERIC without precision has nine places behind the point, as BigQuery's has."""
    kind = field["type"].upper()
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return f"DECIMAL({field.get('precision') or 38},{field.get('scale') or (0 if field.get('precision') else 9)})"
    return _DUCKDB[kind]


def field_of(name: str, kind: str) -> dict[str, Any]:
    """The column of an answer, by its type in DuckDB."""
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if decimal:
        precision, scale = int(decimal[1]), int(decimal[2])
        return {"name": name, "type": "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"}
    known = {
        "BOOLEAN": "BOOLEAN",
        "DOUBLE": "FLOAT",
        "FLOAT": "FLOAT",
        "VARCHAR": "STRING",
        "BLOB": "BYTES",
        "DATE": "DATE",
        "TIMESTAMP": "DATETIME",
        "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
        "HUGEINT": "INTEGER",
    }
    return {"name": name, "type": known.get(kind, "INTEGER"), "mode": "NULLABLE"}


def written(name: str, field: Field) -> str:
    """The SQL that makes of a column what the API writes: text, whatever its type."""
    column = quoted(name)
    if field["type"] == "DATETIME":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f')"
    if field["type"] == "TIMESTAMP":
        return f"CAST(epoch_us({column}) AS VARCHAR)"
    if field["type"] == "BYTES":
        return f"to_base64({column})"
    return f"CAST({column} AS VARCHAR)"


def require_names(fields: Sequence[Field]) -> str | None:
    """What BigQuery says of a schema whose names it cannot have."""
    for field in fields:
        if _BAD_NAME.search(field["name"]) or not field["name"] or len(field["name"]) > 300:
            return f'Invalid field name "{field["name"]}". Fields must contain the allowed characters.'
    lower = [field["name"].lower() for field in fields]
    twice = [name for name in lower if lower.count(name) > 1]
    return f'Duplicate field name "{twice[0]}"' if twice else None


def require_parquet(schema: pa.Schema, fields: Sequence[Field]) -> str | None:
    """What a load job says of a file whose columns are not those of the table."""
    wanted = {field["name"]: field for field in fields}
    for column in schema:
        if column.name not in wanted:
            return f"Provided Schema does not match Table. Cannot add fields (field: {column.name})"
        if not _fits(column.type, wanted[column.name]):
            kind = wanted[column.name]["type"]
            return f"Parquet column '{column.name}' has type {column.type} which does not match the target type {kind}."
    return None


def _fits(kind: pa.DataType, field: Field) -> bool:
    wanted = field["type"]
    if pa.types.is_decimal(kind):
        default = ("38", "9") if field.get("precision") is None else (field["precision"], "0")
        precision, scale = int(default[0]), int(field.get("scale") or default[1])
        enough = kind.scale <= scale and kind.precision - kind.scale <= precision - scale
        return wanted in ("NUMERIC", "BIGNUMERIC") and enough
    if pa.types.is_timestamp(kind):
        return kind.unit in ("us", "ms") and wanted == ("TIMESTAMP" if kind.tz else "DATETIME")
    tests = {
        "INTEGER": lambda: pa.types.is_integer(kind) and kind != pa.uint64(),
        "FLOAT": lambda: pa.types.is_floating(kind),
        "BOOLEAN": lambda: pa.types.is_boolean(kind),
        "STRING": lambda: pa.types.is_string(kind),
        "BYTES": lambda: pa.types.is_binary(kind),
        "DATE": lambda: pa.types.is_date32(kind),
    }
    return wanted in tests and tests[wanted]()
