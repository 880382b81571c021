"""`taxi load` on real months: the numbers that an independent reader found in the same files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from taxi_platform.cli.wanted import wanted_months
from taxi_platform.errors import RequestError
from taxi_platform_tests.conftest import Project, make_project

SPRING_2020 = {
    "2020-03": (223_406, 223_112, 294, 3_729_978.52),
    "2020-04": (35_612, 35_480, 132, 699_179.99),
    "2020-05": (57_360, 57_208, 152, 1_223_505.14),
}
OTHERS = {
    ("green", "2022-01"): (62_495, 214, 1_090_056.79),
    ("green", "2023-02"): (64_809, 370, 1_411_071.45),
    ("green", "2024-01"): (56_551, 512, 1_255_805.03),
    ("green", "2025-11"): (46_912, 612, 1_168_623.20),
    ("yellow", "2021-01"): (22_792, 489, 393_571.80),
    ("yellow", "2025-02"): (5_000, 24, 124_910.23),
}
"""Rows in the file, rows with passenger_count = 0, sum of total_amount of the others."""

KEYS = {
    "service": str,
    "month": str,
    "status": str,
    "rows_in": int,
    "rows_kept": int,
    "rows_rejected": int,
    "rejected_by_reason": dict,
    "seconds": dict,
    "message": str,
}


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory, publisher: Path) -> tuple[Project, list[dict[str, Any]]]:
    """Three months loaded once, for the tests that only look."""
    project = make_project(tmp_path_factory.mktemp("spring"))
    return project, project.load("green", "2020-03..2020-05", "--source", str(publisher))


def test_three_real_months_have_the_numbers_that_others_counted(spring: tuple[Project, list[dict[str, Any]]]) -> None:
    _, months = spring
    counted = {month["month"]: (month["rows_in"], month["rows_kept"], month["rows_rejected"]) for month in months}
    assert counted == {month: numbers[:3] for month, numbers in SPRING_2020.items()}
    assert {month["status"] for month in months} == {"loaded"}
    assert [month["rejected_by_reason"] for month in months] == [
        {"passenger_count_zero": rejected} for _, _, rejected, _ in SPRING_2020.values()
    ]


def test_the_warehouse_answers_with_the_sums_that_others_made(spring: tuple[Project, list[dict[str, Any]]]) -> None:
    project, _ = spring
    sql = "select source_month, count(*), round(sum(total_amount),2) from green_trips group by 1 order by 1"
    lines = project.taxi("query", sql, "--format", "csv").out.splitlines()
    assert lines[1:] == [f"{month}-01,{kept},{total}" for month, (_, kept, _, total) in SPRING_2020.items()]


def test_the_json_has_the_documented_keys_and_types(spring: tuple[Project, list[dict[str, Any]]]) -> None:
    _, months = spring
    for month in months:
        assert {name: type(value) for name, value in month.items()} == KEYS
        assert list(month["seconds"]) == ["raw", "cleaned", "lake", "warehouse"]


def test_loaded_again_nothing_is_moved_and_forced_the_numbers_are_the_same(project: Project, publisher: Path) -> None:
    first = project.load("green", "2020-04", "--source", str(publisher))
    before = files_of(project)
    again = project.load("green", "2020-04", "--source", str(publisher))
    assert again[0]["status"] == "unchanged"
    assert numbers_of(again) == numbers_of(first)
    assert files_of(project) == before

    forced = project.load("green", "2020-04", "--source", str(publisher), "--force")
    assert forced[0]["status"] == "loaded"
    assert numbers_of(forced) == numbers_of(first)
    assert project.rows("select count(*), sum(total_amount) from green_trips") == [[35_480, 699_179.99]]


@pytest.mark.parametrize("service", ["green", "yellow"])
def test_every_other_real_file_has_the_numbers_that_others_counted(
    project: Project, publisher: Path, service: str
) -> None:
    truth = {month: numbers for (name, month), numbers in OTHERS.items() if name == service}
    months = project.load(service, ",".join(truth), "--source", str(publisher))
    assert [month["message"] for month in months] == [""] * len(truth)
    assert {m["month"]: (m["rows_in"], m["rows_rejected"]) for m in months} == {
        month: (rows, zero) for month, (rows, zero, _) in truth.items()
    }
    month = "strftime(source_month, '%Y-%m')"
    sql = f"select {month}, count(*), sum(total_amount) from {service}_trips group by 1 order by 1"
    assert project.rows(sql) == [[month, rows - zero, total] for month, (rows, zero, total) in sorted(truth.items())]


def test_a_summary_has_a_row_a_month_and_their_total(project: Project) -> None:
    answer = project.taxi("load", "yellow,green", "2024-01", "--source", "sample")
    assert answer.exit_code == 0
    assert answer.err == ""
    header, rule, *rows = answer.out.splitlines()
    assert header.split() == ["service", "month", "status", "in", "kept", "rejected", "why", "seconds"]
    assert set(rule) == {"-", " "}
    assert [row.split()[:4] for row in rows] == [
        ["yellow", "2024-01", "loaded", "2,000"],
        ["green", "2024-01", "loaded", "2,000"],
        ["all", "2", "months", "4,000"],
    ]


def test_json_can_be_parsed_while_other_words_go_to_stderr(project: Project) -> None:
    answer = project.run("load", "green", "2024-01,2024-02", "--source", "sample://?rows=100", "--json")
    assert [month["status"] for month in json.loads(answer.out)["months"]] == ["loaded", "loaded"]
    assert answer.err == ""
    assert answer.exit_code == 0


def test_on_a_terminal_a_bar_shows_how_far_a_stage_is(project: Project) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = project.start("load", "green", "2024-01", "--source", "sample://?rows=20000", **pipes)
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # what a terminal says when the last who wrote to it is gone
        while piece := os.read(ours, 4096):
            drawn += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    *bars, summary = drawn.decode().partition("service  month")
    assert "green 2024-01 raw" in "".join(bars)
    assert "green 2024-01 cleaned" in "".join(bars)
    assert "100%" in "".join(bars)
    assert "loaded  20,000" in summary


def test_a_month_that_is_missing_is_said_in_one_sentence_and_the_others_are_loaded(
    project: Project, publisher: Path
) -> None:
    answer = project.taxi("load", "green", "2020-04..2020-06", "--source", str(publisher))
    assert answer.exit_code == 1
    assert answer.sentence == (
        f"green 2020-06 missing: {publisher} has no green 2020-06: none of green_tripdata_2020-06.parquet, "
        "green_tripdata_2020-06.csv.gz, green_tripdata_2020-06.csv is there."
    )
    assert project.rows("select source_month, count(*) from green_trips group by 1 order by 1") == [
        ["2020-04-01", 35_480],
        ["2020-05-01", 57_208],
    ]


def test_of_all_services_and_of_a_year_those_months_are_loaded_that_there_are() -> None:
    assert services_of("all", "2013") == ["yellow"] * 12 + ["green"] * 5
    assert services_of("yellow,green", "2012") == ["yellow"] * 12
    assert services_of("all", "2012-01") == ["yellow"]
    assert services_of("all", "2014-12..2015-01") == ["yellow"] * 2 + ["green"] * 2 + ["fhv"]
    assert services_of("yellow,green", "2021-01,2021-02") == ["yellow"] * 2 + ["green"] * 2
    with pytest.raises(RequestError, match="green has no month 2012-01: its months go from 2013-08 to"):
        wanted_months("yellow,green", "2012-01")
    with pytest.raises(RequestError, match="has no month 2008-12"):
        wanted_months("all", "2008-12,2021-01")
    with pytest.raises(RequestError, match="has no month 2008-12"):
        wanted_months("all", "2008")


def services_of(services: str, months: str) -> list[str]:
    return [service.name for service, _ in wanted_months(services, months)]


def numbers_of(months: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("month", "rows_in", "rows_kept", "rows_rejected", "rejected_by_reason")
    return [tuple(month[name] for name in names) for month in months]


def files_of(project: Project) -> dict[str, tuple[int, str]]:
    """Every file of trips: where it lies on the disk, and its bytes."""
    return {
        str(path.relative_to(project.home)): (path.stat().st_ino, hashlib.sha256(path.read_bytes()).hexdigest())
        for store in ("raw", "cleaned", "lake")
        for path in (project.home / store).rglob("*_trips/**/*")
        if path.is_file() and path.name != "manifest.json"
    }
