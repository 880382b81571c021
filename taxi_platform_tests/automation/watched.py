"""A source that is watched, and a clock that tests move."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from pathlib import Path

from taxi_platform.automation.watching.memory import Memory
from taxi_platform.automation.watching.watch import Sighting, Watch
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.resources.sources.source import MonthSource, Source
from taxi_platform.trips.month_file import SOURCE, DraftFile, MonthDraft, sha256_of
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service

TODAY = dt.date(2026, 11, 21)
GREEN = SERVICES["green"]


@dataclass
class Watched:
    """A source, the raw store of those who watch it, and what the watch remembers."""

    source: Source
    raw: MonthObjects
    service: Service = GREEN
    since: Month | None = None
    memory: Memory = field(default_factory=Memory)
    time: float = 1_000_000

    def look(self, after_s: float = 15) -> Sighting:
        """What a look so long after the last one comes to. What is remembered goes through its cursor."""
        self.time += after_s
        self.memory = Memory.of(self.memory.cursor(), self.source.name)
        watch = Watch(self.source, self.service, self.raw, TODAY, self.since, now=lambda: self.time)
        return watch.look(self.memory)

    def found(self, after_s: float = 15) -> list[str]:
        return [found.month.key for found in self.look(after_s).found]

    def hold(self, file: MonthSource, content: bytes) -> None:
        """Have the raw store hold the month as a run that fetched it just now would have put it there."""
        with self.raw.spool() as folder:
            (path := folder / "source").write_bytes(content)
            draft = MonthDraft(
                partition=file.month.key,
                version=sha256_of(path)[:16],
                as_of=dt.datetime.fromtimestamp(self.time, dt.UTC).isoformat(),
                rows=1,
                files={SOURCE: DraftFile(path, "csv", 1)},
                facts={"name": file.name, "url": file.url, "fingerprint": file.fingerprint},
            )
            self.raw.publish(self.service.table, draft, "run", force=True)

    def hold_what_is_there(self, month: str, content: bytes) -> None:
        self.hold(self.source.find(self.service, Month.parse(month)), content)


def raw_store(folder: Path) -> MonthObjects:
    return MonthObjects(Folder(folder))


def put(folder: Path, month: str, content: bytes, service: str = "green", at: float = 1_600_000_000) -> Path:
    """A file of the publisher in `folder`, last written `at`."""
    path = folder / f"{service}_tripdata_{month}.csv"
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path
