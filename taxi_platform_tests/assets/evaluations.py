"""What the checks of an asset said, as Dagster remembers it."""

from __future__ import annotations

import dagster as dg


def evaluations(
    instance: dg.DagsterInstance, asset_key: dg.AssetKey
) -> dict[tuple[str, str | None], dg.AssetCheckEvaluation]:
    """The newest evaluation of each check of an asset, by name and partition."""
    found = {}
    for run in sorted(instance.get_run_records(), key=lambda record: record.create_timestamp):
        for log in instance.all_logs(run.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            assert log.dagster_event is not None
            evaluation = log.dagster_event.asset_check_evaluation_data
            if evaluation.asset_key == asset_key:
                found[evaluation.check_name, evaluation.partition] = evaluation
    return found
