"""Rows of a BigQuery table as a stream of Arrow batches, as of one moment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import StoreUnavailableError
from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.arrow_types import arrow_type
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.bigquery.swaps import Swaps
from taxi_platform.io_managers.stored import day_of
from taxi_platform.io_managers.warehouse import LedgerRow, require_whole
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

_PAGE_ROWS = 20_000
_LOOKS = 60
_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


def settled(session: Session, table: str, partition: Partition, column: str) -> LedgerRow | None:
    """What the ledger says of a month, or will say in a moment, and what the table answers.

    Between a swap and the ledger lie some seconds. Whoever looks then is told of the month that was swapped in.
    """
    swaps, pause_s = Swaps(session, table, partition, column), _PAUSE_S
    for _ in range(_LOOKS):
        entry = swaps.entry()
        if entry is None or entry.row.holds:
            return None if entry is None else entry.row
        is_at_work, note = swaps.unwritten(entry)
        if not is_at_work:
            return entry.row
        if note is not None and note.rows == entry.row.rows_counted:
            day, counted = entry.row.partition, entry.row.rows_counted
            return LedgerRow(table, day, note.version, note.as_of, counted, counted)
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
    return None if entry is None else entry.row


def open_months(
    session: Session, table: str, partitions: Sequence[Partition], column: str, columns: Sequence[str] | None
) -> pa.RecordBatchReader:
    """The rows of some months, all as of one moment: they are what one query answered with.

    Raises:
        DamagedStoreError: One was never loaded, or is not whole.
        StoreUnavailableError: They are swapped all the time.
    """
    for _ in range(_LOOKS):
        expected = 0
        for partition in partitions:
            row = settled(session, table, partition, column)
            require_whole(session.address.shown, table, partition, row)
            expected += row.rows if row is not None else 0
        answer, schema = _begin(session, table, partitions, column, columns)
        if answer.total_rows == expected:
            return _stream(answer, schema)
        # A month was swapped between two looks: what was counted is not what was read.
    raise StoreUnavailableError(f"{session.address.shown}: {table} is swapped all the time. Try again in a moment.")


def _begin(
    session: Session, table: str, partitions: Sequence[Partition], column: str, columns: Sequence[str] | None
) -> tuple[Any, pa.Schema]:
    import pyarrow as pa

    found = session.table(table)
    known: Mapping[str, bigquery.SchemaField] = {} if found is None else {field.name: field for field in found.schema}
    chosen = [known[name] for name in columns or known if name in known]
    which = sql.of_days(column, [day_of(partition) for partition in partitions])
    query = f"SELECT {sql.names(field.name for field in chosen)} FROM {session.name(table)} WHERE {which}"  # noqa: S608

    def once() -> Any:
        job = session.begin(query)
        session.await_end(job)
        return job.result(page_size=_PAGE_ROWS, retry=session.retry, job_retry=None, timeout=CALL_TIMEOUT_S)

    types = [(field.name, arrow_type(field)) for field in chosen]
    return session.patiently(once), pa.schema([(name, kind or pa.string()) for name, kind in types])


def _stream(answer: Any, schema: pa.Schema) -> pa.RecordBatchReader:
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in answer.to_arrow_iterable():
            yield pa.RecordBatch.from_arrays(
                [batch.column(place).cast(kind.type) for place, kind in enumerate(schema)], schema=schema
            )

    return pa.RecordBatchReader.from_batches(schema, batches())
