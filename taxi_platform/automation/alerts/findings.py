"""What there is to tell of the runs that ended, and of the sensors that fail again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from taxi_platform.assets.checks import UNKNOWN_COLUMNS
from taxi_platform.assets.coverage_report import COVERAGE_KEY
from taxi_platform.automation.alerts.alert import Alert
from taxi_platform.automation.telling import first_failure, what_changed
from taxi_platform.automation.watching.memory import Memory
from taxi_platform.io_managers.month_io import VERSION_BEFORE

WILL_RETRY_TAG = "dagster/will_retry"
"""Dagster puts it on a run that failed and that it runs again by itself."""

PATIENCE = 3
"""So many times in a row a sensor fails, or its source does, before it is told."""

_TOLD = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.RUN_FAILURE,
}


def of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, ui: str) -> Iterator[Alert]:
    """What there is to tell of a run that ended. Nothing of one that is run again by itself."""
    if run.tags.get(WILL_RETRY_TAG) == "true":
        return
    link = f"{ui}/runs/{run.run_id}"
    month = run.tags.get("dagster/partition") or run.tags.get("dagster/asset_partition_range_start", "")
    entries = instance.all_logs(run.run_id, of_type=_TOLD)
    events = [entry.dagster_event for entry in entries if entry.dagster_event]
    if run.status == dg.DagsterRunStatus.FAILURE:
        failure = first_failure(events, run.run_id)
        yield Alert("failed", _named(failure.step, month) or run.job_name, failure.sentence, link)
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            yield from _of_check(event.asset_check_evaluation_data, month, link)
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            yield from _of_change(event.step_materialization_data.materialization, month, link)


def _of_change(materialization: dg.AssetMaterialization, month: str, link: str) -> Iterator[Alert]:
    """Told once: cleaned is the stage that has a new version of a month whatever made it new."""
    key, metadata = materialization.asset_key, materialization.metadata
    if key.path[0] == "cleaned" and VERSION_BEFORE in metadata and "what_changed" in metadata:
        yield Alert("changes", _named("__".join(key.path), month), what_changed(metadata["what_changed"]), link)


def _of_check(check: Any, month: str, link: str) -> Iterator[Alert]:
    if check.passed:
        return
    what, cause = _named("__".join(check.asset_key.path), month), f"{check.check_name}: {check.description or 'no'}"
    if check.asset_key == COVERAGE_KEY:
        yield Alert("late", check.check_name.partition("_")[0], check.description or "", link)
    elif check.check_name == UNKNOWN_COLUMNS:
        yield Alert("drift", what, cause, link)
    elif check.severity == dg.AssetCheckSeverity.ERROR:
        yield Alert("checks", what, cause, link)
    else:
        yield Alert("warnings", what, cause, link)


def of_sensors(instance: dg.DagsterInstance, ui: str) -> Iterator[Alert]:
    """The sensors of which each of the last ticks failed, or whose source has not answered for some looks."""
    for state in instance.all_instigator_state():
        if not state.is_running or state.instigator_type.value != "SENSOR":
            continue
        link = f"{ui}/automation"
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=PATIENCE)
        if len(ticks) == PATIENCE and all(tick.status.value == "FAILURE" for tick in ticks):
            said = ticks[0].error.message.strip() if ticks[0].error else "no reason was given"
            yield Alert("sensors", state.name, f"its last {PATIENCE} looks failed: {said}", link)
        memory = Memory.read(getattr(state.instigator_data, "cursor", None))
        if memory.failures >= PATIENCE:
            yield Alert("sensors", state.name, f"its source cannot be looked at. {memory.trouble}", link)


def _named(step: str, month: str) -> str:
    """`warehouse__green_trips` of 2020-03 as `green 2020-03 warehouse`."""
    stage, _, table = step.partition("__")
    return " ".join(part for part in (table.removesuffix("_trips"), month, stage) if part)
