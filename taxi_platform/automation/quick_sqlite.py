"""Dagster's history in SQLite, written with less ado: the same files, a third less time a run.

Dagster 1.13 makes an engine of SQLAlchemy's for every single event, which forgets each statement that it compiled; and
between two events nobody has the database open, so that SQLite empties its journal each time. In the process of a
command an engine is made once a database instead, and the databases that all runs share stay open.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

_ENGINES = 8
"""So many databases are in use at once, or nearly: the two that are shared, and one of each run's own."""

_SHARED = ("index.db", "runs.db")


@contextlib.contextmanager
def quick_sqlite() -> Iterator[None]:
    """Within this, a history in SQLite is written quickly by this process. A history elsewhere is none of its business.

    What is kept open is closed at the end; other processes see every event as soon as they would have seen it. A
    Dagster that works otherwise is left as it is.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, AttributeError):
            from dagster._core.storage.event_log.sqlite import sqlite_event_log
            from dagster._core.storage.runs.sqlite import sqlite_run_storage

            for module in (sqlite_event_log, sqlite_run_storage):
                stack.enter_context(_engines_made_once(module))
        yield


@contextlib.contextmanager
def _engines_made_once(module: Any) -> Iterator[None]:
    import sqlalchemy

    make = module.create_engine
    with contextlib.ExitStack() as open_databases:

        @lru_cache(_ENGINES)
        def made_once(url: str, pool: Any, patience: tuple[tuple[str, float], ...]) -> Any:
            path = Path(url.removeprefix("sqlite:///"))
            if path.name in _SHARED and path.exists():
                held = open_databases.enter_context(contextlib.closing(sqlite3.connect(path, check_same_thread=False)))
                held.execute("SELECT count(*) FROM sqlite_master").fetchall()
            engine = make(url, poolclass=pool, connect_args=dict(patience))
            sqlalchemy.event.listen(engine, "connect", _without_waiting_for_the_disk)
            return engine

        def create_engine(url: str, **options: Any) -> Any:
            if options.keys() - {"poolclass", "connect_args"}:  # another Dagster, which wants more of its engines
                return make(url, **options)
            return made_once(url, options.get("poolclass"), tuple(options.get("connect_args", {}).items()))

        module.create_engine = create_engine
        try:
            yield
        finally:
            module.create_engine = make


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _: object) -> None:
    """What is committed is there for everybody, also after kill -9; the last events may go when the power does.

    The months themselves are on the disk before Dagster hears of them.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
