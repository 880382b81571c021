"""What every warehouse does with a month, whatever its SQL: the handles that others use, the rules of its ledger."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from taxi_platform.errors import AccountingError, DamagedStoreError, RequestError, SchemaError
from taxi_platform.io_managers.stored import Outcome, Stamp, Stored, named, refuse_older, table_name
from taxi_platform.trips.month_file import MonthFile, Partition

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

LEDGER = "_taxi_months"
"""The table that says of every month of every table which version it holds."""

NO_TABLE = -1
"""The count of a table that is not there: never equal to that of an empty month."""


@dataclass(frozen=True)
class LedgerRow:
    """What the ledger says of a month, and how many rows the table answers with.

    Attributes:
        partition: Its first day; None where the table has no partitions.
    """

    table: str
    partition: dt.date | None
    version: str
    as_of: str
    rows: int
    rows_counted: int

    @property
    def holds(self) -> bool:
        return self.rows == self.rows_counted


class Warehouse(Protocol):
    """Months as rows of tables, each replaced whole together with its row in the ledger."""

    partition_column: str
    lookup_views: Sequence[LookupView]

    @property
    def location(self) -> str:
        """Where the tables are, for people: without a user, without a password."""
        ...

    def replace_month(
        self,
        table: str,
        partition: Partition,
        trips: MonthFile | pa.RecordBatchReader,
        stamp: Stamp,
        *,
        force: bool = False,
    ) -> Stored:
        """Make `table` hold exactly `trips` for `partition`. All or nothing: a failure leaves the old month.

        Columns match by name; new ones are added first. The rows are counted, and the control sums made, in the
        warehouse before the swap.

        Raises:
            AccountingError: The warehouse came to another count or sum. Nothing was changed.
            SchemaError: A column is missing or has another type. Nothing was written.
            StoreFullError: No room.
            StoreUnavailableError: The warehouse did not answer, or not in time. A retry may help.
            SupersededError: A newer version is there. It stays.
        """
        ...

    def confirm(self, table: str, partition: Partition, stamp: Stamp) -> Stored | None:
        """Have the month be known as seen when `stamp` says, if it is there as it says; None where rows are needed.

        Raises:
            SupersededError: A newer version is there.
            StoreUnavailableError: The warehouse did not answer, or not in time. A retry may help.
        """
        ...

    def months(self, table: str | None = None) -> list[LedgerRow]:
        """What the ledger says, and what the tables answer, month by month."""
        ...

    def month(self, table: str, partition: Partition) -> LedgerRow | None:
        """What the ledger says of one month, and what the table answers; None where it was never loaded."""
        ...

    def version(self, table: str, partition: Partition) -> str | None:
        """Which version of a month the ledger says is there; None where it was never loaded. No row is counted."""
        ...

    def totals(self, table: str, partition: Partition, columns: Sequence[str]) -> tuple[int, dict[str, Decimal]]:
        """How many rows of a month the table has, and what their columns sum up to, asked of the table itself."""
        ...

    def read_months(
        self, table: str, partitions: Sequence[Partition], columns: Sequence[str] | None = None
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of some months as a stream, readable as long as the context lasts.

        Raises:
            DamagedStoreError: One of them was never loaded, or not all of its rows are there.
        """
        ...


def refuse_ledger(table: str) -> None:
    """Refuse to keep months where the ledger is.

    Raises:
        RequestError: `table` is the ledger, or no name of a table.
    """
    if table_name(table).lower() == LEDGER:
        raise RequestError(f"{table} is the ledger of all tables. Name the table of a month otherwise.")


def is_held(table: str, partition: Partition, stamp: Stamp, before: LedgerRow | None) -> bool:
    """Whether the month is there already, just as `stamp` says, so that its rows need not be moved.

    Raises:
        SupersededError: What is there is newer.
    """
    if before is None or not before.holds:
        return False
    refuse_older(table, partition, (stamp.version, stamp.as_of), (before.version, before.as_of))
    return before.version == stamp.version


