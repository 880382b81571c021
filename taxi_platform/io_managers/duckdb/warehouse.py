"""Months as rows of DuckDB tables: each replaced whole in one transaction, with its ledger row."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from taxi_platform.errors import DamagedStoreError, RequestError
from taxi_platform.io_managers.duckdb import table_sql as sql
from taxi_platform.io_managers.duckdb.connecting import connected, create_database
from taxi_platform.io_managers.duckdb.month_swap import MonthSwap, columns_of, one_row, show, transaction
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.stored import Outcome, Stamp, Stored, day_of, table_name
from taxi_platform.io_managers.values import write_parquet
from taxi_platform.io_managers.warehouse import (
    LEDGER,
    NO_TABLE,
    LedgerRow,
    as_sums,
    is_held,
    refuse_ledger,
    require_whole,
    stored,
    succession,
)
from taxi_platform.trips.month_file import BATCH_ROWS, MonthFile, Partition

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

_SPILL_FACTOR = 6
"""Bytes that a byte of Parquet may need in the database and on its way there (seen: 3 to 4)."""


class DuckDBWarehouse:
    """Tables in one DuckDB file, partitioned by a date column: a `Warehouse`.

    The file is open for writing only while a month is swapped. DuckDB lets one process in at a time: others wait.
    Each of `lookup_views` is there as soon as both of its tables are, and follows when columns are added to them.
    """

    def __init__(
        self, path: Path, partition_column: str = "source_month", lookup_views: Sequence[LookupView] = ()
    ) -> None:
        self.path = path
        self.partition_column = partition_column
        self.lookup_views = lookup_views

    @property
    def location(self) -> str:
        return str(self.path)

    def replace_month(
        self,
        table: str,
        partition: Partition,
        trips: MonthFile | pa.RecordBatchReader,
        stamp: Stamp,
        *,
        force: bool = False,
    ) -> Stored:
        refuse_ledger(table)
        if not force and (held := self.confirm(table, partition, stamp)):
            return held
        folder = Folder(self.path.parent)
        # Whatever the rows come from is done with before the file is opened: it may be this file that they come from.
        with folder.spool() as spill, _as_parquet(trips, spill, folder.location) as path:
            folder.require_room(_SPILL_FACTOR * path.stat().st_size)
            create_database(self.path, spill)
            with self._writing(spill) as connection:
                return self._swap(connection, table, partition, path, stamp, force=force)

    def confirm(self, table: str, partition: Partition, stamp: Stamp) -> Stored | None:
        day = day_of(partition)
        if not self.path.exists():
            return None
        with Folder(self.path.parent).spool() as spill, self._writing(spill) as connection:
            before = _ledger_row(connection, table, day, self.partition_column)
            return self._held(connection, table, partition, stamp, before)

    def _held(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        partition: Partition,
        stamp: Stamp,
        before: LedgerRow | None,
    ) -> Stored | None:
        if before is None or not is_held(table, partition, stamp, before):
            return None
        if before.as_of < stamp.as_of:  # seen again: an older version cannot take its place later
            connection.execute(
                f"UPDATE {LEDGER} SET as_of = ? {sql.OF_LEDGER}",  # noqa: S608
                [stamp.as_of, table, before.partition],
            )
        return self._stored(table, partition, before.version, "unchanged", before.rows, before)

    def _swap(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        partition: Partition,
        path: Path,
        stamp: Stamp,
        *,
        force: bool,
    ) -> Stored:
        day = day_of(partition)
        before = _ledger_row(connection, table, day, self.partition_column)
        held = self._held(connection, table, partition, stamp, before)
        if held is not None and not force:
            return held  # another run was as far as this one a moment ago
        outcome, stamp = succession(before, stamp, force=force)
        rows = MonthSwap(connection, table, partition, self.partition_column, stamp).replace(path)
        for view in self.lookup_views:
            if table in (view.table, view.lookup):
                show(connection, view)
        return self._stored(table, partition, stamp.version, outcome, rows, before)

    def _stored(
        self, table: str, partition: Partition, version: str, outcome: Outcome, rows: int, before: LedgerRow | None
    ) -> Stored:
        return stored(table, partition, version, outcome, rows, before, location=self.location)

    @contextlib.contextmanager
    def _writing(self, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        with connected(self.path, read_only=False, spill=spill) as connection, transaction(connection):
            connection.execute(sql.CREATE_LEDGER)
            yield connection

    def months(self, table: str | None = None) -> list[LedgerRow]:
        if not self.path.exists():
            return []
        with connected(self.path, read_only=True) as connection:
            if not columns_of(connection, LEDGER):
                return []
            where, values = ("", []) if table is None else ("WHERE table_name = ?", [table])
            rows = connection.execute(
                f"SELECT table_name, source_month, version, as_of, rows FROM {LEDGER} {where} ORDER BY ALL",  # noqa: S608
                values,
            ).fetchall()
            counts = {name: self._counts(connection, name) for name in {row[0] for row in rows}}
            return [
                LedgerRow(name, day, version, as_of, stored, _count_in(counts[name], day))
                for name, day, version, as_of, stored in rows
            ]

    def _counts(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[dt.date | None, int] | None:
        there = columns_of(connection, table)
        if not there:
            return None
        column = sql.quoted(self.partition_column) if self.partition_column in there else "CAST(NULL AS DATE)"
        query = f"SELECT {column}, count(*) FROM {sql.quoted(table)} GROUP BY 1"  # noqa: S608
        return dict(connection.execute(query).fetchall())

    def month(self, table: str, partition: Partition) -> LedgerRow | None:
        if not self.path.exists():
            return None
        with connected(self.path, read_only=True) as connection:
            if not columns_of(connection, LEDGER):
                return None
            return _ledger_row(connection, table, day_of(partition), self.partition_column)

    def version(self, table: str, partition: Partition) -> str | None:
        if not self.path.exists():
            return None
        with connected(self.path, read_only=True) as connection:
            if not columns_of(connection, LEDGER):
                return None
            query = f"SELECT version FROM {LEDGER} {sql.OF_LEDGER}"  # noqa: S608
            row = one_row(connection, query, [table, day_of(partition)])
            return None if row is None else str(row[0])

    def totals(self, table: str, partition: Partition, columns: Sequence[str]) -> tuple[int, dict[str, Decimal]]:
        of_day, values = sql.where(self.partition_column, day_of(partition))
        sums = [f"coalesce(sum({sql.quoted(name)}), 0)" for name in columns]
        query = f"SELECT {', '.join(['count(*)', *sums])} FROM {sql.quoted(table_name(table))} {of_day}"  # noqa: S608
        with connected(self.path, read_only=True) as connection:
            rows, *found = one_row(connection, query, values) or (0,)
        return rows, as_sums(columns, found)

    @contextlib.contextmanager
    def read_months(
        self, table: str, partitions: Sequence[Partition], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows of some months as a stream; the file stays open for reading as long as the context lasts."""
        days = [day_of(partition) for partition in partitions]
        if not days:
            raise RequestError(f"{table}: no partition was asked for.")
        if not self.path.exists():
            raise DamagedStoreError(f"{self.path}: there is no such database yet. Load a month first.")
        with connected(self.path, read_only=True) as connection:
            for partition in partitions:
                self._require(connection, table_name(table), partition)
            chosen = "*" if columns is None else ", ".join(sql.quoted(name) for name in columns)
            chosen_days = ", ".join(sql.literal(day.isoformat()) for day in days if day is not None)
            of_days = f"WHERE {sql.quoted(self.partition_column)} IN ({chosen_days})" if chosen_days else ""
            # Not execute(): that would hold the whole result in memory before the first batch (DuckDB 2.0).
            rows = connection.sql(
                f"SELECT {chosen} FROM {sql.quoted(table)} {of_days}"  # noqa: S608
            ).to_arrow_reader(BATCH_ROWS)
            with contextlib.closing(rows):  # an open one would keep the file open, and the next to open it waiting
                yield rows

    def _require(self, connection: duckdb.DuckDBPyConnection, table: str, partition: Partition) -> None:
        row = None
        if columns_of(connection, LEDGER):
            row = _ledger_row(connection, table, day_of(partition), self.partition_column)
        require_whole(self.location, table, partition, row)


@contextlib.contextmanager
def _as_parquet(trips: MonthFile | pa.RecordBatchReader, spill: Path, where: str) -> Iterator[Path]:
    if isinstance(trips, MonthFile):
        with trips.path() as path:
            yield path
    else:
        path = spill / "month.parquet"
        write_parquet(trips, path, where)
        yield path


def _count_in(counts: dict[dt.date | None, int] | None, day: dt.date | None) -> int:
    if counts is None:
        return NO_TABLE
    return sum(counts.values()) if day is None else counts.get(day, 0)


def _ledger_row(
    connection: duckdb.DuckDBPyConnection, table: str, day: dt.date | None, column: str
) -> LedgerRow | None:
    row = one_row(
        connection,
        f"SELECT version, as_of, rows FROM {LEDGER} {sql.OF_LEDGER}",  # noqa: S608
        [table, day],
    )
    if row is None:
        return None
    version, as_of, rows = row
    counted = NO_TABLE
    if columns_of(connection, table):
        of_day, values = sql.where(column, day)
        query = f"SELECT count(*) FROM {sql.quoted(table)} {of_day}"  # noqa: S608
        (counted,) = one_row(connection, query, values) or (NO_TABLE,)
    return LedgerRow(table, day, version, as_of, rows, counted)
