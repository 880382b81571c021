"""A month loaded through the graph in this process, and what came of it, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from taxi_platform.assets.stages import SERVICE_TAG
from taxi_platform.assets.zones import WAREHOUSE_ZONES_KEY, ZONES_KEY
from taxi_platform.automation.instance import in_words
from taxi_platform.automation.jobs import month_keys
from taxi_platform.automation.rerunnable import rerunnable
from taxi_platform.automation.telling import first_failure, what_changed
from taxi_platform.errors import NotPublishedError, StoreUnavailableError
from taxi_platform.io_managers.month_io import FORCE_TAG, VERSION_BEFORE, VERSION_TAG
from taxi_platform.io_managers.run_process import process_tags
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service

Status = Literal["loaded", "unchanged", "missing", "failed"]


@dataclass(frozen=True)
class MonthResult:
    """What came of one month.

    Attributes:
        status: `loaded`: something was written; `unchanged`: nothing had to move; `missing`: the source has no such
            month; `failed`: see the message. In the last two what stood before still stands.
        seconds: Wall time by stage, of the stages that ended well.
    """

    service: str
    month: str
    status: Status
    rows_in: int | None = None
    rows_kept: int | None = None
    rows_rejected: int | None = None
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    message: str = ""

    @property
    def went_well(self) -> bool:
        return self.status in ("loaded", "unchanged")


@dataclass(frozen=True)
class ZonesResult:
    """What came of the lookup of zones; the words mean what they do of a month."""

    status: Status
    rows: int | None = None
    message: str = ""

    @property
    def went_well(self) -> bool:
        return self.status in ("loaded", "unchanged")


def load_zones(defs: dg.Definitions, instance: dg.DagsterInstance, *, force: bool = False) -> ZonesResult:
    """Materialise the lookup of zones in lake and warehouse, as `load_month` does a month.

    Raises:
        KeyboardInterrupt: As there.
    """
    result = _run(defs, instance, [ZONES_KEY, WAREHOUSE_ZONES_KEY], None, _forced(force))
    if isinstance(result, str):
        return ZonesResult("failed", message=result)
    metadata = _metadata_by_asset(result)
    status, message = _status(result, metadata)
    return ZonesResult(status, _value(metadata.get("reference", {}), "zones"), message)


def load_month(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    service: Service,
    month: Month,
    *,
    force: bool = False,
    marts: bool = False,
) -> MonthResult:
    """Materialise the four assets of a month, in this process, as a run that the UI shows as any other.

    Nothing that goes wrong with the month is raised: the result says it.

    Args:
        marts: Its mart too.

    Raises:
        KeyboardInterrupt: Somebody stopped this process (Ctrl-C, SIGTERM). Dagster ended the run, and would go on.
    """
    return _month(defs, instance, service, month, month_keys(service, marts=marts), _forced(force))


def bring_back(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    service: Service,
    month: Month,
    version: str,
    *,
    marts: bool = False,
) -> MonthResult:
    """Have lake and warehouse hold an earlier version of a month again, as `load_month` does the newest.

    The next load of the month goes forward again.

    Raises:
        KeyboardInterrupt: As there.
    """
    return _month(defs, instance, service, month, month_keys(service, marts=marts)[2:], {VERSION_TAG: version})


def _forced(force: bool) -> Mapping[str, str]:
    return {FORCE_TAG: "true"} if force else {}


def _month(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    service: Service,
    month: Month,
    keys: Sequence[dg.AssetKey],
    tags: Mapping[str, str],
) -> MonthResult:
    result = _run(defs, instance, keys, month.key, {SERVICE_TAG: service.name, **tags})
    if isinstance(result, str):
        return MonthResult(service.name, month.key, "failed", message=result)
    return _result_of(result, service, month)


def _run(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: Sequence[dg.AssetKey],
    partition_key: str | None,
    tags: Mapping[str, str],
) -> dg.ExecuteInProcessResult | str:
    """A run in this process, to its end; why there could be none, where Dagster's storage did not answer."""
    job = defs.resolve_implicit_global_asset_job_def()
    try:
        with in_words(), rerunnable(instance):
            result = job.execute_in_process(
                instance=instance,
                asset_selection=list(keys),  # said of the run too: the UI shows it as the run's target
                partition_key=partition_key,
                raise_on_error=False,
                # Whoever typed the command sees that it failed: the daemon need not run it again.
                tags={**process_tags(), "dagster/max_retries": "0", **tags},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
    except StoreUnavailableError as error:
        return str(error)
    if any(event.event_type_value == "PIPELINE_CANCELED" for event in result.all_events):
        raise KeyboardInterrupt
    return result


def _metadata_by_asset(result: dg.ExecuteInProcessResult) -> dict[str, Mapping[str, dg.MetadataValue]]:
    """What the materialisations say, by the first part of their asset keys."""
    metadata: dict[str, Mapping[str, dg.MetadataValue]] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        metadata[materialization.asset_key.path[0]] = materialization.metadata
    return metadata


def _result_of(result: dg.ExecuteInProcessResult, service: Service, month: Month) -> MonthResult:
    metadata = _metadata_by_asset(result)
    cleaned = metadata.get("cleaned", {})
    status, message = _status(result, metadata)
    if status == "loaded" and "what_changed" in cleaned and VERSION_BEFORE in cleaned:
        message = f"it is not what it was: {what_changed(cleaned['what_changed'])}"
    return MonthResult(
        service=service.name,
        month=month.key,
        status=status,
        rows_in=_value(cleaned, "rows_in"),
        rows_kept=_value(cleaned, "rows_kept"),
        rows_rejected=_value(cleaned, "rows_rejected"),
        rejected_by_reason={
            str(record.data["reason"]): int(record.data["rows"])
            for record in getattr(cleaned.get("rejected_by_reason"), "records", ())
        },
        seconds=_seconds(result),
        message=message,
    )


def _value(metadata: Mapping[str, dg.MetadataValue], name: str) -> Any:
    return metadata[name].value if name in metadata else None


def _status(
    result: dg.ExecuteInProcessResult, metadata: Mapping[str, Mapping[str, dg.MetadataValue]]
) -> tuple[Status, str]:
    if result.success:
        if broken := _broken_checks(result):
            return "failed", broken
        outcomes = {_value(entries, "outcome") for entries in metadata.values()}
        return ("unchanged", "") if outcomes <= {"unchanged"} else ("loaded", "")
    failure = first_failure(result.all_events, result.run_id)
    return ("missing" if failure.error == NotPublishedError.__name__ else "failed"), failure.sentence


def _broken_checks(result: dg.ExecuteInProcessResult) -> str:
    """Which checks failed that do more than warn; empty where none did."""
    names = [
        f"{check.asset_key.to_user_string()}: {check.check_name}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]
    if not names:
        return ""
    return f"what is stored does not agree ({', '.join(names)}). Load it again with --force: it is written anew."


def _seconds(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    return {
        str(event.step_key).partition("__")[0]: round(event.step_success_data.duration_ms / 1000, 3)
        for event in result.all_events
        if event.event_type_value == "STEP_SUCCESS"
    }
