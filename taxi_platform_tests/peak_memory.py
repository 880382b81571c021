"""The most memory that a process ever had, asked from inside it: `from taxi_platform_tests.peak_memory import ...`."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mib() -> int:
    """Resident, in MiB, since the process began."""
    if _STATUS.exists():  # not ru_maxrss: Linux hands that down from the parent process
        return int(_STATUS.read_text().split("VmHWM:")[1].split()[0]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
