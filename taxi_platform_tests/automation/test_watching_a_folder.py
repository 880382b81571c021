"""A folder of this machine: everything that is new or another one is found, once, and only when it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taxi_platform.automation.watching import watch
from taxi_platform.automation.watching.memory import Memory
from taxi_platform.resources.sources.folder import FolderSource
from taxi_platform_tests.automation.watched import Watched, put, raw_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def watched(folder: Path, tmp_path: Path) -> Watched:
    return Watched(FolderSource(str(folder)), raw_store(tmp_path / "raw"))


def test_an_empty_folder_has_nothing(watched: Watched) -> None:
    assert watched.look().reason == "nothing new: 0 months are as they were"


def test_a_file_is_found_once_as_soon_as_it_stays_as_it_is(watched: Watched, folder: Path) -> None:
    put(folder, "2021-01", b"one")
    put(folder, "2021-02", b"two")
    first = watched.look()
    assert first.found == []
    assert first.reason == (
        "green_tripdata_2021-01.csv may still be being written; green_tripdata_2021-02.csv may still be being written"
    )
    assert watched.found() == ["2021-01", "2021-02"]
    assert watched.found() == []
    assert watched.look().reason == "nothing new: 2 months are as they were"


def test_a_file_that_grows_is_not_taken_before_it_is_whole(watched: Watched, folder: Path) -> None:
    for size in range(1, 6):
        put(folder, "2021-01", b"x" * size)
        assert watched.found() == []
    assert watched.found(watch.SETTLED_S) == ["2021-01"]


def test_two_looks_at_once_do_not_make_a_file_whole(watched: Watched, folder: Path) -> None:
    put(folder, "2021-01", b"one")
    assert watched.found() == []
    assert watched.found(0.1) == []
    assert watched.found(watch.SETTLED_S) == ["2021-01"]


def test_what_was_loaded_by_hand_starts_nothing(watched: Watched, folder: Path) -> None:
    put(folder, "2021-01", b"one")
    watched.hold_what_is_there("2021-01", b"one")
    assert [watched.found(), watched.found()] == [[], []]


def test_a_file_that_was_replaced_is_found_again_and_again_when_it_is_as_it_was(watched: Watched, folder: Path) -> None:
    keys = []
    for at, content in enumerate([b"A", b"B", b"A"]):
        put(folder, "2021-01", content, at=1_600_000_000 if content == b"A" else 1_600_000_100)
        watched.look()
        (found,) = watched.look().found
        assert found.is_new == (at == 0)
        keys.append(found.key)
        watched.hold_what_is_there("2021-01", content)
        assert watched.found() == []
    assert len(set(keys)) == 3


def test_a_file_that_was_only_touched_starts_nothing(watched: Watched, folder: Path) -> None:
    path = put(folder, "2021-01", b"one")
    watched.hold_what_is_there("2021-01", b"one")
    assert watched.found() == []
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert [watched.found(), watched.found(), watched.found()] == [[], [], []]
    put(folder, "2021-01", b"two", at=1_700_000_001)  # as large, but other bytes
    assert [watched.found(), watched.found()] == [[], ["2021-01"]]


def test_what_is_of_no_month_or_no_service_of_ours_is_left_alone(watched: Watched, folder: Path) -> None:
    put(folder, "2026-11", b"has not ended")
    put(folder, "2013-07", b"before there was any")
    put(folder, "2021-01", b"of another service", service="yellow")
    put(folder, "2021-01", b"of no service", service="purple")
    put(folder, "2021-13", b"of no month")
    for name in ("_SUCCESS", ".hidden.csv", "README.md", "taxi_zone_lookup.csv"):
        (folder / name).write_text("no month at all")
    (folder / "green_tripdata_2021-01.csv.part").write_bytes(b"no ending of ours")
    (folder / "green_tripdata_2021-02.csv").mkdir()
    for _ in range(2):
        sighting = watched.look()
        assert sighting.found == []
        assert sighting.reason == (
            "green_tripdata_2013-07.csv is of no month that there is: it has not ended, or is too early; "
            "green_tripdata_2026-11.csv is of no month that there is: it has not ended, or is too early; "
            "green_tripdata_2021-13.csv is no month of a service, and left alone: is its name right?; and 1 more"
        )
    assert watched.source.strangers() == ["green_tripdata_2021-13.csv", "purple_tripdata_2021-01.csv"]


def test_many_files_are_found_a_few_at_a_time(watched: Watched, folder: Path) -> None:
    months = [f"{year}-{month:02d}" for year in (2019, 2020) for month in range(1, 13)]
    for month in months:
        put(folder, month, month.encode())
    watched.look()
    found = [watched.found(), watched.found(), watched.found()]
    assert [len(one) for one in found] == [watch.RUNS_A_LOOK, watch.RUNS_A_LOOK, 4]
    assert [month for months_found in found for month in months_found] == months
    assert watched.found() == []


def test_a_file_that_is_gone_and_comes_back_is_judged_anew(watched: Watched, folder: Path) -> None:
    path = put(folder, "2021-01", b"one")
    watched.look()
    path.unlink()
    assert watched.found(60) == []
    put(folder, "2021-01", b"one")
    assert [watched.found(), watched.found()] == [[], ["2021-01"]]


def test_a_folder_that_is_away_for_a_while_loses_nothing(watched: Watched, folder: Path, tmp_path: Path) -> None:
    put(folder, "2021-01", b"one")
    watched.look()
    assert watched.found() == ["2021-01"]
    folder.rename(tmp_path / "elsewhere")
    assert watched.found() == []
    (tmp_path / "elsewhere").rename(folder)
    assert watched.found() == []
    put(folder, "2021-02", b"two")
    assert [watched.found(), watched.found()] == [[], ["2021-02"]]


@pytest.mark.parametrize("cursor", ["", "{", "[]", "7", '{"colour": 1}', '{"dealt": {"2021-01": 5}}', "\0"])
def test_a_cursor_that_is_none_begins_anew(cursor: str) -> None:
    assert Memory.of(cursor, "here") == Memory("here")


def test_a_cursor_of_another_source_begins_anew() -> None:
    assert Memory.of(Memory("there", newest="2021-01").cursor(), "here") == Memory("here")
    assert Memory.of(Memory("here", newest="2021-01").cursor(), "here").newest == "2021-01"
