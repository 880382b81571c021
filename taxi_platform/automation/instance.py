"""Dagster's history, as the UI and the commands share it; and the runs in it whose process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

from taxi_platform.errors import SettingsError
from taxi_platform.settings import PROJECT_FILE, find_project

PID_TAG = "taxi/pid"
HOST_TAG = "taxi/host"
STARTED_TAG = "taxi/process_started"

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def open_instance(folder: Path) -> dg.DagsterInstance:
    """The history that belongs to `folder`: of DAGSTER_HOME where it is set, else of the nearest `dagster.yaml` upward.

    Its relative paths start at that file's folder, so the process moves there.

    Raises:
        SettingsError: There is neither.
    """
    if os.environ.get("DAGSTER_HOME"):
        return dg.DagsterInstance.get()
    project = find_project(folder)
    if project is None:
        raise SettingsError(
            f"There is no {PROJECT_FILE} in {folder} or above, and DAGSTER_HOME is not set. Go to the project's folder."
        )
    os.chdir(project)
    return dg.DagsterInstance.from_config(str(project))


def process_tags() -> dict[str, str]:
    """What tells this process from any other, also after a restart of the machine."""
    pid = os.getpid()
    return {PID_TAG: str(pid), HOST_TAG: socket.gethostname(), STARTED_TAG: _started(pid) or ""}


def reap_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs of this host whose process is gone, and free what they held. Others' runs are left alone.

    Returns:
        The ids of the runs that were failed.
    """
    reaped = []
    mine = dg.RunsFilter(statuses=_UNFINISHED, tags={HOST_TAG: socket.gethostname()})
    for run in instance.get_runs(mine):
        if _lives(run.tags):
            continue
        instance.report_run_failed(run, message=f"Its process ({run.tags[PID_TAG]}) is gone: it was killed, or the machine was.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        reaped.append(run.run_id)
    return reaped


def _lives(tags: dict[str, str]) -> bool:
    pid = tags.get(PID_TAG, "")
    return pid.isdigit() and _started(int(pid)) == tags.get(STARTED_TAG)


def _started(pid: int) -> str | None:
    """When a process was started, as text that no other process of that number has had; None where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_by_ps(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS)."""
    import subprocess

    if Path("/proc/self/stat").exists():
        return None
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() or None
