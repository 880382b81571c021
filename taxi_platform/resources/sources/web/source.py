"""A publisher on the web as a source: find a month, list them all, fetch one whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from taxi_platform.errors import NotPublishedError, SourceUnavailableError
from taxi_platform.resources.sources.source import Habits, MonthSource, Progress, SourceFile
from taxi_platform.resources.sources.web.client import Client
from taxi_platform.resources.sources.web.download import UNKNOWN, Described, Download
from taxi_platform.resources.sources.web.host import THROTTLED_AFTER, Host, host_of
from taxi_platform.resources.sources.web.patience import Clock, Patience, TryAgainError
from taxi_platform.resources.sources.web.publishers import Publisher
from taxi_platform.resources.sources.web.refusals import FORBIDDEN, GONE, refuse_page, refuse_status
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import Service, new_york_today
from taxi_platform.trips.zones import ZONES_FILE

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

KnownToExist = Callable[[str, Month], bool]
"""Whether others recorded that a service's month was published."""

SeenBefore = Callable[[str], bool]
"""Whether a file was found at that address before."""

T = TypeVar("T")

_HEAD_REFUSED = (405, 501)
_MISSES_AT_THE_END = 2


@dataclass(frozen=True)
class _Wanted:
    """A file that may be there, and what it means if the host says no.

    Attributes:
        why_throttled: Why a 403 says nothing of the file; empty where it says that the file is not there.
        absent: What is raised where it is not, given the status.
        refusals: Every 403 that was borne.
    """

    url: str
    why_throttled: Callable[[], str]
    absent: Callable[[int], NotPublishedError]
    refusals: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def nobody_knows(*_: object) -> bool:
    """What is known of a month where nobody has said anything."""
    return False


