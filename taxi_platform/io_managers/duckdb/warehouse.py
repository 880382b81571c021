"""Months as rows of DuckDB tables: each replaced whole in one transaction, with its ledger row."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import AccountingError, SchemaError, StoreUnavailableError
from taxi_platform.io_managers.duckdb import table_sql as sql
from taxi_platform.io_managers.duckdb.connecting import connected
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.stored import Outcome, Stamp, Stored, partition_date, refuse_older, table_name
from taxi_platform.trips.month_file import MonthFile

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NO_TABLE = -1
"""The count of a table that is not there: never equal to that of an empty month."""

_SPILL_FACTOR = 6
"""Bytes that a byte of Parquet may need in the database and on its way there (seen: 3 to 4)."""


@dataclass(frozen=True)
class LedgerRow:
    """What the ledger says of a month, and how many rows the table answers with."""

    table: str
    partition: dt.date
    version: str
    as_of: str
    rows: int
    rows_counted: int

    @property
    def holds(self) -> bool:
        return self.rows == self.rows_counted


class DuckDBWarehouse:
    """Tables in one DuckDB file, partitioned by a date column.

    The file is open for writing only while a month is swapped. DuckDB lets one process in at a time: others wait.
    """

    def __init__(self, path: Path, partition_column: str = "source_month") -> None:
        self.path = path
        self.partition_column = partition_column

    @property
    def location(self) -> str:
        return str(self.path)

    def replace_month(
        self,
        table: str,
        partition: str,
        trips: MonthFile | pa.RecordBatchReader,
        stamp: Stamp,
        *,
        force: bool = False,
    ) -> Stored:
        """Make `table` hold exactly `trips` for `partition`. All or nothing: a failure leaves the old month.

        Columns match by name; new ones are added first. The rows are counted, and the control sums made, in the
        table before the swap.

        Raises:
            AccountingError: The table came to another count or sum. Nothing was changed.
            SchemaError: A column is missing or has another type. Nothing was written.
            StoreFullError: No room.
            StoreUnavailableError: Another process has the file open. A retry may help.
            SupersededError: A newer version is there. It stays.
        """
        table_name(table)
        day = partition_date(partition)
        folder = Folder(self.path.parent)
        if isinstance(trips, MonthFile):
            folder.require_room(_SPILL_FACTOR * sum(file.size_bytes for file in trips.files.values()))
        with folder.spool() as spill, connected(self.path, read_only=False, spill=spill) as connection:
            swap = _Swap(connection, table, day, self.partition_column, stamp)
            with _transaction(connection):
                connection.execute(sql.CREATE_LEDGER)
                before = _ledger_row(connection, table, day, self.partition_column)
                if before is not None and before.holds:
                    refuse_older(table, partition, (stamp.version, stamp.as_of), (before.version, before.as_of))
                    if before.version == stamp.version and not force:
                        swap.confirm(before)
                        return self._stored(table, partition, stamp, before.rows, "unchanged", before.rows)
                outcome: Outcome = "created" if before is None else "replaced"
                if before is not None and before.version == stamp.version and not before.holds:
                    outcome = "repaired"
                rows = swap.replace(trips)
        return self._stored(table, partition, stamp, rows, outcome, None if before is None else before.rows)

    def _stored(
        self, table: str, partition: str, stamp: Stamp, rows: int, outcome: Outcome, before: int | None
    ) -> Stored:
        return Stored(table, partition, stamp.version, rows, outcome, before, f"{self.location}: {table}")

    def months(self, table: str | None = None) -> list[LedgerRow]:
        """What the ledger says, and what the tables answer, month by month."""
        if not self.path.exists():
            return []
        with connected(self.path, read_only=True) as connection:
            if not _columns_of(connection, sql.LEDGER):
                return []
            where, values = ("", []) if table is None else ("WHERE table_name = ?", [table])
            rows = connection.execute(
                f"SELECT table_name, source_month, version, as_of, rows FROM {sql.LEDGER} {where} ORDER BY ALL",  # noqa: S608
                values,
            ).fetchall()
            counts = {name: self._counts(connection, name) for name in {row[0] for row in rows}}
            return [LedgerRow(*row, _count_in(counts[row[0]], row[1])) for row in rows]

    def _counts(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[dt.date, int] | None:
        if not _columns_of(connection, table):
            return None
        column = sql.quoted(self.partition_column)
        query = f"SELECT {column}, count(*) FROM {sql.quoted(table)} GROUP BY 1"  # noqa: S608
        return dict(connection.execute(query).fetchall())

    def month(self, table: str, partition: str) -> LedgerRow | None:
        """What the ledger says of one month, and what the table answers; None where it was never loaded."""
        if not self.path.exists():
            return None
        with connected(self.path, read_only=True) as connection:
            if not _columns_of(connection, sql.LEDGER):
                return None
            return _ledger_row(connection, table, partition_date(partition), self.partition_column)

    @contextlib.contextmanager
    def read_months(
        self, table: str, partitions: Sequence[str], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows of some months as a stream; the file stays open for reading as long as the context lasts."""
        if not self.path.exists():
            raise StoreUnavailableError(f"{self.path}: there is no such database yet. Load a month first.")
        with connected(self.path, read_only=True) as connection:
            chosen = "*" if columns is None else ", ".join(sql.quoted(name) for name in columns)
            marks = ", ".join("?" for _ in partitions)
            query = (
                f"SELECT {chosen} FROM {sql.quoted(table_name(table))} "  # noqa: S608
                f"WHERE {sql.quoted(self.partition_column)} IN ({marks})"
            )
            days = [partition_date(partition) for partition in partitions]
            yield connection.execute(query, days).to_arrow_reader(1 << 16)


