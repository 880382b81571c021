"""Questions to a BigQuery warehouse that cannot change it, and cost no more than was allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taxi_platform.errors import RequestError
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session, connected


def ask(
    address: BigQueryAddress, variables: Mapping[str, str], sql: str
) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """The columns and rows that the warehouse answers to `sql`, which is one query.

    BigQuery itself says before, in a dry run that costs nothing, what kind of statement it is: only a SELECT is run.

    Raises:
        RequestError: BigQuery does not understand it, it is no question, or would read more than may be billed.
        StoreUnavailableError: BigQuery does not answer.
    """
    if not sql.strip():
        raise RequestError("This is no question: it is empty. Nothing was asked.")
    with connected(address, variables) as session:
        tried = _run(session, sql, dry_run=True)
        if tried.statement_type != "SELECT":
            raise RequestError(
                f"This is no question but {tried.statement_type or 'something else'}. The warehouse can only be asked, "
                "one query at a time: SELECT, WITH. Nothing was changed."
            )
        job = _run(session, sql, dry_run=False)
        session.await_end(job)
        answer = job.result(retry=session.retry, job_retry=None, timeout=CALL_TIMEOUT_S)
        return [field.name for field in answer.schema], [row.values() for row in answer]


def _run(session: Session, sql: str, *, dry_run: bool) -> Any:
    from google.cloud.bigquery import DatasetReference, QueryJobConfig

    address = session.address
    config = QueryJobConfig(
        default_dataset=DatasetReference(address.project, address.dataset), dry_run=dry_run, use_query_cache=not dry_run
    )
    if address.maximum_bytes_billed is not None:
        config.maximum_bytes_billed = address.maximum_bytes_billed
    return session.client.query(
        sql,
        job_config=config,
        location=session.location,
        retry=session.retry,
        job_retry=None,
        timeout=CALL_TIMEOUT_S,
    )
