"""The steps that replace one month of a BigQuery table.

The new rows go into a staging table by one load job, and are counted there. The swap itself is one copy job onto the
partition, which BigQuery does at once or not at all; then the ledger says so, and the staging table goes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import StoreUnavailableError
from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.bigquery.ledger import Note, confirm, write_ledger
from taxi_platform.io_managers.bigquery.refusals import JobFailedError, can_retry
from taxi_platform.io_managers.bigquery.staging import Staging, sweep
from taxi_platform.io_managers.bigquery.swaps import Standing, Swaps
from taxi_platform.io_managers.bigquery.tables import Shape, create, fitted, widen
from taxi_platform.io_managers.bigquery.views import show
from taxi_platform.io_managers.stored import Outcome, Stamp, Stored, day_of, named
from taxi_platform.io_managers.warehouse import LedgerRow, is_held, stored, succession
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

_TURNS = 50
"""How often others may be faster."""


class MonthSwap:
    """The steps that replace one month, and what they come to."""

    def __init__(
        self,
        session: Session,
        table: str,
        partition: Partition,
        stamp: Stamp,
        *,
        column: str,
        shape: Shape,
        views: Sequence[LookupView] = (),
    ) -> None:
        self._session, self._table, self._partition, self._stamp = session, table, partition, stamp
        self._shape, self._views = shape, views
        self._day = day_of(partition)
        self._swaps = Swaps(session, table, partition, column)

    def held(self, *, force: bool) -> Stored | None:
        """The month as it is, if that is what was asked for; None where its rows are needed.

        Raises:
            SupersededError: What is there is newer.
        """
        return self._held(self._swaps.standing(), force=force)

    def _held(self, standing: Standing, *, force: bool) -> Stored | None:
        row = standing.entry.row if standing.entry is not None and standing.is_known else None
        if not is_held(self._table, self._partition, self._stamp, row) or force:
            return None
        assert row is not None
        if row.as_of < self._stamp.as_of:
            confirm(self._session, self._table, self._day, row.version, self._stamp.as_of)
        sweep(self._session, self._table, self._partition, max(row.as_of, self._stamp.as_of))
        return self._stored(row.version, "unchanged", row.rows, row)

    def replace(self, staging: Staging, schema: pa.Schema, rows: int, *, force: bool) -> Stored:
        """Have the month hold the rows of a staging table, and the ledger say so.

        Raises:
            SupersededError: Another run was faster, with a newer version.
        """
        deadline, pause_s = time.monotonic() + self._session.patience_s, 0.2
        for _ in range(_TURNS):
            standing = self._swaps.standing()
            if held := self._held(standing, force=force):
                return held  # another run was as far as this one a moment ago
            before = None if standing.entry is None else standing.entry.row
            outcome, stamp = succession(before, self._stamp, force=force)
            note = Note.of(stamp, rows)
            self._fit(staging, schema)
            staging.leave(note)
            try:
                is_ours = self._ask_for(standing.next_swap, staging, rows)
            except JobFailedError as error:
                if not can_retry(error) or time.monotonic() > deadline:
                    raise
                time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
                pause_s = min(2 * pause_s, 8.0)
                continue
            if is_ours:
                write_ledger(self._session, self._table, self._day, note, standing.next_swap)
                staging.is_needed = False
                self._finish(stamp)
                return self._stored(stamp.version, outcome, rows, before)
        raise StoreUnavailableError(
            f"{named(self._table, self._partition)}: {_TURNS} other loads of it were faster. What they put there "
            "stands. Load it again."
        )

    def _ask_for(self, number: int, staging: Staging, rows: int) -> bool:
        """Swap, if it is our turn. As long as nobody knows how that ended, the staging table is needed."""
        staging.is_needed = True
        try:
            is_ours = self._swaps.ask_for(number, staging.name, lambda job_id: self._begin(job_id, staging, rows))
        except JobFailedError:
            staging.is_needed = False
            raise
        staging.is_needed = is_ours
        return is_ours

    def _begin(self, job_id: str, staging: Staging, rows: int) -> Any:
        if rows == 0 and self._day is not None and self._shape.kind is not None:
            return self._begin_to_empty(job_id, staging)
        from google.cloud.bigquery import CopyJobConfig

        part = sql.decorator(self._day, self._shape.kind)
        return self._session.client.copy_table(
            self._session.reference(f"{staging.name}{part}"),
            self._session.reference(f"{self._table}{part}"),
            job_id=job_id,
            location=self._session.location,
            job_config=CopyJobConfig(write_disposition="WRITE_TRUNCATE", labels=staging.labels),
            retry=self._session.retry,
            timeout=CALL_TIMEOUT_S,
        )

    def _begin_to_empty(self, job_id: str, staging: Staging) -> Any:
        """There is no partition without rows to copy from: the one that is there is emptied."""
        assert self._day is not None
        assert self._shape.kind is not None
        assert self._shape.column is not None
        column, name = sql.quoted(self._shape.column), self._session.name(self._table)
        since, until = sql.period(self._day, self._shape.kind)
        return self._session.begin(
            f"DELETE FROM {name} WHERE {column} >= @since AND {column} < @until",  # noqa: S608
            {"since": ("DATE", since), "until": ("DATE", until)},
            job_id,
            staging.labels,
        )

    def _fit(self, staging: Staging, schema: pa.Schema) -> None:
        """Have both tables have the same columns: another load may have added some since we began."""
        there, columns = fitted(self._session, self._table, schema, self._shape)
        if there is None:
            said = (schema.metadata or {}).get(b"description", b"").decode()
            create(self._session, self._table, columns, self._shape, description=said or "Kept month by month")
        staging.widen(widen(self._session, self._table, columns).schema)

    def _finish(self, stamp: Stamp) -> None:
        if self._day is None and (table := self._session.table(self._table)) is not None and table.expires is not None:
            table.expires = None  # a staging table has an end, which the table must not get with its rows
            self._session.client.update_table(table, ["expires"], retry=self._session.retry, timeout=CALL_TIMEOUT_S)
        show(self._session, self._table, self._views)
        sweep(self._session, self._table, self._partition, stamp.as_of)

    def _stored(self, version: str, outcome: Outcome, rows: int, before: LedgerRow | None) -> Stored:
        session = self._session
        facts = {
            "dataset_location": session.location or "",
            "job_ids": list(dict.fromkeys(session.job_ids)),
            "bytes_processed": session.bytes_processed,
            "slot_ms": session.slot_ms,
        }
        where = session.address.shown
        return stored(self._table, self._partition, version, outcome, rows, before, location=where, facts=facts)
