"""One look at a source: what to load of it, and what to say where nothing is."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from taxi_platform.automation.watching.memory import Memory
from taxi_platform.errors import NotPublishedError, TaxiError
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.resources.sources.source import MonthSource, Source
from taxi_platform.resources.sources.web.download import UNKNOWN
from taxi_platform.trips.month_file import SOURCE, MonthFile, sha256_of
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import Service

RUNS_A_LOOK = 10
"""More months than that wait for the next look."""

LOOKS_AT_OLD = 6
"""So many older months are asked for in one look, where each is asked for on its own."""

SECONDS_A_LOOK = 25
"""Dagster gives a sensor a minute."""

SETTLED_S = 5
"""So long a file of our own folder must have been the same before it counts as written."""

HOUR, WEEK = 3600, 7 * 24 * 3600
LISTED_EVERY_S = 600
"""How often a source elsewhere is listed."""

PROBED = 12
"""So many months back the newest one is looked for, at the first look."""

EXPECTED = 6
"""So many months after the newest one are asked for."""


@dataclass(frozen=True)
class Found:
    """A month to load.

    Attributes:
        key: Never the same twice, also where the content goes back to what it was.
        is_new: Nothing of the month is held.
    """

    month: Month
    key: str
    is_new: bool


@dataclass
class Sighting:
    """What one look came to.

    Attributes:
        seen: What the source was found to have, month by month; None where it has not got one (any more).
        said: In words, why there is nothing more to load.
    """

    found: list[Found] = field(default_factory=list)
    seen: dict[str, MonthSource | None] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        first = "; ".join(self.said[:3])
        return first + (f"; and {len(self.said) - 3} more" if len(self.said) > 3 else "")


@dataclass
class Watch:
    """Looks at one service of one source, cheaply: a listing or a few HEADs, never a download.

    What a month is held against are the stores: a month that somebody loaded by hand starts nothing.

    Attributes:
        since: On a source that is not our own folder: months from this one on are loaded too where they are not held.
    """

    source: Source
    service: Service
    raw: MonthObjects
    today: dt.date
    since: Month | None = None
    now: Callable[[], float] = time.time
    sighting: Sighting = field(default_factory=Sighting)

    def look(self, memory: Memory) -> Sighting:
        """Look once. `memory` is brought up to date in place, also where the source failed half way."""
        sighting = self.sighting = Sighting()
        if (now := self.now()) < memory.wait_until:
            sighting.said.append(f"{memory.trouble} It is looked at again at {_clock(memory.wait_until)}.")
            return sighting
        self._ends_at = time.monotonic() + SECONDS_A_LOOK
        try:
            files = self._listed(memory) if self.source.habits.lists else self._asked_for(memory)
            for file in files:
                self._judge(file, memory)
        except TaxiError as error:
            memory.failures += 1
            memory.trouble = str(error)
            memory.wait_until = now + min(60 * 2 ** (memory.failures - 1), HOUR)
            sighting.said.append(f"{error} It is looked at again at {_clock(memory.wait_until)}.")
        else:
            memory.failures, memory.trouble = 0, ""
        if not sighting.said and not sighting.found:
            sighting.said.append(f"nothing new: {len(memory.dealt)} months are as they were")
        return sighting

    def _listed(self, memory: Memory) -> Iterator[MonthSource]:
        """What one listing tells."""
        is_ours = self.source.habits.is_ours
        next_look = memory.looked.get("*", 0) + LISTED_EVERY_S
        if not is_ours and self.now() < next_look:
            self.sighting.said.append(f"{self.source.name} is listed again at {_clock(next_look)}")
            return
        files = list(self.source.published(self.service))
        self.sighting.seen = {file.month.key: file for file in files}
        if memory.newest is None and not is_ours:
            memory.newest = max((file.month.key for file in files), default="")
        for file in files:
            yield file
            if self._is_out_of_time():
                return
        for name in self.source.strangers() if is_ours else ():
            self.sighting.said.append(f"{name} is no month of a service, and left alone: is its name right?")
        memory.looked["*"] = self.now()
        memory.unsettled = {month: seen for month, seen in memory.unsettled.items() if month in self.sighting.seen}

    def _asked_for(self, memory: Memory) -> Iterator[MonthSource]:
        """What is told of the months whose turn it is."""
        if memory.newest is None:
            self._find_newest(memory)
            return
        months = self._due(memory)
        for month in months:
            if self._is_out_of_time():
                return
            file = self._find(month, memory)
            if file is not None:
                yield file
        if not months:
            nearest = min(self.service_hourly(memory), key=lambda month: memory.looked.get(month.key, 0))
            self.sighting.said.append(
                f"{nearest} is asked for again at {_clock(memory.looked.get(nearest.key, 0) + HOUR)}"
            )

    def _find_newest(self, memory: Memory) -> None:
        """The first look: from the newest month backwards, to the first one that is there."""
        month = self._last()
        for _ in range(PROBED):
            if (file := self._find(month, memory)) is not None:
                memory.newest = month.key
                self.sighting.said.append(
                    f"the newest month of {self.source.name} is {month}: later ones are loaded, and those that change"
                )
                self._judge(file, memory)
                return
            month = month.plus(-1)
        memory.wait_until = self.now() + HOUR
        memory.trouble = f"{self.source.name} has no {self.service.name} month of the last {PROBED}."
        self.sighting.said = [memory.trouble]

    def _find(self, month: Month, memory: Memory) -> MonthSource | None:
        try:
            file = self.source.find(self.service, month)
        except NotPublishedError as error:
            self.sighting.said.append(str(error).rstrip("."))
            file = None
        memory.looked[month.key] = self.now()
        self.sighting.seen[month.key] = file
        return file

    def _due(self, memory: Memory) -> list[Month]:
        """The newest months every hour; of the older ones those that are held or wanted, once a week."""
        now, hourly = self.now(), self.service_hourly(memory)
        held = {Month.parse(key) for key in self.raw.partitions(self.service.table)}
        first = self.since and max(self.since, self.service.first_month)
        wanted = {month for month in first.until(hourly[0]) if month.key not in memory.dealt} if first else set()
        older = sorted((held | wanted) - set(hourly), key=lambda month: (memory.looked.get(month.key, 0), month))
        return [
            *(month for month in hourly if now - memory.looked.get(month.key, 0) >= HOUR),
            *[month for month in older if now - memory.looked.get(month.key, 0) >= WEEK][:LOOKS_AT_OLD],
        ]

    def service_hourly(self, memory: Memory) -> list[Month]:
        """The newest month that was found, and those that may come next."""
        newest = Month.parse(max([memory.newest or "", *memory.dealt]))
        return [newest, *list(newest.plus(1).until(self._last()))[:EXPECTED]]

    def _last(self) -> Month:
        last = last_full_month(self.today)
        return min(self.source.habits.last or last, last)

    def _judge(self, file: MonthSource, memory: Memory) -> None:
        """Load a file if it is another one than is held, and one of those that we wait for; once."""
        month, mark = file.month, _mark(file)
        if memory.dealt.get(month.key, ("", 0))[0] == mark:
            memory.unsettled.pop(month.key, None)
        elif not self.service.first_month <= month <= last_full_month(self.today):
            self.sighting.said.append(f"{file.name} is of no month that there is: it has not ended, or is too early")
        else:
            held = self.raw.current(self.service.table, month.key)
            if held is not None and (held.facts["url"], held.facts["fingerprint"]) == (file.url, file.fingerprint):
                memory.deal(month.key, mark)
            elif self.source.habits.is_ours and not self._is_settled(file, mark, memory):
                self.sighting.said.append(f"{file.name} may still be being written")
            elif not self._is_waited_for(file, held, memory):
                memory.deal(month.key, mark)
            elif len(self.sighting.found) >= RUNS_A_LOOK:
                self.sighting.said.append(f"{month} waits for the next look")
            else:
                times = memory.deal(month.key, mark, started=True)
                key = f"{self.service.name} {month} {mark} {times}"
                self.sighting.found.append(Found(month, key, is_new=held is None))

    def _is_settled(self, file: MonthSource, mark: str, memory: Memory) -> bool:
        before, since = memory.unsettled.get(file.month.key, ("", 0.0))
        if before != mark:
            memory.unsettled[file.month.key] = mark, self.now()
            return False
        return self.now() - since >= SETTLED_S

    def _is_waited_for(self, file: MonthSource, held: MonthFile | None, memory: Memory) -> bool:
        """Of our own folder everything; of others new months, and changes to months that are loaded from there."""
        key = file.month.key
        if self.source.habits.is_ours:
            return held is None or not _is_same_file(file, held)
        if memory.newest is not None and key > memory.newest:
            return True
        if held is None:
            return memory.times(key) > 0 or (self.since is not None and file.month >= self.since)
        # Who says nothing of a change cannot be asked for one. From elsewhere: only what changes from now on.
        return not file.fingerprint.startswith(UNKNOWN) and (held.facts["url"] == file.url or key in memory.dealt)

    def _is_out_of_time(self) -> bool:
        return time.monotonic() >= self._ends_at


def _mark(file: MonthSource) -> str:
    return hashlib.sha256(f"{file.url}\n{file.fingerprint}".encode()).hexdigest()[:12]


def _is_same_file(file: MonthSource, held: MonthFile) -> bool:
    """Whether a file of this machine has the very bytes that are held: it was only touched."""
    stored, path = held.files[SOURCE], Path(file.url.removeprefix("file://"))
    try:
        return stored.size_bytes == file.size_bytes and stored.sha256 == sha256_of(path)
    except OSError:
        return False


def _clock(at: float) -> str:
    return dt.datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
