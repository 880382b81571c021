"""kill -9 of a real `taxi load` at random points: the old month stands whole, and the next load finishes."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow.compute as pc
import pytest

from taxi_platform.automation.instance import open_instance
from taxi_platform.definitions import stores_of
from taxi_platform.settings import Settings
from taxi_platform_tests.conftest import Project, make_project

MONTHS = ("2019-01", "2019-02")
OLD, NEW = "sample://?rows=40000&seed=1", "sample://?rows=40000&seed=2"
LOAD = ("load", "green", ",".join(MONTHS), "--source", NEW)

Truth = dict[str, tuple[int, float]]
"""Trips and their total amount, by month."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Truth, Truth, float]:
    """A project with the old months; what the old and the new ones hold; how long a load of the new ones takes."""
    old = make_project(tmp_path_factory.mktemp("old"))
    old.load("green", ",".join(MONTHS), "--source", OLD)
    new = Project(shutil.copytree(old.folder, tmp_path_factory.mktemp("new") / "project"))
    begun = time.monotonic()
    assert new.run(*LOAD).exit_code == 0
    return old, in_warehouse(old), in_warehouse(new), time.monotonic() - begun


def in_warehouse(project: Project) -> Truth:
    sql = "select strftime(source_month, '%Y-%m'), count(*), sum(total_amount) from green_trips group by 1 order by 1"
    return {month: (rows, total) for month, rows, total in project.rows(sql)}


def in_folder(project: Project, store: str) -> Truth:
    months = getattr(stores_of(Settings.read({}, project.folder)), store)
    found = {}
    for month in MONTHS:
        current = months.current("green_trips", month)
        assert months.is_whole(current)
        amounts = current.table_of(["total_amount"])["total_amount"]
        found[month] = (len(amounts), float(pc.sum(amounts).as_py()))
    return found


def killed_after(project: Project, delay_s: float) -> None:
    """A load that is killed that long after its start, with what it started."""
    process = project.start(*LOAD, start_new_session=True)
    try:
        time.sleep(delay_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def assert_all_old_or_new(project: Project, old: Truth, new: Truth) -> None:
    raw = stores_of(Settings.read({}, project.folder)).raw
    for month in MONTHS:
        held = raw.current("green_trips", month)
        assert held is not None
        assert raw.is_whole(held)
        assert held.rows == 40_000
    for found in (in_folder(project, "cleaned"), in_folder(project, "lake"), in_warehouse(project)):
        assert {month: found[month] in (old[month], new[month]) for month in MONTHS} == dict.fromkeys(MONTHS, True)


def months_in_the_lake(project: Project) -> int:
    return len(list(project.home.glob("lake/green_trips/source_month=*/manifest.json")))


def spooled(project: Project) -> list[Path]:
    return [entry for spool in project.home.rglob(".spool") for entry in spool.iterdir()]


@contextlib.contextmanager
def history(project: Project) -> Iterator[dg.DagsterInstance]:
    before = Path.cwd()
    try:
        with open_instance(project.folder) as instance:
            yield instance
    finally:
        os.chdir(before)


def survives_a_kill(project: Project, prepared: tuple[Project, Truth, Truth, float], part: float) -> None:
    template, old, new, duration_s = prepared
    shutil.copytree(template.folder, project.folder, dirs_exist_ok=True)
    killed_after(project, part * duration_s)
    assert_all_old_or_new(project, old, new)

    begun = time.monotonic()
    months = project.load("green", ",".join(MONTHS), "--source", NEW)
    assert time.monotonic() - begun < 30  # a slot that was not freed would block it for ever
    assert {month["status"] for month in months} <= {"loaded", "unchanged"}, months
    assert [(month["rows_in"], month["rows_kept"]) for month in months] == [(40_000, new[month][0]) for month in MONTHS]
    assert (in_folder(project, "cleaned"), in_folder(project, "lake"), in_warehouse(project)) == (new, new, new)
    assert set(project.states("--source", NEW).values()) == {"current"}

    with history(project) as instance:
        runs = instance.get_runs()
        assert all(run.is_finished for run in runs)
        failed = [run for run in runs if run.status == dg.DagsterRunStatus.FAILURE]
        assert len(failed) <= 1
        pools = instance.event_log_storage.get_concurrency_keys()
        for info in map(instance.event_log_storage.get_concurrency_info, pools):
            assert (info.active_slot_count, info.pending_step_count) == (0, 0)
    project.load("green", "2019-03", "--source", "sample://?rows=100")  # whoever spools next clears what is left
    assert spooled(project) == []


@pytest.mark.parametrize("part", [0.45, 0.65, 0.85])
def test_a_killed_load_leaves_the_old_month_and_the_next_one_finishes(
    project: Project, prepared: tuple[Project, Truth, Truth, float], part: float
) -> None:
    survives_a_kill(project, prepared, part + random.uniform(-0.1, 0.1))


@pytest.mark.long
@pytest.mark.parametrize("number", range(30))
def test_however_often_a_load_is_killed_the_next_one_finishes(
    project: Project, prepared: tuple[Project, Truth, Truth, float], number: int
) -> None:
    survives_a_kill(project, prepared, random.uniform(0.15, 1.0))


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_that_is_stopped_stops_at_once_and_leaves_the_old_months(
    project: Project, prepared: tuple[Project, Truth, Truth, float], signal_number: int
) -> None:
    template, old, new, duration_s = prepared
    shutil.copytree(template.folder, project.folder, dirs_exist_ok=True)
    process = project.start("load", "green", "2019-01..2020-12", "--source", NEW)
    try:
        time.sleep(0.7 * duration_s)
        process.send_signal(signal_number)
        begun_by_then = months_in_the_lake(project) + 1
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, out
    assert err.splitlines()[-1].startswith("taxi: Stopped. ")
    assert_all_old_or_new(project, old, new)
    assert months_in_the_lake(project) <= begun_by_then

    assert {month["status"] for month in project.load("green", ",".join(MONTHS), "--source", NEW)} <= {
        "loaded",
        "unchanged",
    }
    assert {month: numbers for month, numbers in in_warehouse(project).items() if month in MONTHS} == new
    with history(project) as instance:
        assert all(run.is_finished for run in instance.get_runs())
