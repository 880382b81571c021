"""What somebody deleted by hand is noticed by the next load, and put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from taxi_platform_tests.conftest import Project

NUMBERS = (
    "select strftime(source_month, '%Y-%m'), count(*), sum(total_amount), count(distinct source_row) "
    "from green_trips group by 1 order by 1"
)


def in_warehouse(sql: str) -> Callable[[Project], None]:
    def damage(project: Project) -> None:
        with duckdb.connect(project.warehouse) as connection:
            connection.execute(sql)

    return damage


def without(store: str, pattern: str) -> Callable[[Project], None]:
    def damage(project: Project) -> None:
        found = list((project.home / store).glob(f"green_trips/source_month=2024-01/{pattern}"))
        assert found
        for path in found:
            path.unlink()

    return damage


def without_folder(name: str) -> Callable[[Project], None]:
    return lambda project: shutil.rmtree(project.home / name)


def cut(store: str) -> Callable[[Project], None]:
    def damage(project: Project) -> None:
        (path,) = (project.home / store).glob("green_trips/source_month=2024-01/*[0-9a-f].parquet")
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])

    return damage


DAMAGES: dict[str, Callable[[Project], Any]] = {
    "the table was dropped": in_warehouse("drop table green_trips"),
    "the rows of the month were deleted": in_warehouse("delete from green_trips where source_month = '2024-01-01'"),
    "one row was deleted": in_warehouse("delete from green_trips where source_month = '2024-01-01' and source_row = 7"),
    "the rows are there twice": in_warehouse("insert into green_trips from green_trips"),
    "the ledger was dropped": in_warehouse("drop table _taxi_months"),
    "the month was deleted from the ledger": in_warehouse("delete from _taxi_months where source_month = '2024-01-01'"),
    "the warehouse was deleted": lambda project: project.warehouse.unlink(),
    "the object of the lake was deleted": without("lake", "*[0-9a-f].parquet"),
    "the manifest of the lake was deleted": without("lake", "manifest.json"),
    "the lake was deleted": without_folder("lake"),
    "the object of the lake was cut": cut("lake"),
    "the cleaned object was deleted": without("cleaned", "*[0-9a-f].parquet"),
    "the cleaned rejects were deleted": without("cleaned", "*.rejects.parquet"),
    "the cleaned object was cut": cut("cleaned"),
    "the cleaned manifest was deleted": without("cleaned", "manifest.json"),
    "cleaned was deleted": without_folder("cleaned"),
    "the raw object was deleted": without("raw", "*[0-9a-f].parquet"),
    "raw was deleted": without_folder("raw"),
    "all was deleted but the history": lambda project: [
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in project.home.iterdir()
        if path.name != "dagster"
    ],
}


OFTEN = (
    "the table was dropped",
    "the rows of the month were deleted",
    "the warehouse was deleted",
    "the object of the lake was deleted",
    "the cleaned object was deleted",
    "the raw object was deleted",
)
"""Tested every time; the others by `make test-long`."""


@pytest.mark.parametrize(
    "damage", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.long) for name in DAMAGES]
)
def test_the_next_load_puts_back_what_was_deleted(loaded: Project, damage: str) -> None:
    before = loaded.rows(NUMBERS)
    DAMAGES[damage](loaded)
    (month,) = loaded.load("green", "2024-01")
    assert (month["status"], month["message"]) == ("loaded", "")
    loaded.load("green", "2024-02")
    assert loaded.rows(NUMBERS) == before
    assert set(loaded.states().values()) == {"current"}
    assert [month["status"] for month in loaded.load("green", "2024-01")] == ["unchanged"]


def test_without_its_history_nothing_has_to_be_loaded_again(loaded: Project) -> None:
    before = loaded.rows(NUMBERS)
    shutil.rmtree(loaded.home / "dagster")
    assert {month["status"] for month in loaded.load("green", "2024-01,2024-02")} == {"unchanged"}
    assert loaded.rows(NUMBERS) == before


@pytest.mark.parametrize("damaged", ["warehouse.duckdb", "dagster/history/runs.db"])
def test_a_file_that_is_no_database_is_named_and_left_alone(loaded: Project, damaged: str) -> None:
    path: Path = loaded.home / damaged
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()
    path.write_bytes(b"This was a database once. " * 1000)
    answer = loaded.taxi("load", "green", "2024-01")
    assert answer.exit_code == 1
    assert "database" in answer.err
    assert "Traceback" not in answer.err
    assert path.read_bytes().startswith(b"This was a database once. ")
    assert len(answer.err.splitlines()) == 1
