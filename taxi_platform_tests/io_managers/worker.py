"""Another process that uses a store: it puts months down as it is told, and can be killed at any moment."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import many_rows, month_rows

_NEEDED = (
    "azure.storage.blob",
    "botocore.session",
    "duckdb",
    "google.cloud.bigquery",
    "google.cloud.storage",
    "pgpq",
    "psycopg",
    "pyarrow.parquet",
)
"""What stores import when they are used: imported once, for all workers."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, *_NEEDED])


class Worker:
    """A process with a kit of its own over the same store."""

    def __init__(self, kit: StoreKit) -> None:
        self._ours, theirs = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(
            target=_work, args=(theirs, dict(os.environ), kit.name, str(kit.root)), daemon=True
        )
        self.process.start()
        theirs.close()
        assert self._hear() == "started"

    @classmethod
    @contextmanager
    def of(cls, kit: StoreKit) -> Iterator[Self]:
        worker = cls(kit)
        try:
            yield worker
        finally:
            worker.kill()

    def prepare(self, month: str, seed: int, version: str, as_of: str, *, many: bool = False) -> None:
        """Have the rows of a month at hand."""
        self._ours.send({"month": month, "seed": seed, "version": version, "as_of": as_of, "many": many})
        assert self._hear() == "ready"

    def go(self) -> None:
        """Put them down."""
        self._ours.send("go")

    def outcome(self) -> str:
        """What came of it: an outcome, or the name of the error."""
        return self._hear()

    def kill(self) -> None:
        """kill -9, and nothing of it is left."""
        self.process.kill()
        self.process.join()
        self._ours.close()

    def _hear(self) -> str:
        return str(self._ours.recv())


def _work(told: Connection, environment: Mapping[str, str], name: str, root: str) -> None:
    """What the process does: it is forked from one that has imported everything, and has the environment of that."""
    os.environ.clear()
    os.environ.update(environment)
    kit = KITS[name](Path(root))
    told.send("started")
    while task := _next(told):
        month, seed = task["month"], task["seed"]
        rows = many_rows(month, seed, kit.many) if task["many"] else month_rows(month, seed)
        told.send("ready")
        told.recv()
        try:
            told.send(kit.put(month, rows, task["version"], task["as_of"]).outcome)
        except Exception as error:  # noqa: BLE001 (whatever it is, its name goes to the test)
            told.send(type(error).__name__)


def _next(told: Connection) -> dict[str, Any] | None:
    """The next task; None where nobody is there any more who could give one."""
    with suppress(EOFError):
        return dict(told.recv())
    return None
