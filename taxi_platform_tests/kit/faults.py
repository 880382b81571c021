"""What a server does wrong when it is asked to: refuse, stall, cut the line, lose the answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to the next `times` requests whose line (`PUT /path?query`) matches `pattern`.

    Attributes:
        status: This is answered, and nothing done.
        reason: What is said with it, and `message`.
        cut: `before` anything is done; `after` it was done, so that the answer is lost; or after so many bytes of the
            answer.
        stall_s: So long is waited first.
        garble: The bytes of the answer are turned around.
    """

    pattern: str
    times: int = 1
    status: int | None = None
    cut: str | int | None = None
    stall_s: float = 0.0
    garble: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = "asked for"
    message: str = "asked for"
    met: int = 0


class Faults:
    """The faults that are asked for, and every request there was."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.requests.clear()

    def meet(self, line: str) -> Fault | None:
        """The fault that this request runs into, if any."""
        with self._lock:
            self.requests.append(line)
            for fault in self._waiting:
                if fault.met < fault.times and re.search(fault.pattern, line):
                    fault.met += 1
                    return fault
        return None
