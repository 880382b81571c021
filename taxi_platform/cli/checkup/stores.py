"""Raw, cleaned and lake: whether they answer, take what is put there, and honour conditions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from taxi_platform.cli.checkup.finding import Finding
from taxi_platform.cli.checkup.machine import nearest
from taxi_platform.io_managers.objects.opening import Location, open_store

PATIENCE_S = 4.0
"""How long a bucket is asked again: somebody is waiting."""

SKEW_S = 300.0
"""Clocks further apart than that are told (arbitrary; clouds refuse signatures at 900 seconds)."""


def store(stage: str, where: Path | Location, variables: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """A probe that is written, swapped, and removed: nothing of it stays."""
    if isinstance(where, Path) and not where.is_dir():
        yield _to_be_made(stage, where)
        return
    probe = open_store(str(where), variables, home, patience_s=PATIENCE_S).probe()
    for complaint in probe.complaints:
        yield Finding(stage, "warn", f"{where}: {complaint}")
    if not probe.complaints:
        yield Finding(stage, "ok", f"{where}: read, written, swapped and removed a probe")
    if probe.clock is not None:
        yield from skew(f"{where}", probe.clock - time.time())


def skew(where: str, seconds: float) -> Iterator[Finding]:
    """A word where two clocks do not agree."""
    if abs(seconds) > SKEW_S:
        said = f"the clock of {where} is {abs(seconds):,.0f} seconds {'ahead' if seconds > 0 else 'behind'}"
        yield Finding("clock", "warn", f"{said}. Which of two versions is the newer the clock tells: set it right.")


def _to_be_made(stage: str, folder: Path) -> Finding:
    above = nearest(folder)
    if os.access(above, os.W_OK | os.X_OK):
        return Finding(stage, "ok", f"{folder}: not there yet, the first load makes it")
    return Finding(stage, "fail", f"{folder}: nothing can be made in {above}. Give this user the right to, or move it.")
