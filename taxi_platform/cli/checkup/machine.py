"""Python, the packages, and the room on the disks."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from taxi_platform.cli.checkup.finding import Finding
from taxi_platform.cli.tables import size_of

PACKAGE = "taxi-platform"
OLDEST, NEWEST = (3, 11), (3, 14)
SHOWN = ("dagster", "duckdb", "pyarrow", "psycopg")

MONTH_BYTES = 2_500_000_000
"""What the largest month needs on its way through raw, cleaned and lake: fhvhv, 20 million rows, with its drafts."""

DUCKDB_BYTES = 4_000_000_000
"""What DuckDB needs in addition to swap it."""


def python() -> Iterator[Finding]:
    """The version of Python, and whether the packages are those that this was tested with."""
    here = sys.version_info[:2]
    version = ".".join(map(str, sys.version_info[:3]))
    if not OLDEST <= here <= NEWEST:
        yield Finding("python", "fail", f"Python {version} runs, 3.11 to 3.14 is needed. Make it anew: make setup.")
    else:
        yield Finding("python", "ok", f"Python {version} in {sys.prefix}")
    yield _packages()


def _packages() -> Finding:
    from packaging.requirements import Requirement

    wrong, missing = [], []
    for text in metadata.requires(PACKAGE) or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement.name)
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} {version} (needed: {requirement.specifier})")
    if missing or wrong:
        what = "; ".join([*(f"{name} is not installed" for name in missing), *wrong])
        return Finding("packages", "fail", f"{what}. Install them again: make setup.")
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in SHOWN)
    others = _untested()
    if not others:
        return Finding("packages", "ok", shown)
    more = f" and {len(others) - 4} more" if len(others) > 4 else ""
    message = f"{shown}; not those that were tested: {', '.join(others[:4])}{more}. make setup installs those."
    return Finding("packages", "warn", message)


def _untested() -> list[str]:
    """Packages that are installed in another version than `constraints.txt` of a clone says."""
    constraints = Path(__file__).parents[3] / "constraints.txt"
    if not constraints.is_file():
        return []
    found = []
    for name, tested in re.findall(r"^([\w.-]+)==(\S+)", constraints.read_text(), re.MULTILINE):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that nobody asked for
        if version != tested:
            found.append(f"{name} {version} (tested: {tested})")
    return found


def room(home: Path, warehouse: Path | None) -> Iterator[Finding]:
    """Whether the largest month fits where files are on their way, and in a DuckDB file."""
    folder = nearest(home)
    needed = MONTH_BYTES + (DUCKDB_BYTES if warehouse and _same_disk(folder, nearest(warehouse)) else 0)
    free = shutil.disk_usage(folder).free
    message = f"{size_of(free)} are free in {folder}, the largest month needs {size_of(needed)}"
    if free >= needed:
        yield Finding("disk", "ok", message)
    else:
        yield Finding("disk", "warn", f"{message}. Make room (taxi prune --dry-run), or set TAXI_HOME to another disk.")
    if warehouse and not _same_disk(folder, nearest(warehouse)):
        free = shutil.disk_usage(nearest(warehouse)).free
        message = f"{size_of(free)} are free for {warehouse}, the largest month needs {size_of(DUCKDB_BYTES)}"
        if free >= DUCKDB_BYTES:
            yield Finding("disk", "ok", message)
        else:
            yield Finding("disk", "warn", f"{message}. Make room, or set TAXI_WAREHOUSE to another disk.")


def nearest(path: Path) -> Path:
    """The folder of `path` that is there, from itself upward."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev
