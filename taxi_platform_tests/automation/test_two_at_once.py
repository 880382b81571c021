"""Two `taxi load` at the same time: both end, and what is there is what either alone would have made."""

from __future__ import annotations

import json
import subprocess

from taxi_platform_tests.conftest import Project


def ended(*processes: subprocess.Popen[str]) -> list[dict[str, object]]:
    months = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, (out, err)
            months += json.loads(out)["months"]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return months


def test_the_same_month_twice_at_once_is_there_once(project: Project) -> None:
    words = ("load", "green", "2019-01", "--source", "sample://?rows=20000", "--json")
    one, other = ended(project.start(*words), project.start(*words))
    assert {one["status"], other["status"]} <= {"loaded", "unchanged"}
    assert one["rows_kept"] == other["rows_kept"]
    assert project.rows("select count(*), count(distinct source_row) from green_trips") == [[one["rows_kept"]] * 2]
    assert project.load("green", "2019-01", "--source", "sample://?rows=20000")[0]["status"] == "unchanged"


def test_different_months_at_once_are_all_there(project: Project) -> None:
    source = ("--source", "sample://?rows=20000", "--json")
    months = ended(
        project.start("load", "green", "2019-01,2019-02", *source),
        project.start("load", "green", "2019-03,2019-04", *source),
    )
    assert {month["status"] for month in months} == {"loaded"}
    assert project.rows("select strftime(source_month, '%Y-%m'), count(*) from green_trips group by 1 order by 1") == [
        [month["month"], month["rows_kept"]] for month in months
    ]
    assert set(project.states().values()) == {"current"}