def succession(before: LedgerRow | None, stamp: Stamp, *, force: bool) -> tuple[Outcome, Stamp]:
    """What putting `stamp` in the place of `before` is called, and the stamp as it is to be written down."""
    if before is None:
        return "created", stamp
    if before.version != stamp.version:
        return "replaced", stamp
    # Seen with older eyes, a version does not become older.
    return "replaced" if force else "repaired", replace(stamp, as_of=max(before.as_of, stamp.as_of))


def stored(
    table: str,
    partition: Partition,
    version: str,
    outcome: Outcome,
    rows: int,
    before: LedgerRow | None,
    *,
    location: str,
    facts: Mapping[str, Any] | None = None,
) -> Stored:
    """What a warehouse at `location` says of a month that it has now; `before` is what its ledger said."""
    return Stored(
        table=table,
        partition=partition,
        version=version,
        rows=rows,
        outcome=outcome,
        rows_before=None if before is None else before.rows,
        location=f"{location}: {table}",
        facts=facts or {},
        version_before=None if before is None else before.version,
    )


def require_whole(location: str, table: str, partition: Partition, row: LedgerRow | None) -> None:
    """Refuse to read a month of which not every row is there.

    Raises:
        DamagedStoreError: It was never loaded, or rows are missing, or there are too many.
    """
    if row is None:
        raise DamagedStoreError(
            f"{location}: there is no {named(table, partition)}. Materialise it first, then what is built on it."
        )
    if not row.holds:
        raise DamagedStoreError(
            f"{location}: {row.rows:,} rows of {named(table, partition)} were stored, "
            f"{'the table is gone' if row.rows_counted == NO_TABLE else f'{row.rows_counted:,} are there'}. "
            "Load it again: it is put back."
        )


def require_truth(table: str, partition: Partition, stamp: Stamp, rows: int, sums: Mapping[str, Decimal]) -> None:
    """Refuse what the warehouse counted, or summed up, if it is not what was said of the month before.

    Raises:
        AccountingError: It is another count, or another sum.
    """
    if stamp.rows is not None and rows != stamp.rows:
        raise AccountingError(
            f"{named(table, partition)}: {stamp.rows:,} rows were sent, the table counts {rows:,}. "
            "Nothing was changed; the old month stands."
        )
    for name, total in stamp.control_sums.items():
        if sums[name] != total:
            raise AccountingError(
                f"{named(table, partition)}: the sum of {name} is {total} in the file, {sums[name]} in the "
                "table. Nothing was changed; the old month stands."
            )


def only_of_day(table: str, rows: pa.RecordBatchReader, column: str, day: dt.date | None) -> pa.RecordBatchReader:
    """`rows` as they are, if all of them are of one partition. Where one is not, no more come, and an error at last.

    Raises (where the rows are read):
        SchemaError: Some are of another partition. It says how many: all of them were looked at.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def batches() -> Iterator[pa.RecordBatch]:
        sent = mine = 0
        for batch in rows:
            sent += batch.num_rows
            mine += pc.sum(pc.equal(batch.column(column), pa.scalar(day, pa.date32()))).as_py() or 0
            if mine == sent:
                yield batch
        if mine != sent:
            raise SchemaError(strays(table, day, column, sent, mine))

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def strays(table: str, day: dt.date | None, column: str, sent: int, rows: int) -> str:
    """What is said of rows that are of another partition than they were sent for."""
    return (
        f"{table} {day}: {sent:,} rows were sent, but only {rows:,} of them say {day} in "
        f'"{column}". Nothing was changed. Send the rows of one partition at a time.'
    )


def as_sums(names: Iterable[str], totals: Iterable[Any]) -> dict[str, Decimal]:
    """Sums as a warehouse gives them, exact."""
    return {name: Decimal(str(total)) for name, total in zip(names, totals, strict=True)}


def sums_as_text(stamp: Stamp) -> str:
    """The control sums of a month as its ledger row has them."""
    return json.dumps({name: str(total) for name, total in stamp.control_sums.items()})
