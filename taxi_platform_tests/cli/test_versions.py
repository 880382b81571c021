"""`taxi versions`: what a month was before is listed, compared, and brought back in lake and warehouse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taxi_platform_tests.conftest import Project

ONE, OTHER = "sample://?rows=400", "sample://?rows=400&seed=9"
NUMBERS = "select count(*), sum(total_amount)::varchar from green_trips"


def versions(project: Project, *options: str) -> list[dict[str, Any]]:
    return json.loads(project.taxi("versions", "green", "2021-01", *options, "--json").out)["versions"]


@pytest.fixture
def twice(project: Project) -> Project:
    """A month, and another version of it."""
    project.settings["TAXI_SOURCE"] = OTHER
    for source in (ONE, OTHER):
        assert project.load("green", "2021-01", "--source", source)[0]["status"] == "loaded"
    return project


def test_versions_are_listed_with_what_changed(twice: Project) -> None:
    first, second = versions(twice)
    assert (first["is_current"], second["is_current"]) == (False, True)
    assert first["changes"] == []
    assert any(change.startswith("sum of total_amount") for change in second["changes"])
    assert [[second["rows"], second["control_sums"]["total_amount"]]] == twice.rows(NUMBERS)
    shown = twice.taxi("versions", "green", "2021-01").out
    assert all(one["version"] in shown for one in (first, second))
    assert shown.partition(f"{second['version']} against {first['version']}:\n")[2].splitlines() == [
        f"  {change}" for change in second["changes"]
    ]
    assert max(map(len, shown.splitlines())) < 100


def test_a_version_comes_back_in_lake_and_warehouse_and_the_next_load_goes_forward(twice: Project) -> None:
    old, new = versions(twice)
    newest = twice.rows(NUMBERS)
    answer = twice.taxi("versions", "green", "2021-01", "--restore", old["version"])
    assert (answer.exit_code, answer.err) == (0, "")
    assert f"is version {old['version']} again" in answer.out
    assert twice.rows(NUMBERS) == [[old["rows"], old["control_sums"]["total_amount"]]]
    assert versions(twice)[-1]["version"] == old["version"]
    states = twice.states()
    assert (states["green", "2021-01", "lake"], states["green", "2021-01", "warehouse"]) == ("stale", "current")
    assert versions(twice, "--restore", old["version"])[-1]["version"] == old["version"]
    assert twice.load("green", "2021-01")[0]["status"] == "loaded"
    assert twice.rows(NUMBERS) == newest
    assert versions(twice)[-1]["version"] == new["version"]
    assert set(twice.states().values()) == {"current"}
    assert twice.load("green", "2021-01")[0]["status"] == "unchanged"


def test_a_version_that_is_not_kept_is_a_sentence_and_nothing_is_changed(twice: Project) -> None:
    before = twice.rows(NUMBERS)
    answer = twice.taxi("versions", "green", "2021-01", "--restore", "nothing")
    assert answer.exit_code == 1
    assert "has no version nothing of green_trips 2021-01 that is whole" in answer.err
    assert twice.rows(NUMBERS) == before


def test_a_month_that_was_never_loaded_is_a_sentence(project: Project) -> None:
    assert "has no green 2021-01. Load it first." in project.taxi("versions", "green", "2021-01").sentence
    assert "name one" in project.taxi("versions", "all", "2021-01").sentence
