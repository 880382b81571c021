"""Imports run downhill only, and the house keeps its own size."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_platform_tests.conftest import ROOT

PACKAGE = ROOT / "taxi_platform"
FLOORS = (
    "errors",
    "trips",
    "resources",
    "io_managers",
    "assets",
    "automation",
    "settings",
    "analysis",
    "definitions",
    "cli",
)
"""From the ground up: who is on a floor imports from his own and from those below."""

BORROWED_FROM_TRIPS = {"ahead", "months", "month_file", "parquet_out"}
"""All that an IO manager may know of trips: it knows months and tables, not taxis."""

BORROWED_FROM_RESOURCES = {"credentials", "google", "amazon", "azure", "postgres"}
"""And of resources: who may enter, not where files come from."""

NO_TRIPS = {"dagster", "fsspec", "requests", "urllib", "http", "socket", "aiohttp", "duckdb", "click", "rich"}
"""What a trip is has nothing to do with these."""

FILES = sorted(PACKAGE.rglob("*.py"))


def modules(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """What a file imports, also inside functions, but not only for the type checker."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> Iterator[list[str]]:
    yield from (parts[1:] for parts in (name.split(".") for name in modules(path)) if parts[0] == "taxi_platform")


def floor(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_file_is_on_a_floor() -> None:
    assert {floor(path) for path in FILES} - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("name", FLOORS)
def test_imports_run_downhill(name: str) -> None:
    allowed = {*FLOORS[: FLOORS.index(name) + 1], "__version__"}
    uphill = [
        f"{path.relative_to(ROOT)} imports {'.'.join(parts)}"
        for path in FILES
        if floor(path) == name
        for parts in ours(path)
        if parts[0] not in allowed
    ]
    assert uphill == []


def test_io_managers_know_months_and_no_taxis() -> None:
    borrowed = {"trips": BORROWED_FROM_TRIPS, "resources": BORROWED_FROM_RESOURCES}
    known = {
        (str(path.relative_to(PACKAGE)), parts[1])
        for path in FILES
        if floor(path) == "io_managers"
        for parts in ours(path)
        if parts[0] in borrowed and parts[1] not in borrowed[parts[0]]
    }
    assert known == set()
    below = {parts[0] for path in FILES if floor(path) == "io_managers" for parts in ours(path)}
    assert below <= {"io_managers", "trips", "resources", "errors"}


def test_trips_know_neither_dagster_nor_the_network() -> None:
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        if floor(path) == "trips"
        for name in modules(path)
        if name.split(".")[0] in NO_TRIPS
    }
    assert strangers == set()


def test_nothing_private_of_dagster_is_used() -> None:
    inside = ("dagster._", "dagster_shared")
    automation = PACKAGE / "automation"
    known = {  # they say why
        automation / "rerunnable.py": "dagster._core.remote_origin.",
        automation / "quick_sqlite.py": (
            "dagster._core.storage.sql",
            "dagster._core.storage.event_log.sqlite",
            "dagster._core.storage.runs.sqlite",
        ),
    }
    private = [
        f"{path}: {name}"
        for path in FILES
        for name in modules(path)
        if name.startswith(inside) and not name.startswith(known.get(path, "nothing"))
    ]
    used = [str(path) for path in FILES if "dg._" in path.read_text()]
    assert private + used == []


def test_no_file_makes_a_reader_scroll() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {path: lines for path, lines in long.items() if lines > 350} == {}


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    heavy = {"pandas", "pyarrow", "duckdb", "numpy", "fsspec", "sqlalchemy", "rich", "polars"}
    early = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        for name in modules(path, everywhere=False)
        if name.split(".")[0] in heavy
    }
    # The sample's own parts are loaded as a whole, by the one function that makes a month.
    assert {where for where in early if "/sources/sample/" not in where} == set()


def test_settings_are_read_in_one_place() -> None:
    readers = {str(path.relative_to(PACKAGE)) for path in FILES if "os.environ" in path.read_text()}
    assert readers <= {"settings.py", "automation/instance.py"}
