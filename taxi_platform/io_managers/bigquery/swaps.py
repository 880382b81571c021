"""The swaps of one month, in a row: each is a job whose id has a number, so that BigQuery itself lets only one in.

There are no locks in BigQuery, but two jobs cannot have the same id. Whoever wants to swap a month asks for the job
behind the last one; of several that do so at once, one gets it, the others are told that it is there. What became of
it, and from which staging table, the job says; what the ledger is to say of it, the staging table. So a run that was
killed between its swap and the ledger is finished by the next one that comes by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from taxi_platform.io_managers.bigquery.connecting import Session
from taxi_platform.io_managers.bigquery.ledger import Entry, Note, entry_of, write_ledger
from taxi_platform.io_managers.bigquery.refusals import JobFailedError
from taxi_platform.io_managers.bigquery.staging import LABEL, job_id_of, note_in
from taxi_platform.io_managers.stored import day_of
from taxi_platform.trips.month_file import Partition

_LOOKS = 100


@dataclass(frozen=True)
class Standing:
    """A month as it stands, as far as anybody can know.

    Attributes:
        entry: What the ledger says.
        is_known: Whether that is what the table has: no swap came after it.
        next_swap: The number that the next swap has.
    """

    entry: Entry | None
    is_known: bool
    next_swap: int


class Swaps:
    """The jobs that put a month where it is."""

    def __init__(self, session: Session, table: str, partition: Partition, column: str) -> None:
        self._session, self._table, self._partition, self._column = session, table, partition, column
        self._day = day_of(partition)

    def job_id(self, number: int) -> str:
        return job_id_of("swap", self._session, self._table, self._partition, number)

    def entry(self) -> Entry | None:
        return entry_of(self._session, self._table, self._day, self._column)

    def standing(self) -> Standing:
        """How the month stands. What runs have swapped in and not written down is written down here."""
        entry = self.entry()
        for _ in range(_LOOKS):
            number, last = self._after(0 if entry is None else entry.swap)
            if last is None:
                return Standing(entry, is_known=True, next_swap=number)
            note = note_in(self._session, last.labels.get(LABEL))
            if note is not None and note.rows is not None:
                write_ledger(self._session, self._table, self._day, note, number - 1)
            before, entry = entry, self.entry()
            if _swap_of(entry) <= _swap_of(before):  # nobody can say any more what that swap put there
                return Standing(entry, is_known=False, next_swap=number)
        return Standing(entry, is_known=False, next_swap=number)

    def _after(self, number: int) -> tuple[int, Any | None]:
        """The first free number after a swap, and the job of the last that succeeded in between."""
        last, free = None, number + 1
        while (job := self._session.job(self.job_id(free))) is not None:
            try:
                self._session.await_end(job, is_ours=False)
                last = job
            except JobFailedError:
                pass  # it changed nothing
            free += 1
        return free, last

    def ask_for(self, number: int, stage: str, begin: Callable[[str], Any]) -> bool:
        """Be the swap of this number, and wait for its end.

        Returns:
            False where another run is.

        Raises:
            JobFailedError: The swap failed: nothing was changed. Another try has another number.
        """
        from google.api_core.exceptions import Conflict

        try:
            job = begin(self.job_id(number))
        except Conflict:
            job = self._session.job(self.job_id(number))
            if job is None or job.labels.get(LABEL) != stage:
                return False
        self._session.await_end(job)
        return True

    def unwritten(self, entry: Entry) -> tuple[bool, Note | None]:
        """Whether a swap came, or is coming, after what the ledger says; and what it says of itself, if it does.

        For readers: nothing is written, nobody is waited for.
        """
        number = entry.swap + 1
        while (job := self._session.job(self.job_id(number))) is not None:
            if not job.error_result:
                return True, note_in(self._session, job.labels.get(LABEL))
            number += 1
        return False, None


def _swap_of(entry: Entry | None) -> int:
    return -1 if entry is None else entry.swap