@dataclass
class WebSource:
    """The months of a publisher on the web. Whoever asks it waits for its pace; nothing is asked twice at once.

    A refusal (403) of a publisher that hides what it has not (TLC) means that the month is not there; unless it is
    known to exist, was seen before, or is the third one in a row that should be out: then we asked too often, and
    another attempt may help. A refusal of a month that ended too lately to be out never counts in that row.

    Attributes:
        base: The folder of a mirror; empty for the publisher's own.
        seen_before: What was kept from here before. What this process saw it remembers itself.
    """

    publisher: Publisher
    base: str = ""
    known_to_exist: KnownToExist = nobody_knows
    seen_before: SeenBefore = nobody_knows
    patience: Patience = field(default_factory=Patience)
    clock: Clock = field(default_factory=Clock)
    today: Callable[[], dt.date] = new_york_today

    def __post_init__(self) -> None:
        self._client = Client(self.publisher.min_interval_s, self.patience, self.clock)

    @property
    def name(self) -> str:
        return f"{self.publisher.name} at {self.base}" if self.base else self.publisher.name

    @property
    def habits(self) -> Habits:
        return Habits(lists=False, last=self.publisher.last)

    @property
    def _host(self) -> Host:
        return host_of(urlsplit(self.base or self.publisher.base).netloc)

    def find(self, service: Service, month: Month) -> MonthSource:
        """The file of `month`: one HEAD, or the first byte where a HEAD is refused.

        Raises:
            NotPublishedError: It is not there, or not yet.
            SourceFileError: A page is there.
            SourceUnavailableError: The host did not answer, or refuses everything. A retry may help.
        """
        return self._find(service, month)[0]

    def find_zones(self) -> SourceFile:
        """The lookup of zones: one HEAD.

        Raises:
            NotPublishedError: It is not there.
            SourceFileError: A page is there.
            SourceUnavailableError: The host did not answer. A retry may help.
        """
        url = self.publisher.zones_url(self.base)

        def why_throttled() -> str:
            is_known = not self.base or self.seen_before(url) or self._host.has_shown(url)
            return f"{ZONES_FILE} is known to be there" if is_known else ""

        def absent(status: int) -> NotPublishedError:
            return NotPublishedError(f"{self.name} has no {ZONES_FILE}: {url} answered {status}.")

        return SourceFile(**self._located(_Wanted(url, why_throttled, absent)))

    def published(self, service: Service) -> Iterator[MonthSource]:
        """Every month there is, oldest first: one HEAD a month, as they are taken, at the host's pace.

        No publisher lists its files. The months of yellow taxis are some 210 requests, less than a minute; after two
        months that are missing where they may be still to come, nothing more is asked.

        Raises:
            SourceUnavailableError: The host did not answer. What is known so far says nothing of the rest.
        """
        today = self.today()
        first = max(self.publisher.first or service.first_month, service.first_month)
        last = self.publisher.last or last_full_month(today)
        missed: list[Month] = []  # in a row up to here
        for month in first.until(last):
            try:
                file, was_throttled = self._find(service, month)
            except NotPublishedError:
                missed.append(month)
                to_come = [one for one in missed if self.publisher.may_be_to_come(one, today)]
                if len(to_come) >= _MISSES_AT_THE_END:
                    return
                continue
            if was_throttled:  # then those before it need not have been missing
                yield from self._those_there(service, missed)
            missed = []
            yield file

    def strangers(self) -> tuple[str, ...]:
        return ()

    def fetch(self, file: SourceFile, to: Path, progress: Progress) -> None:
        """Write the bytes of `file` to `to`; what broke off is resumed where the ETag is still the same.

        `progress` gets a negative number where bytes that it was told of have to come again, or are given up.

        Raises:
            NotPublishedError: It is not there any more.
            SourceFileError: What came is a page.
            SourceUnavailableError: It broke off too often, or changed since it was found. Nothing is left in `to`.
        """
        try:
            with to.open("wb") as target:
                download = Download(file, target, progress)
                try:
                    self._patiently(file.url, lambda: self._receive(file, download))
                except BaseException:
                    progress(-download.got_bytes)
                    raise
        except TryAgainError as error:
            to.unlink(missing_ok=True)
            of_all = "" if download.expected_bytes is None else f" of {download.expected_bytes:,}"
            raise SourceUnavailableError(
                f"{file.name}: got {download.got_bytes:,}{of_all} bytes from {file.url}, which was asked {error.times} "
                f"and at last {error.said}. Nothing was kept. Run the month again."
            ) from None
        except BaseException:
            to.unlink(missing_ok=True)
            raise

    def _find(self, service: Service, month: Month) -> tuple[MonthSource, bool]:
        """The file, and whether the host had refused it before it gave way."""
        url = self.publisher.url(service, month, self.base)
        wanted = _Wanted(
            url,
            why_throttled=lambda: self._why_throttled(service.name, month, url),
            absent=lambda status: self._not_published(service, month, url, status),
        )
        return MonthSource(service=service.name, month=month, **self._located(wanted)), bool(wanted.refusals)

    def _located(self, wanted: _Wanted) -> dict[str, Any]:
        """What a `SourceFile` says of the file that is wanted."""
        try:
            told = self._patiently(wanted.url, lambda: self._look(wanted))
        except TryAgainError as error:
            raise SourceUnavailableError(
                f"{wanted.name}: {wanted.url} was asked {error.times} and at last {error.said}. Nothing was kept. "
                "Try it again later."
            ) from None
        return {
            "name": wanted.name,
            "url": wanted.url,
            "size_bytes": told.size_bytes,
            "fingerprint": told.fingerprint or UNKNOWN + dt.datetime.now(dt.UTC).isoformat(),
        }

    def _those_there(self, service: Service, months: list[Month]) -> Iterator[MonthSource]:
        for month in months:
            try:
                yield self.find(service, month)
            except NotPublishedError:
                continue

    def _look(self, wanted: _Wanted) -> Described:
        """One attempt at the headers of the file."""
        with self._client.ask("HEAD", wanted.url) as response:
            # A signed address may be good for a GET alone: then it forbids the HEAD.
            is_forbidden = response.status == FORBIDDEN and not self.publisher.hides_absence
            if not is_forbidden and response.status not in _HEAD_REFUSED:
                return self._described(wanted, response)
        with self._client.ask("GET", wanted.url, {"Range": "bytes=0-0"}) as response:
            return self._described(wanted, response)

    def _described(self, wanted: _Wanted, response: BaseHTTPResponse) -> Described:
        if response.status == FORBIDDEN and self.publisher.hides_absence:
            why = wanted.why_throttled()
            if not why:
                raise wanted.absent(response.status)
            wanted.refusals.append(response.status)
            raise TryAgainError(f"answered 403 as {self.publisher.name} does when it is asked too often ({why})")
        if response.status in GONE:
            raise wanted.absent(response.status)
        refuse_status(response, wanted.name, wanted.url)
        refuse_page(response, wanted.name, wanted.url)
        return Described.by(response)

    def _receive(self, file: SourceFile, download: Download) -> None:
        """One attempt at the file, or at what is missing of it."""
        with self._client.ask("GET", file.url, download.headers()) as response:
            if response.status in GONE:
                raise NotPublishedError(f"{file.name} is not at {file.url} any more. What stood before still stands.")
            if response.status == 416:
                download.start_anew()
                raise TryAgainError("has no rest of the file")
            refuse_status(response, file.name, file.url)
            refuse_page(response, file.name, file.url)
            download.receive(self._client, response)

    def _patiently(self, url: str, attempt: Callable[[], T]) -> T:
        """What `attempt` gives, tried as often as patience allows; a host that gave out before is tried once."""
        attempts = 1 if self._host.has_given_up else self.patience.attempts
        failures = 0
        while True:
            try:
                result = attempt()
            except TryAgainError as error:
                failures += 1
                error.attempts = failures
                if failures >= attempts:
                    self._host.has_given_up = True
                    raise
                self.clock.sleep(self.patience.wait_s(failures, error.retry_after_s, self.clock.draw))
            else:
                self._host.answered(url)
                return result

    def _why_throttled(self, service: str, month: Month, url: str) -> str:
        """Why a 403 says nothing of the month; empty where it says that the month is not there."""
        if self.known_to_exist(service, month):
            return "the month is known to be there"
        if self.seen_before(url) or self._host.has_shown(url):
            return "the month was there before"
        if self.publisher.may_be_to_come(month, self.today()):
            return ""
        if self._host.refused(url):
            return f"{THROTTLED_AFTER} months or more in a row"
        return ""

    def _not_published(self, service: Service, month: Month, url: str, status: int) -> NotPublishedError:
        if self.publisher.lag_days and self.publisher.may_be_to_come(month, self.today()):
            least, most = self.publisher.lag_days
            return NotPublishedError(
                f"{service.name} {month} is not out yet; {self.publisher.name.upper()} publishes "
                f"{least} to {most} days after the month's end."
            )
        first, last = self.publisher.first, self.publisher.last
        span = f" Its months go from {first} to {last}." if first and last else ""
        doubt = ", which it also does when it is asked too often" if status == FORBIDDEN else ""
        return NotPublishedError(
            f"{self.publisher.name} has no {service.name} {month}: {url} answered {status}{doubt}.{span}"
        )
