"""Marts: for each service its trips and revenue by zone and day, beside the trips in the warehouse."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import dagster as dg

from taxi_platform.assets import stages
from taxi_platform.assets.mart_picture import markdown
from taxi_platform.assets.zone_days import ZoneDays, summed
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.lookup_view import LookupView
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.io_managers.warehouse import Warehouse
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.trips import zones
from taxi_platform.trips.by_zone_and_day import (
    MART_VERSION,
    PICKUP_LOCATION_ID,
    REVENUE,
    mart_columns,
    mart_table,
    mart_totals,
    mart_version,
)
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import SERVICES, Service

MARTS = "marts"
"""What stands in the place of a stage: in keys, in `taxi status`, for the seconds of a load."""

OUTPUT = "mart"
ADDS_UP = "adds_up"


def mart_key(service: Service) -> dg.AssetKey:
    return dg.AssetKey([MARTS, mart_table(service)])


def mart_asset(service: Service, kind: str) -> dg.AssetsDefinition:
    """The asset `marts/{service}_trips_by_zone_and_day`; `kind` names the warehouse that it is in.

    It is made from the lake, where three columns of a month are read in a moment, whatever the warehouse is; and after
    the warehouse, so that it never knows of trips that are not there yet.
    """
    table = mart_table(service)
    common = stages.common(service, "warehouse", kinds={kind}, code_version=MART_VERSION) | {
        "key": mart_key(service),
        "group_name": MARTS,
        "kinds": {"mart", kind},
        "tags": {stages.SERVICE_TAG: service.name, "taxi/stage": MARTS},
    }
    of_op = {name: common.pop(name) for name in ("partitions_def", "backfill_policy", "retry_policy")}

    @dg.multi_asset(
        name=f"{MARTS}__{table}",
        outs={
            OUTPUT: dg.AssetOut(
                **common,
                description=(
                    f"{service.title}: trips and revenue by zone and day of the pickup, in the table {table}. Made "
                    "anew when the month is another one; what it sums up to was compared with the month before it "
                    "took the place of the old one."
                ),
                metadata={
                    "dagster/column_schema": stages.column_schema(mart_columns(service)),
                    "dagster/table_name": table,
                    "partition_expr": "source_month",
                },
                dagster_type=dg.Any,
                is_required=False,
            )
        },
        ins={"lake_trips": dg.AssetIn(key=stages.asset_key("lake", service))},
        deps=[stages.asset_key("warehouse", service)],
        check_specs=[_check_spec(service)],
        can_subset=True,
        pool=stages.pool_of(kind),
        **of_op,
    )
    def mart(
        context: dg.AssetExecutionContext,
        lake_trips: MonthFile,
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        warehouse_io_manager: dg.ResourceParam[WarehouseIOManager],
    ) -> Iterator[Any]:
        if context.selected_asset_keys:
            with as_failure():
                lake = lake_io_manager.months
                lookup = lake.current(zones.ZONES_TABLE, None)
                with lake.spool() as folder, summed(service, lake_trips, lookup, folder) as found:
                    told = _told(found, lake_trips)
                    yield stages.output(found.month, found.month.version, told, output_name=OUTPUT)
        if context.selected_asset_check_keys:  # here the IO manager has done its work
            with as_failure():
                yield adds_up(service, lake_trips, warehouse_io_manager.warehouse)

    return mart


def mart_stamp(month: MonthFile) -> Stamp:
    """What the ledger says of a mart that is as this version of the month would have it."""
    return Stamp(version=mart_version(month.version), as_of=month.as_of, run_id="")


def mart_views() -> list[LookupView]:
    """For each mart, its rows with the names of the zones."""
    return [
        LookupView(
            name=f"{mart_table(service)}_with_zones",
            table=mart_table(service),
            lookup=zones.ZONES_TABLE,
            key=zones.KEY,
            details=zones.DETAILS,
            joined={"pickup": PICKUP_LOCATION_ID.name},
        )
        for service in SERVICES.values()
    ]


def _check_spec(service: Service) -> dg.AssetCheckSpec:
    of_revenue = f", their revenue its sum of {service.revenue_column}" if service.revenue_column else ""
    return dg.AssetCheckSpec(
        ADDS_UP,
        asset=mart_key(service),
        partitions_def=stages.monthly_partitions(service),
        description=f"The trips of the mart, summed up in the warehouse, are the rows of the month{of_revenue}.",
    )


def adds_up(service: Service, month: MonthFile, warehouse: Warehouse) -> dg.AssetCheckResult:
    """Whether the mart, as the warehouse has it, comes to what the month comes to."""
    wanted = {name: Decimal(total) for name, total in mart_totals(service, month).items()}
    _, found = warehouse.totals(mart_table(service), month.partition, list(wanted))
    passed = found == wanted
    said = ", ".join(f"{name} {total:,}" for name, total in wanted.items())
    there = ", ".join(f"{name} {total:,}" for name, total in found.items())
    return dg.AssetCheckResult(
        check_name=ADDS_UP,
        passed=passed,
        description=f"As in the month: {said}." if passed else f"In the month: {said}; in the mart: {there}.",
        metadata={name: float(total) for name, total in found.items()},
    )


def _told(found: ZoneDays, month: MonthFile) -> Mapping[str, Any]:
    columns = ["zone", "name", "borough", "trips", REVENUE]
    told: dict[str, Any] = {
        "zones": dg.MetadataValue.md(markdown(str(month.partition), found)),
        "trips": found.trips,
        "zones_with_trips": found.zones,
        "trips_without_zone": found.trips_without_zone,
        "made_from": month.version,
    }
    if found.revenue is not None:
        told |= {REVENUE: float(found.revenue), "revenue_per_trip": round(float(found.revenue) / found.trips, 2)}
    rows = [(one.location_id, one.zone, one.borough, f"{one.trips:,}", one.revenue) for one in found.top]
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    told["top_zones"] = dg.MetadataValue.table(
        [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in texts],
        dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )
    return told
