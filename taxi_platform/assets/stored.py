"""Stages lake and warehouse: the cleaned month put where others read it. What is done there the IO managers know."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from taxi_platform.assets import progress, stages, story
from taxi_platform.assets.reconciliation import reconcile, reconciliation_check
from taxi_platform.errors import RequestError
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.month_io import version_wanted
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import Stored, utc_now
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import Service

OUTPUT = "warehouse_trips"


def lake_asset(service: Service, kind: str) -> dg.AssetsDefinition:
    """The asset `lake/{service}_trips`; `kind` says what the lake is made of."""

    @dg.asset(
        **stages.common(service, "lake", kinds={kind, "parquet"}, code_version="1"),
        description=(
            f"{service.title}: one immutable, checksummed Parquet object a version of a month. Readers hold on to the "
            "version they opened; the manifest beside it names the current one."
        ),
        metadata={"dagster/column_schema": stages.column_schema(service.stored_columns)},
        ins={"cleaned_trips": dg.AssetIn(key=stages.asset_key("cleaned", service))},
        dagster_type=dg.Any,
    )
    def lake(
        context: dg.AssetExecutionContext,
        cleaned_trips: MonthFile,
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Iterator[Any]:
        progress.report("lake", 0)
        with as_failure():
            value: MonthFile | Stored = cleaned_trips
            if wanted := version_wanted(context.run.tags):
                value = _brought_back(lake_io_manager.months, cleaned_trips, wanted)
            yield stages.output(value, value.version, _told("lake", service, context, lake_io_manager, value))

    return lake


def _told(
    stage: str,
    service: Service,
    context: dg.AssetExecutionContext,
    lake: MonthObjectsIOManager,
    value: MonthFile | Stored,
) -> Mapping[str, Any]:
    """The story of a month, held against the version before it: the lake remembers both."""
    month = stages.month_of(context)
    kept = lake.months.versions(service.table, month.key)
    return story.of_trips(service, month, stage, kept, value.version, value.facts)


def _brought_back(months: MonthObjects, newest: MonthFile, version: str) -> Stored:
    now = utc_now()
    stored = months.confirm(newest.table, newest.partition, version, f"{now}/{now}")
    if stored is None:
        kept = ", ".join(one.version for one in months.versions(newest.table, newest.partition) if months.is_whole(one))
        raise RequestError(
            f"{months.store.location} has no version {version} of {newest.table} {newest.partition} that is whole. "
            f"Nothing was changed. It has {kept or 'none'}."
        )
    return stored


def warehouse_asset(service: Service, kind: str) -> dg.AssetsDefinition:
    """The asset `warehouse/{service}_trips`; `kind` names the warehouse."""
    common = stages.common(service, "warehouse", kinds={kind}, code_version="1")
    of_op = {name: common.pop(name) for name in ("partitions_def", "backfill_policy", "retry_policy")}

    @dg.multi_asset(
        name=f"warehouse__{service.table}",
        outs={
            OUTPUT: dg.AssetOut(
                **common,
                description=(
                    f"{service.title}: the table {service.table}, partitioned by source_month, the month of the source "
                    "file. A month is replaced in one transaction with its row in the ledger, after its count and sums "
                    "were read back."
                ),
                metadata={
                    "dagster/column_schema": stages.column_schema(service.stored_columns),
                    "dagster/table_name": service.table,
                    "partition_expr": "source_month",
                },
                dagster_type=dg.Any,
                is_required=False,
            )
        },
        ins={"lake_trips": dg.AssetIn(key=stages.asset_key("lake", service))},
        check_specs=[reconciliation_check(service)],
        can_subset=True,
        pool=stages.pool_of(kind),
        **of_op,
    )
    def warehouse(
        context: dg.AssetExecutionContext,
        lake_trips: MonthFile,
        cleaned_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        warehouse_io_manager: dg.ResourceParam[WarehouseIOManager],
    ) -> Iterator[Any]:
        if context.selected_asset_keys:
            progress.report("warehouse", 0)
            with as_failure():
                told = _told("warehouse", service, context, lake_io_manager, lake_trips)
            yield stages.output(lake_trips, lake_trips.version, told, output_name=OUTPUT)
        # Here the IO manager has done its work: Dagster comes back for more when the output is in the table.
        if context.selected_asset_check_keys:
            with as_failure():
                months, key = cleaned_io_manager.months, stages.month_of(context).key
                cleaned = months.current(service.table, key)
                if version_wanted(context.run.tags):  # what is newest is not what lake and warehouse are to hold
                    kept = months.versions(service.table, key)
                    cleaned = next((one for one in kept if one.version == lake_trips.version), None)
                yield reconcile(service, cleaned, lake_trips, warehouse_io_manager.warehouse)

    return warehouse
