"""Our errors as Dagster's: the sentence, and whether a retry can help."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from taxi_platform.errors import TaxiError


@contextlib.contextmanager
def as_failure() -> Iterator[None]:
    """Raise a `TaxiError` as a `dagster.Failure` with the same sentence; retried only if its class says so.

    Anything else that Dagster does not know either is a defect of ours: a retry would only repeat it.
    """
    try:
        yield
    except (dg.DagsterError, dg.Failure, dg.RetryRequested):
        raise
    except TaxiError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "retry_can_help": error.retryable},
            allow_retries=error.retryable,
        ) from error
    except Exception as error:
        raise dg.Failure(
            description=(
                f"An error that nobody foresaw, {type(error).__name__}: {error}. What stood before still stands. "
                "This is a defect: please report it with the log of this run."
            ),
            allow_retries=False,
        ) from error
