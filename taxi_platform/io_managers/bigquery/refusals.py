"""What BigQuery refuses, and why it does not answer, as sentences: each says whether a retry can help."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import (
    DamagedStoreError,
    RequestError,
    SchemaError,
    StoreError,
    StoreUnavailableError,
    TaxiError,
)

if TYPE_CHECKING:
    from taxi_platform.io_managers.bigquery.address import BigQueryAddress

Sentence = tuple[type[TaxiError], str]

_STANDS = "What stood before still stands."
_AGAIN = f"{_STANDS} Try again in a moment."

_CREDENTIALS = (
    "Google does not let these credentials in. Nothing was changed. Look at GOOGLE_CREDENTIALS, or at the file that "
    "GOOGLE_APPLICATION_CREDENTIALS names, or run `gcloud auth application-default login`."
)
_ROLES = (
    "{said}. Nothing was changed. The service account needs the roles BigQuery Data Editor (on the dataset), BigQuery "
    "Job User and BigQuery Resource Viewer (on the project), and Storage Object Viewer on the lake's bucket."
)
_PLACES = (
    "{said}. Nothing was changed. A dataset and the bucket it is loaded from have to be in one place: name a bucket "
    "there, or a dataset where the bucket is."
)
_MAKE_IT = (
    "{said}. Nothing was changed. Make the dataset where the lake's bucket is: bq --location=EU mk --dataset "
    "project:dataset"
)
CREDENTIALS: Sentence = (StoreError, _CREDENTIALS)
_NO_RIGHT: Sentence = (StoreError, _ROLES)
_REGIONS: Sentence = (StoreError, _PLACES)
_NO_DATASET: Sentence = (StoreError, _MAKE_IT)
_LIMIT: Sentence = (StoreUnavailableError, f"Google wants it slower ({{said}}). {_AGAIN}")
_ILL: Sentence = (StoreUnavailableError, f"BigQuery is not well ({{said}}). {_AGAIN}")
_SILENT: Sentence = (StoreUnavailableError, f"BigQuery does not answer ({{said}}). {_STANDS} Is the network there?")

_BY_TEXT: tuple[tuple[str, Sentence], ...] = (
    (
        r"billing",
        (StoreError, "{said}. Nothing was changed. Switch billing on for the project: its sandbox keeps no tables."),
    ),
    (r"different locations|in location|not found in location", _REGIONS),
    (r"Not found: Dataset", _NO_DATASET),
    (
        r"Not found: Project|project .*(not found|does not exist|has been deleted)",
        (StoreError, "{said}. Nothing was changed. Name another project, or make it."),
    ),
    (
        r"Not found: (URI|Files?)|No such object|matched no files",
        (DamagedStoreError, "{said}. The old month stands. Load the lake's month again: it is put back."),
    ),
    (r"Could not serialize|concurrent update|too many DML", _ILL),
)

_BY_REASON: dict[str, Sentence] = {
    "accessDenied": _NO_RIGHT,
    "forbidden": _NO_RIGHT,
    "rateLimitExceeded": _LIMIT,
    "userRateLimitExceeded": _LIMIT,
    "quotaExceeded": _LIMIT,
    "jobRateLimitExceeded": _LIMIT,
    "backendError": _ILL,
    "internalError": _ILL,
    "jobBackendError": _ILL,
    "jobInternalError": _ILL,
    "badGateway": _ILL,
    "tableUnavailable": _ILL,
    "stopped": (StoreUnavailableError, f"somebody cancelled the job. {_STANDS} Load the month again."),
    "timeout": (StoreUnavailableError, f"the job took too long ({{said}}). {_AGAIN}"),
    "bytesBilledLimitExceeded": (RequestError, "{said}. Nothing was asked. Ask for less, or raise the limit."),
    "invalidQuery": (RequestError, "{said}."),
}
"""https://cloud.google.com/bigquery/docs/error-messages"""


class JobFailedError(Exception):
    """A job ended with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.reason: str = error.get("reason", "")


def can_retry(error: BaseException) -> bool:
    """Whether the same may work in a moment."""
    if isinstance(error, TaxiError):
        return error.retryable
    return isinstance(error, _of_google()) and sentence_of(error)[0].retryable


def _of_google() -> tuple[type[Exception], ...]:
    """What Google's clients raise."""
    import requests
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return GoogleAPIError, GoogleAuthError, requests.RequestException, JobFailedError, ConnectionError


@contextlib.contextmanager
def in_words(address: BigQueryAddress) -> Iterator[None]:
    """The errors of Google's clients as sentences."""
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except _of_google() as error:
        kind, sentence = sentence_of(error)
        quiet = isinstance(error, GoogleAuthError)  # its text may repeat a part of the key
        said = "" if quiet else _said(error)
        raise kind(f"{address.shown}: {sentence.format(said=said)}") from (None if quiet else error)


def sentence_of(error: Exception) -> Sentence:
    """What to say of an error, and as which of ours."""
    import google.auth.exceptions as auth
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    if isinstance(error, RetryError) and isinstance(error.cause, Exception):
        return sentence_of(error.cause)
    if isinstance(error, auth.TransportError):
        return _SILENT
    if isinstance(error, auth.GoogleAuthError):
        return CREDENTIALS
    if isinstance(error, JobFailedError):
        return _sentence(0, error.reason, str(error))
    if isinstance(error, GoogleAPICallError):
        return _sentence(int(error.code or 0), _reason(error), str(error.message))
    return _SILENT


def _sentence(code: int, reason: str, said: str) -> Sentence:  # noqa: PLR0911 (a list of cases)
    if code == 401:
        return CREDENTIALS
    for pattern, sentence in _BY_TEXT:
        if re.search(pattern, said, re.IGNORECASE):
            return sentence
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    if code >= 500 or code == 429:
        return _ILL
    if code == 403:
        return _NO_RIGHT
    if reason == "invalid" and re.search(r"schema|field|type|parquet|column", said, re.IGNORECASE):
        return SchemaError, "the rows cannot be stored: {said}. Nothing was written."
    return StoreError, f"{{said}}. {_STANDS}"


def _reason(error: Any) -> str:
    first = error.errors[0] if error.errors else {}
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _said(error: Exception) -> str:
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    if isinstance(error, RetryError) and isinstance(error.cause, Exception):
        return _said(error.cause)
    said = str(error.message) if isinstance(error, GoogleAPICallError) else str(error) or type(error).__name__
    # Google's client puts the call before it, and the job behind it.
    said = re.sub(r"^(GET|POST|PUT|PATCH|DELETE) https?://\S+?: ", "", " ".join(said.split()))
    said = re.sub(r"[;,]?( reason: \w+,)? ?Location: \S+ Job ID: \S+$", "", said)
    return (said if isinstance(error, GoogleAPICallError | JobFailedError) else type(error).__name__).rstrip(".")
