"""Dagster's history, as the UI and the commands share it; and the runs in it whose process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

from taxi_platform.automation.project import PROJECT_FILE, find_project
from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.run_process import HOST_TAG, PID_TAG, is_alive

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


def reap_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs of this host whose process is gone, and free what they held. Others' runs are left alone.

    Returns:
        The ids of the runs that were failed.
    """
    reaped = []
    mine = dg.RunsFilter(statuses=_UNFINISHED, tags={HOST_TAG: socket.gethostname()})
    for run in instance.get_runs(mine):
        if is_alive(run.tags):
            continue
        instance.report_run_failed(
            run, message=f"Its process ({run.tags[PID_TAG]}) is gone: it was killed, or the machine was."
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        reaped.append(run.run_id)
    return reaped
