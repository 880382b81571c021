"""Months that are as they should be already: seen again by every stage, without a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from taxi_platform.assets import looks
from taxi_platform.assets.cleaned import plan_of
from taxi_platform.assets.coverage import Stores
from taxi_platform.assets.marts import MARTS, mart_stamp
from taxi_platform.assets.needs import is_in_lake, is_raw_needed
from taxi_platform.assets.raw import open_for, unchanged
from taxi_platform.assets.reconciliation import reconcile
from taxi_platform.automation.jobs import month_keys
from taxi_platform.automation.loading import MonthResult
from taxi_platform.errors import TaxiError
from taxi_platform.io_managers.objects.month_objects import MonthObjects, never
from taxi_platform.io_managers.stored import utc_now
from taxi_platform.io_managers.warehouse_io import stamp_of
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.trips.by_zone_and_day import mart_table
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service


@dataclass
class CurrentMonths:
    """Tells quickly which months need no run: a look at the source, and what the stores themselves answer.

    Attributes:
        open_stores: Opens them when the first month is looked at: a store that cannot be opened is a month's failure.
        instance: The history: a month that it does not know in all stages gets a run, so that the UI shows it.
        marts: Whether the mart is to be as it should be too.
    """

    open_stores: Callable[[], Stores]
    source: SourceResource
    cleaning: CleaningResource
    instance: dg.DagsterInstance
    marts: bool = False
    _known: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def stores(self) -> Stores:
        return self.open_stores()

    def confirm(self, service: Service, month: Month) -> MonthResult | None:
        """Have every stage know that its version was seen just now, if all of them are what a run would leave.

        Returns:
            None where a run is needed: something has to move, or does not agree, or is an error that a run explains.
        """
        if month.key not in self._materialized(service):
            return None
        try:
            return self._confirm(service, month)
        except (_NeedsARunError, TaxiError):
            return None

    def _confirm(self, service: Service, month: Month) -> MonthResult:
        clock = _Clock()
        with clock.of("raw"):
            raw = self._confirm_raw(service, month)
        with clock.of("cleaned"):
            version = plan_of(service, month, raw, self.cleaning).version
            cleaned = _confirmed(
                self.stores.cleaned,
                raw,
                version,
                f"{raw.as_of}/{utc_now()}",
                lambda: is_in_lake(self.stores.lake, raw.table, raw.partition, version),
            )
        with clock.of("lake"):
            lake = _confirmed(self.stores.lake, cleaned, cleaned.version, cleaned.as_of)
        with clock.of("warehouse"):
            held = self.stores.warehouse.confirm(service.table, month.key, stamp_of(lake, ""))
            version = "none" if held is None else held.version
            _require(reconcile(service, cleaned, lake, self.stores.warehouse, version).passed)
        if self.marts:
            with clock.of(MARTS):
                held = self.stores.warehouse.confirm(mart_table(service), month.key, mart_stamp(lake))
                _require(held is not None)
        facts = cleaned.facts
        return MonthResult(
            service=service.name,
            month=month.key,
            status="unchanged",
            rows_in=facts["rows_in"],
            rows_kept=facts["rows_kept"],
            rows_rejected=facts["rows_rejected"],
            rejected_by_reason=facts["rejected_by_reason"],
            seconds=clock.seconds,
        )

    def _confirm_raw(self, service: Service, month: Month) -> MonthFile:
        file = looks.look(open_for(self.source, self.stores.raw, service, month), service, month)

        def is_needed(held: MonthFile) -> bool:
            version = plan_of(service, month, held, self.cleaning).version
            return is_raw_needed(held, version, self.stores.cleaned, self.stores.lake)

        _require(unchanged(self.stores.raw, service.table, month.key, file, utc_now(), is_needed) is not None)
        raw = self.stores.raw.current(service.table, month.key)
        assert raw is not None
        return raw

    def _materialized(self, service: Service) -> set[str]:
        if service.name not in self._known:
            keys = month_keys(service, marts=self.marts)
            self._known[service.name] = set.intersection(*map(self.instance.get_materialized_partitions, keys))
        return self._known[service.name]


class _NeedsARunError(Exception):
    """Something has to move, or has to be looked into."""


def _require(is_so: bool) -> None:
    if not is_so:
        raise _NeedsARunError


def _confirmed(
    store: MonthObjects,
    month: MonthFile,
    version: str,
    as_of: str,
    may_be_pruned: Callable[[], bool] = never,
) -> MonthFile:
    """The same month in the next store, where that has this version as the current one, whole."""
    there = store.current(month.table, month.partition)
    _require(there is not None and there.version == version)
    _require(store.confirm(month.table, month.partition, version, as_of, may_be_pruned=may_be_pruned) is not None)
    confirmed = store.current(month.table, month.partition)
    assert confirmed is not None
    return confirmed


class _Clock:
    """How long each stage took, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[stage] = round(time.monotonic() - started, 3)
