"""`taxi prune`: what goes, what stays, and that nobody misses what went."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from taxi_platform_tests.conftest import Project, make_project

ONE, OTHER, THIRD = "sample://?rows=400", "sample://?rows=400&seed=9", "sample://?rows=400&seed=10"
STAGES = ("raw", "cleaned", "lake", "warehouse")
NUMBERS = "select count(*), sum(total_amount)::varchar from green_trips"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of somebody who prunes two days from now."""
    from taxi_platform.automation import pruning

    monkeypatch.setattr(pruning, "Pruner", partial(pruning.Pruner, now=lambda: time.time() + 2 * 86400))


@pytest.fixture(scope="module")
def loaded_thrice(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A month that was published three times."""
    made = make_project(tmp_path_factory.mktemp("thrice"))
    for source in (ONE, OTHER, THIRD):
        assert made.load("green", "2021-01", "--source", source)[0]["status"] == "loaded"
    return made


@pytest.fixture
def thrice(project: Project, loaded_thrice: Project) -> Project:
    """The same, to do with as one likes."""
    subprocess.run(["cp", "-a", f"{loaded_thrice.folder}/.taxi", project.folder], check=True)  # with its hard links
    project.settings["TAXI_SOURCE"] = THIRD
    return project


def prune(project: Project, *options: str) -> dict[tuple[str, str], int]:
    """How many files went, by table and stage."""
    answer = project.taxi("prune", *options, "--json")
    assert (answer.exit_code, answer.err) == (0, "")
    return {(one["table"], one["stage"]): one["files"] for one in json.loads(answer.out)["freed"]}


def files(project: Project, stage: str) -> list[Path]:
    found = (project.home / stage).glob("green_trips/source_month=2021-01/*")
    return [path for path in found if path.name != "manifest.json"]


def versions(project: Project) -> list[dict[str, Any]]:
    return json.loads(project.taxi("versions", "green", "2021-01", "--json").out)["versions"]


def test_what_is_young_stays(thrice: Project) -> None:
    assert prune(thrice, "--keep", "1") == {}
    assert "Nothing to prune" in thrice.taxi("prune", "--keep", "1").out
    assert len(versions(thrice)) == 3


@pytest.mark.usefixtures("later")
def test_two_versions_stay_and_what_went_is_said(thrice: Project) -> None:
    before = thrice.rows(NUMBERS)
    planned = thrice.taxi("prune", "--dry-run")
    assert "would be freed" in planned.out
    assert "Nothing was removed" in planned.out
    assert len(files(thrice, "raw")) == 3
    freed = prune(thrice, "green", "2021-01")
    assert freed["green_trips", "raw"] == 1
    assert freed["green_trips", "cleaned"] == freed["green_trips", "lake"] >= 1
    assert len(files(thrice, "raw")) == len(versions(thrice)) == 2
    assert prune(thrice) == {}
    assert thrice.rows(NUMBERS) == before
    assert set(thrice.states().values()) == {"current"}
    assert [month["status"] for month in thrice.load("green", "2021-01")] == ["unchanged"]


@pytest.mark.usefixtures("later")
def test_a_version_that_was_brought_back_stays_and_so_does_the_way_forward(thrice: Project) -> None:
    newest = thrice.rows(NUMBERS)
    old, _, new = versions(thrice)
    assert thrice.taxi("versions", "green", "2021-01", "--restore", old["version"]).exit_code == 0
    prune(thrice, "--keep", "1")
    assert [one["version"] for one in versions(thrice)] == [new["version"], old["version"]]
    assert thrice.rows(NUMBERS) == [[old["rows"], old["control_sums"]["total_amount"]]]
    assert thrice.load("green", "2021-01")[0]["status"] == "loaded"
    assert thrice.rows(NUMBERS) == newest


@pytest.mark.usefixtures("later")
def test_a_month_whose_raw_and_cleaned_were_pruned_is_current_and_is_not_fetched_again(thrice: Project) -> None:
    before = thrice.rows(NUMBERS)
    thrice.settings.update({"TAXI_KEEP_RAW": "0", "TAXI_KEEP_CLEANED": "0"})
    prune(thrice)
    assert files(thrice, "raw") == files(thrice, "cleaned") == []
    looked_at = thrice.states("--refresh")
    assert [looked_at["green", "2021-01", stage] for stage in STAGES] == ["current"] * 4
    assert [month["status"] for month in thrice.load("green", "2021-01")] == ["unchanged"]
    assert files(thrice, "raw") == []
    shutil.rmtree(thrice.home / "dagster")  # then there has to be a run
    assert [month["status"] for month in thrice.load("green", "2021-01")] == ["unchanged"]
    assert files(thrice, "raw") == []
    assert thrice.rows(NUMBERS) == before


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "damage",
    [
        "the lake is deleted",
        *(pytest.param(one, marks=pytest.mark.long) for one in ("other rules", "by force", "the warehouse is deleted")),
    ],
)
def test_what_was_pruned_is_fetched_again_where_it_is_needed(thrice: Project, damage: str) -> None:
    before = thrice.rows(NUMBERS)
    thrice.settings.update({"TAXI_KEEP_RAW": "0", "TAXI_KEEP_CLEANED": "0"})
    prune(thrice)
    options = []
    if damage == "the lake is deleted":
        for path in files(thrice, "lake"):
            path.unlink()
    elif damage == "other rules":
        thrice.settings["TAXI_RULES"] = "none"
    elif damage == "by force":
        options = ["--force"]
    else:
        thrice.warehouse.unlink()
    (month,) = thrice.load("green", "2021-01", *options)
    assert (month["status"], month["rows_in"]) == ("loaded", 400)
    assert (files(thrice, "raw") == []) == (damage == "the warehouse is deleted")
    assert (thrice.rows(NUMBERS) == before) == (damage != "other rules")
    assert set(thrice.states().values()) == {"current"}


@pytest.mark.usefixtures("later")
def test_what_is_behind_keeps_the_raw_file_that_it_is_to_be_made_of(thrice: Project) -> None:
    thrice.settings.update({"TAXI_KEEP_RAW": "0", "TAXI_RULES": "none"})
    prune(thrice)
    assert len(files(thrice, "raw")) == 1


@pytest.mark.usefixtures("later")
def test_a_warehouse_that_does_not_answer_stops_it_before_anything_goes(thrice: Project) -> None:
    thrice.warehouse.write_bytes(b"This was a database once. " * 1000)
    answer = thrice.taxi("prune", "green", "--keep", "1")
    assert answer.exit_code == 1
    assert "this is no DuckDB database" in answer.err
    assert len(files(thrice, "raw")) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--older-than", "12h"), "younger than a day is never removed"),
        (("--older-than", "soon"), "'soon' is no span of time"),
        (("blue",), "blue"),
        (("green", "2021-13"), "2021-13"),
    ],
)
def test_what_cannot_be_pruned_is_a_sentence(project: Project, options: tuple[str, ...], sentence: str) -> None:
    answer = project.taxi("prune", *options)
    assert answer.exit_code == 2
    assert sentence in answer.sentence


@pytest.mark.parametrize(("name", "value"), [("TAXI_KEEP_VERSIONS", "0"), ("TAXI_KEEP_RAW", "all")])
def test_a_number_that_is_none_is_refused(project: Project, name: str, value: str) -> None:
    project.settings[name] = value
    answer = project.taxi("prune")
    assert answer.exit_code == 2
    assert f"{name}: {value!r} is not a number" in answer.sentence
