"""A wrong request or setting: one sentence that names what is known, exit code 2, and nothing is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from taxi_platform.settings import KNOWN_SETTINGS
from taxi_platform_tests.conftest import Project

REQUESTS = {
    "a service that is none": (("purple", "2021-01"), ["'purple'", "yellow, green", "all"]),
    "no service": (("", "2021-01"), ["''", "yellow, green"]),
    "a month that is none": (("green", "2021-13"), ["'2021-13'", "2021-01"]),
    "a month in words": (("green", "january"), ["'january'", "2021-01"]),
    "a day": (("green", "2021-01-31"), ["'2021-01-31'", "2021-01"]),
    "a month that leaves its folder": (("green", "2021-01/../../x"), ["'2021-01/'", "2021-01"]),
    "a month to come": (("green", "2031-01"), ["green has no month 2031-01", "2013-08"]),
    "a month before the first": (("green", "2013-07"), ["green has no month 2013-07", "2013-08"]),
    "a year to come": (("all", "2031"), ["has no month 2031-12"]),
    "a year before time": (("all", "0000-01"), ["'0000-01'", "2021-01"]),
    "a range that runs backwards": (("green", "2020-05..2020-03"), ["'2020-05..2020-03'", "backwards"]),
    "half a range": (("green", "2020-05.."), ["''", "2021-01"]),
    "a source that is none": (
        ("green", "2021-01", "--source", "nonsense://x"),
        ["nonsense://", "sample, tlc, datatalks, a folder", "http"],
    ),
    "a folder that is not there": (("green", "2021-01", "--source", "nowhere"), ["nowhere", "sample", "folder"]),
    "the folder of nobody": (("green", "2021-01", "--source", "~nobody-at-all/x"), ["~nobody-at-all"]),
    "a URL that breaks": (("green", "2021-01", "--source", "http://[bad"), ["URL", "brackets"]),
    "a sample with too few rows": (("green", "2021-01", "--source", "sample://?rows=3"), ["rows", "100"]),
    "a sample with what it has not": (("green", "2021-01", "--source", "sample://?colour=3"), ["'colour'", "rows"]),
}

SETTINGS: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "a setting that is none": ({"TAXI_FOO": "1", "TAXI_BAR": "2"}, ["TAXI_BAR, TAXI_FOO", *KNOWN_SETTINGS]),
    "a source that is none": ({"TAXI_SOURCE": "nonsense://x"}, ["nonsense://", "sample"]),
    "a warehouse that is none": ({"TAXI_WAREHOUSE": "oracle://u:s3cretpw@h/d"}, ["'oracle'", "duckdb:///"]),
    "a path as a warehouse": ({"TAXI_WAREHOUSE": "warehouse.duckdb"}, ["warehouse.duckdb", "duckdb:///"]),
    "a warehouse without its slashes": ({"TAXI_WAREHOUSE": "duckdb:x.duckdb"}, ["three slashes"]),
    "a lake that is none": ({"TAXI_LAKE": "gs://u:s3cretpw@bucket/lake"}, ["TAXI_LAKE", "gs://", "folder"]),
    "raw in a place that is none": ({"TAXI_RAW": "hdfs://bucket"}, ["TAXI_RAW", "hdfs://", "folder"]),
    "a home that is a file": ({"TAXI_HOME": "dagster.yaml"}, ["TAXI_HOME", "dagster.yaml", "not a folder"]),
    "the home of nobody": ({"TAXI_HOME": "~nobody-at-all/x"}, ["~nobody-at-all"]),
    "a rule that is none": ({"TAXI_RULES": "passenger_count_zero,colour"}, ["'colour'", "passenger_count_zero"]),
    "a word that is none": ({"TAXI_UNKNOWN_COLUMNS": "drop"}, ["'drop'", "keep, fail"]),
    "a profile without a file": ({"TAXI_PROFILE": "prod"}, ["'prod'", ".env.prod"]),
    "a profile elsewhere": ({"TAXI_PROFILE": "../x"}, ["'../x'"]),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_wrong_request_is_refused_in_a_sentence_and_nothing_is_made(project: Project, case: str) -> None:
    words, named = REQUESTS[case]
    answer = project.taxi("load", *words)
    assert_refused(project, answer.exit_code, answer.sentence, named)


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("command", ["load green 2021-01", "status"])
def test_a_wrong_setting_is_refused_in_a_sentence_and_nothing_is_made(
    project: Project, case: str, command: str
) -> None:
    values, named = SETTINGS[case]
    project.settings.update(values)
    answer = project.taxi(*command.split())
    assert_refused(project, answer.exit_code, answer.sentence, named)


def assert_refused(project: Project, exit_code: int, sentence: str, named: list[str]) -> None:
    assert exit_code == 2
    assert [word for word in named if word not in sentence] == [], sentence
    assert "s3cretpw" not in sentence
    assert sorted(path.name for path in project.folder.iterdir()) == ["dagster.yaml", "workspace.yaml"]


def test_outside_any_project_a_sentence_says_where_to_go(tmp_path: Path) -> None:
    answer = Project(tmp_path).taxi("load", "green", "2021-01", "--source", "sample")
    assert "dagster.yaml" in answer.sentence
    assert "DAGSTER_HOME" in answer.sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "named"), [("a: [", "line 1"), ("colour: red", '"colour"')])
def test_a_dagster_yaml_that_is_none_is_refused_in_a_sentence(project: Project, content: str, named: str) -> None:
    (project.folder / "dagster.yaml").write_text(content)
    answer = project.taxi("load", "green", "2021-01")
    assert named in answer.sentence
    assert "dagster.yaml" in answer.sentence
    assert len(answer.sentence) < 500


def test_a_wrong_command_in_a_process_of_its_own_shows_no_traceback(project: Project) -> None:
    answer = project.run("load", "purple", "2021-01")
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.sentence.startswith("There is no service 'purple'.")
