"""An asset of yours that is brought up to date whenever a month in the warehouse is replaced.

    dagster dev -f examples/follow_the_warehouse.py

shows it behind the platform's own graph. Switch on *default_automation_condition_sensor* under Automation: from then on
each month that is loaded, or published again, has its revenue computed anew, and no other month.
"""

from decimal import Decimal

import dagster as dg

from taxi_platform.assets.stages import asset_key, monthly_partitions
from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform.trips.services import SERVICES

GREEN = SERVICES["green"]

# `eager` looks at the latest month only. TLC publishes months of years ago again: any month may change.
WHENEVER_A_MONTH_CHANGES = dg.AutomationCondition.eager().without(dg.AutomationCondition.in_latest_time_window())


@dg.asset(
    partitions_def=monthly_partitions(GREEN),
    deps=[asset_key("warehouse", GREEN)],
    automation_condition=WHENEVER_A_MONTH_CHANGES,
)
def green_revenue(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[object]) -> dg.MaterializeResult:
    """What green taxis took in a month, in dollars."""
    trips, sums = warehouse.warehouse.totals(GREEN.table, context.partition_key, ["total_amount"])  # type: ignore[attr-defined]
    return dg.MaterializeResult(metadata={"trips": trips, "dollars": float(sums["total_amount"] or Decimal(0))})


platform = build_definitions(Settings.read())
defs = dg.Definitions.merge(
    platform,
    dg.Definitions(assets=[green_revenue], resources={"warehouse": (platform.resources or {})["warehouse_io_manager"]}),
)
