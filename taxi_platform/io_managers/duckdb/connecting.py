"""A DuckDB file opened for as short as can be; while somebody else holds it, we wait, then say who it is."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import DamagedStoreError, StoreError, StoreFullError, StoreUnavailableError
from taxi_platform.io_managers.objects.folder import Folder, locked

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "512MB"
THREADS = 2
WAIT_S = 30.0

_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_OTHER_PROCESS = "Could not set lock on file"
_THIS_PROCESS = ("with a different configuration than existing connections", "is already attached by database")
_FULL = ("No space left", "File too large", "Disk quota", "failed to write")
_NO_DATABASE = ("not a valid DuckDB database", "Could not read enough bytes", "Corrupt database file")


@contextlib.contextmanager
def connected(
    path: Path, *, read_only: bool, spill: Path | None = None, wait_s: float | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the DuckDB file at `path`, closed when the context ends, in bounded memory.

    Args:
        spill: Where DuckDB puts what does not fit in memory; without it, nothing may spill.
        wait_s: How long to wait while somebody else holds the file (`WAIT_S`).

    Raises:
        StoreUnavailableError: Somebody else held it all that time.
        StoreFullError: The disk is full.
        DamagedStoreError: The file is no DuckDB database.
        StoreError: Anything else that DuckDB says.
    """
    import duckdb

    with in_words(path):
        connection = _connect(path, read_only=read_only, spill=spill, wait_s=WAIT_S if wait_s is None else wait_s)
    try:
        with in_words(path):
            # On by default where Python has no script (`python -c`, a notebook): it would go to standard output.
            connection.execute("SET enable_progress_bar = false")
            yield connection
    finally:
        with contextlib.suppress(duckdb.Error):  # what went wrong has been said already
            connection.close()


@contextlib.contextmanager
def scratch(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that keeps nothing, to ask files with, in bounded memory; what does not fit goes to `spill`.

    Raises:
        StoreFullError, StoreUnavailableError, StoreError: As `connected` does.
    """
    import duckdb

    with in_words(spill), duckdb.connect(config=_config(spill)) as connection:
        connection.execute("SET enable_progress_bar = false")
        yield connection


def create_database(path: Path, spill: Path) -> None:
    """Have a database at `path`: an empty one where there is no file. A crash leaves none, never half of one.

    DuckDB itself writes a new file bit by bit, and cannot open again what a crash leaves of it.
    """
    import duckdb

    if path.exists():
        return
    new = spill / "new.duckdb"
    with in_words(path):
        duckdb.connect(new).close()
    with locked(path.parent):
        if not path.exists():
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # of a database that was deleted by hand
            Folder(path.parent).create(path.name, new)


def _connect(path: Path, *, read_only: bool, spill: Path | None, wait_s: float) -> duckdb.DuckDBPyConnection:
    import duckdb

    config = _config(spill)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=config)
        except duckdb.Error as error:
            held = any(sign in str(error) for sign in (_OTHER_PROCESS, *_THIS_PROCESS))
            if not held or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 (so that two who wait do not wait in step)


def _config(spill: Path | None) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": "" if spill is None else str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """DuckDB's errors as sentences."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _in_words(path, error) from error


def _in_words(path: Path, error: Exception) -> StoreError:
    import duckdb

    text = str(error)
    if holder := _HOLDER.search(text):
        return StoreUnavailableError(
            f"{path}: process {holder['pid']} ({holder['program']}) has it open, and DuckDB lets one process in "
            "at a time. Nothing was changed. Close it there and try again."
        )
    if any(sign in text for sign in _THIS_PROCESS):
        return StoreUnavailableError(
            f"{path}: this process itself has it open, for something else that has not ended, and DuckDB cannot read "
            "and write at once. Nothing was changed. Read to the end, or close, what is being read, and try again."
        )
    if any(sign in text for sign in _FULL):
        return StoreFullError(
            f"{path}: the disk is full. What stood before still stands. Make room and load the month again."
        )
    if any(sign in text for sign in _NO_DATABASE):
        return DamagedStoreError(
            f"{path}: this is no DuckDB database, or not all of one. Nothing was changed. Name another file in "
            "TAXI_WAREHOUSE, or move this one away: the next load builds it anew."
        )
    kind = StoreUnavailableError if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException) else StoreError
    first_line = " ".join(text.partition("\n")[0].split()).rstrip(".")
    return kind(f"{path}: {first_line}. What stood before still stands.")
