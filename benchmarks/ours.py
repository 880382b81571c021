"""Our side of the benchmark, a piece of work a process: `python -m benchmarks.ours WHAT ...`.

Imports are over, and what is to be measured is made ready, when the clock starts; as with the contenders.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import dagster._core.storage.sqlite_storage
import dagster._daemon  # noqa: F401
import duckdb  # noqa: F401 (imports are not what is measured)
import pandas as pd  # noqa: F401
import pgpq  # noqa: F401
import psycopg  # noqa: F401
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401

from benchmarks.contenders.timing import timed
from taxi_platform.assets.cleaned import draft_of as draft_of_trips
from taxi_platform.assets.cleaned import plan_of
from taxi_platform.assets.coverage import Stores
from taxi_platform.assets.raw import draft_of as draft_of_file
from taxi_platform.cli.load import run_load
from taxi_platform.definitions import cleaning_of, stores_of
from taxi_platform.io_managers.stored import utc_now
from taxi_platform.io_managers.warehouse_io import stamp_of
from taxi_platform.resources.sources.opening import open_source
from taxi_platform.settings import Settings
from taxi_platform.trips.cleaning import clean
from taxi_platform.trips.month_file import SOURCE, MonthFile
from taxi_platform.trips.months import Month, parse_months
from taxi_platform.trips.services import SERVICES, Service

Ready = Callable[[], object]


def load(folder: str, service: str, months: str) -> Ready:
    """What `taxi load` does, through Dagster, with everything that it writes down."""
    os.chdir(folder)
    return partial(_load, service, months)


def _load(service: str, months: str) -> None:
    code = run_load(service, months, source=None, force=False, as_json=True)
    assert code == 0, "it failed: see what was printed"


def without_dagster(folder: str, service: str, months: str) -> Ready:
    """The same work by the same functions, and nobody who writes it down: what Dagster costs is the difference."""
    bench = _Bench(folder, service)

    def work() -> None:
        for month in parse_months(months):
            bench.raw(month)
            bench.cleaned(month)
            bench.lake(month)
            bench.warehouse(month)

    return work


def raw(folder: str, service: str, month: str) -> Ready:
    """The file copied, hashed, counted, published."""
    return partial(_Bench(folder, service).raw, Month.parse(month))


def cleaned(folder: str, service: str, month: str) -> Ready:
    """Typed, rejects and row numbers, accounted, published."""
    return partial(_Bench(folder, service).cleaned, Month.parse(month))


def lake(folder: str, service: str, month: str) -> Ready:
    """From the cleaned store into the lake, with its checksum."""
    return partial(_Bench(folder, service).lake, Month.parse(month))


def warehouse(folder: str, service: str, month: str) -> Ready:
    """Replaced by another version of the month: counted, summed, indexed, analysed, swapped."""
    return partial(_Bench(folder, service).warehouse, Month.parse(month))


class _Bench:
    """A project's four stages, without Dagster."""

    def __init__(self, folder: str, service: str) -> None:
        self.settings = Settings.read({}, Path(folder))
        self.stores: Stores = stores_of(self.settings)
        self.service: Service = SERVICES[service]

    def raw(self, month: Month) -> None:
        publisher = open_source(self.settings.source, self.settings.clouds)
        file = publisher.find(self.service, month)
        with self.stores.raw.spool() as spool:
            publisher.fetch(file, spool / "source", lambda _: None)
            draft = draft_of_file(file, month, spool / "source", utc_now())
            self.stores.raw.publish(self.service.table, draft, "", force=True)

    def cleaned(self, month: Month) -> None:
        source = self._current(self.stores.raw.current(self.service.table, month.key))
        plan = plan_of(self.service, month, source, cleaning_of(self.settings))
        with self.stores.cleaned.spool() as spool, source.path(SOURCE) as path:
            result = clean(plan, path, spool)
            draft = draft_of_trips(plan, source, result, f"{source.as_of}/{utc_now()}")
            self.stores.cleaned.publish(self.service.table, draft, "", force=True)

    def lake(self, month: Month) -> None:
        self.stores.lake.copy(
            self.service.table,
            self._current(self.stores.cleaned.current(self.service.table, month.key)),
            "",
            force=True,
        )

    def warehouse(self, month: Month) -> None:
        current = self._current(self.stores.lake.current(self.service.table, month.key))
        stamp = stamp_of(current, "bench")
        another = replace(stamp, version=uuid4().hex[:16], as_of=f"{stamp.as_of}/{utc_now()}")
        self.stores.warehouse.replace_month(self.service.table, month.key, current, another)

    @staticmethod
    def _current(month: MonthFile | None) -> MonthFile:
        assert month is not None
        return month


WORKS: dict[str, Callable[..., Ready]] = {
    "load": load,
    "without_dagster": without_dagster,
    "raw": raw,
    "cleaned": cleaned,
    "lake": lake,
    "warehouse": warehouse,
}

if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    timed(WORKS[what](*arguments))
