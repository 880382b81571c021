"""Stage cleaned: trips in the service's one schema, and beside them every row that was not kept, with the reason."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from taxi_platform.assets import checks, progress, stages, story
from taxi_platform.assets.needs import is_in_lake
from taxi_platform.errors import AccountingError, DamagedStoreError
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.month_io import is_forced
from taxi_platform.io_managers.objects.folder import in_words
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import Stored, utc_now
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.trips.cleaning import CLEANING_VERSION, Cleaned, CleaningPlan, clean, plan_cleaning
from taxi_platform.trips.month_file import SOURCE, MonthDraft, MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.reading.inspection import Inspection
from taxi_platform.trips.services import Service

OUTPUT = "cleaned_trips"

_EXPANSION = {"csv": 1, "csv.gz": 2, "parquet": 3}
"""Bytes of Parquet that a byte of source may become, so that a full disk is seen before (seen: 0.2, 0.7, 1.1)."""


def cleaned_asset(service: Service) -> dg.AssetsDefinition:
    """The asset `cleaned/{service}_trips`."""
    common = stages.common(
        service, "cleaned", kinds={"parquet"}, code_version=f"{CLEANING_VERSION}.{service.schema_version}"
    )
    of_op = {name: common.pop(name) for name in ("partitions_def", "backfill_policy", "retry_policy")}

    @dg.multi_asset(
        name=f"cleaned__{service.table}",
        outs={
            OUTPUT: dg.AssetOut(
                **common,
                description=(
                    f"{service.title}: the trips of a month as Parquet in one schema for all years. Rows that are "
                    "rejected are kept beside them with reason, row number and raw line; rows in = kept + rejected, "
                    "or nothing is published."
                ),
                metadata={"dagster/column_schema": stages.column_schema(service.stored_columns)},
                dagster_type=dg.Any,
                is_required=False,
            )
        },
        ins={"raw_trips": dg.AssetIn(key=stages.asset_key("raw", service))},
        check_specs=checks.cleaned_checks(service),
        # The checks are made in the same pass. A client that asks for the asset alone (over GraphQL) gets it without
        # their records; the accounting stops a bad month all the same.
        can_subset=True,
        **of_op,
    )
    def cleaned(
        context: dg.AssetExecutionContext,
        raw_trips: MonthFile,
        cleaning: CleaningResource,
        cleaned_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Iterator[Any]:
        wanted = {check.name for check in context.selected_asset_check_keys}
        with as_failure():
            months = cleaned_io_manager.months
            month = stages.month_of(context)
            plan = plan_of(service, month, raw_trips, cleaning)
            for event in (
                _cleaned_month(plan, months, lake_io_manager.months, raw_trips, force=is_forced(context.run.tags))
                if context.selected_asset_keys
                else _checks_of_current(service, months, month.key)
            ):
                if not isinstance(event, dg.AssetCheckResult) or event.check_name in wanted:
                    yield event

    return cleaned


def _cleaned_month(
    plan: CleaningPlan, months: MonthObjects, lake: MonthObjects, raw: MonthFile, *, force: bool
) -> Iterator[dg.AssetCheckResult | dg.Output[Any]]:
    """Clean a month, unless it is there already; then its checks and what is to be published."""
    service, as_of = plan.service, f"{raw.as_of}/{utc_now()}"
    told = partial(story.of_trips, plan.service, plan.month, "cleaned", months.versions(service.table, raw.partition))
    mine = service.table, raw.partition, plan.version
    held = None if force else months.confirm(*mine, as_of, may_be_pruned=lambda: is_in_lake(lake, *mine))
    if held is not None:
        yield from _events(plan, held, held.facts, told)
        return
    months.store.require_room(raw.files[SOURCE].size_bytes * _EXPANSION[plan.inspection.ending])
    with months.spool() as folder, raw.path(SOURCE) as path, in_words(months.store.location):
        try:
            result = clean(plan, path, folder, _bar(plan))
        except AccountingError as error:
            if error.counts is not None:
                yield checks.accounting_result(*error.counts)
            raise
        draft = draft_of(plan, raw, result, as_of)
        yield from _events(plan, draft, draft.facts, told)


def _checks_of_current(service: Service, months: MonthObjects, partition: str) -> Iterator[dg.AssetCheckResult]:
    current = months.current(service.table, partition)
    if current is None:
        raise DamagedStoreError(f"There is no cleaned {service.name} {partition} to check. Materialise it first.")
    yield from checks.cleaned_results(service, Month.parse(partition), current.facts)


def plan_of(service: Service, month: Month, raw: MonthFile, cleaning: CleaningResource) -> CleaningPlan:
    """How a month is to be cleaned: by its file and the rules. Its version says both."""
    return plan_cleaning(
        service,
        month,
        raw.facts["name"],
        Inspection.from_json(raw.facts["inspection"]),
        rules=cleaning.rules,
        unknown_columns=cleaning.unknown_columns,
    )


def draft_of(plan: CleaningPlan, raw: MonthFile, result: Cleaned, as_of: str) -> MonthDraft:
    """What cleaning gave, as it is to be kept."""
    facts = result.facts(plan) | {"source": _source(raw)}
    return MonthDraft(raw.partition, plan.version, as_of, result.kept, result.files, facts)


def _source(raw: MonthFile) -> dict[str, Any]:
    """What every later stage is to remember of where its trips come from."""
    file = raw.files[SOURCE]
    return {
        "name": raw.facts["name"],
        "url": raw.facts["url"],
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "raw_version": raw.version,
    }


def _bar(plan: CleaningPlan) -> Callable[[int], None]:
    return lambda done: progress.report("cleaned", done, plan.inspection.size_bytes)


def _events(
    plan: CleaningPlan, value: Stored | MonthDraft, facts: Mapping[str, Any], told: Callable[..., Mapping[str, Any]]
) -> Iterator[dg.AssetCheckResult | dg.Output[Any]]:
    yield from checks.cleaned_results(plan.service, plan.month, facts)
    yield stages.output(value, plan.version, told(plan.version, facts), output_name=OUTPUT)
