"""`taxi status`: each state a month can be in, provoked for real."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from taxi_platform.assets.coverage import Cell
from taxi_platform.assets.stages import asset_key
from taxi_platform.automation.instance import open_instance
from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.conftest import Project

STAGES = ("raw", "cleaned", "lake", "warehouse")


def of(project: Project, month: str, *options: str) -> tuple[str | None, ...]:
    states = project.states(*options)
    return tuple(states.get(("green", month, stage)) for stage in STAGES)


def materialise(project: Project, month: str, stages: tuple[str, ...], **settings: str) -> None:
    """Only some stages, as somebody may in the UI."""
    read = Settings.read({"TAXI_SOURCE": "sample://?rows=500", **settings}, project.folder)
    keys = [asset_key(stage, SERVICES["green"]) for stage in stages]
    job = build_definitions(read).resolve_implicit_global_asset_job_def().get_subset(asset_selection=set(keys))
    with open_instance(project.folder) as instance:
        assert job.execute_in_process(instance=instance, partition_key=month).success


def test_what_is_loaded_is_current_in_every_stage(template: Project) -> None:
    assert of(template, "2024-01") == ("current",) * 4
    assert set(template.states().values()) == {"current"}
    document = json.loads(template.taxi("status", "--json").out)
    assert list(document) == ["source", "looked_at", "late", "cells"]
    assert list(document["cells"][0]) == ["service", "month", "stage", "state"]
    assert document["late"] == {"yellow": [], "green": [], "fhv": [], "fhvhv": []}
    assert (document["source"], document["looked_at"]) == ("sample://?rows=500", None)


def test_the_text_has_a_row_for_months_that_are_alike_and_says_that_nobody_looked(template: Project) -> None:
    assert template.taxi("status").out.splitlines() == [
        "service  month             raw      cleaned  lake     warehouse",
        "-------  ----------------  -------  -------  -------  ---------",
        "green    2024-01..2024-02  current  current  current  current",
        "The source sample://?rows=500 has not been looked at yet: taxi status --refresh.",
    ]


def test_an_empty_project_says_how_to_begin_and_makes_nothing(project: Project) -> None:
    answer = project.taxi("status")
    assert answer.exit_code == 0
    assert answer.out.splitlines()[0] == "Nothing is loaded yet. Begin with: taxi load green 2021-01"
    assert not project.home.exists()


def test_a_refresh_looks_without_downloading_and_says_when(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "publisher"
    folder.mkdir()
    for name in ("green_tripdata_2024-01.parquet", "yellow_tripdata_2019-05.csv"):
        os.mkfifo(folder / name)  # whoever opened it would wait for ever
    project.settings["TAXI_SOURCE"] = str(folder)
    monkeypatch.setattr("taxi_platform.io_managers.stored.utc_now", lambda: "2026-01-02T03:04:05.000000Z")
    answer = project.taxi("status", "--refresh")
    assert answer.out.splitlines() == [
        "yellow: 1 month is published and not loaded, 2019-05.",
        "green: 1 month is published and not loaded, 2024-01.",
        f"The source {folder} was last looked at 2026-01-02 03:04:05 UTC.",
    ]
    assert of(project, "2024-01") == ("missing",) * 4
    assert json.loads(project.taxi("status", "--json").out)["looked_at"] == "2026-01-02T03:04:05.000000Z"
    assert [path.name for path in project.home.iterdir()] == ["looks"]


def test_a_look_at_one_sample_says_nothing_of_another(loaded: Project) -> None:
    loaded.taxi("status", "--refresh", "--source", "sample://?rows=700")
    assert of(loaded, "2024-01", "--source", "sample://?rows=700")[0] == "changed"
    assert of(loaded, "2024-01") == ("current",) * 4
    assert "not been looked at" in loaded.taxi("status").out


@pytest.fixture
def published(project: Project, shared: Path) -> Path:
    """A month that was loaded from a folder, and looked at since."""
    folder = project.folder / "publisher"
    folder.mkdir()
    file = folder / "green_tripdata_2024-01.parquet"
    shutil.copy(shared / "resaved/green/green_tripdata_2020-04.parquet", file)
    project.settings["TAXI_SOURCE"] = str(folder)
    project.load("green", "2024-01")
    assert of(project, "2024-01", "--refresh") == ("current",) * 4
    return file


def test_another_file_at_the_source_is_a_change_as_soon_as_somebody_looks(
    project: Project, published: Path, shared: Path
) -> None:
    shutil.copy(shared / "resaved/green/green_tripdata_2023-02.parquet", published)
    assert of(project, "2024-01") == ("current",) * 4  # as of the last look
    assert of(project, "2024-01", "--refresh") == ("changed", "current", "current", "current")
    assert project.load("green", "2024-01")[0]["status"] == "loaded"
    assert of(project, "2024-01") == ("current",) * 4


def test_a_file_that_was_only_touched_is_current_once_it_was_fetched(project: Project, published: Path) -> None:
    os.utime(published, (1, 1))
    assert of(project, "2024-01", "--refresh") == ("changed", "current", "current", "current")
    assert project.load("green", "2024-01")[0]["status"] == "unchanged"
    assert of(project, "2024-01") == ("current",) * 4


def test_a_month_that_the_source_has_no_more_is_unpublished(project: Project, published: Path) -> None:
    published.unlink()
    shutil.rmtree(project.home / "raw")
    assert of(project, "2024-01", "--refresh") == ("unpublished", "current", "current", "current")


def test_each_stage_is_stale_when_the_one_before_it_has_moved_on(loaded: Project) -> None:
    other = {"TAXI_SOURCE": "sample://?rows=500&seed=2"}
    materialise(loaded, "2024-01", ("raw",), **other)
    assert of(loaded, "2024-01") == ("current", "stale", "current", "current")
    materialise(loaded, "2024-01", ("cleaned",), **other)
    assert of(loaded, "2024-01") == ("current", "current", "stale", "current")
    materialise(loaded, "2024-01", ("lake",), **other)
    assert of(loaded, "2024-01") == ("current", "current", "current", "stale")
    materialise(loaded, "2024-01", ("warehouse",), **other)
    assert of(loaded, "2024-01") == ("current",) * 4
    assert of(loaded, "2024-02") == ("current",) * 4


def test_other_rules_make_what_is_cleaned_stale_until_it_is_loaded_again(loaded: Project) -> None:
    loaded.settings["TAXI_RULES"] = "none"
    assert of(loaded, "2024-01") == ("current", "stale", "current", "current")
    (month,) = loaded.load("green", "2024-01")
    assert "passenger_count_zero" not in month["rejected_by_reason"]
    assert of(loaded, "2024-01") == ("current",) * 4


@pytest.mark.parametrize("stage", ["raw", "cleaned", "lake"])
def test_a_stage_with_a_file_missing_is_damaged(loaded: Project, stage: str) -> None:
    (loaded.home / stage / "green_trips/source_month=2024-01").joinpath(
        next(p.name for p in (loaded.home / stage / "green_trips/source_month=2024-01").glob("*.parquet"))
    ).unlink()
    assert dict(zip(STAGES, of(loaded, "2024-01"), strict=True))[stage] == "damaged"
    assert of(loaded, "2024-02") == ("current",) * 4


def test_a_warehouse_that_lacks_a_row_is_damaged_and_without_its_table_too(loaded: Project) -> None:
    for sql in ("delete from green_trips where source_row = 7", "drop table green_trips"):
        with duckdb.connect(loaded.warehouse) as connection:
            connection.execute(sql)
        assert of(loaded, "2024-01") == ("current", "current", "current", "damaged")


def test_without_a_warehouse_its_months_are_missing(loaded: Project) -> None:
    loaded.warehouse.unlink()
    assert of(loaded, "2024-01") == ("current", "current", "current", "missing")


def test_a_long_list_shows_its_end_and_says_what_it_left_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    months = [f"{2014 + number // 12}-{number % 12 + 1:02d}" for number in range(140)]
    states = dict.fromkeys(months, "missing") | dict.fromkeys(months[::2], "current")
    cells = [Cell("green", month, stage, state) for month, state in states.items() for stage in STAGES]
    monkeypatch.setattr("taxi_platform.assets.coverage.coverage", lambda *_: cells)
    lines = project.taxi("status").out.splitlines()
    assert lines[2].split() == ["green", months[20], *["current"] * 4]
    assert lines[61].split() == ["green", months[138], *["current"] * 4]
    assert lines[62:] == [
        "... and 10 rows before these: --json shows all.",
        "green: 70 months are published and not loaded, the first 2014-02, the last 2025-08.",
        "The source sample has not been looked at yet: taxi status --refresh.",
    ]
    assert len(json.loads(project.taxi("status", "--json").out)["cells"]) == 560
