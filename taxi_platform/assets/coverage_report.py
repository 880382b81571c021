"""The asset `platform/coverage`: which months are loaded, stage by stage, and which are late."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from taxi_platform.assets.coverage import STATES, Cell, Stores, coverage
from taxi_platform.assets.coverage_picture import glance, picture
from taxi_platform.assets.late import in_words, late_by_service
from taxi_platform.assets.stages import OWNERS
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.look import last_looks
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, new_york_today

COVERAGE_KEY = dg.AssetKey(["platform", "coverage"])
SHOWN = 100
"""Rows of the table of what is not as it should be; the picture has all."""


def on_time(service: str) -> str:
    """The name of the check that no month of `service` is late."""
    return f"{service}_is_on_time"


def coverage_asset(looks: Path, since: Month | None) -> dg.AssetsDefinition:
    """The asset `platform/coverage`, with a check a service that no month is late."""

    @dg.asset(
        key=COVERAGE_KEY,
        group_name="platform",
        owners=list(OWNERS),
        kinds={"table"},
        description=(
            "Every month of every service in every stage, as the stores tell it: current, stale, changed at the "
            "source, damaged, missing. And the months that are late. Asks the stores, moves nothing."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                on_time(service),
                asset=COVERAGE_KEY,
                description=(
                    "No month is late: none is at the source and not in the warehouse, none is still missing at the "
                    "source 106 days after its end."
                ),
            )
            for service in SERVICES
        ],
    )
    def report(
        source: SourceResource,
        cleaning: CleaningResource,
        raw_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        cleaned_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
        warehouse_io_manager: dg.ResourceParam[WarehouseIOManager],
    ) -> Iterator[Any]:
        stores = Stores(
            raw_io_manager.months,
            cleaned_io_manager.months,
            lake_io_manager.months,
            warehouse_io_manager.warehouse,
        )
        with as_failure():
            seen = last_looks(source.shown, looks)
            cells = coverage(stores, list(SERVICES.values()), cleaning, seen)
            habits = source.open().habits
        results = [
            dg.AssetCheckResult(
                check_name=on_time(service),
                passed=not late,
                severity=dg.AssetCheckSeverity.WARN,
                description=in_words(late) or "No month is late.",
                metadata={"late_months": len(late)},
            )
            for service, late in late_by_service(cells, habits, seen, new_york_today(), since).items()
        ]
        yield dg.MaterializeResult(metadata=_metadata(cells), check_results=results)

    return report


def _metadata(cells: Sequence[Cell]) -> dict[str, dg.MetadataValue]:
    counts = Counter((cell.service, cell.stage, cell.state) for cell in cells)
    summary = [
        dg.TableRecord(
            {"service": service, "stage": stage} | {state: counts[service, stage, state] for state in STATES}
        )
        for service in dict.fromkeys(cell.service for cell in cells)
        for stage in dict.fromkeys(cell.stage for cell in cells)
    ]
    amiss = [dg.TableRecord(cell.__dict__) for cell in cells if cell.state in ("stale", "changed", "damaged")]
    columns = [dg.TableColumn(name) for name in ("service", "month", "stage", "state")]
    return {
        "months_by_year": dg.MetadataValue.md(glance(cells)),
        "picture": dg.MetadataValue.md(picture(cells)),
        "months_in_warehouse": dg.MetadataValue.int(
            sum(cell.stage == "warehouse" and cell.state in ("current", "stale") for cell in cells)
        ),
        "not_as_they_should_be": dg.MetadataValue.table(amiss[-SHOWN:], dg.TableSchema(columns)),
        "months_by_state": dg.MetadataValue.table(
            summary,
            dg.TableSchema(
                [dg.TableColumn("service"), dg.TableColumn("stage"), *(dg.TableColumn(s, "int") for s in STATES)]
            ),
        ),
    }
