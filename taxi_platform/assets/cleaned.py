"""Stage cleaned: trips in the service's one schema, and beside them every row that was not kept, with the reason."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from taxi_platform.assets import checks, progress, stages
from taxi_platform.errors import AccountingError
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.month_io import is_forced
from taxi_platform.io_managers.objects.folder import in_words
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.stored import utc_now
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.trips.cleaning import CLEANING_VERSION, CleaningPlan, clean, plan_cleaning
from taxi_platform.trips.month_file import SOURCE, MonthDraft, MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.reading.inspection import Inspection
from taxi_platform.trips.rules import COUNTING, REJECTING
from taxi_platform.trips.services import Service

_EXPANSION = {"csv": 1, "csv.gz": 2, "parquet": 3}
"""Bytes of Parquet that a byte of source may become, so that a full disk is seen before (seen: 0.2, 0.7, 1.1)."""


def cleaned_asset(service: Service) -> dg.AssetsDefinition:
    """The asset `cleaned/{service}_trips`."""

    @dg.asset(
        **stages.common(
            service, "cleaned", kinds={"parquet"}, code_version=f"{CLEANING_VERSION}.{service.schema_version}"
        ),
        description=(
            f"{service.title}: the trips of a month as Parquet in one schema for all years. Rows that are rejected are "
            "kept beside them with reason, row number and raw line; rows in = kept + rejected, or nothing is published."
        ),
        metadata={"dagster/column_schema": stages.column_schema(service.stored_columns)},
        ins={"raw_trips": dg.AssetIn(key=stages.asset_key("raw", service))},
        check_specs=checks.cleaned_checks(service),
        dagster_type=dg.Any,
    )
    def cleaned(
        context: dg.AssetExecutionContext,
        raw_trips: MonthFile,
        cleaning: CleaningResource,
        cleaned_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Iterator[Any]:
        months = cleaned_io_manager.months
        with as_failure():
            plan = _plan(service, raw_trips, cleaning)
            as_of = f"{raw_trips.as_of}/{utc_now()}"
            held = None
            if not is_forced(context.run.tags):
                held = months.confirm(service.table, raw_trips.partition, plan.version, as_of)
            if held is not None:
                context.log.info("the same input was cleaned by the same rules before: nothing was done")
                yield from _output(service, held, held.facts, plan)
                return
            months.store.require_room(raw_trips.files[SOURCE].size_bytes * _EXPANSION[plan.inspection.ending])
            with months.spool() as folder, raw_trips.path(SOURCE) as path, in_words(months.store.location):
                try:
                    result = clean(plan, path, folder, _bar(plan))
                except AccountingError as error:
                    if error.counts is not None:
                        yield checks.accounting_result(*error.counts)
                    raise
                facts = result.facts(plan) | {"source": _source(raw_trips)}
                draft = MonthDraft(raw_trips.partition, plan.version, as_of, result.kept, result.files, facts)
                yield from _output(service, draft, facts, plan)

    return cleaned


def _plan(service: Service, raw: MonthFile, cleaning: CleaningResource) -> CleaningPlan:
    return plan_cleaning(
        service,
        Month.parse(raw.partition),
        raw.facts["name"],
        Inspection.from_json(raw.facts["inspection"]),
        rules=cleaning.rules,
        unknown_columns=cleaning.unknown_columns,
    )


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


def _bar(plan: CleaningPlan) -> Any:
    return lambda done: progress.report("cleaned", done, plan.inspection.size_bytes)


def _output(service: Service, value: Any, facts: Mapping[str, Any], plan: CleaningPlan) -> Iterator[Any]:
    meaning = {rule.name: rule.meaning for rule in (*REJECTING.values(), *COUNTING.values())}
    yield from checks.cleaned_results(service, facts)
    yield stages.output(
        value,
        plan.version,
        {
            "rows_in": facts["rows_in"],
            "rows_kept": facts["rows_kept"],
            "rows_rejected": facts["rows_rejected"],
            "rejected_by_reason": stages.reasons_table(facts["rejected_by_reason"], meaning),
            "observed": stages.reasons_table(facts["observed"], meaning),
            **{f"sum_{name}": float(total) for name, total in facts["control_sums"].items()},
            "money_rounded": facts["money_rounded"],
            "layout": facts["layout"],
        },
    )
