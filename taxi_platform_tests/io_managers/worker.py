"""Another process that uses a store: it puts months down as it is told, and can be killed at any moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import many_rows, month_rows

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A process with a kit of its own over the same store."""

    def __init__(self, kit: StoreKit) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, kit.name, str(kit.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._hear()  # it has imported what it needs

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
        self._say({"month": month, "seed": seed, "version": version, "as_of": as_of, "many": many})
        assert self._hear() == "ready"

    def go(self) -> None:
        """Put them down."""
        self._say("go")

    def outcome(self) -> str:
        """What came of it: an outcome, or the name of the error."""
        return str(self._hear())

    def kill(self) -> None:
        """kill -9, and nothing of it is left."""
        self.process.kill()
        self.process.communicate()

    def _say(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def _hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


def main(name: str, root: str) -> None:
    kit = KITS[name](Path(root))
    _tell("started")
    for line in sys.stdin:
        task = json.loads(line)
        month, seed = task["month"], task["seed"]
        rows = many_rows(month, seed, kit.many) if task["many"] else month_rows(month, seed)
        _tell("ready")
        sys.stdin.readline()
        try:
            _tell(kit.put(task["month"], rows, task["version"], task["as_of"]).outcome)
        except Exception as error:  # noqa: BLE001 (whatever it is, its name goes to the test)
            _tell(type(error).__name__)


def _tell(what: str) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
