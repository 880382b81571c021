"""What Postgres refuses, and why it does not answer, as sentences: each says whether a retry can help."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import psycopg

from taxi_platform.errors import DamagedStoreError, SchemaError, StoreError, StoreFullError, StoreUnavailableError

if TYPE_CHECKING:
    from taxi_platform.resources.postgres.address import PostgresAddress

Sentence = tuple[type[StoreError | SchemaError], str]

_STANDS = "What stood before still stands."

_GONE: Sentence = (StoreUnavailableError, f"the connection was lost ({{said}}). {_STANDS} Load the month again.")
_RESTARTING: Sentence = (StoreUnavailableError, f"the server is starting or stopping. {_STANDS} Try again in a moment.")
_CROWDED: Sentence = (StoreUnavailableError, f"no more connections are free. {_STANDS} Try again in a moment.")
_NOT_LET_IN: Sentence = (
    StoreError,
    "nobody is let in so ({said}). Nothing was changed. Look at user and password.",
)
_NO_DATABASE: Sentence = (StoreError, "{said}. Nothing was changed. Create it, or name another one.")
_NO_RIGHT: Sentence = (StoreError, "{said}. Nothing was changed. Grant it to this role, or connect as one that may.")
_READ_ONLY: Sentence = (
    StoreError,
    "nothing can be written there, by this role or on this server ({said}). Nothing was changed.",
)
_FULL: Sentence = (StoreFullError, f"the disk is full. {_STANDS} Make room and load the month again.")
_NO_VALUE: Sentence = (SchemaError, "the rows cannot be stored: {said}. Nothing was written.")
_BUSY: Sentence = (StoreUnavailableError, f"others are at the same table ({{said}}). {_STANDS} Try again in a moment.")

_BY_STATE: Mapping[str, Sentence] = {
    "08": _GONE,
    "22": _NO_VALUE,
    "23": _NO_VALUE,
    "25006": _READ_ONLY,
    "28": _NOT_LET_IN,
    "3D000": _NO_DATABASE,
    "40": _BUSY,
    "42501": _NO_RIGHT,
    "53100": _FULL,
    "53300": _CROWDED,
    "53": (StoreUnavailableError, f"the server lacks room to work ({{said}}). {_STANDS} Try again in a moment."),
    "55P03": _BUSY,
    "57014": (StoreUnavailableError, f"somebody cancelled it ({{said}}). {_STANDS} Load the month again."),
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _RESTARTING,
    "57P05": _GONE,
    "XX001": (DamagedStoreError, "a table is damaged ({said}). Restore it, or drop it and load its months again."),
}
"""By SQLSTATE, or by its class. https://www.postgresql.org/docs/current/errcodes-appendix.html"""

_BY_TEXT: Mapping[str, Sentence] = {
    r"authentication|no password supplied|pg_hba\.conf|role .* (does not exist|is not permitted)": _NOT_LET_IN,
    r"database .* does not exist": _NO_DATABASE,
    r"permission denied for database": _NO_RIGHT,
    r"the database system is |not yet accepting": _RESTARTING,
    r"too many (clients|connections)|connection slots": _CROWDED,
    r"certificate|SSL|GSSAPI": (StoreError, "the encrypted connection cannot be made ({said}). Nothing was changed."),
    r"server closed the connection|connection is (lost|closed|bad)|terminating connection": _GONE,
    r"target_session_attrs|is in hot standby|read-only": _READ_ONLY,
}
"""Who is not let in gets no SQLSTATE from libpq, only words."""


@contextlib.contextmanager
def in_words(address: PostgresAddress) -> Iterator[None]:
    """The errors of Postgres as sentences."""
    try:
        yield
    except psycopg.Error as error:
        raise _in_words(address, error) from error


def _in_words(address: PostgresAddress, error: psycopg.Error) -> StoreError | SchemaError:
    state, said = error.sqlstate, address.scrubbed(first_line(error))
    kind, sentence = _sentence(state, error)
    return kind(f"{address.shown}: {sentence.format(said=said)}")


def _sentence(state: str | None, error: psycopg.Error) -> Sentence:
    for known in (state, state[:2]) if state else ():
        if known in _BY_STATE:
            return _BY_STATE[known]
    if state is None:
        for pattern, sentence in _BY_TEXT.items():
            if re.search(pattern, str(error)):
                return sentence
        if isinstance(error, psycopg.OperationalError):
            return StoreUnavailableError, f"the server does not answer ({{said}}). {_STANDS} Is it running, and there?"
        if isinstance(error, psycopg.DataError):
            return _NO_VALUE
    return StoreError, f"{{said}}. {_STANDS}"


def first_line(error: psycopg.Error) -> str:
    """What happened, without where in a query, and without what libpq puts before it."""
    said = error.diag.message_primary
    if said is None:
        lines = [line for line in str(error).splitlines() if line.strip()]
        said = lines[0] if lines else type(error).__name__
        # "connection failed: connection to server at .., port .. failed: FATAL:  why"
        said = re.sub(r"^(connection failed: )|(FATAL|ERROR): +", "", said)
    return " ".join(said.split()).rstrip(".:")
