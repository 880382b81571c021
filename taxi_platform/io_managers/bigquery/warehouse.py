"""Months as partitions of BigQuery tables: each replaced whole by one copy job, its ledger row after it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from taxi_platform.errors import RequestError, StoreUnavailableError
from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.bigquery.connecting import PATIENCE_S, Session, connected
from taxi_platform.io_managers.bigquery.ledger import rows_of as ledger_rows
from taxi_platform.io_managers.bigquery.ledger import tables_of
from taxi_platform.io_managers.bigquery.month_swap import MonthSwap
from taxi_platform.io_managers.bigquery.parquet_source import ParquetSource, Rows, rows_of
from taxi_platform.io_managers.bigquery.reading import open_months, settled
from taxi_platform.io_managers.bigquery.staging import is_gone, staged
from taxi_platform.io_managers.bigquery.tables import Shape, fitted
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.stored import Stamp, Stored, day_of, named, table_name
from taxi_platform.io_managers.warehouse import LedgerRow, as_sums, refuse_ledger
from taxi_platform.resources.credentials import Credentials, Variables
from taxi_platform.trips.month_file import MonthFile, Partition

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

_RESTARTS = 10


class BigQueryWarehouse:
    """Tables in one dataset of BigQuery, each partitioned by a date column: a `Warehouse`.

    Several months may load at once, readers go on. Each of `lookup_views` is there as soon as both of its tables are.

    Attributes:
        clustering: Where a new table has all of these columns, rows that agree in them lie together.
        credentials: `GoogleCredentials`, or Google's usual variables; by default what this process's environment says.
        spools: A local folder through which rows pass that do not lie on GCS; a temporary one by default.
        patience_s: How long what may work in a moment is tried again.
    """

    def __init__(
        self,
        address: BigQueryAddress,
        credentials: Credentials | Mapping[str, str] | Variables | None = None,
        partition_column: str = "source_month",
        lookup_views: Sequence[LookupView] = (),
        *,
        clustering: Sequence[str] = (),
        spools: Path | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.address = address
        self.credentials = Variables(credentials)
        self.partition_column = partition_column
        self.lookup_views = lookup_views
        self.clustering = clustering
        self.spools = Folder(spools or Path(tempfile.gettempdir()) / "taxi_platform")
        self.patience_s = patience_s

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
        shape = Shape.of(partition, self.partition_column, self.clustering)
        with self._session() as session:
            swap = self._swap(session, table, partition, stamp)
            if held := swap.held(force=force):
                return held
            rows = rows_of(session, trips)
            _, columns = fitted(session, table, rows.schema, shape)
            with rows.as_parquet(columns, self.spools) as source:
                for _ in range(_RESTARTS):
                    try:
                        return self._replace(session, swap, (table, partition, stamp), rows, source, shape, force=force)
                    except Exception as error:
                        if not is_gone(error):
                            raise
        raise StoreUnavailableError(
            f"{named(table, partition)}: other loads of it remove its staging table all the time. What stood before "
            "still stands. Load it again."
        )

    def confirm(self, table: str, partition: Partition, stamp: Stamp) -> Stored | None:
        with self._session() as session:
            return self._swap(session, table, partition, stamp).held(force=False)

    def _swap(self, session: Session, table: str, partition: Partition, stamp: Stamp) -> MonthSwap:
        refuse_ledger(table)
        return MonthSwap(
            session,
            table,
            partition,
            stamp,
            column=self.partition_column,
            shape=Shape.of(partition, self.partition_column, self.clustering),
            views=self.lookup_views,
        )

    def _replace(
        self,
        session: Session,
        swap: MonthSwap,
        what: tuple[str, Partition, Stamp],
        rows: Rows,
        source: ParquetSource,
        shape: Shape,
        *,
        force: bool,
    ) -> Stored:
        table, partition, stamp = what
        _, columns = fitted(session, table, rows.schema, shape)
        with staged(session, table, partition, stamp) as staging:
            staging.create(columns, shape)
            staging.load(source, columns)
            counted = staging.count(shape, day_of(partition))
            return swap.replace(staging, rows.schema, counted, force=force)

    def months(self, table: str | None = None) -> list[LedgerRow]:
        with self._session() as session:
            return [
                row if row.holds else self._settled(session, row)
                for one in tables_of(session)
                if table in (None, one)
                for row in ledger_rows(session, one, self.partition_column)
            ]

    def _settled(self, session: Session, row: LedgerRow) -> LedgerRow:
        """The same month when it is not in the middle of a swap."""
        found, key = session.table(row.table), None
        if row.partition is not None and found is not None and (by := found.time_partitioning) is not None:
            key = f"{row.partition:%Y-%m}" if by.type_ == "MONTH" else row.partition.isoformat()
        there = settled(session, row.table, key, self.partition_column) if key or row.partition is None else None
        return there or row

    def month(self, table: str, partition: Partition) -> LedgerRow | None:
        day_of(partition)
        with self._session() as session:
            return settled(session, table, partition, self.partition_column)

    def version(self, table: str, partition: Partition) -> str | None:
        row = self.month(table, partition)  # whether it is settled, the counts tell
        return None if row is None else row.version

    def totals(self, table: str, partition: Partition, columns: Sequence[str]) -> tuple[int, dict[str, Decimal]]:
        day = day_of(partition)
        with self._session() as session:
            name = session.name(table_name(table))
            ((rows, *found),) = session.ask(
                f"SELECT COUNT(*){sql.sums(columns)} FROM {name} WHERE {sql.of_day(self.partition_column, day)}",  # noqa: S608
                {} if day is None else {"day": ("DATE", day)},
            )
        return rows, as_sums(columns, found)

    @contextlib.contextmanager
    def read_months(
        self, table: str, partitions: Sequence[Partition], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows of some months as a stream, as of one moment. Swaps go on meanwhile."""
        for partition in partitions:
            day_of(partition)
        if not partitions:
            raise RequestError(f"{table}: no partition was asked for.")
        with self._session() as session:
            yield open_months(session, table_name(table), partitions, self.partition_column, columns)

    def _session(self) -> contextlib.AbstractContextManager[Session]:
        return connected(self.address, self.credentials.read(), self.patience_s)