def _count_in(counts: dict[dt.date, int] | None, day: dt.date) -> int:
    return NO_TABLE if counts is None else counts.get(day, 0)


class _Swap:
    """The statements of one transaction that replaces one month."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, day: dt.date, column: str, stamp: Stamp
    ) -> None:
        self._connection, self._table, self._day, self._stamp = connection, table, day, stamp
        self._column = sql.quoted(column)
        self._name = sql.quoted(table)

    def confirm(self, before: LedgerRow) -> None:
        """Note that this version was seen again, so that an older one cannot take its place later."""
        if before.as_of < self._stamp.as_of:
            self._connection.execute(
                f"UPDATE {sql.LEDGER} SET as_of = ? WHERE table_name = ? AND source_month = ?",  # noqa: S608
                [self._stamp.as_of, self._table, self._day],
            )

    def replace(self, trips: MonthFile | pa.RecordBatchReader) -> int:
        if isinstance(trips, MonthFile):
            import pyarrow.parquet as pq

            with trips.path() as path:
                self._fit(pq.read_schema(path))
                rows = self._fill("read_parquet(?, hive_partitioning = false)", [str(path)])
        else:
            self._fit(trips.schema)
            self._connection.register("incoming", trips)
            rows = self._fill("incoming", [])
        self._check(rows)
        self._write_ledger(rows)
        return rows

    def _fit(self, schema: pa.Schema) -> None:
        there = _columns_of(self._connection, self._table)
        if there:
            fields = sql.new_columns(self._table, schema, there)
            for field in fields:
                self._connection.execute(sql.add_column(self._table, field))
        else:
            fields = list(schema)
            self._connection.execute(sql.create_table(self._table, schema))
        for field in fields:
            if comment := sql.comment_on_column(self._table, field):
                self._connection.execute(comment)

    def _fill(self, source: str, values: list[str]) -> int:
        self._connection.execute(f"DELETE FROM {self._name} WHERE {self._column} = ?", [self._day])  # noqa: S608
        sent = self._one(f"INSERT INTO {self._name} BY NAME SELECT * FROM {source}", values)  # noqa: S608
        rows = int(self._one(f"SELECT count(*) FROM {self._name} WHERE {self._column} = ?", [self._day]))  # noqa: S608
        if rows != sent:
            raise SchemaError(
                f"{self._table} {self._day}: {sent:,} rows were sent, but only {rows:,} of them say {self._day} in "
                f"{self._column}. Nothing was changed. Send the rows of one partition at a time."
            )
        return rows

    def _one(self, query: str, values: Sequence[object]) -> Any:
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _check(self, rows: int) -> None:
        wanted = self._stamp.rows
        if wanted is not None and rows != wanted:
            raise AccountingError(
                f"{self._table} {self._day:%Y-%m}: {wanted:,} rows were sent, the table counts {rows:,}. "
                "Nothing was changed; the old month stands."
            )
        for name, total in self._stamp.control_sums.items():
            query = f"SELECT coalesce(sum({sql.quoted(name)}), 0) FROM {self._name} WHERE {self._column} = ?"  # noqa: S608
            found = Decimal(str(self._one(query, [self._day])))
            if found != total:
                raise AccountingError(
                    f"{self._table} {self._day:%Y-%m}: the sum of {name} is {total} in the file, {found} in the "
                    "table. Nothing was changed; the old month stands."
                )

    def _write_ledger(self, rows: int) -> None:
        stamp = self._stamp
        self._connection.execute(
            f"DELETE FROM {sql.LEDGER} WHERE table_name = ? AND source_month = ?",  # noqa: S608
            [self._table, self._day],
        )
        sums = json.dumps({name: str(total) for name, total in stamp.control_sums.items()})
        self._connection.execute(
            f"INSERT INTO {sql.LEDGER} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                self._table,
                self._day,
                stamp.version,
                stamp.as_of,
                rows,
                stamp.rejected,
                sums,
                stamp.schema_version,
                dt.datetime.now(dt.UTC).replace(tzinfo=None),
                stamp.run_id,
            ],
        )


@contextlib.contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    import duckdb

    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Names and types of a table's columns; empty where there is no such table."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE table_name = ? AND database_name = current_database() ORDER BY column_index",
        [table],
    ).fetchall()
    return dict(rows)


def _ledger_row(connection: duckdb.DuckDBPyConnection, table: str, day: dt.date, column: str) -> LedgerRow | None:
    row = connection.execute(
        f"SELECT version, as_of, rows FROM {sql.LEDGER} WHERE table_name = ? AND source_month = ?",  # noqa: S608
        [table, day],
    ).fetchone()
    if row is None:
        return None
    counted = None
    if _columns_of(connection, table):
        counted = connection.execute(
            f"SELECT count(*) FROM {sql.quoted(table)} WHERE {sql.quoted(column)} = ?",  # noqa: S608
            [day],
        ).fetchone()
    return LedgerRow(table, day, *row, int(counted[0]) if counted else NO_TABLE)
