"""Which process a run is in, written on the run: so that a dead one can be told from a living one."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

# Dagster's UI shows tags that do not begin with dagster/ beside each run, large: not where a process is looked up.
PID_TAG = "dagster/process/pid"
HOST_TAG = "dagster/process/host"
STARTED_TAG = "dagster/process/started"

_marked: set[str] = set()


def process_tags() -> dict[str, str]:
    """What tells this process from any other, also after a restart of the machine."""
    pid = os.getpid()
    return {PID_TAG: str(pid), HOST_TAG: socket.gethostname(), STARTED_TAG: _started(pid) or ""}


def mark(context: dg.InitResourceContext) -> None:
    """Tag the run at hand with this process, once, unless whoever started it did.

    A run that runs another one again has inherited the tags of that one's process.
    """
    run = context.run
    if run is None or context.instance is None or run.run_id in _marked:
        return
    _marked.add(run.run_id)
    mine = process_tags()
    if not mine.items() <= run.tags.items():
        context.instance.add_run_tags(run.run_id, mine)


def is_alive(tags: Mapping[str, str]) -> bool:
    """Whether the process of a run of this host is still there: the same one, not another with its number."""
    pid = tags.get(PID_TAG, "")
    return pid.isdigit() and _started(int(pid)) == tags.get(STARTED_TAG)


def _started(pid: int) -> str | None:
    """When a process was started, as text that no other process of that number has had; None where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_by_ps(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS)."""
    import subprocess

    if Path("/proc/self/stat").exists():
        return None
    done = subprocess.run(  # noqa: S603
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None
