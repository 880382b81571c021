"""Publishers on the web: every fault that hosts have, and what comes of it, byte for byte and request for request."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from taxi_platform import __version__
from taxi_platform.errors import (
    NotPublishedError,
    SettingsError,
    SourceError,
    SourceFileError,
    SourceUnavailableError,
    TaxiError,
)
from taxi_platform.resources.sources.opening import KNOWN, open_source
from taxi_platform.resources.sources.source import MonthSource, SourceFile
from taxi_platform.resources.sources.web import host
from taxi_platform.resources.sources.web.client import _redirected
from taxi_platform.resources.sources.web.patience import Clock, Patience, retry_after_s
from taxi_platform.resources.sources.web.publishers import PUBLISHERS
from taxi_platform.resources.sources.web.source import WebSource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.publisher_server import HTML, SIGNATURE, Fault, PublisherServer

GREEN = SERVICES["green"]
JANUARY = Month(2022, 1)
NAME = "green_tripdata_2022-01.parquet"
SIZE = 300_000
BYTES = b"PAR1" + random.Random(1).randbytes(SIZE - 8) + b"PAR1"
TODAY = dt.date(2026, 11, 21)
ATTEMPTS = Patience().attempts
BACKOFF = [0.75, 1.5, 3.0, 6.0, 12.0]
"""The waits between six attempts, where chance always draws a half."""


class FakeTime:
    """A clock that is moved by sleeping only."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = Clock(now=lambda: sum(self.slept), sleep=self.slept.append, draw=lambda: 0.5)


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process knows of hosts begins anew, and no proxy of this machine stands between."""
    monkeypatch.setattr(host, "_hosts", {})
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / NAME).write_bytes(BYTES)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[PublisherServer]:
    made = PublisherServer(folder)
    yield made
    made.close()


@pytest.fixture
def github(folder: Path) -> Iterator[PublisherServer]:
    (folder / "green" / "green_tripdata_2020-05.csv.gz").write_bytes(b"\x1f\x8b" + BYTES)
    made = PublisherServer(folder, absent=404, redirects=True)
    yield made
    made.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def source_at(url: str, time: FakeTime, publisher: str = "tlc", *, interval_s: float = 0, **options: Any) -> WebSource:
    """A source of tests: a pace without waits, the clock of the test, and little patience with silence."""
    return WebSource(
        dataclasses.replace(PUBLISHERS[publisher], min_interval_s=interval_s),
        f"{url}/files",
        clock=time.clock,
        patience=options.pop("patience", Patience(read_timeout_s=0.2)),
        today=lambda: TODAY,
        **options,
    )


class Fetched:
    """What `fetch` made of a file."""

    def __init__(self, source: WebSource, file: SourceFile, to: Path) -> None:
        self.told: list[int] = []
        self.to = to / "fetched"
        self.error: TaxiError | None = None
        try:
            source.fetch(file, self.to, self.told.append)
        except TaxiError as error:
            self.error = error

    @property
    def bytes(self) -> bytes:
        assert self.error is None, self.error
        assert sum(self.told) == self.to.stat().st_size
        return self.to.read_bytes()

    @property
    def sentence(self) -> str:
        """The sentence of the failure, which left nothing behind."""
        assert self.error is not None
        assert not self.to.exists()
        assert sum(self.told) == 0
        return str(self.error)


def fetch(server: PublisherServer, time: FakeTime, to: Path, *spoilt: Fault, **options: Any) -> Fetched:
    """Find the month in health, then fetch it with the faults in the way."""
    source = source_at(server.url, time, **options)
    file = source.find(GREEN, JANUARY)
    server.requests.clear()
    server.spoil(NAME, *spoilt)
    return Fetched(source, file, to)


def test_a_month_is_found_by_one_head(server: PublisherServer, time: FakeTime) -> None:
    file = source_at(server.url, time).find(GREEN, JANUARY)
    assert file == MonthSource(
        service="green",
        month=JANUARY,
        name=NAME,
        url=f"{server.url}/files/{NAME}",
        size_bytes=SIZE,
        fingerprint=server.etag(NAME, BYTES).strip('"'),
    )
    assert server.asked() == ["HEAD 200"]
    assert time.slept == []


def test_the_publishers_files_lie_where_they_publish_them() -> None:
    urls = {name: publisher.url(GREEN, Month(2020, 5)) for name, publisher in PUBLISHERS.items()}
    assert urls == {
        "tlc": "https://d37ci6vzurychx.cloudfront.net/trip-data/green_tripdata_2020-05.parquet",
        "datatalks": (
            "https://github.com/DataTalksClub/nyc-tlc-data/releases/download/green/green_tripdata_2020-05.csv.gz"
        ),
    }


def test_we_say_who_we_are_and_ask_for_the_bytes_as_they_are(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    assert fetch(server, time, tmp_path).bytes == BYTES
    (asked,) = server.requests
    assert asked.headers["user-agent"].startswith(f"taxi-platform/{__version__} (")
    assert asked.headers["accept-encoding"] == "identity"


def test_a_body_that_is_called_gzip_is_kept_as_it_came(server: PublisherServer, time: FakeTime, tmp_path: Path) -> None:
    etag = server.etag(NAME, BYTES)
    encoded = faults.answers(200, BYTES, Content_Encoding="gzip", ETag=etag)
    assert fetch(server, time, tmp_path, encoded).bytes == BYTES
    assert server.asked() == ["GET 200"]


@pytest.mark.parametrize(
    ("etag", "fingerprint"),
    [
        ('W/"abc-7"', "abc-7"),
        ('"abc-7"', "abc-7"),
        ("", f"size={SIZE} modified=Thu, 30 Jun 2022 12:00:00 GMT"),
    ],
)
def test_a_fingerprint_is_the_etag_else_the_size_and_the_time_of_change(
    server: PublisherServer, time: FakeTime, tmp_path: Path, etag: str, fingerprint: str
) -> None:
    server.etags[NAME] = etag
    source = source_at(server.url, time)
    file = source.find(GREEN, JANUARY)
    assert file.fingerprint == fingerprint
    assert Fetched(source, file, tmp_path).bytes == BYTES


def test_where_a_host_tells_nothing_a_month_never_counts_as_unchanged(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    source = source_at(server.url, time)
    server.spoil(NAME, faults.answers(200), faults.answers(200))
    file, again = source.find(GREEN, JANUARY), source.find(GREEN, JANUARY)
    assert file.fingerprint != again.fingerprint
    assert Fetched(source, dataclasses.replace(file, size_bytes=None), tmp_path).bytes == BYTES


@pytest.mark.parametrize("status", [405, 501])
def test_where_a_head_is_refused_the_first_byte_tells_as_much(
    server: PublisherServer, time: FakeTime, status: int
) -> None:
    source = source_at(server.url, time)
    usual = source.find(GREEN, JANUARY)
    server.spoil(NAME, faults.answers(status))
    assert source.find(GREEN, JANUARY) == usual
    assert server.asked()[1:] == [f"HEAD {status}", "GET bytes=0-0 206"]


def test_the_size_of_a_host_without_ranges_is_known_without_a_download(server: PublisherServer, time: FakeTime) -> None:
    server.spoil(NAME, faults.answers(405), faults.ignores_range())
    assert source_at(server.url, time).find(GREEN, JANUARY).size_bytes == SIZE


RECOVERED: dict[str, tuple[list[Fault], list[str], list[float]]] = {
    "nothing": ([], ["GET 200"], []),
    "a 500": ([faults.answers(500)], ["GET 500", "GET 200"], BACKOFF[:1]),
    "a 502 and a 503": ([faults.answers(502), faults.answers(503)], ["GET 502", "GET 503", "GET 200"], BACKOFF[:2]),
    "a 403 of a month that was there": ([faults.refuses()], ["GET 403", "GET 200"], BACKOFF[:1]),
    "a 408": ([faults.answers(408)], ["GET 408", "GET 200"], BACKOFF[:1]),
    "a 429 that asks for 7 s": ([faults.answers(429, Retry_After="7")], ["GET 429", "GET 200"], [7]),
    "a 503 that asks for an hour": ([faults.answers(503, Retry_After="3600")], ["GET 503", "GET 200"], [120]),
    "no answer": ([faults.hangs_up()], ["GET 200"], BACKOFF[:1]),
    "a cut": ([faults.cut_after(100_000)], ["GET 200", "GET bytes=100000- 206"], BACKOFF[:1]),
    "a cut before the first byte": ([faults.cut_after(0)], ["GET 200", "GET 200"], BACKOFF[:1]),
    "two cuts": (
        [faults.cut_after(100_000), faults.cut_after(50_000)],
        ["GET 200", "GET bytes=100000- 206", "GET bytes=150000- 206"],
        BACKOFF[:2],
    ),
    "a cut, then a 503": (
        [faults.cut_after(100_000), faults.answers(503)],
        ["GET 200", "GET bytes=100000- 503", "GET bytes=100000- 206"],
        BACKOFF[:2],
    ),
    "a stall": ([faults.stalls_after(100_000)], ["GET 200", "GET bytes=100000- 206"], BACKOFF[:1]),
    "a length that is too long": ([faults.wrong_length(5)], ["GET 200", "GET 200"], BACKOFF[:1]),
    "a length that is too short": ([faults.wrong_length(-5)], ["GET 200", "GET 200"], BACKOFF[:1]),
    "a cut, then no ranges": (
        [faults.cut_after(100_000), faults.ignores_range()],
        ["GET 200", "GET bytes=100000- 200"],
        BACKOFF[:1],
    ),
    "a cut, then another part": (
        [faults.cut_after(100_000), faults.sends_other_range(0, 199_999)],
        ["GET 200", "GET bytes=100000- 206", "GET 200"],
        BACKOFF[:2],
    ),
    "no length, and too few bytes": ([faults.without_length(1000)], ["GET 200", "GET 200"], BACKOFF[:1]),
    "no length, and all bytes": ([faults.without_length(SIZE)], ["GET 200"], []),
    "a cut, then no rest": (
        [faults.cut_after(100_000), faults.answers(416)],
        ["GET 200", "GET bytes=100000- 416", "GET 200"],
        BACKOFF[:2],
    ),
}


@pytest.mark.parametrize("fault", RECOVERED)
def test_after_a_fault_the_bytes_are_the_publishers(
    server: PublisherServer, time: FakeTime, tmp_path: Path, fault: str
) -> None:
    spoilt, asked, slept = RECOVERED[fault]
    assert fetch(server, time, tmp_path, *spoilt).bytes == BYTES
    assert server.asked() == asked
    assert time.slept == slept


@pytest.mark.parametrize(
    ("fault", "asked", "slept"),
    [
        (faults.answers(500), "HEAD 500", BACKOFF[0]),
        (faults.answers(503, Retry_After="4"), "HEAD 503", 4),
        (faults.answers(429), "HEAD 429", BACKOFF[0]),
        (faults.hangs_up(), None, BACKOFF[0]),
    ],
)
def test_a_month_is_found_after_a_fault(
    server: PublisherServer, time: FakeTime, fault: Fault, asked: str | None, slept: float
) -> None:
    source = source_at(server.url, time)
    server.spoil(NAME, fault, faults.as_usual())
    assert source.find(GREEN, JANUARY).size_bytes == SIZE
    assert server.asked() == [*([asked] if asked else []), "HEAD 200"]
    assert time.slept == [slept]


def test_only_a_strong_etag_lets_a_download_go_on_where_it_broke_off(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    server.etags[NAME] = 'W/"weak"'
    fetched = fetch(server, time, tmp_path, faults.cut_after(100_000))
    assert fetched.bytes == BYTES
    assert server.asked() == ["GET 200", "GET 200"]
    assert -100_000 in fetched.told


def test_a_download_goes_on_only_under_the_condition_that_the_file_is_the_same(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    fetch(server, time, tmp_path, faults.cut_after(100_000))
    assert server.requests[-1].headers["if-range"] == server.etag(NAME, BYTES)


def republished(server: PublisherServer) -> Fault:
    """A cut, and another file of the same length from then on."""

    def fault(handler: Any, content: bytes) -> None:
        faults.cut_after(100_000)(handler, content)
        server.contents[NAME] = b"PAR1" + bytes(SIZE - 4)

    return fault


def test_two_files_are_never_joined_where_the_etag_changes_between_the_parts(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    fetched = fetch(server, time, tmp_path, republished(server))
    assert fetched.sentence == (
        f"{NAME}: {server.url}/files/{NAME} is another file now than when it was looked at (100,000 bytes had come). "
        "Nothing was kept. Run the month again."
    )
    assert isinstance(fetched.error, SourceUnavailableError)
    assert server.asked() == ["GET 200", "GET bytes=100000- 200"]
    again = fetch(server, time, tmp_path)
    assert again.bytes == server.contents[NAME]


def test_a_rest_with_another_etag_is_refused_even_where_the_condition_was_ignored(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    other = faults.answers(206, BYTES[100_000:], ETag='"other"', Content_Range=f"bytes 100000-{SIZE - 1}/{SIZE}")
    assert "is another file now" in fetch(server, time, tmp_path, faults.cut_after(100_000), other).sentence


def test_a_cut_that_never_ends_says_how_far_it_came(server: PublisherServer, time: FakeTime, tmp_path: Path) -> None:
    fetched = fetch(server, time, tmp_path, *[faults.cut_after(10_000)] * ATTEMPTS)
    assert fetched.sentence == (
        f"{NAME}: got 60,000 of 300,000 bytes from {server.url}/files/{NAME}, which was asked 6 times and at last "
        "broke off. Nothing was kept. Run the month again."
    )
    assert isinstance(fetched.error, SourceUnavailableError)
    assert fetched.error.retryable
    assert len(server.requests) == ATTEMPTS
    assert time.slept == BACKOFF


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.answers(500), "at last answered 500."),
        (faults.answers(429, Retry_After="2"), "at last answered 429."),
        (faults.stalls_after(0), "at last sent nothing for 0.2 s."),
        (faults.hangs_up(), "at last broke off."),
        (faults.wrong_length(9), "at last called the file 300,009 bytes long."),
    ],
)
def test_a_fault_that_stays_is_said_in_one_sentence(
    server: PublisherServer, time: FakeTime, tmp_path: Path, fault: Fault, said: str
) -> None:
    fetched = fetch(server, time, tmp_path, *[fault] * ATTEMPTS)
    assert said in fetched.sentence
    assert f"{NAME}: got 0 of 300,000 bytes from" in fetched.sentence
    assert isinstance(fetched.error, SourceUnavailableError)


def test_a_host_that_gave_out_is_asked_once_until_something_comes(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    source = source_at(server.url, time)
    server.spoil(NAME, *[faults.answers(503)] * (ATTEMPTS + 1))
    with pytest.raises(SourceUnavailableError, match="was asked 6 times and at last answered 503"):
        source.find(GREEN, JANUARY)
    with pytest.raises(SourceUnavailableError, match="was asked once and at last answered 503"):
        source_at(server.url, time).find(GREEN, JANUARY)
    file = source.find(GREEN, JANUARY)
    server.spoil(NAME, faults.answers(503))
    assert Fetched(source, file, tmp_path).bytes == BYTES


def test_a_host_that_is_not_there_is_unavailable(folder: Path, time: FakeTime) -> None:
    gone = PublisherServer(folder)
    gone.close()
    with pytest.raises(SourceUnavailableError, match=r"at last could not be reached \(NewConnectionError\)"):
        source_at(gone.url, time).find(GREEN, JANUARY)
    assert time.slept == BACKOFF


PAGES = {
    "HTML by its type": faults.answers(200, HTML, Content_Type="text/html; charset=utf-8"),
    "HTML by its first byte": faults.answers(200, b"\n " + HTML.ljust(SIZE)[: SIZE - 2]),
    "XML by its type": faults.answers(200, faults.XML_403, Content_Type="application/xml"),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_never_taken_for_trips(server: PublisherServer, time: FakeTime, tmp_path: Path, page: str) -> None:
    fetched = fetch(server, time, tmp_path, PAGES[page])
    assert isinstance(fetched.error, SourceFileError)
    assert fetched.sentence == (
        f"{NAME}: {server.url}/files/{NAME} answered with a page, not with trips. Nothing was kept. "
        "Open it in a browser to see which."
    )
    assert server.asked() == ["GET 200"]


def test_a_page_is_refused_when_a_month_is_looked_for(server: PublisherServer, time: FakeTime) -> None:
    server.spoil(NAME, PAGES["HTML by its type"])
    with pytest.raises(SourceFileError, match="answered with a page"):
        source_at(server.url, time).find(GREEN, JANUARY)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_went_away_since_it_was_found_is_not_published(
    server: PublisherServer, time: FakeTime, tmp_path: Path, status: int
) -> None:
    fetched = fetch(server, time, tmp_path, faults.answers(status))
    assert isinstance(fetched.error, NotPublishedError)
    assert fetched.sentence.startswith(f"{NAME} is not at {server.url}/files/{NAME} any more.")


def test_an_answer_that_no_retry_changes_is_not_retried(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    fetched = fetch(server, time, tmp_path, faults.answers(400))
    assert "answered 400, which no retry will change. Nothing was kept." in fetched.sentence
    assert fetched.error is not None
    assert not fetched.error.retryable
    assert server.asked() == ["GET 400"]


def test_a_full_disk_is_told_as_it_is(server: PublisherServer, time: FakeTime, tmp_path: Path) -> None:
    source = source_at(server.url, time)
    file = source.find(GREEN, JANUARY)
    with pytest.raises(FileNotFoundError):
        source.fetch(file, tmp_path / "no such folder" / "file", lambda _: None)
    assert server.asked() == ["HEAD 200"]


def test_whoever_stops_a_download_leaves_nothing_behind(
    server: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    def stop(done: int) -> None:
        if done > 0:
            raise KeyboardInterrupt

    source = source_at(server.url, time)
    with pytest.raises(KeyboardInterrupt):
        source.fetch(source.find(GREEN, JANUARY), tmp_path / "fetched", stop)
    assert not (tmp_path / "fetched").exists()


# 403: not there, not yet, or too often


def test_one_403_means_that_the_month_is_not_there(server: PublisherServer, time: FakeTime) -> None:
    with pytest.raises(NotPublishedError) as caught:
        source_at(server.url, time).find(GREEN, Month(2020, 6))
    assert str(caught.value) == (
        f"tlc has no green 2020-06: {server.url}/files/green_tripdata_2020-06.parquet answered 403, "
        "which it also does when it is asked too often."
    )
    assert server.asked() == ["HEAD 403"]
    assert time.slept == []


@pytest.mark.parametrize(("month", "is_to_come"), [("2026-08", True), ("2026-10", True), ("2026-07", False)])
def test_a_403_of_a_month_that_ended_lately_means_not_out_yet(
    server: PublisherServer, time: FakeTime, month: str, is_to_come: bool
) -> None:
    sentence = f"green {month} is not out yet; TLC publishes 48 to 106 days after the month's end."
    with pytest.raises(NotPublishedError) as caught:
        source_at(server.url, time).find(GREEN, Month.parse(month))
    assert (str(caught.value) == sentence) is is_to_come


def test_a_404_always_means_that_the_month_is_not_there(folder: Path, time: FakeTime) -> None:
    server = PublisherServer(folder, absent=404)
    source = source_at(server.url, time, known_to_exist=lambda *_: True, seen_before=lambda _: True)
    for month in Month(2020, 1).until(Month(2020, 6)):
        with pytest.raises(NotPublishedError, match=f"tlc has no green {month}: .* answered 404"):
            source.find(GREEN, month)
    server.close()
    assert time.slept == []


def test_the_third_403_in_a_row_means_that_we_ask_too_often(server: PublisherServer, time: FakeTime) -> None:
    source = source_at(server.url, time)
    for month in (Month(2020, 4), Month(2020, 4), Month(2020, 5)):
        with pytest.raises(NotPublishedError):
            source.find(GREEN, month)
    server.requests.clear()
    with pytest.raises(SourceUnavailableError) as caught:
        source_at(server.url, time).find(GREEN, Month(2020, 6))
    assert str(caught.value) == (
        f"green_tripdata_2020-06.parquet: {server.url}/files/green_tripdata_2020-06.parquet was asked 6 times and at "
        "last answered 403 as tlc does when it is asked too often (3 months or more in a row). Nothing was kept. "
        "Try it again later."
    )
    assert server.asked() == ["HEAD 403"] * ATTEMPTS
    assert time.slept == BACKOFF


def test_a_month_that_is_there_ends_the_row(server: PublisherServer, time: FakeTime) -> None:
    source = source_at(server.url, time)
    for month in (Month(2020, 4), Month(2020, 5), JANUARY, Month(2020, 6), Month(2020, 7)):
        if month == JANUARY:
            source.find(GREEN, month)
        else:
            with pytest.raises(NotPublishedError):
                source.find(GREEN, month)


def test_months_that_need_not_be_out_are_no_row(server: PublisherServer, time: FakeTime) -> None:
    for month in Month(2026, 8).until(Month(2026, 10)):
        with pytest.raises(NotPublishedError, match="is not out yet"):
            source_at(server.url, time).find(GREEN, month)
    with pytest.raises(NotPublishedError, match="tlc has no green 2020-06"):
        source_at(server.url, time).find(GREEN, Month(2020, 6))


@pytest.mark.parametrize(
    ("knowledge", "why"),
    [
        ({"known_to_exist": lambda service, month: (service, month) == ("green", JANUARY)}, "is known to be there"),
        ({"seen_before": lambda url: url.endswith(NAME)}, "was there before"),
    ],
)
def test_a_403_of_a_month_that_must_be_there_means_that_we_ask_too_often(
    server: PublisherServer, time: FakeTime, knowledge: dict[str, Callable[..., bool]], why: str
) -> None:
    source = source_at(server.url, time, **knowledge)
    server.spoil(NAME, *[faults.refuses()] * ATTEMPTS)
    with pytest.raises(SourceUnavailableError, match=f"answered 403 as tlc does .* \\(the month {why}\\)"):
        source.find(GREEN, JANUARY)
    assert server.asked() == ["HEAD 403"] * ATTEMPTS
    with pytest.raises(NotPublishedError):
        source.find(GREEN, Month(2020, 6))


def test_what_the_process_saw_itself_was_there_before(server: PublisherServer, time: FakeTime) -> None:
    file = source_at(server.url, time).find(GREEN, JANUARY)
    server.spoil(NAME, faults.refuses(), faults.refuses())
    assert source_at(server.url, time).find(GREEN, JANUARY) == file
    assert time.slept == BACKOFF[:2]


# datatalks: redirects to a signed address

CSV = "green_tripdata_2020-05.csv.gz"


def test_a_redirect_is_followed_and_where_it_leads_is_never_shown(
    github: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    source = source_at(github.url, time, "datatalks")
    file = source.find(GREEN, Month(2020, 5))
    assert file.url == f"{github.url}/files/green/{CSV}"
    assert file.fingerprint == github.etag(CSV, b"\x1f\x8b" + BYTES).strip('"')
    assert Fetched(source, file, tmp_path).bytes == b"\x1f\x8b" + BYTES
    assert github.asked() == ["HEAD 302", "HEAD 200", "GET 302", "GET 200"]


def test_what_broke_off_behind_a_redirect_goes_on_behind_a_new_one(
    github: PublisherServer, time: FakeTime, tmp_path: Path
) -> None:
    source = source_at(github.url, time, "datatalks")
    file = source.find(GREEN, Month(2020, 5))
    github.spoil(CSV, faults.cut_after(1000))
    assert Fetched(source, file, tmp_path).bytes == b"\x1f\x8b" + BYTES
    assert github.asked()[2:] == ["GET 302", "GET 200", "GET bytes=1000- 302", "GET bytes=1000- 206"]


def test_a_signature_for_a_get_alone_forbids_the_head(github: PublisherServer, time: FakeTime) -> None:
    github.spoil(CSV, faults.refuses())
    file = source_at(github.url, time, "datatalks").find(GREEN, Month(2020, 5))
    assert file.size_bytes == SIZE + 2
    assert github.asked() == ["HEAD 302", "HEAD 403", "GET bytes=0-0 302", "GET bytes=0-0 206"]


@pytest.mark.parametrize(
    "fault",
    [faults.refuses(), faults.answers(503), faults.hangs_up(), faults.stalls_after(9)],
    ids=["a 403", "a 503", "no answer", "a stall"],
)
def test_no_failure_shows_a_signature(
    github: PublisherServer, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    source = source_at(github.url, time, "datatalks")
    file = source.find(GREEN, Month(2020, 5))
    github.spoil(CSV, *[fault] * ATTEMPTS)
    fetched = Fetched(source, file, tmp_path)
    assert isinstance(fetched.error, SourceUnavailableError)
    assert f"from {github.url}/files/green/{CSV}" in fetched.sentence
    for error in (fetched.error, fetched.error.__cause__):
        assert SIGNATURE not in repr(error)
        assert "signed" not in repr(error)
    assert SIGNATURE not in "".join(record.getMessage() for record in caplog.records if record.levelname != "DEBUG")


def test_a_publisher_that_hides_nothing_says_403_to_who_asks_too_often(github: PublisherServer, time: FakeTime) -> None:
    github.spoil(CSV, *[faults.refuses()] * 2 * ATTEMPTS)
    with pytest.raises(SourceUnavailableError, match="was asked 6 times and at last answered 403"):
        source_at(github.url, time, "datatalks").find(GREEN, Month(2020, 5))


def test_a_redirect_never_leaves_https() -> None:
    signed = "https://objects.example/file?sig=SECRET"
    assert _redirected("https://a.example/file", "https://a.example/file", signed) == signed
    with pytest.raises(SourceError, match="https://a.example/file redirects from https to http") as caught:
        _redirected("https://a.example/file", signed, "http://b.example/file?sig=SECRET")
    assert "SECRET" not in str(caught.value)


def test_a_month_outside_its_span_is_said_with_the_span(github: PublisherServer, time: FakeTime) -> None:
    with pytest.raises(NotPublishedError) as caught:
        source_at(github.url, time, "datatalks").find(GREEN, Month(2021, 8))
    assert str(caught.value) == (
        f"datatalks has no green 2021-08: {github.url}/files/green/green_tripdata_2021-08.csv.gz answered 404. "
        "Its months go from 2019-01 to 2021-07."
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "redirects to what is no address of the web"),
        ("file:///etc/passwd", "redirects to what is no address of the web"),
        ("http://[broken/", "redirects to what is no address of the web"),
        (f"/files/{NAME}", "redirects in a circle"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_an_error_that_no_retry_changes(
    server: PublisherServer, time: FakeTime, target: str, said: str
) -> None:
    server.spoil(NAME, *[faults.answers(302, Location=target)] * 6)
    with pytest.raises(SourceError, match=said) as caught:
        source_at(server.url, time).find(GREEN, JANUARY)
    assert not caught.value.retryable
    assert "passwd" not in str(caught.value)


# published: what there is, politely


def test_what_is_published_is_looked_at_oldest_first_and_only_as_far_as_it_is_asked_for(
    server: PublisherServer, time: FakeTime
) -> None:
    for month in ("2013-08", "2013-09", "2013-11"):
        server.contents[f"green_tripdata_{month}.parquet"] = BYTES
    months = iter(source_at(server.url, time).published(GREEN))
    assert server.requests == []
    assert [next(months).month.key for _ in range(3)] == ["2013-08", "2013-09", "2013-11"]
    assert server.asked() == ["HEAD 200", "HEAD 200", "HEAD 403", "HEAD 200"]


def test_after_two_months_that_may_be_to_come_nothing_more_is_asked(server: PublisherServer, time: FakeTime) -> None:
    for month in GREEN.first_month.until(Month(2026, 7)):
        server.contents[f"green_tripdata_{month}.parquet"] = BYTES
    found = [file.month for file in source_at(server.url, time).published(GREEN)]
    assert found == list(GREEN.first_month.until(Month(2026, 7)))
    assert server.asked()[-3:] == ["HEAD 200", "HEAD 403", "HEAD 403"]
    assert server.requests[-1].path.endswith("2026-09.parquet")
    assert {one.method for one in server.requests} == {"HEAD"}


def test_months_refused_before_the_host_gave_way_are_looked_at_again(server: PublisherServer, time: FakeTime) -> None:
    for month in ("2013-08", "2013-09", "2013-10", "2013-11"):
        name = f"green_tripdata_{month}.parquet"
        server.contents[name] = BYTES
        if month > "2013-08":
            server.spoil(name, faults.refuses())
    months = iter(source_at(server.url, time).published(GREEN))
    assert [next(months).month.key for _ in range(4)] == ["2013-08", "2013-09", "2013-10", "2013-11"]
    assert time.slept == BACKOFF[:1]


def test_a_look_at_a_host_that_refuses_everything_ends_after_a_few_requests(
    server: PublisherServer, time: FakeTime
) -> None:
    with pytest.raises(SourceUnavailableError, match="asked too often"):
        list(source_at(server.url, time).published(GREEN))
    assert len(server.requests) == 2 + ATTEMPTS


def test_only_the_months_that_a_copy_has_are_looked_at(github: PublisherServer, time: FakeTime) -> None:
    found = list(source_at(github.url, time, "datatalks").published(GREEN))
    assert [file.month.key for file in found] == ["2020-05"]
    assert len([one for one in github.requests if one.path.startswith("/files/")]) == 31


def test_a_host_is_asked_at_its_pace_whoever_asks(server: PublisherServer, time: FakeTime) -> None:
    for _ in range(3):
        source_at(server.url, time, interval_s=0.25).find(GREEN, JANUARY)
    assert time.slept == [0.25, 0.25]


# settings


def test_publishers_are_known_by_their_names() -> None:
    for name in ("tlc", "datatalks"):
        assert name in KNOWN
        for setting in (name, f"{name}:", f"{name}://"):
            source = open_source(setting)
            assert isinstance(source, WebSource)
            assert source.name == name
            assert source.publisher is PUBLISHERS[name]


def test_a_mirror_is_named_by_its_base() -> None:
    source = open_source("tlc://?base=http://127.0.0.1:1234/trip-data/")
    assert isinstance(source, WebSource)
    assert source.base == "http://127.0.0.1:1234/trip-data"
    assert source.name == "tlc at http://127.0.0.1:1234/trip-data"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("tlc://?bases=http://host", "has one parameter, base"),
        ("tlc://?base=http://host&base=http://other", "has one parameter, base"),
        ("tlc://user:SECRET@host/", "has one parameter, base"),
        ("tlc://?base=ftp://host/x", "is no http or https address"),
        ("tlc://?base=", "is no http or https address"),
        ("tlc://?base=http://host:port/", "is no http or https address"),
        ("tlc://?base=http://[host/", "is no http or https address"),
        ("datatalks://?base=https://user:SECRET@host/", "holds a user or a password"),
        ("tlc://?base=https://host/x?token=SECRET", "has more than a host and a folder"),
    ],
)
def test_a_mirror_that_is_none_is_refused_and_no_secret_is_repeated(setting: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        open_source(setting)
    assert "SECRET" not in str(caught.value)
    assert "://?base=https://host/folder" in str(caught.value)


def test_a_proxy_of_the_environment_is_used_and_told_its_password(
    server: PublisherServer, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://me:pass%20word@"))
    monkeypatch.setenv("no_proxy", "direct.invalid")
    assert source_at("http://tlc.invalid", time).find(GREEN, JANUARY).size_bytes == SIZE
    (asked,) = server.requests
    assert asked.path == f"http://tlc.invalid/files/{NAME}"
    assert asked.headers["proxy-authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    with pytest.raises(SourceUnavailableError, match="could not be reached") as caught:
        source_at("http://direct.invalid", time, patience=Patience(attempts=1)).find(GREEN, JANUARY)
    assert "pass" not in str(caught.value)


def test_definitions_load_without_a_web_client() -> None:
    code = "import sys, taxi_platform.definitions; sys.exit('urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# waits


def test_waits_double_up_to_a_limit_and_chance_halves_them_at_most() -> None:
    patience = Patience()
    assert [patience.wait_s(failures, 0, lambda: 1.0) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert [patience.wait_s(failures, 0, lambda: 0.0) for failures in range(1, 4)] == [0.5, 1, 2]
    assert patience.wait_s(1, 5, lambda: 1.0) == 5


def test_retry_after_is_read_as_a_number_and_as_a_date() -> None:
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    assert 50 < retry_after_s(format_datetime(then, usegmt=True)) <= 60
    assert retry_after_s(" 5 ") == 5
    for nothing in (None, "", "soon", "-3", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00"):
        assert retry_after_s(nothing) == 0
