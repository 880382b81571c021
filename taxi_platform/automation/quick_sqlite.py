"""Dagster's history in SQLite, written with less ado: the same files, in half the time a run.

For every single event Dagster 1.13 makes an engine of SQLAlchemy's, which forgets each statement that it compiled, and
opens the database anew, often as the only one, so that SQLite empties its journal each time; each run's own database
is made by a migration tool, table by table, and that reads all migrations there ever were, time and again. In the
process of a command an engine is made once a database instead, keeps it open, a run's database begins as a copy of an
empty one, and the migrations are read once.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_AT_ONCE = 8
"""So many databases are in use at once, or nearly: the two that are shared, and one of each run's own."""


@contextlib.contextmanager
def quick_sqlite() -> Iterator[None]:
    """Within this, a history in SQLite is opened and written quickly by this process; one elsewhere as ever.

    What is kept open is closed at the end; other processes see every event as soon as they would have seen it. A
    Dagster that works otherwise is left as it is.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, AttributeError):
            from dagster._core.storage import sql
            from dagster._core.storage.event_log.sqlite import sqlite_event_log
            from dagster._core.storage.runs.sqlite import sqlite_run_storage

            stack.enter_context(_instead(sql, "ScriptDirectory", _read_once))
            engines = stack.enter_context(contextlib.closing(_Engines()))
            for module in (sqlite_event_log, sqlite_run_storage):
                stack.enter_context(_instead(module, "create_engine", engines.instead_of))
            stack.enter_context(_instead(sqlite_event_log.SqliteEventLogStorage, "_initdb", _copied_once_made))
        yield


def _read_once(scripts: Any) -> Any:
    """What finds the migrations in a folder, as `scripts` does, and remembers them."""
    found: dict[str, Any] = {}

    def from_config(config: Any) -> Any:
        folder = config.get_main_option("script_location")
        if folder not in found:
            found[folder] = scripts.from_config(config)
        return found[folder]

    return SimpleNamespace(from_config=from_config)


class _Engines:
    """One a database, which keeps its connections; the least used are closed when there are many."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Any] = OrderedDict()

    def instead_of(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def create_engine(url: str, **options: Any) -> Any:
            if options.keys() - {"poolclass", "connect_args"}:  # another Dagster, which wants more of its engines
                return make(url, **options)
            if url not in self._made:
                self._made[url] = self._kept(make(url, **options | {"poolclass": None}))
            self._made.move_to_end(url)
            while len(self._made) > _AT_ONCE:
                self._closed(self._made.popitem(last=False)[1])
            return self._made[url]

        return create_engine

    def close(self) -> None:
        while self._made:
            self._closed(self._made.popitem()[1])

    @staticmethod
    def _kept(engine: Any) -> Any:
        import sqlalchemy

        sqlalchemy.event.listen(engine, "connect", _without_waiting_for_the_disk)
        engine.really_dispose, engine.dispose = engine.dispose, lambda: None  # Dagster does it after each event
        return engine

    @staticmethod
    def _closed(engine: Any) -> None:
        engine.really_dispose()


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _: object) -> None:
    """What is committed is there for everybody, also after kill -9; the last events may go when the power does.

    The months themselves are on the disk before Dagster hears of them.
    """
    connection.execute("PRAGMA synchronous = NORMAL")


def _copied_once_made(make: Callable[..., None]) -> Callable[..., None]:
    """What makes a run's database, as `make` does, and keeps the first that it made to copy it."""
    empty: list[bytes] = []

    def initdb(storage: Any, engine: Any, for_index_shard: bool = False) -> None:
        path = Path(engine.url.database)
        if for_index_shard or path.exists():
            make(storage, engine, for_index_shard)
            return
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            new = Path(folder, path.name)
            if empty:
                new.write_bytes(empty[0])
            else:
                empty.append(_made_by(make, storage, new))
            new.rename(path)  # nobody sees half of it

    return initdb


def _made_by(make: Callable[..., None], storage: Any, path: Path) -> bytes:
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.pool.NullPool)
    make(storage, engine)
    return path.read_bytes()


@contextlib.contextmanager
def _instead(owner: Any, name: str, ours: Callable[[Any], Any]) -> Iterator[None]:
    """Have `owner` use what `ours` makes of its own."""
    theirs = getattr(owner, name)
    setattr(owner, name, ours(theirs))
    try:
        yield
    finally:
        setattr(owner, name, theirs)
