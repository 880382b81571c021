"""What a piece of work took, as a line of JSON: every contender is a process of its own and ends by printing it."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path


def timed(work: Callable[[], object]) -> None:
    """Do `work` and print its wall and CPU seconds, the process's peak memory, and what it wrote to disk.

    The start of the interpreter and the imports are over by then: they are in no number but the memory.
    """
    wall, cpu, written = time.perf_counter(), _cpu_s(), _written_bytes()
    work()
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu}
    print(json.dumps(took | {"peak_mb": _peak_mb(), "written_mb": (_written_bytes() - written) / 1e6}))


def _cpu_s() -> float:
    """Of this process and of the children that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_mb() -> float:
    """The largest that this process has been. (Linux counts in `ru_maxrss` what its parent was, too.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def _written_bytes() -> int:
    """What this process handed to the file system so far; 0 where the system does not say."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        return 0
    lines = dict(line.split(": ") for line in counters.read_text().splitlines())
    return int(lines["write_bytes"])
