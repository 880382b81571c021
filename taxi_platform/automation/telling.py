"""What the events of a run say, in our sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import dagster as dg

from taxi_platform.assets.changes import VERSION


class StepFailure(NamedTuple):
    """The first step of a run that failed.

    Attributes:
        step: Its key, `warehouse__green_trips`; empty where no step did.
        error: The name of our class of the error; empty where it is none of ours.
    """

    step: str
    error: str
    sentence: str


def first_failure(events: Iterable[dg.DagsterEvent], run_id: str) -> StepFailure:
    """The first failure of a run, out of its events."""
    for event in events:
        if event.event_type_value != "STEP_FAILURE":
            continue
        step, data = str(event.step_key), event.step_failure_data
        if data.user_failure_data is not None:
            kind = data.user_failure_data.metadata.get("error")
            return StepFailure(step, str(kind.value if kind else ""), str(data.user_failure_data.description))
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        said = error.message.strip() if error else "no reason was given"
        return StepFailure(step, "", f"{step}: {said} (run {run_id} has the whole story)")
    return StepFailure("", "", f"the run {run_id} failed; its log has the reason")


def what_changed(table: dg.MetadataValue) -> str:
    """The metadata of a month that is not what it was, as one line."""
    records = [record.data for record in getattr(table, "records", ())]
    return "; ".join(
        f"{r['what']} {r['before']} -> {r['after']}" + (f" ({r['difference']})" if r["difference"] else "")
        for r in records
        if r["what"] != VERSION and not str(r["what"]).startswith("rows with")
    )
