"""What may go of each month in raw, cleaned and lake, where all stages are looked at together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from taxi_platform.assets.cleaned import plan_of
from taxi_platform.assets.coverage import Stores
from taxi_platform.assets.needs import is_in_lake, is_raw_needed
from taxi_platform.automation.keeping import Keeping
from taxi_platform.errors import RequestError, TaxiError
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.pruning import DAY_S, Freed, Pruning, Rule
from taxi_platform.io_managers.stored import table_name
from taxi_platform.io_managers.warehouse import LedgerRow
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.trips.month_file import MonthFile, Partition
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service

STAGES = ("raw", "cleaned", "lake")
"""Where files are; in this order: what the lake holds decides what the others need."""

UNFINISHED = "unfinished"
"""What stands in the place of a table for what dead processes left behind."""


@dataclass(frozen=True)
class Pruned:
    """What was removed of a table in a stage, or would be; and why not more, where something went wrong."""

    table: str
    stage: str
    freed: Freed
    trouble: str = ""


@dataclass(frozen=True)
class Pruner:
    """Prunes tables in all stages, by one rule."""

    stores: Stores
    cleaning: CleaningResource
    keeping: Keeping
    older_than_s: float = DAY_S
    dry_run: bool = False
    now: Callable[[], float] = time.time

    def prune(self, tables: Sequence[str] | None = None, months: Sequence[str] | None = None) -> Iterator[Pruned]:
        """Prune, table by table; what goes wrong with one is said, and the others are pruned.

        Args:
            tables: None: all that there are, and what dead processes left behind.
            months: None: all of them, and what has no months.
        """
        links: dict[str, int] = {}
        for table in tables or self._tables():
            for stage in STAGES:
                rule_of = partial(self._rule, stage, table)
                yield self._in_words(table, stage, links, partial(_prune, table=table, rule_of=rule_of, months=months))
        if tables is None:
            for stage in STAGES:
                yield self._in_words(UNFINISHED, stage, links, Pruning.sweep)

    def _in_words(self, table: str, stage: str, links: dict[str, int], do: Callable[[Pruning], None]) -> Pruned:
        pruning = Pruning(self._store(stage), dry_run=self.dry_run, links=links, now=self.now)
        try:
            do(pruning)
        except TaxiError as error:
            return Pruned(table, stage, pruning.freed, str(error))
        return Pruned(table, stage, pruning.freed)

    def _store(self, stage: str) -> MonthObjects:
        found: MonthObjects = getattr(self.stores, stage)
        return found

    def _tables(self) -> list[str]:
        """Every folder of a stage that can be a table's."""
        return sorted({name for stage in STAGES for name in self._store(stage).store.names() if _is_table(name)})

    def _rule(self, stage: str, table: str, month: Partition) -> Rule:
        keep = self.keeping.in_stage(stage)
        spared = {"raw": self._needed_raw, "cleaned": self._needed_cleaned, "lake": self._needed_lake}[stage]
        return Rule(
            keep=keep,
            spared=lambda: spared(table, month) if keep else frozenset(),
            is_needless=lambda _: self._is_needless(stage, table, month),
            older_than_s=self.older_than_s,
        )

    def _needed_lake(self, table: str, month: Partition) -> frozenset[str]:
        """What the warehouse holds, and what the next load goes forward to, where an earlier one was brought back."""
        return _versions(self.stores.warehouse.month(table, month), self.stores.cleaned.current(table, month))

    def _needed_cleaned(self, table: str, month: Partition) -> frozenset[str]:
        return _versions(self.stores.warehouse.month(table, month), self.stores.lake.current(table, month))

    def _needed_raw(self, table: str, month: Partition) -> frozenset[str]:
        wanted = self._needed_cleaned(table, month)
        made = [*self.stores.lake.versions(table, month), *self.stores.cleaned.versions(table, month)]
        return frozenset(str(one.facts["source"]["raw_version"]) for one in made if one.version in wanted)

    def _is_needless(self, stage: str, table: str, month: Partition) -> bool:
        service = next((one for one in SERVICES.values() if one.table == table), None)
        if service is None or month is None:
            return False
        if stage == "cleaned":
            cleaned = self.stores.cleaned.current(table, month)
            return cleaned is not None and is_in_lake(self.stores.lake, table, month, cleaned.version)
        return stage == "raw" and self._is_raw_needless(service, month)

    def _is_raw_needless(self, service: Service, month: str) -> bool:
        stores, raw = self.stores, self.stores.raw.current(service.table, month)
        if raw is None:
            return False
        version = plan_of(service, Month.parse(month), raw, self.cleaning).version
        is_needed = is_raw_needed(raw, version, stores.cleaned, stores.lake)
        return not is_needed and is_in_lake(stores.lake, service.table, month, version)


def _prune(pruning: Pruning, *, table: str, rule_of: Callable[[Partition], Rule], months: Sequence[str] | None) -> None:
    pruning.prune_table(table, rule_of, months)


def _versions(*months: MonthFile | LedgerRow | None) -> frozenset[str]:
    return frozenset(one.version for one in months if one is not None)


def _is_table(name: str) -> bool:
    try:
        return table_name(name) == name
    except RequestError:
        return False
