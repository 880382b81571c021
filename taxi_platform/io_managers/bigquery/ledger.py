"""The ledger of a dataset: what is said of each month, written after its swap, by whoever comes by first."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.connecting import Session, first
from taxi_platform.io_managers.bigquery.tables import Shape, create
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.io_managers.warehouse import LEDGER, NO_TABLE, LedgerRow, sums_as_text


@dataclass(frozen=True)
class Note:
    """What the ledger is to say of a month; it lies beside the new rows until the ledger says it.

    Attributes:
        rows: None as long as they were not counted.
    """

    version: str
    as_of: str
    rows: int | None
    rejected: int
    control_sums: str
    schema_version: int
    run_id: str

    @classmethod
    def of(cls, stamp: Stamp, rows: int | None) -> Note:
        sums = sums_as_text(stamp)
        return cls(stamp.version, stamp.as_of, rows, stamp.rejected, sums, stamp.schema_version, stamp.run_id)

    @classmethod
    def from_text(cls, text: str | None) -> Note | None:
        """The note that somebody left; None where there is none to be read."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a month, and by which swap it came there."""

    row: LedgerRow
    swap: int


def write_ledger(session: Session, table: str, day: dt.date | None, note: Note, swap: int) -> None:
    """Say of a month what a swap put there; nothing happens where the ledger knows of it, or of a later one."""
    if session.table(LEDGER) is None:
        from google.cloud.bigquery import SchemaField

        columns = [SchemaField(name, kind) for name, kind in sql.LEDGER_COLUMNS]
        create(session, LEDGER, columns, Shape(None, None), description="Which version of each month its table holds")
    values: dict[str, tuple[str, Any]] = {
        **_key(table, day),
        "version": ("STRING", note.version),
        "as_of": ("STRING", note.as_of),
        "stored": ("INT64", note.rows),
        "rejected": ("INT64", note.rejected),
        "control_sums": ("STRING", note.control_sums),
        "schema_version": ("INT64", note.schema_version),
        "run_id": ("STRING", note.run_id),
        "swap": ("INT64", swap),
    }
    ledger = session.name(LEDGER)
    session.ask(sql.merge_ledger(ledger), values)
    # BigQuery lets two statements that only insert run side by side: then a first month has two rows.
    rows = session.ask(f"SELECT swap, loaded_at FROM {ledger} WHERE {sql.OF_LEDGER}", _key(table, day))  # noqa: S608
    if len(rows) > 1:
        last_swap, last_time = max(rows)
        session.ask(
            f"DELETE FROM {ledger} WHERE {sql.OF_LEDGER} AND (swap < @swap OR loaded_at < @loaded_at)",  # noqa: S608
            {**_key(table, day), "swap": ("INT64", last_swap), "loaded_at": ("TIMESTAMP", last_time)},
        )


def confirm(session: Session, table: str, day: dt.date | None, version: str, as_of: str) -> None:
    """A version was seen again: an older one cannot take its place later."""
    session.ask(
        f"UPDATE {session.name(LEDGER)} SET as_of = @as_of "  # noqa: S608
        f"WHERE {sql.OF_LEDGER} AND version = @version AND as_of < @as_of",
        {**_key(table, day), "version": ("STRING", version), "as_of": ("STRING", as_of)},
    )


def entry_of(session: Session, table: str, day: dt.date | None, column: str) -> Entry | None:
    """What the ledger says of a month, and how many rows the table answers with, as of one moment."""
    if session.table(LEDGER) is None:
        return None
    found = session.table(table)
    count = str(NO_TABLE)
    if found is not None and (day is None or column in {field.name for field in found.schema}):
        count = f"(SELECT COUNT(*) FROM {session.name(table)} WHERE {sql.of_day(column, day)})"  # noqa: S608
    row = first(
        session.ask(
            f"SELECT version, as_of, `rows`, {count} AS counted, swap FROM {session.name(LEDGER)} "  # noqa: S608
            f"WHERE {sql.OF_LEDGER} ORDER BY swap DESC LIMIT 1",
            _key(table, day),
        )
    )
    return None if row is None else Entry(LedgerRow(table, day, *row[:4]), row[4])


def tables_of(session: Session) -> list[str]:
    """The tables that the ledger knows."""
    if session.table(LEDGER) is None:
        return []
    found = session.ask(f"SELECT DISTINCT table_name FROM {session.name(LEDGER)} ORDER BY table_name")  # noqa: S608
    return [name for (name,) in found]


def rows_of(session: Session, table: str, column: str) -> list[LedgerRow]:
    """What the ledger says of all months of a table, and what the table answers, as of one moment."""
    found = session.table(table)
    by, counted = "CAST(NULL AS DATE)", "SELECT CAST(NULL AS DATE) AS day, 0 AS counted FROM UNNEST([1]) WHERE FALSE"
    if found is not None:
        by = sql.quoted(column) if column in {field.name for field in found.schema} else by
        counted = f"SELECT {by} AS day, COUNT(*) AS counted FROM {session.name(table)} GROUP BY 1"  # noqa: S608
    rows = session.ask(
        f"WITH counts AS ({counted}) SELECT l.source_month, l.version, l.as_of, l.`rows`, "  # noqa: S608
        "IF(l.source_month IS NULL, (SELECT SUM(counted) FROM counts), c.counted) AS counted "
        f"FROM {session.name(LEDGER)} l LEFT JOIN counts c ON c.day = l.source_month "
        "WHERE l.table_name = @table QUALIFY ROW_NUMBER() OVER (PARTITION BY l.source_month ORDER BY l.swap DESC) = 1 "
        "ORDER BY l.source_month",
        {"table": ("STRING", table)},
    )
    gone = NO_TABLE if found is None else 0
    return [
        LedgerRow(table, day, version, as_of, stored, gone if there is None else there)
        for day, version, as_of, stored, there in rows
    ]


def _key(table: str, day: dt.date | None) -> Mapping[str, tuple[str, Any]]:
    return {"table": ("STRING", table), "day": ("DATE", day)}
