"""Months as partitions of Postgres tables: each replaced whole in one transaction, with its ledger row."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Composed

from taxi_platform.errors import DamagedStoreError, RequestError
from taxi_platform.io_managers.postgres import catalogue
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.copying import copy_out
from taxi_platform.io_managers.postgres.ledger import confirm, ledger_row, ledger_rows, ledger_version
from taxi_platform.io_managers.postgres.month_swap import MonthSwap
from taxi_platform.io_managers.postgres.session import Session, reading, writing
from taxi_platform.io_managers.stored import Outcome, Stamp, Stored, day_of, table_name
from taxi_platform.io_managers.values import one_line
from taxi_platform.io_managers.warehouse import (
    LedgerRow,
    as_sums,
    is_held,
    refuse_ledger,
    require_whole,
    stored,
    succession,
)
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.trips.month_file import MonthFile, Partition

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView


class PostgresWarehouse:
    """Tables in one schema of a Postgres database, each partitioned by a date column: a `Warehouse`.

    Several months may load at once; readers go on meanwhile. Each of `lookup_views` is there as soon as both of its
    tables are, and follows when columns are added to them.

    Attributes:
        unique_columns: Where a new table has all of them, no two rows of a partition may agree in them.
    """

    def __init__(
        self,
        address: PostgresAddress,
        partition_column: str = "source_month",
        lookup_views: Sequence[LookupView] = (),
        unique_columns: Sequence[str] = (),
    ) -> None:
        self.address = address
        self.partition_column = partition_column
        self.lookup_views = lookup_views
        self.unique_columns = unique_columns

    @property
    def location(self) -> str:
        return self.address.shown

    def replace_month(
        self,
        table: str,
        partition: Partition,
        trips: MonthFile | pa.RecordBatchReader,
        stamp: Stamp,
        *,
        force: bool = False,
    ) -> Stored:
        _refuse(table, stamp)
        with writing(self.address) as session:
            self._require_schema(session)
            before = self._locked(session, table, partition, stamp)
            held = self._held(session, table, partition, stamp, before)  # also asked of a forced one: is it too old?
            if held is not None and not force:
                return held
            outcome, stamp = succession(before, stamp, force=force)
            swap = MonthSwap(
                session,
                table,
                partition,
                stamp,
                partition_column=self.partition_column,
                unique_columns=self.unique_columns,
                views=self.lookup_views,
            )
            with _as_reader(trips) as (rows, gaps):
                counted = swap.replace(rows, gaps)
        return self._stored(table, partition, stamp.version, outcome, counted, before)

    def confirm(self, table: str, partition: Partition, stamp: Stamp) -> Stored | None:
        _refuse(table, stamp)
        with writing(self.address) as session:
            if not catalogue.schema_exists(session):
                return None
            return self._held(session, table, partition, stamp, self._locked(session, table, partition, stamp))

    def _locked(self, session: Session, table: str, partition: Partition, stamp: Stamp) -> LedgerRow | None:
        """The month as it is; nobody else changes it until this transaction ends."""
        day = day_of(partition)
        session.lock_until_commit(sql.lock_key("month", session.schema, table, day))
        with session.looking():
            return ledger_row(session, table, day, self.partition_column, on_its_way=stamp)

    def _held(
        self, session: Session, table: str, partition: Partition, stamp: Stamp, before: LedgerRow | None
    ) -> Stored | None:
        if before is None or not is_held(table, partition, stamp, before):
            return None
        if before.as_of < stamp.as_of:  # seen again: an older version cannot take its place later
            confirm(session, table, day_of(partition), stamp.as_of)
        return self._stored(table, partition, before.version, "unchanged", before.rows, before)

    def _require_schema(self, asking: Session) -> None:
        """Have the schema be there: made in a transaction of its own, so that nobody waits as long as rows move."""
        if not catalogue.schema_exists(asking):
            with writing(self.address) as session:
                session.lock_until_commit(sql.lock_key("schema", session.schema))
                session.run(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.names([session.schema])))

    def _stored(
        self, table: str, partition: Partition, version: str, outcome: Outcome, rows: int, before: LedgerRow | None
    ) -> Stored:
        return stored(table, partition, version, outcome, rows, before, location=self.location)

    def months(self, table: str | None = None) -> list[LedgerRow]:
        with reading(self.address) as session:
            return ledger_rows(session, table, self.partition_column)

    def month(self, table: str, partition: Partition) -> LedgerRow | None:
        with reading(self.address) as session:
            return ledger_row(session, table, day_of(partition), self.partition_column)

    def version(self, table: str, partition: Partition) -> str | None:
        with reading(self.address) as session:
            return ledger_version(session, table, day_of(partition))

    def totals(self, table: str, partition: Partition, columns: Sequence[str]) -> tuple[int, dict[str, Decimal]]:
        with reading(self.address) as session:
            query = SQL("SELECT count(*){} FROM {} WHERE {}").format(
                sql.sums(columns),
                session.name(table_name(table)),
                sql.of_month(self.partition_column, [day_of(partition)]),
            )
            rows, *found = session.row(query) or (0,)
        return rows, as_sums(columns, found)

    @contextlib.contextmanager
    def read_months(
        self, table: str, partitions: Sequence[Partition], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows of some months as a stream, as of one moment. Until it ends, the table cannot be swapped."""
        days = [day_of(partition) for partition in partitions]
        if not days:
            raise RequestError(f"{table}: no partition was asked for.")
        with reading(self.address) as session:
            for partition, day in zip(partitions, days, strict=True):
                row = ledger_row(session, table_name(table), day, self.partition_column)
                require_whole(self.location, table, partition, row)
            with self._stream(session, table, sql.of_month(self.partition_column, days), columns) as rows:
                yield rows

    @contextlib.contextmanager
    def _stream(
        self, session: Session, table: str, which: Composed, columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatchReader]:
        relation = catalogue.relation(session, table)
        known = {} if relation is None else relation.columns
        chosen = {name: known[name] for name in columns or known if name in known}
        query = SQL("SELECT {} FROM {} WHERE {}").format(sql.names(chosen), session.name(table), which)
        with contextlib.closing(copy_out(session, query, chosen)) as rows:
            yield rows


def _refuse(table: str, stamp: Stamp) -> None:
    refuse_ledger(table)
    if "\0" in stamp.version + stamp.as_of:
        raise RequestError(f"{stamp.version!r} cannot be a version: with a NUL it cannot be a path, nor a text.")


@contextlib.contextmanager
def _as_reader(
    trips: MonthFile | pa.RecordBatchReader,
) -> Iterator[tuple[pa.RecordBatchReader, Collection[str]]]:
    """The rows as a stream, and the columns that are known to be empty."""
    import pyarrow as pa

    if not isinstance(trips, MonthFile):
        yield trips, ()
        return
    with contextlib.ExitStack() as stack:
        try:
            rows_and_gaps = stack.enter_context(trips.reader_and_gaps())
        except (pa.ArrowException, OSError) as error:
            raise DamagedStoreError(
                f"{trips.location}: {trips.table} {trips.partition} cannot be read as Parquet ({one_line(error)}). "
                "Nothing was changed. Load it again."
            ) from error
        yield rows_and_gaps
