"""Questions to a Postgres warehouse that cannot change it, with the rights that its role has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

from taxi_platform.errors import RequestError
from taxi_platform.io_managers.postgres.session import Session, reading
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.resources.postgres.refusals import first_line

PATIENCE_S = 600
"""How long a question may take."""

_SOME = 10_000
_BEFORE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_FIRST = re.compile(r"\w+|.|$", re.DOTALL)
_QUESTIONS = ("(", "select", "with", "values", "table")
_AT_ONCE = ("explain", "show")
"""Questions that are answered as a whole."""

_OPTIONS = "analyze|verbose|costs|settings|generic_plan|buffers|serialize|wal|timing|summary|memory|format"
_EXPLAIN = re.compile(rf"\Aexplain\b(\s*(analyze|verbose)\b)*(\s*\(\s*({_OPTIONS})\b[^()]*\))?", re.IGNORECASE)
_AS_CURSOR = "DECLARE question NO SCROLL CURSOR FOR\n"  # a line of its own: what begins with a comment ends it

_KNOWN = "The warehouse can only be asked: SELECT, WITH, VALUES, TABLE, SHOW, EXPLAIN."


def ask(address: PostgresAddress, sql: str) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """The columns and rows that the warehouse answers to `sql`, which is one query.

    It is asked in a transaction that is read-only from its begin, by a part of the protocol that takes one statement,
    as a cursor, which Postgres makes of nothing but a query: none of the three depends on our reading of `sql`.

    Raises:
        RequestError: Postgres does not understand it, or it wants something that a question may not.
        StoreUnavailableError: The server does not answer.
    """
    sql = _BEFORE.sub("", sql, count=1)
    first = _FIRST.findall(sql)[0].lower()
    if first not in (*_QUESTIONS, *_AT_ONCE):
        begins = f"it begins with {first.upper()!r}" if first else "it is empty"
        raise RequestError(f"This is no question: {begins}. {_KNOWN} Nothing was changed.")
    with reading(address) as session:
        _make_ready(session)
        try:
            columns, rows = _answer(session, sql, at_once=first in _AT_ONCE)
            return columns, list(rows)
        except psycopg.errors.QueryCanceled as error:
            raise RequestError(
                f"The question took longer than {PATIENCE_S:.0f} s, or somebody cancelled it. Ask for less."
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # nothing that is wrong with the question
        except psycopg.errors.SyntaxError as error:
            said = first_line(error)
            if "multiple commands" in said:
                said = "one query at a time"
            raise RequestError(f"The warehouse says: {said}. Nothing was asked.") from error
        except psycopg.Error as error:
            raise RequestError(f"The warehouse says: {first_line(error)}.{_hint(error)}") from error


def _make_ready(session: Session) -> None:
    """Names without a schema are those of the warehouse, then those that the role knows otherwise."""
    session.run("SET LOCAL search_path TO DEFAULT")
    session.run(
        "SELECT set_config('search_path', concat_ws(', ', quote_ident(%s), nullif(now, '')), true) "
        "FROM current_setting('search_path') AS now",
        [session.schema],
    )
    session.set_local(statement_timeout=f"{PATIENCE_S * 1000:.0f}ms", IntervalStyle="postgres")
    loaders: Mapping[str, Any] = {
        "date": _Date,
        "timestamp": _Timestamp,
        "timestamptz": _Timestamptz,
        "interval": TextLoader,
    }
    for name, loader in loaders.items():
        session.connection.adapters.register_loader(name, loader)


def _answer(session: Session, sql: str, *, at_once: bool) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    if at_once:
        # Of CREATE TABLE AS, and of what changes rows, a plan can be had too, and be carried out: not of a cursor.
        answer = _execute(session, _EXPLAIN.sub(lambda explain: f"{explain[0]} {_AS_CURSOR}", sql))
        return _names(answer), iter(answer.fetchall())
    _execute(session, _AS_CURSOR + sql)
    first = _fetch(session)
    return _names(first), _rest(session, first)


def _execute(session: Session, query: str) -> psycopg.Cursor:
    # `binary` is what makes psycopg send it by the extended protocol, which refuses a second statement.
    return session.connection.execute(query.encode(), binary=True)


def _fetch(session: Session) -> psycopg.Cursor:
    return session.run(SQL("FETCH {} FROM question").format(_SOME))


def _rest(session: Session, answer: psycopg.Cursor) -> Iterator[tuple[Any, ...]]:
    while some := answer.fetchall():
        yield from some
        answer = _fetch(session)


def _names(answer: psycopg.Cursor) -> list[str]:
    return [column.name for column in answer.description or ()]


def _hint(error: psycopg.Error) -> str:
    """What Postgres advises, as a sentence of its own."""
    hint = error.diag.message_hint
    return f" {' '.join(hint.split())}" if hint else ""


class _Date(DateLoader):
    """`infinity`, and days before Christ, which Python has no dates for, as text."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Timestamp(TimestampLoader):
    """The same for points in time."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Timestamptz(TimestamptzLoader):
    """The same for points in time with their zone."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()
