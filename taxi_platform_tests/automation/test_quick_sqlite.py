"""A history in SQLite that is written with less ado is the same history."""

from __future__ import annotations

import sqlite3

import pytest
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage

from taxi_platform_tests.conftest import Project

MODULES = (sqlite_event_log, sqlite_run_storage)


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
    before = [module.create_engine for module in MODULES]
    project.load("green", "2021-01")
    assert [module.create_engine for module in MODULES] == before


def test_the_events_of_a_load_are_in_the_files_where_others_look_for_them(project: Project) -> None:
    project.load("green", "2021-01")
    history = project.home / "dagster" / "history" / "runs"
    assert not list(history.glob("index.db-*")), "the journal is still open"
    with sqlite3.connect(history / "index.db") as index:
        (count,) = index.execute(
            "SELECT count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
        ).fetchone()
    assert count == 4
