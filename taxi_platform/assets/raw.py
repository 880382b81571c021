"""Stage raw: the published file, byte for byte, and what its bytes say of themselves."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from taxi_platform.assets import looks, progress, stages, story
from taxi_platform.assets.cleaned import plan_of
from taxi_platform.assets.needs import is_raw_needed
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.month_io import is_forced
from taxi_platform.io_managers.objects.folder import in_words
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import Stored, utc_now
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.resources.sources.source import Source, SourceFile
from taxi_platform.trips.month_file import SOURCE, DraftFile, MonthDraft, MonthFile, Partition
from taxi_platform.trips.months import Month
from taxi_platform.trips.published_counts import is_known_month
from taxi_platform.trips.reading.first_records import first_records
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform.trips.services import Service

VERSION_LENGTH = 16


def raw_asset(service: Service, pool: str | None) -> dg.AssetsDefinition:
    """The asset `raw/{service}_trips`; `pool` is that of those who fetch from the same publisher."""

    @dg.asset(
        **stages.common(service, "raw", kinds={"csv", "parquet"}, code_version="1"),
        description=(
            f"{service.title}: the file that the source publishes for a month, byte for byte, with its SHA-256, size "
            "and address. What is no whole file of trips (an error page, half a download) is refused before it is kept."
        ),
        dagster_type=dg.Any,
        pool=pool,
    )
    def raw(
        context: dg.AssetExecutionContext,
        source: SourceResource,
        cleaning: CleaningResource,
        raw_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        cleaned_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Iterator[Any]:
        months, cleaned, lake = raw_io_manager.months, cleaned_io_manager.months, lake_io_manager.months

        def is_needed(held: MonthFile) -> bool:
            return is_raw_needed(held, plan_of(service, month, held, cleaning).version, cleaned, lake)

        with as_failure():
            month = stages.month_of(context)
            publisher = open_for(source, months, service, month)
            file = looks.find(publisher, service, month)
            seen_at = utc_now()
            kept = months.versions(service.table, month.key)
            told = partial(story.of_file, service, month, kept)
            force = is_forced(context.run.tags)
            held = None if force else unchanged(months, service.table, month.key, file, seen_at, is_needed)
            if held is not None:
                context.log.info("%s is as it was: nothing was fetched", file.name)
                yield stages.output(held, held.version, told(held.version, held.facts))
                return
            months.store.require_room(file.size_bytes or 0)
            with months.spool() as folder, in_words(f"{months.store.location}/{file.name}"):
                path = folder / "source"
                publisher.fetch(file, path, lambda done: progress.report("raw", done, file.size_bytes))
                draft = draft_of(file, month, path, seen_at)
                yield stages.output(draft, draft.version, told(draft.version, draft.facts))

    return raw


def draft_of(file: SourceFile, month: Month, path: Path, seen_at: str) -> MonthDraft:
    """A file that was fetched to `path`, inspected, as it is to be kept.

    Raises:
        SourceFileError: It is no whole file of trips.
    """
    inspection = inspect_file(path, file.name)
    return MonthDraft(
        partition=month.key,
        version=inspection.sha256[:VERSION_LENGTH],
        as_of=seen_at,
        rows=inspection.lines,
        files={SOURCE: DraftFile(path, inspection.ending, inspection.lines)},
        facts={
            "name": file.name,
            "url": file.url,
            "fingerprint": file.fingerprint,
            "inspection": inspection.to_json(),
            "first_rows": first_records(path, inspection),
        },
    )


def open_for(source: SourceResource, months: MonthObjects, service: Service, month: Month) -> Source:
    """The source, told what is known of a month already."""
    return source.open(known_to_exist=is_known_month, seen_before=lambda url: _is_held(months, service, month, url))


def _is_held(months: MonthObjects, service: Service, month: Month, url: str) -> bool:
    """Whether what is held of the month came from there: then it was published."""
    held = months.current(service.table, month.key)
    return held is not None and bool(held.facts["url"] == url)


def unchanged(
    months: MonthObjects,
    table: str,
    partition: Partition,
    file: SourceFile,
    seen_at: str,
    is_needed: Callable[[MonthFile], bool] = lambda _: True,
) -> Stored | None:
    """What is held of a file's bytes, where the source says that it is still the same one.

    Args:
        is_needed: Whether the bytes must be there, where they were pruned.
    """
    held = months.current(table, partition)
    if held is None or (held.facts["url"], held.facts["fingerprint"]) != (file.url, file.fingerprint):
        return None
    return months.confirm(table, partition, held.version, seen_at, may_be_pruned=lambda: not is_needed(held))
