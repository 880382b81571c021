"""A sensor a service: what is new at the source, or another file than we hold, is loaded."""

from pathlib import Path
from typing import Any

import dagster as dg

from taxi_platform.automation.jobs import month_job, run_request
from taxi_platform.automation.watching.memory import Memory
from taxi_platform.automation.watching.watch import Sighting, Watch
from taxi_platform.errors import TaxiError
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import utc_now
from taxi_platform.resources.sources.look import Look, files_of, last_look, save_look, updated
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.resources.sources.source import Source
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.trips.months import Month
from taxi_platform.trips.published_counts import is_known_month
from taxi_platform.trips.services import Service, new_york_today

LOOK_EVERY_S = 10
"""How often a sensor thinks about looking. Our own folder is looked at each time; others much more rarely."""

PATIENCE = Patience(attempts=2, longest_retry_after_s=5, connect_timeout_s=5, read_timeout_s=10)
"""A sensor has a minute in all. Who does not answer now is asked later."""


def sensor_name(service: Service) -> str:
    return f"{service.name}_files"


def file_sensor(
    service: Service, *, looks: Path, since: Month | None, runs: bool, marts: bool = False
) -> dg.SensorDefinition:
    """The sensor `{service}_files`.

    Args:
        looks: The folder in which `taxi status` finds what was seen.
        since: From when on a publisher's months are loaded that nobody loaded.
        runs: Whether it runs before anybody switches it on.
        marts: Whether what it loads gets its marts too.
    """

    @dg.sensor(
        name=sensor_name(service),
        job=month_job(service.name, marts=marts),
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=(
            f"{service.title}: loads each month that is new at the source, or changed there. In a folder of this "
            "machine that is every file; elsewhere what comes later than the newest month of the first look, and "
            "changes to months that are loaded."
        ),
    )
    def look_for_files(
        context: dg.SensorEvaluationContext,
        source: SourceResource,
        raw_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Any:
        months, memory = raw_io_manager.months, Memory.of(context.cursor, source.shown)
        try:
            publisher = open_for_a_look(source, months, service)
        except TaxiError as error:  # the folder is not mounted, say
            return dg.SkipReason(str(error))
        sighting = Watch(publisher, service, months, new_york_today(), since).look(memory)
        _remember(sighting, service, source.shown, looks, is_whole=publisher.habits.lists)
        return dg.SensorResult(
            run_requests=[
                run_request(service, found.month.key, found.key, "a new month" if found.is_new else "a changed month")
                for found in sighting.found
            ],
            skip_reason=None if sighting.found else sighting.reason,
            cursor=memory.cursor(),
        )

    return look_for_files


def open_for_a_look(source: SourceResource, months: MonthObjects, service: Service) -> Source:
    """The source, told what is known already, and with no more patience than a tick has."""
    return source.open(
        known_to_exist=is_known_month, seen_before=lambda url: _is_held(months, service, url), patience=PATIENCE
    )


def _is_held(months: MonthObjects, service: Service, url: str) -> bool:
    """Whether what is held of the month whose file lies there came from there: then it was published."""
    stem = url.rpartition("/")[2].partition(".")[0]
    month = stem.rpartition("_")[2]
    held = months.current(service.table, month) if stem == f"{service.name}_tripdata_{month}" else None
    return held is not None and bool(held.facts["url"] == url)


def _remember(sighting: Sighting, service: Service, source: str, folder: Path, *, is_whole: bool) -> None:
    """Have `taxi status` know what was seen."""
    if not sighting.seen:
        return
    if is_whole:
        save_look(Look(source, service.name, utc_now(), files_of(sighting.seen)), folder)
    elif (before := last_look(source, service.name, folder)) is not None:
        save_look(updated(before, sighting.seen), folder)
