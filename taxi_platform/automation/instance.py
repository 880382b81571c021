"""Dagster's history, as the UI and the commands share it; and the runs in it whose process is gone."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import dagster as dg

from taxi_platform.automation.project import PROJECT_FILE, find_project
from taxi_platform.errors import SettingsError, StoreUnavailableError
from taxi_platform.io_managers.objects.folder import locked
from taxi_platform.io_managers.run_process import HOST_TAG, PID_TAG, STARTED_TAG, is_alive

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def open_instance(folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> dg.DagsterInstance:
    """The history that belongs to `folder`: of DAGSTER_HOME where it is set, else of the nearest `dagster.yaml` upward.

    Its relative paths start at that file's folder, so the process moves there.

    Args:
        variables: What `dagster.yaml` may ask the environment for, where that does not say it.

    Raises:
        SettingsError: There is neither, or it cannot be read.
        StoreUnavailableError: The history does not open.
    """
    import yaml  # type: ignore[import-untyped]

    for name, value in variables.items():
        os.environ.setdefault(name, value)
    try:
        with in_words(), _unheard():
            return _open(folder)
    except (yaml.YAMLError, dg.DagsterInvalidConfigError, dg.DagsterInvariantViolationError) as error:
        said = " ".join(str(error).partition("Expected:")[0].split())  # what it expected is thousands of words
        raise SettingsError(f"Dagster cannot use its {PROJECT_FILE}: {said}") from error


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Without the warnings of dagster-postgres, a dozen of them, before it gives up: what it says then is enough."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _open(folder: Path) -> dg.DagsterInstance:
    # One at a time: two who make a new history at once are in each other's way.
    if home := os.environ.get("DAGSTER_HOME"):
        with locked(Path(home)) if Path(home).is_dir() else contextlib.nullcontext():
            return dg.DagsterInstance.get()
    project = find_project(folder)
    if project is None:
        raise SettingsError(
            f"There is no {PROJECT_FILE} in {folder} or above, and DAGSTER_HOME is not set. Go to the project's folder."
        )
    os.chdir(project)
    with locked(project):
        return dg.DagsterInstance.from_config(str(project))


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """A history that cannot be read or written, as a sentence.

    Raises:
        StoreUnavailableError: It cannot.
    """
    import sqlalchemy.exc

    try:
        yield
    except Exception as error:
        # dagster-postgres has an error of its own for what SQLAlchemy said.
        why = error.__cause__ if isinstance(error.__cause__, sqlalchemy.exc.SQLAlchemyError) else error
        if not isinstance(why, sqlalchemy.exc.SQLAlchemyError | OSError):
            raise
        said = " ".join(str(getattr(why, "orig", None) or why).split()).rstrip(".")
        raise StoreUnavailableError(
            f"Dagster's history cannot be used: {said}. The months are not in it. Make room, or move the history away "
            f"({PROJECT_FILE} says where it lies): the next load begins a new one."
        ) from error


def _has_inherited(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process that a run names is that of the run that it runs again: it has none of its own yet."""
    parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    names = (PID_TAG, STARTED_TAG)
    return parent is not None and [parent.tags.get(name) for name in names] == [run.tags.get(name) for name in names]


def dead_runs(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    """The runs of this host that have not ended, and whose process is gone."""
    mine = dg.RunsFilter(statuses=_UNFINISHED, tags={HOST_TAG: socket.gethostname()})
    for run in instance.get_runs(mine):
        if not is_alive(run.tags) and not _has_inherited(instance, run):
            yield run


def reap_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs of this host whose process is gone, and free what they held. Others' runs are left alone.

    Returns:
        The ids of the runs that were failed.
    """
    reaped = []
    for run in dead_runs(instance):
        # In this order: whoever is killed in between leaves a run that is found again.
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        instance.report_run_failed(
            run, message=f"Its process ({run.tags[PID_TAG]}) is gone: it was killed, or the machine was."
        )
        reaped.append(run.run_id)
    return reaped
