"""Questions to a DuckDB warehouse that cannot change it, nor reach anything else on the machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from taxi_platform.errors import RequestError, StoreUnavailableError
from taxi_platform.io_managers.duckdb.connecting import connected
from taxi_platform.io_managers.objects.folder import Folder


def ask(path: Path, sql: str) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    """The columns and rows that the warehouse at `path` answers to `sql`.

    The file is opened for reading; files, the network, other databases and extensions are out of reach.

    Raises:
        RequestError: DuckDB does not understand it, or it wants something that is out of reach.
        StoreUnavailableError: There is no warehouse yet, or another process has it open (after 30 s).
    """
    import duckdb

    if not path.exists():
        raise StoreUnavailableError(f"There is no warehouse at {path} yet. Load a month first: taxi load green 2021-01")
    with Folder(path.parent).spool() as spill, connected(path, read_only=True, spill=spill) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer = connection.execute(sql)
            columns = [column[0] for column in answer.description or ()]
            return columns, list(_rows(answer)) if columns else []
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            raise RequestError(f"The warehouse says: {str(error).strip()}") from error


def _rows(answer: Any) -> Iterator[tuple[Any, ...]]:
    while some := answer.fetchmany(10_000):
        yield from some
