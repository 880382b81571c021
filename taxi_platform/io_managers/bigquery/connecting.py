"""A client of BigQuery that is closed whatever happens, asked patiently, with its errors as sentences."""

from __future__ import annotations

import contextlib
import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from taxi_platform.errors import SettingsError, StoreError
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.bigquery.refusals import JobFailedError, can_retry, in_words
from taxi_platform.io_managers.bigquery.table_sql import quoted
from taxi_platform.resources.google import bigquery_client

if TYPE_CHECKING:
    from google.cloud import bigquery


PATIENCE_S = 120.0
"""How long what may work in a moment is tried again."""

CALL_TIMEOUT_S = 60.0
"""How long one answer is waited for."""

_LONGEST_PAUSE_S = 8.0

T = TypeVar("T")


class Session:
    """A dataset, and what was asked of it.

    Attributes:
        job_ids: The jobs that were begun here and waited for; what they took is summed up beside.
    """

    def __init__(self, address: BigQueryAddress, variables: Mapping[str, str], patience_s: float) -> None:
        from google.api_core.retry import Retry

        self.address, self.variables, self.patience_s = address, variables, patience_s
        self.client = bigquery_client(variables, address.project, address.location)
        self.retry = Retry(
            predicate=can_retry, initial=0.2, maximum=_LONGEST_PAUSE_S, multiplier=2.0, timeout=patience_s
        )
        self.job_ids: list[str] = []
        self.bytes_processed = self.slot_ms = 0

    @functools.cached_property
    def dataset(self) -> Any:
        """The dataset as BigQuery has it, a `bigquery.Dataset`.

        Raises:
            SettingsError: It is somewhere else than was said.
        """
        found = self.client.get_dataset(
            f"{self.address.project}.{self.address.dataset}", retry=self.retry, timeout=CALL_TIMEOUT_S
        )
        said = self.address.location
        if said is not None and found.location is not None and said.lower() != found.location.lower():
            raise SettingsError(
                f"{self.address.shown} is in {found.location}, not in {said}. Nothing was changed. Say "
                f"location={found.location}, or name another dataset."
            )
        return found

    @property
    def location(self) -> str | None:
        """Where the dataset is: jobs have to run there."""
        where: str | None = self.dataset.location
        return where

    def reference(self, table: str) -> bigquery.TableReference:
        from google.cloud.bigquery import DatasetReference

        return DatasetReference(self.address.project, self.address.dataset).table(table)

    def name(self, table: str) -> str:
        """The name of a table of this dataset, quoted."""
        return quoted(f"{self.address.project}.{self.address.dataset}.{table}")

    def table(self, name: str) -> Any | None:
        """What there is of this name, a `bigquery.Table`; None where there is nothing."""
        from google.api_core.exceptions import NotFound

        try:
            return self.client.get_table(self.reference(name), retry=self.retry, timeout=CALL_TIMEOUT_S)
        except NotFound as error:
            if "Table" not in str(error.message):  # the dataset, or the project, is not there
                raise
            return None

    def names(self) -> Iterator[str]:
        """The tables and views of the dataset."""
        for found in self.client.list_tables(self.dataset, retry=self.retry, timeout=CALL_TIMEOUT_S, page_size=1000):
            yield found.table_id

    def drop(self, name: str) -> None:
        self.client.delete_table(self.reference(name), not_found_ok=True, retry=self.retry, timeout=CALL_TIMEOUT_S)

    def ask(self, query: str, values: Mapping[str, tuple[str, Any]] | None = None) -> list[tuple[Any, ...]]:
        """The rows that a query answers with. It may run again where BigQuery is not well: it must bear that.

        Args:
            values: Type and value of each parameter.
        """

        def once() -> list[tuple[Any, ...]]:
            job = self.begin(query, values)
            self.await_end(job)
            return [row.values() for row in job.result(retry=self.retry, job_retry=None, timeout=CALL_TIMEOUT_S)]

        return self.patiently(once)

    def begin(
        self,
        query: str,
        values: Mapping[str, tuple[str, Any]] | None = None,
        job_id: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Any:
        """Start a query: its `bigquery.QueryJob`."""
        from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

        config = QueryJobConfig(
            query_parameters=[ScalarQueryParameter(name, kind, value) for name, (kind, value) in (values or {}).items()]
        )
        config.labels = dict(labels or {})
        return self.client.query(
            query,
            job_config=config,
            job_id=job_id,
            location=self.location,
            retry=self.retry,
            job_retry=None,
            timeout=CALL_TIMEOUT_S,
        )

    def await_end(self, job: Any, *, is_ours: bool = True) -> None:
        """Wait until a job has ended, however long that takes.

        Args:
            is_ours: Whether what it took is to be told of this session.

        Raises:
            JobFailedError: It ended with an error.
        """
        pause_s = 0.02
        while job.state != "DONE":
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, 2.0)
            job.reload(retry=self.retry, timeout=CALL_TIMEOUT_S)
        if is_ours:
            self.job_ids.append(job.job_id)
            self.bytes_processed += getattr(job, "total_bytes_processed", None) or 0
            self.slot_ms += getattr(job, "slot_millis", None) or 0
        if job.error_result:
            raise JobFailedError(job.error_result)

    def job(self, job_id: str) -> Any | None:
        """The job with an id; None where there is none.

        Raises:
            StoreError: Somebody else has begun it, and we may not look at it.
        """
        from google.api_core.exceptions import Forbidden, NotFound

        try:
            return self.client.get_job(job_id, location=self.location, retry=self.retry, timeout=CALL_TIMEOUT_S)
        except NotFound:
            return None
        except Forbidden as error:
            raise StoreError(
                f"{self.address.shown}: the job {job_id} is somebody else's, and these credentials may not look at it. "
                "Nothing was changed. Give them the role BigQuery Resource Viewer, or have all loads use the same ones."
            ) from error

    def patiently(self, act: Callable[[], T]) -> T:
        """Do something again as long as that may help, and patience lasts."""
        deadline, pause_s = time.monotonic() + self.patience_s, 0.1
        while True:
            try:
                return act()
            except Exception as error:
                if not can_retry(error) or time.monotonic() > deadline:
                    raise
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@contextlib.contextmanager
def connected(
    address: BigQueryAddress, variables: Mapping[str, str], patience_s: float = PATIENCE_S
) -> Iterator[Session]:
    """A session that is closed when the context ends, in the middle of a stream too.

    Raises:
        SettingsError: The credentials are none.
        StoreUnavailableError: BigQuery does not answer, or wants it slower. A retry may help.
        StoreError: It lets nobody in like this, or could not do what it was asked to do.
    """
    with in_words(address):
        session = Session(address, variables, patience_s)
        try:
            yield session
        finally:
            session.client.close()


def first(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """The first row of an answer, None where there is none."""
    return rows[0] if rows else None
