"""Backfills with the real webserver and daemon: isolated months, killed processes, a publisher that gives out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from taxi_platform.io_managers.run_process import PID_TAG
from taxi_platform.trips.months import Month
from taxi_platform_tests.automation.conftest import Drops, keep_history_in
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.dagster_up import DagsterUp
from taxi_platform_tests.kit.publisher_server import PublisherServer

pytestmark = pytest.mark.long

GREEN = tuple(f"{stage}/green_trips" for stage in ("raw", "cleaned", "lake", "warehouse"))
COUNTS = "select strftime(source_month, '%Y-%m'), count(*), count(distinct source_row) from green_trips group by 1"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")

StartUp = Callable[[], DagsterUp]


def months(first: str, count: int) -> list[str]:
    start = Month.parse(first)
    return [month.key for month in start.until(start.plus(count - 1))]


def drop_all(drops: Drops, keys: list[str], rows: int = 300) -> None:
    for key in keys:
        drops.drop("green", key, rows)


def assert_all_there(project: Project, keys: list[str]) -> None:
    """Every month is there once, and another load has nothing to do."""
    loaded = project.load("green", ",".join(keys))
    assert {one["status"] for one in loaded} == {"unchanged"}
    kept = {one["month"]: one["rows_kept"] for one in loaded}
    assert {month: (rows, distinct) for month, rows, distinct in project.rows(COUNTS)} == {
        month: (rows, rows) for month, rows in kept.items()
    }


@pytest.fixture
def off(project: Project, drops: Drops) -> Project:
    """The project, on the folder, with no sensor that would be in the way."""
    project.settings.update({"TAXI_SOURCE": str(drops.folder), "TAXI_SENSORS": "off"})
    return project


def test_everything_is_killed_in_the_middle_and_nothing_is_lost_or_doubled(
    off: Project, drops: Drops, start_up: StartUp
) -> None:
    keys = months("2019-01", 24)
    drop_all(drops, keys)
    up = start_up()
    backfill = up.backfill(GREEN, keys)

    def a_run() -> int:
        """The process of a run that goes on."""
        going = [run["tags"].get(PID_TAG) for run in up.runs() if run["status"] == "STARTED"]
        return next((int(pid) for pid in going if pid and int(pid) in up.processes()), 0)

    os.kill(up.wait_for(a_run, "a run", 90), signal.SIGKILL)
    up.wait_for(lambda: len(up.ended()) >= 4, "four runs that ended", 120)
    up.wait_for(a_run, "another run")
    up.kill()
    up.start()
    for name in ("dagster._daemon", "dagster_webserver"):
        there = len(up.ended())
        up.wait_for(lambda there=there: len(up.ended()) >= there + 2, "two more runs that ended", 180)
        os.kill(next(pid for pid, typed in up.processes().items() if name in typed), signal.SIGKILL)
        up.process.wait(60)  # what is left of it ends with it
        up.kill()
        up.start()
    up.wait_for(lambda: up.backfill_status(backfill).startswith("COMPLETED"), "the backfill", 400)
    assert up.backfill_status(backfill) == "COMPLETED_SUCCESS"
    # A run that was killed stays a failed one, also where nothing was left to do; what it had done is not done again.
    done: dict[str, set[str]] = {key: set() for key in keys}
    for run in up.runs():
        done[run["month"]].update(up.steps_done(run["runId"]))
    assert {key: len(steps) for key, steps in done.items()} == dict.fromkeys(keys, 4)
    up.stop()
    assert_all_there(off, keys)


def test_a_bad_month_fails_alone_and_failed_only_loads_it_when_it_is_put_right(
    off: Project, drops: Drops, start_up: StartUp
) -> None:
    keys = months("2020-01", 4)
    drop_all(drops, keys)
    (drops.folder / "green_tripdata_2020-02.csv.gz").write_bytes(b"<html>no</html>")
    up = start_up()
    backfill = up.backfill(GREEN, keys)
    up.wait_for(lambda: up.backfill_status(backfill).startswith("COMPLETED"), "the backfill", 180)
    assert {(month, status) for _, month, status in up.ended()} == {
        (key, "FAILURE" if key == "2020-02" else "SUCCESS") for key in keys
    }
    drops.drop("green", "2020-02")
    again = up.backfill_again_from_failure(backfill)
    up.wait_for(lambda: up.backfill_status(again).startswith("COMPLETED"), "the backfill of what failed", 180)
    assert [(month, status) for _, month, status in up.ended()][4:] == [("2020-02", "SUCCESS")]
    up.stop()
    assert_all_there(off, keys)


def test_a_run_that_the_cli_started_is_finished_from_where_it_failed(
    off: Project, drops: Drops, start_up: StartUp
) -> None:
    drops.drop("green", "2021-01")
    off.home.mkdir()
    off.warehouse.mkdir()  # nothing can be written there
    assert off.load("green", "2021-01")[0]["status"] == "failed"
    off.warehouse.rmdir()
    up = start_up()
    (failed,) = up.runs()
    again = up.run_again_from_failure(failed["runId"])
    assert up.wait_for_run(again) == "SUCCESS"
    assert up.steps(again) == ["warehouse__green_trips"]
    assert len({run["tags"][PID_TAG] for run in up.runs()}) == 2
    up.stop()
    assert_all_there(off, ["2021-01"])


def test_a_single_run_over_a_range_is_refused_in_a_sentence(off: Project, drops: Drops, start_up: StartUp) -> None:
    drop_all(drops, ["2021-01", "2021-02"])
    up = start_up()
    run = up.materialize(GREEN, "", dict(zip(RANGE, ("2021-01", "2021-02"), strict=True)))
    assert up.wait_for_run(run) == "FAILURE"
    assert up.failure(run) == (
        "This run is for 2 months, from 2021-01 to 2021-02. A month is replaced on its own: launch a backfill with a "
        "run per partition."
    )


def test_a_fresh_month_overtakes_a_backfill(off: Project, drops: Drops, start_up: StartUp) -> None:
    keys = months("2019-01", 12)
    drop_all(drops, [*keys, "2021-05"])
    up = start_up()
    up.backfill(GREEN, keys)
    up.wait_for(lambda: len([run for run in up.runs() if run["status"] == "QUEUED"]) >= 6, "a queue", 90)
    up.materialize(GREEN, "2021-05", {"dagster/priority": "10"})
    up.wait_for(lambda: len(up.ended()) == 13, "all runs", 200)
    ends = sorted(up.runs(), key=lambda run: run["endTime"])
    assert [run["month"] for run in ends].index("2021-05") < 9


@pytest.fixture
def server(drops: Drops) -> Iterator[PublisherServer]:
    server = PublisherServer(drops.folder)
    yield server
    server.close()


def test_runs_wait_for_a_publisher_that_gives_out_and_one_that_is_refused_is_not_there(
    project: Project, drops: Drops, server: PublisherServer, start_up: StartUp
) -> None:
    keys = months("2021-01", 3)
    for key in (keys[0], keys[2]):
        name, content = drops.content("green", key)
        server.contents[f"green_tripdata_{key}.csv.gz"] = content
        server.spoil(name, *[faults.answers(503)] * 3)
    project.settings.update({"TAXI_SOURCE": f"datatalks://?base={server.url}", "TAXI_SENSORS": "off"})
    server.absent = 404
    up = start_up()
    backfill = up.backfill(GREEN, keys)
    up.wait_for(lambda: up.backfill_status(backfill).startswith("COMPLETED"), "the backfill", 240)
    assert {(month, status) for _, month, status in up.ended()} == {
        ("2021-01", "SUCCESS"),
        ("2021-02", "FAILURE"),
        ("2021-03", "SUCCESS"),
    }
    (missing,) = [run["runId"] for run in up.runs() if run["status"] == "FAILURE"]
    assert up.failure(missing).startswith("datatalks has no green 2021-02: ")
    up.stop()
    assert_all_there(project, [keys[0], keys[2]])


@pytest.fixture(params=["sqlite", "postgres"])
def history(request: pytest.FixtureRequest, off: Project) -> Iterator[str]:
    """Where Dagster keeps what happened."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    server = request.getfixturevalue("postgres18")
    keep_history_in(off, server)
    yield "postgres"
    server.ask("DROP DATABASE history WITH (FORCE)")


def test_forty_eight_months_two_at_a_time_without_a_lock_error(
    off: Project, drops: Drops, history: str, start_up: StartUp
) -> None:
    keys = months("2016-01", 48)
    drop_all(drops, keys, rows=100)
    up = start_up()
    backfill = up.backfill(GREEN, keys)
    up.wait_for(lambda: up.backfill_status(backfill).startswith("COMPLETED"), "the backfill", 500)
    assert [status for _, _, status in up.ended()] == ["SUCCESS"] * 48
    runs = up.runs()
    at_once = [sum(one["startTime"] <= run["startTime"] < one["endTime"] for one in runs) for run in runs]
    assert max(at_once) == 2
    log = up.log.read_text()
    assert [word for word in ("locked", "deadlock", "too many clients", "OperationalError") if word in log] == []
    assert (off.home / "dagster" / "history").exists() == (history == "sqlite")
    up.stop()
    assert_all_there(off, keys)
