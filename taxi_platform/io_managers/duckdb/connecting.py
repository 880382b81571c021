"""A DuckDB file opened for as short as can be; while somebody else holds it, we wait, then say who it is."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import DamagedStoreError, StoreFullError, StoreUnavailableError

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "512MB"
THREADS = 2
WAIT_S = 30.0

_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


@contextlib.contextmanager
def connected(
    path: Path, *, read_only: bool, spill: Path | None = None, wait_s: float = WAIT_S
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the DuckDB file at `path`, closed when the context ends, in bounded memory.

    Args:
        spill: Where DuckDB puts what does not fit in memory; without it, nothing may spill.
        wait_s: How long to wait while another process holds the file.

    Raises:
        StoreUnavailableError: Another process held it all that time.
        StoreFullError: The disk is full.
    """
    import duckdb

    with in_words(path):
        connection = _connect(path, read_only=read_only, spill=spill, wait_s=wait_s)
    try:
        with in_words(path):
            yield connection
    finally:
        with contextlib.suppress(duckdb.Error):  # what went wrong has been said already
            connection.close()


def _connect(path: Path, *, read_only: bool, spill: Path | None, wait_s: float) -> duckdb.DuckDBPyConnection:
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": "" if spill is None else str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=config)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower() or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 (so that two who wait do not wait in step)


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """DuckDB's errors about the file itself as sentences."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        text = str(error)
        if holder := _HOLDER.search(text):
            raise StoreUnavailableError(
                f"{path}: process {holder['pid']} ({holder['program']}) has it open, and DuckDB lets one process in "
                "at a time. Nothing was changed. Close it there and try again."
            ) from error
        if "No space left" in text or "failed to write" in text.lower() or "Disk quota" in text:
            raise StoreFullError(
                f"{path}: the disk is full. What stood before still stands. Make room and load the month again."
            ) from error
        if "not a valid DuckDB database" in text:
            raise DamagedStoreError(
                f"{path}: this is no DuckDB database. Nothing was changed. Name another file in TAXI_WAREHOUSE, or "
                "move this one away: the next load builds it anew."
            ) from error
        raise StoreUnavailableError(f"{path}: {text.splitlines()[0]}. What stood before still stands.") from error
