"""The SQL of a month in BigQuery. Names stand in backticks, checked before; values are parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError

if TYPE_CHECKING:
    from taxi_platform.io_managers.lookup_view import LookupView

LEDGER_COLUMNS = (
    ("table_name", "STRING"),
    ("source_month", "DATE"),
    ("version", "STRING"),
    ("as_of", "STRING"),
    ("rows", "INTEGER"),
    ("rejected", "INTEGER"),
    ("control_sums", "STRING"),
    ("schema_version", "INTEGER"),
    ("loaded_at", "TIMESTAMP"),
    ("run_id", "STRING"),
    ("swap", "INTEGER"),
)
"""`swap` is the number of the job that put the month there: the next one has the next number."""

OF_LEDGER = "table_name = @table AND source_month IS NOT DISTINCT FROM @day"
"""What picks a partition's row of the ledger."""


def quoted(name: str) -> str:
    """A name in backticks.

    Raises:
        SchemaError: No name can have what it has.
    """
    if not name or any(letter in name for letter in "`\\\n\r\0"):
        raise SchemaError(f"{name[:60]!r} cannot be a name in BigQuery. Nothing was done.")
    return f"`{name}`"


def of_day(column: str, day: dt.date | None) -> str:
    """What picks the rows of a partition; of a table without partitions (None) all rows."""
    return "TRUE" if day is None else f"{quoted(column)} = @day"


def of_days(column: str, days: Iterable[dt.date | None]) -> str:
    """What picks the rows of some partitions."""
    known = ", ".join(f"DATE '{day.isoformat()}'" for day in days if day is not None)
    return f"{quoted(column)} IN ({known})" if known else "TRUE"


def names(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns))


def sums(columns: Iterable[str]) -> str:
    """More of a SELECT: the sum of each column, 0 where there is nothing."""
    return "".join(f", IFNULL(SUM({quoted(name)}), 0)" for name in columns)


def period(day: dt.date, kind: str) -> tuple[dt.date, dt.date]:
    """The first day of a MONTH or DAY partition, and the first one after it."""
    if kind == "DAY":
        return day, day + dt.timedelta(days=1)
    return day, (day + dt.timedelta(days=31)).replace(day=1)


def decorator(day: dt.date | None, kind: str | None) -> str:
    """What behind a table's name means one of its partitions: `$202101`."""
    if day is None:
        return ""
    return f"${day:%Y%m%d}" if kind == "DAY" else f"${day:%Y%m}"


def merge_ledger(ledger: str) -> str:
    """Say of a month what its last swap put there; a later swap's word stands."""
    columns = [name for name, _ in LEDGER_COLUMNS]
    values = {name: f"@{name}" for name in columns} | {
        "table_name": "@table",
        "source_month": "@day",
        "rows": "@stored",
        "loaded_at": "CURRENT_TIMESTAMP()",
    }
    given = ", ".join(f"{values[name]} AS {quoted(name)}" for name in columns)
    changes = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in columns[2:])
    return (
        f"MERGE {ledger} t USING (SELECT {given}) s "  # noqa: S608 (names are quoted, values are parameters)
        "ON t.table_name = s.table_name AND t.source_month IS NOT DISTINCT FROM s.source_month "
        f"WHEN MATCHED AND t.swap < s.swap THEN UPDATE SET {changes} "
        f"WHEN NOT MATCHED THEN INSERT ({names(columns)}) VALUES ({', '.join(f's.{quoted(name)}' for name in columns)})"
    )


def select_view(view: LookupView, table: str, lookup: str, columns: Iterable[str]) -> str:
    """The rows of the view's table, each once: what the lookup does not know is NULL."""
    shown = [f"t.{quoted(name)}" for name in columns] + [
        f"{quoted(prefix)}.{quoted(detail)} AS {quoted(f'{prefix}_{detail}')}"
        for prefix in view.joined
        for detail in view.details
    ]
    joins = " ".join(
        f"LEFT JOIN {lookup} AS {quoted(prefix)} ON {quoted(prefix)}.{quoted(view.key)} = t.{quoted(column)}"
        for prefix, column in view.joined.items()
    )
    return f"SELECT {', '.join(shown)} FROM {table} AS t {joins}"  # noqa: S608
