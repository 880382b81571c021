"""Which runs are failed when a command starts: those of this host whose process is gone, and no others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

import dagster as dg
import pytest

from taxi_platform.automation.instance import open_instance, reap_dead_runs
from taxi_platform.io_managers.run_process import HOST_TAG, PID_TAG, STARTED_TAG, process_tags
from taxi_platform_tests.conftest import Project

UNFINISHED = ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"]
POOL = "duckdb"


@pytest.fixture
def instance(project: Project) -> Iterator[dg.DagsterInstance]:
    with open_instance(project.folder) as opened:
        yield opened


@pytest.fixture
def gone() -> Mapping[str, str]:
    """The tags of a process that was here and has ended."""
    code = "import json; from taxi_platform.io_managers.run_process import process_tags; print(json.dumps(process_tags()))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    return dict(dg._utils.parse_json(printed)) if hasattr(dg, "_utils_") else __import__("json").loads(printed)


def run_with(instance: dg.DagsterInstance, tags: Mapping[str, str], status: str = "STARTED") -> str:
    run = dg.DagsterRun(job_name="a_load", run_id=dg._core.utils.make_new_run_id() if False else make_id(), tags=dict(tags), status=dg.DagsterRunStatus[status])
    instance.add_run(run)
    return run.run_id


def make_id() -> str:
    import uuid

    return str(uuid.uuid4())


def status_of(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value
