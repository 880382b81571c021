"""New rows on their way into a month: a table of their own, loaded, counted, and gone afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from taxi_platform.errors import SchemaError, StoreUnavailableError
from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.bigquery.ledger import Note
from taxi_platform.io_managers.bigquery.refusals import JobFailedError, can_retry
from taxi_platform.io_managers.bigquery.tables import LABELS, Shape, create, widen
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.io_managers.warehouse import as_sums, require_truth, strays
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    from google.cloud import bigquery

    from taxi_platform.io_managers.bigquery.parquet_source import ParquetSource

PREFIX = "_taxi_new_"
STAGED_FOR = dt.timedelta(days=1)
"""What a killed run left is gone after that, if no load of the month comes by before."""

_GONE = re.compile(rf"Not found: Table \S*{PREFIX}|{PREFIX}\w+ was there and is gone")

LABEL = "stage"
"""The label of a job that says which staging table it is about."""


class Staging:
    """The table that the new rows of a month are in until they are swapped in.

    Attributes:
        is_needed: A swap was asked for, and the ledger does not know yet: others can finish it with what is here.
    """

    def __init__(self, session: Session, table: str, partition: Partition, stamp: Stamp) -> None:
        self.session, self.table, self.partition, self.stamp = session, table, partition, stamp
        self.name = f"{prefix_of(table, partition)}{uuid4().hex}"
        self.is_needed = False

    @property
    def labels(self) -> dict[str, str]:
        """On every job that is about these rows."""
        run = re.sub(r"[^a-z0-9_-]", "-", self.stamp.run_id.lower())[:63]
        return {**LABELS, LABEL: self.name, "month": self.partition or "all", "run": run}

    def create(self, columns: Sequence[bigquery.SchemaField], shape: Shape) -> None:
        expires = dt.datetime.now(dt.UTC) + STAGED_FOR
        note = Note.of(self.stamp, None).text
        create(self.session, self.name, columns, shape, description=note, expires=expires)

    def load(self, source: ParquetSource, columns: Sequence[bigquery.SchemaField]) -> None:
        """Have the rows of a Parquet file in the table, by one load job that is all or nothing."""

        def once() -> None:
            attempt = 0
            while (job := self._begin(source, columns, attempt)) is None:
                attempt += 1
            self.session.await_end(job)

        self.session.patiently(once)

    def _begin(self, source: ParquetSource, columns: Sequence[bigquery.SchemaField], attempt: int) -> Any | None:
        """The load job of this attempt; None where that attempt was another's, or has failed."""
        job_id = job_id_of(
            "load", self.session, self.table, self.partition, self.stamp.version, self.stamp.run_id, attempt
        )
        if (job := self.session.job(job_id)) is not None:
            return self._if_mine(job)
        from google.cloud.bigquery import LoadJobConfig

        config = LoadJobConfig(
            source_format="PARQUET",
            schema=list(columns),
            create_disposition="CREATE_NEVER",
            write_disposition="WRITE_EMPTY",
            column_name_character_map="STRICT",
            labels=self.labels,
        )
        try:
            return source.begin(self.session, self.session.reference(self.name), config, job_id)
        except Exception as error:
            # The answer may be lost and the job at work: its id tells.
            job = self.session.job(job_id) if _may_have_begun(error) else None
            if job is None:
                raise
            return self._if_mine(job)

    def _if_mine(self, job: Any) -> Any | None:
        return job if job.labels.get(LABEL) == self.name and not job.error_result else None

    def count(self, shape: Shape, day: dt.date | None) -> int:
        """The rows of the month, as counted in the table and held against what was said of them.

        Raises:
            AccountingError: It is another count, or another sum.
            SchemaError: Some are of another month.
        """
        names = list(self.stamp.control_sums)
        mine = "TRUE" if shape.column is None else sql.of_day(shape.column, day)
        ((there, rows, *totals),) = self.session.ask(
            f"SELECT COUNT(*), COUNTIF({mine}){sql.sums(names)} FROM {self.session.name(self.name)}",  # noqa: S608
            {} if day is None else {"day": ("DATE", day)},
        )
        if rows != there and shape.column is not None:
            raise SchemaError(strays(self.table, day, shape.column, there, rows))
        require_truth(self.table, self.partition, self.stamp, rows, as_sums(names, totals))
        return int(rows)

    def leave(self, note: Note) -> None:
        """Write on the table what the ledger is to say, for whoever has to finish this swap."""
        from google.cloud.bigquery import Table

        table = Table(self.session.reference(self.name))
        table.description = note.text
        self.session.client.update_table(table, ["description"], retry=self.session.retry, timeout=CALL_TIMEOUT_S)

    def widen(self, columns: Sequence[bigquery.SchemaField]) -> None:
        """Have the columns that others have added to the month's table meanwhile."""
        widen(self.session, self.name, columns)


@contextlib.contextmanager
def staged(session: Session, table: str, partition: Partition, stamp: Stamp) -> Iterator[Staging]:
    """A staging table that is gone when the context ends, also by an error; unless others may need it."""
    staging = Staging(session, table, partition, stamp)
    try:
        yield staging
    finally:
        if not staging.is_needed:
            with contextlib.suppress(Exception):  # it ends by itself; what went wrong before is of more interest
                session.drop(staging.name)


def note_in(session: Session, name: str | None) -> Note | None:
    """What is written on a staging table; None where it is gone."""
    found = session.table(name) if name is not None and name.startswith(PREFIX) else None
    return None if found is None else Note.from_text(found.description)


def sweep(session: Session, table: str, partition: Partition, as_of: str) -> None:
    """Remove what runs that ended too early have left of a month; a newer one may be at work, and is left alone."""
    mine = prefix_of(table, partition)
    for name in [name for name in session.names() if name.startswith(mine)]:
        note = note_in(session, name)
        if note is not None and note.as_of <= as_of:
            session.drop(name)


def prefix_of(table: str, partition: Partition) -> str:
    """How the staging tables of a month begin."""
    return f"{PREFIX}{_digest(table, partition)[:12]}_"


def job_id_of(what: str, session: Session, table: str, partition: Partition, *words: object) -> str:
    """The id of a job: the same words give the same one, others another. Readable, and unique by its end."""
    said = (session.address.dataset, table, partition or "all", *words)
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]", "_", str(word))[:80] for word in said)
    return f"taxi-{what}-{readable[:900]}-{_digest(session.address.project, *said)[:20]}"


def _digest(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()


def is_gone(error: Exception) -> bool:
    """Whether a staging table was not there any more: a run of the same month took it for left over."""
    from google.api_core.exceptions import NotFound

    return isinstance(error, JobFailedError | NotFound | StoreUnavailableError) and bool(_GONE.search(str(error)))


def _may_have_begun(error: Exception) -> bool:
    from google.api_core.exceptions import Conflict, NotFound

    return isinstance(error, Conflict | NotFound) or can_retry(error)
