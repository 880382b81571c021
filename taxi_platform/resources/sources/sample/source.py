"""The sample as a source: which months there are, and writing one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taxi_platform.errors import NotPublishedError, SettingsError
from taxi_platform.resources.sources.sample.eras import Era
from taxi_platform.resources.sources.sample.timeline import era_of
from taxi_platform.resources.sources.sample.zones import zones_csv
from taxi_platform.resources.sources.source import Habits, MonthSource, Progress, SourceFile
from taxi_platform.trips.layouts import FileKind
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import SERVICES, Service, new_york_today
from taxi_platform.trips.zones import ZONES_FILE

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft, Plan

GENERATOR_VERSION = 2
"""Raised whenever the same settings give other bytes than before."""

MIN_ROWS = 100
MAX_ROWS = 20_000_000
"""The largest months that were ever published (fhvhv) have about as many."""

MAX_VARY_PERCENT = 10
FORMATS: Sequence[FileKind] = ("csv", "parquet")


@dataclass(frozen=True)
class SampleSource:
    """Months made up on the spot in the publisher's own formats, with the publisher's own dirt.

    The same service, month, rows, seed and format give the same bytes in every process (Parquet: under the same
    pyarrow, which signs its files). Another number of rows is another month, not a longer one.

    Attributes:
        rows: Data records in a month's file.
        vary_percent: By how much at most a month falls short of `rows`, each month by its own share. With 0
            every month has `rows` exactly. `rows_of` tells the number.
        format: The kind of every file. Without it each month is a CSV or Parquet as the publisher first wrote it.

    Raises:
        SettingsError: A value is out of its limits.
    """

    rows: int = 2000
    seed: int = 0
    vary_percent: int = 0
    format: FileKind | None = None

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("rows", self.rows, MIN_ROWS, MAX_ROWS),
            ("seed", self.seed, 0, 2**63 - 1),
            ("vary_percent", self.vary_percent, 0, MAX_VARY_PERCENT),
        ):
            if not low <= value <= high:
                raise SettingsError(f"Bad value for the sample's {name}: {value:,}. It goes from {low} to {high:,}.")
        if self.format not in (None, *FORMATS):
            raise SettingsError(f"Bad value for the sample's format: {self.format!r}. It is {' or '.join(FORMATS)}.")

    @property
    def name(self) -> str:
        return "sample"

    @property
    def habits(self) -> Habits:
        return Habits(is_made_up=True)

    def rows_of(self, service: Service, month: Month) -> int:
        """How many data records the file of `month` has."""
        span = self.rows * self.vary_percent // 100
        digest = hashlib.sha256(f"{service.name} {month} {self.rows} {self.seed}".encode()).digest()
        return max(MIN_ROWS, self.rows - int.from_bytes(digest[:8], "big") % (span + 1))

    def find(self, service: Service, month: Month) -> MonthSource:
        """The file of `month`. Nothing is made yet.

        Raises:
            NotPublishedError: The service did not exist yet, or the month is not over.
        """
        first, last = service.first_month, last_full_month(new_york_today())
        if not first <= month <= last:
            raise NotPublishedError(
                f"The sample has no {service.name} {month}: its months go from {first} to {last}, the last full one."
            )
        return self._file(service, month, era_of(service, month, self.format))

    def published(self, service: Service) -> Iterable[MonthSource]:
        months = service.first_month.until(last_full_month(new_york_today()))
        return [self._file(service, month, era_of(service, month, self.format)) for month in months]

    def find_zones(self) -> SourceFile:
        """A lookup with the publisher's columns, and names that say what they are: made up."""
        return SourceFile(
            name=ZONES_FILE, url=f"sample://{ZONES_FILE}", size_bytes=None, fingerprint=f"sample-v{GENERATOR_VERSION}"
        )

    def strangers(self) -> tuple[str, ...]:
        return ()

    def fetch(self, file: SourceFile, to: Path, progress: Progress) -> None:
        """Write the bytes of `file` to `to`, chunk by chunk. A failure leaves no file there.

        Raises:
            NotPublishedError: This sample has no such file, or would make another one of that name.
        """
        if not isinstance(file, MonthSource):
            progress(to.write_bytes(zones_csv()))
            return
        service = SERVICES[file.service]
        if self.find(service, file.month).fingerprint != file.fingerprint:
            raise NotPublishedError(
                f"{file.url} is not of this sample: {self._fingerprint} makes another file. Find it again."
            )
        self._write(service, file.month, to, progress)

    def _write(self, service: Service, month: Month, to: Path, progress: Progress) -> None:
        # numpy and pyarrow are loaded here, for definitions must load without them.
        from taxi_platform.resources.sources.sample.csv_text import write_csv
        from taxi_platform.resources.sources.sample.draft import Plan
        from taxi_platform.resources.sources.sample.parquet_file import write_parquet

        rows = self.rows_of(service, month)
        key = (GENERATOR_VERSION, service.name, month, rows, self.seed)
        plan = Plan(service, month, era_of(service, month, self.format), rows, key)
        write = {"csv": write_csv, "parquet": write_parquet}[plan.era.kind]
        try:
            with to.open("wb") as out, closing(write(plan, _soiled(plan), out)) as pieces:
                for written in pieces:
                    progress(written)
        except BaseException:
            to.unlink(missing_ok=True)
            raise

    def _file(self, service: Service, month: Month, era: Era) -> MonthSource:
        name = service.file_stem(month) + era.ending
        query = f"rows={self.rows}&seed={self.seed}"
        if self.vary_percent:
            query += f"&vary_percent={self.vary_percent}"
        if self.format:
            query += f"&format={self.format}"
        return MonthSource(
            service=service.name,
            month=month,
            name=name,
            url=f"sample://{service.name}/{name}?{query}",
            size_bytes=None,
            fingerprint=self._fingerprint,
        )

    @property
    def _fingerprint(self) -> str:
        varied = f"-vary{self.vary_percent}" if self.vary_percent else ""
        kind = f"-{self.format}" if self.format else ""
        return f"sample-v{GENERATOR_VERSION}-rows{self.rows}-seed{self.seed}{varied}{kind}"


def _soiled(plan: Plan) -> Iterator[Draft]:
    """The chunks of `plan` with every column made and the dirt in."""
    from taxi_platform.resources.sources.sample.dirt import soil

    for chunk in plan.chunks():
        soil(chunk)
        yield chunk
