"""By the clock instead of by sensors: what has come since the last time is loaded, monthly or at an interval."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from taxi_platform.assets.coverage_report import COVERAGE_KEY
from taxi_platform.automation.file_sensors import open_for_a_look
from taxi_platform.automation.jobs import month_job, run_request
from taxi_platform.errors import NotPublishedError, TaxiError
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.resources.sources.source import Source
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import SERVICES, TIMEZONE, Service, new_york_today

MONTHS_BACK = 5
"""TLC has published a month at the latest 106 days after its end, so that the fifth newest is out for sure."""


def monthly_schedule(service: Service, cron: str, *, marts: bool = False) -> dg.ScheduleDefinition:
    """The schedule `{service}_monthly`, in New York's time; off until somebody switches it on."""

    @dg.schedule(
        name=f"{service.name}_monthly",
        job=month_job(service.name, marts=marts),
        cron_schedule=cron,
        execution_timezone=TIMEZONE,
        description=(
            f"{service.title}: loads those of the newest {MONTHS_BACK} months that have come, or changed, since the "
            "last time. TLC publishes 48 to 106 days after a month's end. An alternative to the sensor."
        ),
    )
    def load_what_has_come(
        context: dg.ScheduleEvaluationContext,
        source: SourceResource,
        raw_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Any:
        at = context.scheduled_execution_time
        return _requests(service, source, raw_io_manager.months, new_york_today(), f"{at:%Y-%m-%dT%H:%M}")

    return load_what_has_come


def interval_sensor(every_s: int, *, marts: bool = False) -> dg.SensorDefinition:
    """The same at an interval, for all services: Dagster's schedules know cron only, its sensors intervals."""

    @dg.sensor(
        name="every_so_often",
        jobs=[month_job(name, marts=marts) for name in SERVICES],
        minimum_interval_seconds=every_s,
        description=(
            f"Every {dt.timedelta(seconds=every_s)} hours: loads those of the newest {MONTHS_BACK} months of each "
            "service that have come, or changed. An alternative to the sensors of files."
        ),
    )
    def every_so_often(
        context: dg.SensorEvaluationContext,
        source: SourceResource,
        raw_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Any:
        turn = int(context.cursor or 0) + 1
        requests: list[dg.RunRequest] = []
        said: list[str] = []
        for service in SERVICES.values():
            found = _requests(service, source, raw_io_manager.months, new_york_today(), f"turn {turn}")
            if isinstance(found, dg.SkipReason):
                said.append(found.skip_message or "")
            else:
                requests += found
        reason = None if requests else " ".join(said)
        return dg.SensorResult(run_requests=requests, skip_reason=reason, cursor=str(turn))

    return every_so_often


def coverage_schedule(*, runs: bool) -> dg.ScheduleDefinition:
    """The schedule `coverage_daily`: which months are late is looked at each morning."""
    return dg.ScheduleDefinition(
        name="coverage_daily",
        target=dg.AssetSelection.assets(COVERAGE_KEY),
        cron_schedule="0 7 * * *",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING if runs else dg.DefaultScheduleStatus.STOPPED,
        description="Each morning at seven: which months are loaded, and which are late.",
    )


def _requests(
    service: Service, source: SourceResource, months: MonthObjects, today: dt.date, turn: str
) -> Sequence[dg.RunRequest] | dg.SkipReason:
    """A run for each of the newest months that the source has, unless the very same file is held."""
    try:
        publisher = open_for_a_look(source, months, service)
        keys = [month.key for month in _that_came(publisher, service, months, today)]
    except TaxiError as error:
        return dg.SkipReason(str(error))
    if not keys:
        return dg.SkipReason(f"{service.name}: nothing of the newest {MONTHS_BACK} months is new at {source.shown}.")
    return [run_request(service, key, f"{service.name} {key} at {turn}", "a month that came") for key in keys]


def _that_came(publisher: Source, service: Service, months: MonthObjects, today: dt.date) -> Iterator[Month]:
    last = last_full_month(today)
    for month in last.plus(1 - MONTHS_BACK).until(last):
        try:
            file = publisher.find(service, month)
        except NotPublishedError:
            continue
        held = months.current(service.table, month.key)
        if held is None or (held.facts["url"], held.facts["fingerprint"]) != (file.url, file.fingerprint):
            yield month
