"""What every source can do: say which months it has, and hand one over byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service

Progress = Callable[[int], None]
"""Called with the number of bytes just moved."""


@dataclass(frozen=True)
class SourceFile:
    """One published file, as the source describes it before anything is fetched.

    Attributes:
        name: The publisher's file name, `green_tripdata_2020-03.csv.gz`.
        url: Where it lies, without credentials: safe to show.
        size_bytes: Its size where the source tells it.
        fingerprint: Changes when the source's file changes (an ETag, or size and modification time).
            The same fingerprint means that nothing need be fetched; another one proves nothing.
    """

    name: str
    url: str
    size_bytes: int | None
    fingerprint: str


@dataclass(frozen=True)
class MonthSource(SourceFile):
    """The file of one month of one service."""

    service: str
    month: Month


@dataclass(frozen=True)
class Habits:
    """How a source may be watched.

    Attributes:
        lists: One cheap look tells of all of its months. Else each month is asked for on its own.
        is_ours: A folder of this machine: what lies there was put there to be loaded, and may still be being written.
        last: The last month that it will ever have; None where new ones come.
        is_made_up: Nothing of it comes early or late.
    """

    lists: bool = True
    is_ours: bool = False
    last: Month | None = None
    is_made_up: bool = False


class Source(Protocol):
    """A publisher of monthly files."""

    @property
    def habits(self) -> Habits:
        """How it may be watched."""
        ...

    @property
    def name(self) -> str:
        """How people name this source, without credentials."""
        ...

    def find(self, service: Service, month: Month) -> MonthSource:
        """The file of `month`; a look, never a download.

        Raises:
            NotPublishedError: The source has no such file.
            SourceUnavailableError: It did not answer. A retry may help.
        """
        ...

    def published(self, service: Service) -> Iterable[MonthSource]:
        """Every month of `service` that the source has, oldest first; a look, never a download."""
        ...

    def strangers(self) -> Sequence[str]:
        """Names of files that lie there as if they were months, and are no service's: nobody will load them."""
        ...

    def find_zones(self) -> SourceFile:
        """The lookup of TLC's taxi zones; a look, never a download.

        Raises:
            NotPublishedError: The source has none.
            SourceUnavailableError: It did not answer. A retry may help.
        """
        ...

    def fetch(self, file: SourceFile, to: Path, progress: Progress) -> None:
        """Write the bytes of `file` to `to`, exactly as the source has them, in bounded memory.

        Raises:
            NotPublishedError: It is not there any more.
            SourceUnavailableError: It broke off. Nothing usable is in `to`. A retry may help.
        """
        ...
