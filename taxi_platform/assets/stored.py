"""Stages lake and warehouse: the cleaned month put where others read it. What is done there the IO managers know."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from taxi_platform.assets import stages
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import Service


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
    def lake(cleaned_trips: MonthFile) -> Iterator[Any]:
        yield stages.output(cleaned_trips, cleaned_trips.version)

    return lake


def warehouse_asset(service: Service, kind: str) -> dg.AssetsDefinition:
    """The asset `warehouse/{service}_trips`; `kind` names the warehouse, and the pool of those who write to it."""

    @dg.asset(
        **stages.common(service, "warehouse", kinds={kind}, code_version="1"),
        description=(
            f"{service.title}: the table {service.table}, partitioned by source_month, the month of the source file. A "
            "month is replaced in one transaction with its row in the ledger, after its count and sums were read back."
        ),
        metadata={
            "dagster/column_schema": stages.column_schema(service.stored_columns),
            "dagster/table_name": service.table,
            "partition_expr": "source_month",
        },
        ins={"lake_trips": dg.AssetIn(key=stages.asset_key("lake", service))},
        dagster_type=dg.Any,
        pool=kind,
    )
    def warehouse(lake_trips: MonthFile) -> Iterator[Any]:
        yield stages.output(lake_trips, lake_trips.version)

    return warehouse
