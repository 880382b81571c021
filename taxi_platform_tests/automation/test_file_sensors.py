"""What a sensor asks Dagster for, and what `taxi status` learns from its looks."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.automation.file_sensors import file_sensor
from taxi_platform.definitions import build_definitions
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.resources.sources.look import Look, last_look, save_look
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.settings import Settings
from taxi_platform_tests.automation.watched import GREEN, put


@functools.cache
def repository() -> dg.RepositoryDefinition:
    return build_definitions(Settings.read({}, Path(tempfile.gettempdir()))).get_repository_def()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def tick(folder: Path, tmp_path: Path, cursor: str | None, source: str = "") -> dg.SensorResult:
    sensor = file_sensor(GREEN, looks=tmp_path / "looks", since=None, runs=False)
    resources = {
        "source": SourceResource(source or str(folder)),
        "raw_io_manager": MonthObjectsIOManager(location=str(tmp_path / "raw")),
    }
    with dg.build_sensor_context(repository_def=repository(), cursor=cursor, resources=resources) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def settled(cursor: str | None) -> str:
    """A cursor for which the files were seen long ago."""
    import json

    held = json.loads(cursor or "{}")
    held["unsettled"] = {month: [mark, 0.0] for month, (mark, _) in held["unsettled"].items()}
    return json.dumps(held)


def test_a_new_month_is_a_run_of_its_service_with_a_key_a_reason_and_a_priority(folder: Path, tmp_path: Path) -> None:
    put(folder, "2021-01", b"one")
    first = tick(folder, tmp_path, None)
    assert (first.run_requests, first.skip_reason.skip_message if first.skip_reason else "") == (
        [],
        "green_tripdata_2021-01.csv may still be being written",
    )
    (request,) = tick(folder, tmp_path, settled(first.cursor)).run_requests or ()
    assert (request.job_name, request.partition_key) == ("load_green", "2021-01")
    assert request.tags == {"dagster/priority": "10", "taxi/why": "a new month"}
    assert (request.run_key or "").startswith("green 2021-01 ")


def test_status_knows_what_a_listing_showed(folder: Path, tmp_path: Path) -> None:
    path = put(folder, "2021-01", b"one")
    tick(folder, tmp_path, None)
    look = last_look(str(folder), "green", tmp_path / "looks")
    assert look is not None
    assert look.fingerprint("2021-01") is not None
    path.unlink()
    put(folder, "2021-02", b"two")
    tick(folder, tmp_path, None)
    look = last_look(str(folder), "green", tmp_path / "looks")
    assert look is not None
    assert list(look.files) == ["2021-02"]


def test_a_folder_that_is_not_mounted_is_a_reason_and_the_cursor_stays(folder: Path, tmp_path: Path) -> None:
    sensor = file_sensor(GREEN, looks=tmp_path / "looks", since=None, runs=True)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    folder.rmdir()
    resources = {
        "source": SourceResource(str(folder)),
        "raw_io_manager": MonthObjectsIOManager(location=str(tmp_path / "raw")),
    }
    with dg.build_sensor_context(repository_def=repository(), cursor="{}", resources=resources) as context:
        result = sensor(context)
        assert context.cursor == "{}"
    assert isinstance(result, dg.SkipReason)
    assert (result.skip_message or "").startswith(f"There is no folder {folder}.")


def test_the_password_of_a_source_is_in_no_cursor_and_no_look(tmp_path: Path) -> None:
    save_look(Look("memory://host/x", "green", "then"), tmp_path / "looks")
    result = tick(tmp_path, tmp_path, None, source="memory://user:s3cret@host/x")
    assert "s3cret" not in (result.cursor or "")
    for path in (tmp_path / "looks").iterdir():
        assert "s3cret" not in path.read_text() + path.name
