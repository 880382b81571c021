"""What is there of each month, stage by stage, as the stores themselves tell it; never from Dagster's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from taxi_platform.assets.marts import MARTS
from taxi_platform.assets.stages import STAGES
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.warehouse import LedgerRow, Warehouse
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.look import Look
from taxi_platform.trips.by_zone_and_day import mart_table, mart_version
from taxi_platform.trips.cleaning import CLEANING_VERSION
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.services import SERVICES, Service

State = Literal["current", "stale", "changed", "damaged", "missing", "unpublished"]
"""`current` as the stage before it has it; `stale` behind it, or cleaned by other rules; `changed` the source has
another file now; `damaged` not all of it is there; `missing` not loaded; `unpublished` the source has no such month."""

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Stores:
    """Where the four stages lie."""

    raw: MonthObjects
    cleaned: MonthObjects
    lake: MonthObjects
    warehouse: Warehouse


@dataclass(frozen=True)
class Cell:
    """The state of one month in one stage."""

    service: str
    month: str
    stage: str
    state: State


def coverage(
    stores: Stores, services: Sequence[Service], cleaning: CleaningResource, looks: Mapping[str, Look]
) -> list[Cell]:
    """Every month that the source had at the last look or that any stage holds, in all four stages.

    Where there is a mart at all, every month is also looked for in the marts.
    """
    viewer = _Viewer(stores, cleaning, looks)
    return [
        Cell(service.name, month, stage, state)
        for service in services
        for month in viewer.months(service)
        for stage, state in viewer.states(service, month).items()
    ]


class _Viewer:
    """Looks at months, one after the other; the ledger is read once."""

    def __init__(self, stores: Stores, cleaning: CleaningResource, looks: Mapping[str, Look]) -> None:
        self._stores, self._cleaning, self._looks = stores, cleaning, looks
        self._ledger: Mapping[tuple[str, str], LedgerRow] = {
            (row.table, f"{row.partition:%Y-%m}"): row for row in stores.warehouse.months() if row.partition is not None
        }
        marts = {mart_table(service) for service in SERVICES.values()}
        self._marts = any(table in marts for table, _ in self._ledger)

    def months(self, service: Service) -> list[str]:
        stores = (self._stores.raw, self._stores.cleaned, self._stores.lake)
        published = self._looks[service.name].files if service.name in self._looks else ()
        held = {month for store in stores for month in store.partitions(service.table)}
        loaded = {month for table, month in self._ledger if table == service.table}
        return sorted(held | loaded | set(published))

    def states(self, service: Service, month: str) -> dict[str, State]:
        raw = self._stores.raw.current(service.table, month)
        cleaned = self._stores.cleaned.current(service.table, month)
        lake = self._stores.lake.current(service.table, month)
        row = self._ledger.get((service.table, month))
        look = self._looks.get(service.name)
        states = (
            _raw(self._stores.raw, raw, look, month),
            _cleaned(self._stores.cleaned, cleaned, raw, self._cleaning),
            _lake(self._stores.lake, lake, cleaned),
            _warehouse(row, lake),
        )
        found: dict[str, State] = dict(zip(STAGES, states, strict=True))
        return {**found, MARTS: _mart(self._ledger.get((mart_table(service), month)), row)} if self._marts else found


def _raw(store: MonthObjects, raw: MonthFile | None, look: Look | None, month: str) -> State:
    seen = None if look is None else look.fingerprint(month)
    if raw is None:
        return "unpublished" if look is not None and seen is None else "missing"
    if not (raw.is_pruned or store.is_whole(raw)):
        return "damaged"
    is_same = seen is None or seen == (raw.facts["url"], raw.facts["fingerprint"])
    return "current" if is_same else "changed"


def _cleaned(
    store: MonthObjects, cleaned: MonthFile | None, raw: MonthFile | None, cleaning: CleaningResource
) -> State:
    if cleaned is None:
        return "missing"
    if not (cleaned.is_pruned or store.is_whole(cleaned)):
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


def _mart(row: LedgerRow | None, trips: LedgerRow | None) -> State:
    if row is None:
        return "missing"
    if not row.holds:
        return "damaged"
    return "current" if trips is not None and row.version == mart_version(trips.version) else "stale"
