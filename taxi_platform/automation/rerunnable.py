"""Runs of this process that the UI can run again: on them stands which code location they belong to.

Dagster does that for runs that its webserver or daemon starts, and offers no public way for others. Without it
*re-execute from failure* answers with an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import dagster as dg

LOCATION = "taxi_platform"
"""The name of the code location in `workspace.yaml` and `pyproject.toml`."""


@contextlib.contextmanager
def rerunnable(instance: dg.DagsterInstance) -> Iterator[None]:
    """Within this, each run that is made through `instance` can be run again in the UI."""
    from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")
    create = instance.create_run_for_job

    def create_with_origin(job_def: dg.JobDefinition, **options: Any) -> dg.DagsterRun:
        return create(job_def, **{**options, "remote_job_origin": RemoteJobOrigin(repository, job_def.name)})

    instance.create_run_for_job = create_with_origin  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del instance.create_run_for_job
