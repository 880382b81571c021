"""Questions to a DuckDB warehouse that cannot change it, nor reach anything else on the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import RequestError, StoreUnavailableError
from taxi_platform.io_managers.duckdb.connecting import connected
from taxi_platform.io_managers.objects.folder import Folder

if TYPE_CHECKING:
    import duckdb

_EXPLAIN = re.compile(r"explain\b(\s*analyze\b)?(\s*\((analyze|format)\b[^()]*\))?", re.IGNORECASE)
_PIVOT = re.compile(r"(pivot|from|with|select)\b", re.IGNORECASE)


def ask(path: Path, sql: str) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """The columns and rows that the warehouse at `path` answers to `sql`, which is one query.

    The file is opened for reading; files, the network, other databases and extensions are out of reach.

    Raises:
        RequestError: DuckDB does not understand it, or it wants something that is out of reach.
        StoreUnavailableError: There is no warehouse yet, or another process has it open (after 30 s).
    """
    import duckdb

    if not path.exists():
        raise StoreUnavailableError(f"There is no warehouse at {path} yet. Load a month first: taxi load green 2021-01")
    with Folder(path.parent).spool() as spill, connected(path, read_only=True, spill=spill) as connection:
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer = connection.execute(_question(connection, sql))
            columns = [column[0] for column in answer.description or ()]
            return columns, list(_rows(answer))
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            # What follows an empty line draws the place in the query, which one sentence cannot.
            said = " ".join(str(error).partition("\n\n")[0].split())
            raise RequestError(f"The warehouse says: {said}") from error


def _question(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement in `sql`, if all it does is ask.

    A connection for reading is not enough: `COPY .. TO` may still write the database's own write-ahead log.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise RequestError(f"One query at a time: this is {len(statements)} statements. Nothing was asked.")
    if not _asks(connection, statements[0]):
        raise RequestError(
            f"This is no question but {statements[0].type.name}. The warehouse can only be asked: SELECT, WITH, FROM, "
            "VALUES, PIVOT, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN. Nothing was changed."
        )
    return statements[0]


def _asks(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    import duckdb

    kind, text = statement.type, statement.query.strip()
    if kind == duckdb.StatementType.EXPLAIN and (explain := _EXPLAIN.match(text)):
        explained = connection.extract_statements(text[explain.end() :])
        return len(explained) == 1 and _asks(connection, explained[0])
    # PIVOT makes several statements, and so may whatever has one in it: COPY (PIVOT ..) TO.
    is_pivot = kind == duckdb.StatementType.MULTI and _PIVOT.match(text) is not None
    return kind == duckdb.StatementType.SELECT or is_pivot


def _rows(answer: Any) -> Iterator[tuple[Any, ...]]:
    while some := answer.fetchmany(10_000):
        yield from some
