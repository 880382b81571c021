"""What is there of each month, stage by stage, as the stores themselves tell it; never from Dagster's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taxi_platform.assets.stages import STAGES
from taxi_platform.io_managers.duckdb.warehouse import DuckDBWarehouse, LedgerRow
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.look import Look
from taxi_platform.trips.cleaning import CLEANING_VERSION
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import Service

State = Literal["current", "stale", "changed", "damaged", "missing", "unpublished"]
"""`current` as the stage before it has it; `stale` behind it, or cleaned by other rules; `changed` the source has
another file now; `damaged` not all of it is there; `missing` not loaded; `unpublished` the source has no such month."""


@dataclass(frozen=True)
class Stores:
    """Where the four stages lie."""

    raw: MonthObjects
    cleaned: MonthObjects
    lake: MonthObjects
    warehouse: DuckDBWarehouse


@dataclass(frozen=True)
class Cell:
    """The state of one month in one stage."""

    service: str
    month: str
    stage: str
    state: State


def coverage(
    stores: Stores, services: Sequence[Service], cleaning: CleaningResource, look: Look | None
) -> list[Cell]:
    """Every month that the source had at the last look or that any stage holds, in all four stages."""
    ledger: dict[tuple[str, str], LedgerRow] = {
        (row.table, f"{row.partition:%Y-%m}"): row for row in stores.warehouse.months()
    }
    cells = []
    for service in services:
        published = set(look.files.get(service.name, {})) if look else set()
        held = {m for store in (stores.raw, stores.cleaned, stores.lake) for m in store.partitions(service.table)}
        loaded = {month for table, month in ledger if table == service.table}
        for month in sorted(published | held | loaded):
            row = ledger.get((service.table, month))
            states = _states(stores, service, month, row, cleaning, look)
            cells += [Cell(service.name, month, stage, states[stage]) for stage in STAGES]
    return cells


def _states(
    stores: Stores, service: Service, month: str, row: LedgerRow | None, cleaning: CleaningResource, look: Look | None
) -> Mapping[str, State]:
    raw = stores.raw.current(service.table, month)
    cleaned = stores.cleaned.current(service.table, month)
    lake = stores.lake.current(service.table, month)
    return {
        "raw": _raw(stores.raw, raw, look and look.fingerprint(service.name, month), looked=look is not None),
        "cleaned": _cleaned(stores.cleaned, cleaned, raw, cleaning),
        "lake": _lake(stores.lake, lake, cleaned),
        "warehouse": _warehouse(row, lake),
    }


def _raw(store: MonthObjects, raw: MonthFile | None, seen: tuple[str, str] | None, *, looked: bool) -> State:
    if raw is None:
        return "missing" if seen else "unpublished" if looked else "missing"
    if not store.is_whole(raw):
        return "damaged"
    is_same = seen is None or seen == (raw.facts["url"], raw.facts["fingerprint"])
    return "current" if is_same else "changed"


def _cleaned(
    store: MonthObjects, cleaned: MonthFile | None, raw: MonthFile | None, cleaning: CleaningResource
) -> State:
    if cleaned is None:
        return "missing"
    if not store.is_whole(cleaned):
        return "damaged"
    facts = cleaned.facts
    by_these_rules = (facts["cleaning_version"], facts["rules"]) == (CLEANING_VERSION, list(cleaning.rules))
    of_this_raw = raw is None or facts["source"]["raw_version"] == raw.version
    return "current" if by_these_rules and of_this_raw else "stale"


def _lake(store: MonthObjects, lake: MonthFile | None, cleaned: MonthFile | None) -> State:
    if lake is None:
        return "missing"
    if not store.is_whole(lake):
        return "damaged"
    return "current" if cleaned is None or lake.version == cleaned.version else "stale"


def _warehouse(row: LedgerRow | None, lake: MonthFile | None) -> State:
    if row is None:
        return "missing"
    if not row.holds:
        return "damaged"
    return "current" if lake is None or row.version == lake.version else "stale"
