"""Months that are as they should be already: seen again by every stage, without a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import dagster as dg

from taxi_platform.assets.cleaned import plan_of
from taxi_platform.assets.coverage import Stores
from taxi_platform.assets.raw import open_for, unchanged
from taxi_platform.assets.reconciliation import reconcile
from taxi_platform.assets.stages import STAGES, asset_key
from taxi_platform.automation.loading import MonthResult
from taxi_platform.errors import TaxiError
from taxi_platform.io_managers.stored import Stored, utc_now
from taxi_platform.io_managers.warehouse_io import stamp_of
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service

T = TypeVar("T")


@dataclass
class CurrentMonths:
    """Tells quickly which months need no run: a look at the source, and what the stores themselves answer.

    Attributes:
        instance: The history: a month that it does not know in all stages gets a run, so that the UI shows it.
    """

    stores: Stores
    source: SourceResource
    cleaning: CleaningResource
    instance: dg.DagsterInstance
    _known: dict[str, set[str]] = field(default_factory=dict)

    def confirm(self, service: Service, month: Month) -> MonthResult | None:
        """Have every stage know that its version was seen just now, if all of them are what a run would leave.

        Returns:
            None where a run is needed: something has to move, or does not agree, or is an error that a run explains.
        """
        if month.key not in self._materialized(service):
            return None
        try:
            return self._confirm(service, month)
        except TaxiError:
            return None

    def _confirm(self, service: Service, month: Month) -> MonthResult | None:
        table, key, clock = service.table, month.key, _Clock()
        publisher = open_for(self.source, self.stores.raw, service, month)
        file, seen_at = publisher.find(service, month), utc_now()
        if not _is_unchanged(clock.of("raw", lambda: unchanged(self.stores.raw, table, key, file, seen_at))):
            return None
        raw = self.stores.raw.current(table, key)
        assert raw is not None
        plan = plan_of(service, month, raw, self.cleaning)

        def confirm_cleaned() -> Stored | None:
            return self.stores.cleaned.confirm(table, key, plan.version, f"{raw.as_of}/{utc_now()}")

        if not _is_unchanged(clock.of("cleaned", confirm_cleaned)):
            return None
        cleaned = self.stores.cleaned.current(table, key)
        assert cleaned is not None
        if not _is_unchanged(
            clock.of("lake", lambda: self.stores.lake.confirm(table, key, cleaned.version, cleaned.as_of))
        ):
            return None
        lake = self.stores.lake.current(table, key)
        assert lake is not None
        stamp = stamp_of(lake, "")
        if not _is_unchanged(clock.of("warehouse", lambda: self.stores.warehouse.confirm(table, key, stamp))):
            return None
        if not reconcile(service, cleaned, lake, self.stores.warehouse).passed:
            return None
        facts = cleaned.facts
        return MonthResult(
            service=service.name,
            month=key,
            status="unchanged",
            rows_in=facts["rows_in"],
            rows_kept=facts["rows_kept"],
            rows_rejected=facts["rows_rejected"],
            rejected_by_reason=facts["rejected_by_reason"],
            seconds=clock.seconds,
        )

    def _materialized(self, service: Service) -> set[str]:
        if service.name not in self._known:
            keys = [asset_key(stage, service) for stage in STAGES]
            self._known[service.name] = set.intersection(*map(self.instance.get_materialized_partitions, keys))
        return self._known[service.name]


def _is_unchanged(stored: Stored | None) -> bool:
    return stored is not None and stored.outcome == "unchanged"


class _Clock:
    """How long each stage took."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @property
    def seconds(self) -> Mapping[str, float]:
        return self._seconds

    def of(self, stage: str, work: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return work()
        finally:
            self._seconds[stage] = round(time.monotonic() - started, 3)
