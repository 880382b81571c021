"""One thing that was looked at, and what to do about it; and how many of them are looked at at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from taxi_platform.errors import TaxiError

State = Literal["ok", "warn", "fail"]

TIMEOUT_S = 20.0
"""So long all checks together may take. What has not answered by then does not answer."""


@dataclass(frozen=True)
class Finding:
    """What a check came to: one sentence, and where something is to be mended, what."""

    check: str
    state: State
    message: str


Check = Callable[[], Iterable[Finding]]


def findings(checks: Mapping[str, Check], timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """What all checks find, in their order; they look at the same time, each on its own."""
    answers: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()

    def look(name: str, check: Check) -> None:
        answers.put((name, _contained(name, check)))

    for name, check in checks.items():
        # Daemons: a check that hangs does not keep the command from ending.
        threading.Thread(target=look, args=(name, check), name=name, daemon=True).start()
    found: dict[str, list[Finding]] = {}
    deadline = time.monotonic() + timeout_s
    for name in checks:
        while name not in found:
            try:
                other, answer = answers.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                found[name] = [Finding(name, "fail", _SILENT.format(timeout_s))]
            else:
                found.setdefault(other, answer)
        yield from found[name]


_SILENT = "no answer within {:.0f} seconds. Look at the connection, and at who else uses it."


def _contained(name: str, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        for one in check():
            found.append(one)  # noqa: PERF402 (what was found before an error counts)
    except TaxiError as error:
        found.append(Finding(name, "fail", str(error)))
    except Exception as error:  # noqa: BLE001 (whatever is broken; its text may hold a secret)
        found.append(Finding(name, "fail", f"this check itself failed ({type(error).__name__}). Please report it."))
    return found
