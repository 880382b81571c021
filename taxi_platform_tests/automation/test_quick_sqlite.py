"""A history in SQLite that is written with less ado is the same history."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from dagster._core.storage import sql
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage

from taxi_platform_tests.conftest import Project

MODULES = (sqlite_event_log, sqlite_run_storage)
STORAGE = sqlite_event_log.SqliteEventLogStorage


def test_a_load_makes_an_engine_once_a_database(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.load("green", "2021-01")  # the history is there
    made: list[str] = []
    for module in MODULES:

        def counted(url: str, make=module.create_engine, **options):
            made.append(url)
            return make(url, **options)

        monkeypatch.setattr(module, "create_engine", counted)
    (month,) = project.load("green", "2021-02")
    assert month["status"] == "loaded"
    opening = [url for url in made if made.count(url) > 3]
    assert not opening, "engines are made over and over again: has Dagster changed the way it makes them?"
    assert len(made) >= 3, "no engine was seen: has Dagster changed the way it makes them?"


def test_afterwards_all_is_as_dagster_has_it(project: Project) -> None:
    def theirs() -> list[object]:
        return [*(module.create_engine for module in MODULES), STORAGE._initdb, sql.ScriptDirectory]

    before = theirs()
    project.load("green", "2021-01")
    assert theirs() == before


def test_the_events_of_a_load_are_in_the_files_where_others_look_for_them(project: Project) -> None:
    project.load("green", "2021-01")
    history = project.home / "dagster" / "history" / "runs"
    assert not list(history.glob("index.db-*")), "the journal is still open"
    with sqlite3.connect(history / "index.db") as index:
        (count,) = index.execute(
            "SELECT count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
        ).fetchone()
    assert count == 4


def test_the_databases_of_runs_are_made_as_dagster_makes_them(project: Project) -> None:
    """The first run's is the pattern for those that follow; more of them than are kept open at once."""
    project.load("green", "2021-01..2021-09")
    history = project.home / "dagster" / "history" / "runs"
    runs = [path for path in history.glob("*.db") if path.stem != "index"]
    assert len(runs) == 9
    assert len({made_of(path) for path in runs}) == 1
    theirs = project.home / "theirs"
    STORAGE(str(theirs)).get_logs_for_run("a-run")
    assert made_of(theirs / "a-run.db") == made_of(runs[0])
    assert not [path for path in history.iterdir() if path.suffix != ".db"], "journals, or what databases were made of"


def made_of(path: Path) -> object:
    with contextlib.closing(sqlite3.connect(path)) as database:
        ((journal,),) = database.execute("PRAGMA journal_mode").fetchall()
        tables = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        return journal, str(tables), str(database.execute("SELECT version_num FROM alembic_version").fetchall())
