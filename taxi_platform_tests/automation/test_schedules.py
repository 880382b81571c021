"""By the clock: what has come among the newest months is asked for, and nothing else; and what was set is what runs."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.automation.plan import ALERTS, Plan
from taxi_platform.automation.pools import set_pools
from taxi_platform.automation.schedules import MONTHS_BACK, interval_sensor, monthly_schedule
from taxi_platform.definitions import build_definitions, pool_sizes
from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.settings import Settings
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import SERVICES, new_york_today
from taxi_platform_tests.automation.watched import GREEN, Watched, put, raw_store

LAST = last_full_month(new_york_today())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "files").mkdir()
    for back in range(8):
        put(folder, LAST.plus(-back).key, b"one")
    return folder


@pytest.fixture
def resources(folder: Path, tmp_path: Path) -> dict[str, object]:
    return {
        "source": SourceResource(str(folder)),
        "raw_io_manager": MonthObjectsIOManager(location=str(tmp_path / "raw")),
    }


@functools.cache
def repository() -> dg.RepositoryDefinition:
    return build_definitions(Settings.read({}, Path(tempfile.gettempdir()))).get_repository_def()


def held(folder: Path, tmp_path: Path, month: Month) -> None:
    from taxi_platform.resources.sources.folder import FolderSource

    watched = Watched(FolderSource(str(folder)), raw_store(tmp_path / "raw"))
    watched.hold_what_is_there(month.key, b"one")


def test_a_schedule_asks_for_the_newest_months_that_are_not_held(
    folder: Path, tmp_path: Path, resources: dict[str, object]
) -> None:
    held(folder, tmp_path, LAST)
    at = dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC)
    with dg.build_schedule_context(
        repository_def=repository(), resources=resources, scheduled_execution_time=at
    ) as context:
        data = monthly_schedule(GREEN, "0 6 18 * *").evaluate_tick(context)
    newest = [LAST.plus(-back).key for back in range(MONTHS_BACK)]
    assert [request.partition_key for request in data.run_requests or ()] == sorted(newest)[:-1]
    assert {request.tags["dagster/priority"] for request in data.run_requests or ()} == {"10"}
    assert len({request.run_key for request in data.run_requests or ()}) == MONTHS_BACK - 1


def test_an_interval_asks_for_all_services_and_again_at_the_next_turn(resources: dict[str, object]) -> None:
    sensor, cursor, keys = interval_sensor(3600), None, []
    assert sensor.minimum_interval_seconds == 3600
    for _ in range(2):
        with dg.build_sensor_context(repository_def=repository(), resources=resources, cursor=cursor) as context:
            data = sensor.evaluate_tick(context)
        cursor = data.cursor
        assert {request.job_name for request in data.run_requests or ()} == {"load_green"}
        keys += [request.run_key for request in data.run_requests or ()]
    assert len(set(keys)) == 2 * MONTHS_BACK


def test_where_nothing_is_new_it_is_said(folder: Path, tmp_path: Path, resources: dict[str, object]) -> None:
    for back in range(MONTHS_BACK):
        held(folder, tmp_path, LAST.plus(-back))
    with dg.build_schedule_context(
        repository_def=repository(), resources=resources, scheduled_execution_time=dt.datetime.now(dt.UTC)
    ) as context:
        data = monthly_schedule(GREEN, "0 6 18 * *").evaluate_tick(context)
    assert (data.run_requests, data.skip_message) == (
        [],
        f"green: nothing of the newest {MONTHS_BACK} months is new at {folder}.",
    )


def test_a_source_that_is_away_is_said_and_raises_nothing(tmp_path: Path) -> None:
    resources = {
        "source": SourceResource(str(tmp_path / "nowhere")),
        "raw_io_manager": MonthObjectsIOManager(location=str(tmp_path / "raw")),
    }
    with dg.build_schedule_context(
        repository_def=repository(), resources=resources, scheduled_execution_time=dt.datetime.now(dt.UTC)
    ) as context:
        data = monthly_schedule(GREEN, "0 6 18 * *").evaluate_tick(context)
    assert "There is no folder" in (data.skip_message or "")


def test_everything_is_off_until_it_is_switched_on(tmp_path: Path) -> None:
    off = build_definitions(Settings.read({}, tmp_path))
    on = build_definitions(Settings.read({"TAXI_SENSORS": "on"}, tmp_path))
    assert {sensor.default_status for sensor in off.sensors or ()} == {dg.DefaultSensorStatus.STOPPED}
    running = {s.name for s in on.sensors or () if s.default_status == dg.DefaultSensorStatus.RUNNING}
    assert running == {f"{service}_files" for service in SERVICES}
    schedules = {s.name: s.default_status for s in on.schedules or () if isinstance(s, dg.ScheduleDefinition)}
    assert {name for name, status in schedules.items() if status == dg.DefaultScheduleStatus.RUNNING} == {
        "coverage_daily"
    }
    assert set(schedules) == {"coverage_daily", *(f"{service}_monthly" for service in SERVICES)}


def test_the_clock_is_new_yorks_and_its_cron_is_a_setting(tmp_path: Path) -> None:
    definitions = build_definitions(Settings.read({"TAXI_CRON": "30 5 * * 1", "TAXI_EVERY": "2d"}, tmp_path))
    monthly = [s for s in definitions.schedules or () if isinstance(s, dg.ScheduleDefinition) and "monthly" in s.name]
    assert {(s.cron_schedule, s.execution_timezone) for s in monthly} == {("30 5 * * 1", "America/New_York")}
    (interval,) = [s for s in definitions.sensors or () if s.name == "every_so_often"]
    assert interval.minimum_interval_seconds == 2 * 24 * 3600


def test_pools_are_as_large_as_was_set(tmp_path: Path) -> None:
    assert pool_sizes(Settings.read({"TAXI_WRITERS": "4"}, tmp_path)) == {"publisher": 2, "duckdb": 1}
    postgres = {"TAXI_WAREHOUSE": "postgresql://u@h/d", "TAXI_WRITERS": "4", "TAXI_READERS": "3"}
    sizes = pool_sizes(Settings.read(postgres, tmp_path))
    assert sizes == {"publisher": 3, "postgres": 4}
    with dg.DagsterInstance.ephemeral() as instance:
        set_pools(instance, sizes)  # an instance without pools is left alone
    with dg.instance_for_test() as instance:
        for _ in range(2):
            set_pools(instance, sizes)
            assert {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()} == sizes


def test_what_is_not_set_is_as_the_settings_say() -> None:
    plan = Plan.of({})
    assert (plan.sensors_run, plan.since, plan.every_s, plan.readers) == (None, None, 6 * 3600, 2)
    assert set(plan.alerts_on) == set(ALERTS) - {"warnings"}
    assert Plan.of({"TAXI_ALERTS": "json://user:s3cret@host/"}).alerts.endswith("host/")
    assert "s3cret" not in repr(Plan.of({"TAXI_ALERTS": "json://user:s3cret@host/"}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TAXI_SENSORS", "yes", "Known are on, off"),
        ("TAXI_SINCE", "2020", "Write it as 2021-01"),
        ("TAXI_CRON", "monthly", "no cron expression"),
        ("TAXI_CRON", "61 6 * * *", "no cron expression"),
        ("TAXI_EVERY", "6 hours", "90m, 6h or 2d"),
        ("TAXI_EVERY", "0m", "90m, 6h or 2d"),
        ("TAXI_READERS", "0", "from 1 to 8"),
        ("TAXI_READERS", "99", "from 1 to 8"),
        ("TAXI_WRITERS", "many", "from 1 to 8"),
        ("TAXI_ALERTS_ON", "failed,weather", "'weather'"),
        ("TAXI_ALERTS_EVERY", "-5m", "TAXI_ALERTS_EVERY"),
    ],
)
def test_what_is_no_plan_is_one_sentence(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Plan.of({name: value})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
