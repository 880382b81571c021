"""Homes with odd names, keys that want to leave their place, and a disk that is full."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.assets.stages import STAGES, asset_key
from taxi_platform.automation.instance import open_instance
from taxi_platform.automation.loading import load_month
from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.conftest import Project, make_project


@pytest.mark.parametrize(
    "name", ["with space", 'it\'s "quoted"', "zwölf €", "percent %20 and #", "semi;colon && $HOME", "glob[a-z]"]
)
def test_a_home_with_an_odd_name_works_from_end_to_end(project: Project, name: str) -> None:
    project.settings.update(TAXI_HOME=name, TAXI_SOURCE="sample://?rows=300")
    (month,) = project.load("green", "2024-01")
    assert (month["status"], month["message"]) == ("loaded", "")
    assert project.rows("select count(*) from green_trips") == [[month["rows_kept"]]]
    assert set(project.states("--refresh").values()) >= {"current", "missing"}
    assert project.load("green", "2024-01")[0]["status"] == "unchanged"
    assert (project.folder / name / "warehouse.duckdb").is_file()
    assert sorted(path.name for path in project.folder.iterdir()) == sorted(
        [".taxi", name, "dagster.yaml", "workspace.yaml"]
    )


def test_a_project_with_an_odd_name_works_from_end_to_end(tmp_path: Path) -> None:
    project = make_project(tmp_path / 'it\'s the "Ωmega" #1 100%')
    (month,) = project.load("green", "2024-01", "--source", "sample://?rows=300")
    assert (month["status"], month["message"]) == ("loaded", "")
    assert project.rows("select count(*) from green_trips") == [[month["rows_kept"]]]


@pytest.mark.parametrize("key", ["2021-01/../../x", "../2021-01", "2021-1", "2031-01", "", "2021-01'; drop table x"])
def test_a_partition_key_from_outside_is_refused_before_anything_is_made(project: Project, key: str) -> None:
    settings = Settings.read({}, project.folder)
    keys = {asset_key(stage, SERVICES["green"]) for stage in STAGES}
    job = build_definitions(settings).resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)
    with open_instance(project.folder) as instance, pytest.raises(dg.DagsterError):
        job.execute_in_process(instance=instance, partition_key=key)
    assert [path.name for path in project.home.iterdir()] == ["dagster"]


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of that size at `folder`, if this process may mount one."""
    folder.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command for a small disk")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        os.chdir("/")
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """A file that takes all the room on `disk` but for `leave_bytes`."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    with ballast.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - leave_bytes))
    return ballast


@pytest.mark.parametrize("leave_bytes", [0, 8_600_000, 9_500_000])
def test_a_full_disk_is_said_in_a_sentence_and_the_old_month_stands(project: Project, leave_bytes: int) -> None:
    with small_disk(project.folder / "disk", "40m") as disk:
        project.settings["TAXI_HOME"] = str(disk)
        old, new = "sample://?rows=2000", "sample://?rows=30000"
        (before,) = project.load("green", "2019-01", "--source", old)
        ballast = fill(disk, leave_bytes)
        answer = project.taxi("load", "green", "2019-01", "--source", new)
        assert answer.exit_code == 1
        assert "Make room and load the month again." in answer.sentence, answer.sentence
        assert project.rows("select count(*) from green_trips") == [[before["rows_kept"]]]

        ballast.unlink()
        (after,) = project.load("green", "2019-01", "--source", new)
        assert (after["status"], after["rows_in"]) == ("loaded", 30_000)
        assert project.rows("select count(*) from green_trips") == [[after["rows_kept"]]]
        assert [list(path.iterdir()) for path in disk.rglob(".spool")] == [[]] * len(list(disk.rglob(".spool")))


def test_a_history_on_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "6m") as disk:
        project = make_project(disk / "project")
        project.settings.update(TAXI_HOME=str(tmp_path / "home"), TAXI_SOURCE="sample://?rows=300")
        project.load("green", "2024-01")
        ballast = fill(disk)
        answer = project.taxi("load", "green", "2024-01,2024-02")
        assert answer.exit_code == 1
        assert "Traceback" not in answer.err
        assert all("history cannot be used" in line for line in answer.err.splitlines()), answer.err
        ballast.unlink()
        assert [month["status"] for month in project.load("green", "2024-01")] == ["unchanged"]


def test_a_month_whose_run_cannot_be_recorded_is_a_failed_month(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlalchemy.exc

    def full(*_: object, **__: object) -> None:
        raise sqlalchemy.exc.OperationalError("insert", {}, Exception("database or disk is full"))

    with open_instance(project.folder) as instance:
        monkeypatch.setattr(type(instance), "create_run_for_job", full)
        definitions = build_definitions(Settings.read({}, project.folder))
        result = load_month(definitions, instance, SERVICES["green"], Month(2024, 1))
    assert (result.status, result.rows_in) == ("failed", None)
    assert result.message.startswith("Dagster's history cannot be used: database or disk is full.")
