"""The last check on a month: cleaned, lake and warehouse hold the same rows, and the same money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import dagster as dg

from taxi_platform.assets import stages
from taxi_platform.io_managers.warehouse import Warehouse
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import Service

STAGES_AGREE = "stages_agree"


@dataclass(frozen=True)
class Totals:
    """What a stage has of a month: the version it says it holds, the rows and sums that are there."""

    stage: str
    version: str
    rows: int
    sums: Mapping[str, Decimal]


def reconciliation_check(service: Service) -> dg.AssetCheckSpec:
    """The check that the warehouse asset of `service` makes of each month, after it was put there."""
    return dg.AssetCheckSpec(
        STAGES_AGREE,
        asset=stages.asset_key("warehouse", service),
        partitions_def=stages.monthly_partitions(service),
        description=(
            "Cleaned, lake and warehouse hold the same version with the same number of rows and the same sums of "
            f"{', '.join(service.control_columns)}. Lake and warehouse are read for it."
        ),
    )


def reconcile(
    service: Service, cleaned: MonthFile | None, lake: MonthFile, warehouse: Warehouse, version: str | None = None
) -> dg.AssetCheckResult:
    """Count and sum what the stages hold, and compare.

    Args:
        version: What the warehouse says it holds, where that was asked a moment ago.
    """
    names = service.control_columns
    found = [] if cleaned is None else [_remembered(cleaned, names)]
    found += [_in_lake(lake, names), _in_warehouse(warehouse, lake, names, version)]
    agree = all((one.version, one.rows, one.sums) == (found[0].version, found[0].rows, found[0].sums) for one in found)
    names_of_stages = ", ".join(one.stage for one in found)
    return dg.AssetCheckResult(
        check_name=STAGES_AGREE,
        passed=agree,
        description=(
            f"{found[-1].rows:,} rows and the same sums in {names_of_stages}."
            if agree
            else f"Not the same in {names_of_stages}. Load the month again, with month/force: it is written anew."
        ),
        metadata={"rows": found[-1].rows, "stages": _as_table(found, names)},
    )


def _remembered(cleaned: MonthFile, names: Sequence[str]) -> Totals:
    """What was counted and summed in the pass that cleaned the month."""
    sums = {name: Decimal(cleaned.facts["control_sums"][name]) for name in names}
    return Totals("cleaned", cleaned.version, cleaned.facts["rows_kept"], sums)


def _in_lake(lake: MonthFile, names: Sequence[str]) -> Totals:
    import pyarrow.compute as pc

    rows, sums = 0, dict.fromkeys(names, Decimal(0))
    with lake.reader(names) as reader:
        for batch in reader:
            rows += batch.num_rows
            for name in names:
                total = pc.sum(batch[name]).as_py()
                sums[name] += Decimal(0 if total is None else total)
    return Totals("lake", lake.version, rows, sums)


def _in_warehouse(warehouse: Warehouse, lake: MonthFile, names: Sequence[str], version: str | None) -> Totals:
    if version is None:
        version = warehouse.version(lake.table, lake.partition) or "none"
    rows, sums = warehouse.totals(lake.table, lake.partition, names)
    return Totals("warehouse", version, rows, sums)


def _as_table(found: Sequence[Totals], names: Sequence[str]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "stage": one.stage,
                    "version": one.version,
                    "rows": one.rows,
                    **{f"sum of {name}": str(one.sums[name]) for name in names},
                }
            )
            for one in found
        ],
        dg.TableSchema(
            [
                dg.TableColumn("stage", "string"),
                dg.TableColumn("version", "string"),
                dg.TableColumn("rows", "int"),
                *(dg.TableColumn(f"sum of {name}", "string") for name in names),
            ]
        ),
    )
