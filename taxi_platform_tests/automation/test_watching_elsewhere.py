"""Sources that are not our own folder: the first look starts nothing; then what comes, and what changes, is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import fsspec
import pytest

from taxi_platform.automation.watching import watch
from taxi_platform.resources.sources.opening import open_source
from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.resources.sources.source import MonthSource
from taxi_platform.resources.sources.web import host
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.trips.months import Month
from taxi_platform_tests.automation.watched import GREEN, Watched, raw_store
from taxi_platform_tests.io_managers.kits import KITS
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.publisher_server import PublisherServer

HOUR, DAY = 3600, 24 * 3600


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process knows of hosts begins anew, and no proxy of this machine stands between."""
    monkeypatch.setattr(host, "_hosts", {})
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublisherServer]:
    server = PublisherServer(tmp_path)
    yield server
    server.close()


def publish(server: PublisherServer, *months: str, content: bytes = b"PAR1 one PAR1") -> None:
    for month in months:
        server.contents[f"green_tripdata_{month}.parquet"] = content


def watched_tlc(server: PublisherServer, tmp_path: Path, since: str | None = None) -> Watched:
    patience = Patience(attempts=1, connect_timeout_s=2, read_timeout_s=2)
    raw = raw_store(tmp_path / "raw")
    source = open_source(
        f"tlc://?base={server.url}",
        patience=patience,
        known_to_exist=lambda _, month: month < Month(2026, 6),
        seen_before=lambda url: any(
            url.endswith(month.facts["name"])
            for key in raw.partitions("green_trips")
            if (month := raw.current("green_trips", key))
        ),
    )
    return Watched(source, raw, since=Month.parse(since) if since else None)


def asked(server: PublisherServer) -> list[str]:
    months = [one.path.rpartition("_")[2].removesuffix(".parquet") for one in server.requests]
    server.requests.clear()
    return months


class TestAPublisherThatIsAskedMonthByMonth:
    def test_the_first_look_finds_the_newest_month_and_starts_nothing(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        publish(server, "2026-06", "2026-07", "2026-08")
        watched = watched_tlc(server, tmp_path)
        first = watched.look()
        assert first.found == []
        assert asked(server) == ["2026-10", "2026-09", "2026-08"]
        assert first.reason == (
            "green 2026-10 is not out yet; TLC publishes 48 to 106 days after the month's end; "
            "green 2026-09 is not out yet; TLC publishes 48 to 106 days after the month's end; "
            f"the newest month of tlc at {server.url} is 2026-08: later ones are loaded, and those that change"
        )

    def test_between_two_looks_nobody_is_asked(self, server: PublisherServer, tmp_path: Path) -> None:
        publish(server, "2026-08")
        watched = watched_tlc(server, tmp_path)
        watched.look()
        asked(server)
        waits = [watched.look(15) for _ in range(20)]
        assert asked(server) == []
        assert {one.reason[:32] for one in waits} == {"2026-08 is asked for again at " + waits[0].reason[30:32]}

    def test_a_month_that_comes_is_found_within_the_hour_once(self, server: PublisherServer, tmp_path: Path) -> None:
        publish(server, "2026-08")
        watched = watched_tlc(server, tmp_path)
        watched.look()
        publish(server, "2026-09")
        (found,) = watched.look(HOUR).found
        assert (found.month, found.is_new) == (Month(2026, 9), True)
        assert [watched.found(HOUR) for _ in range(3)] == [[], [], []]
        publish(server, "2026-10")
        assert watched.found(HOUR) == ["2026-10"]

    def test_a_month_that_was_loaded_by_hand_meanwhile_starts_nothing(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        publish(server, "2026-08")
        watched = watched_tlc(server, tmp_path)
        watched.look()
        publish(server, "2026-09")
        watched.hold_what_is_there("2026-09", b"PAR1 one PAR1")
        assert watched.found(HOUR) == []

    def test_a_loaded_month_that_changes_is_found_within_the_week_and_others_are_not(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        publish(server, "2024-01", "2024-02", "2026-08")
        watched = watched_tlc(server, tmp_path)
        watched.hold_what_is_there("2024-01", b"PAR1 one PAR1")
        for _ in range(2):
            watched.look()
        publish(server, "2024-01", "2024-02", content=b"PAR1 two PAR1")
        found = [month for _ in range(8) for month in watched.found(DAY)]
        assert found == ["2024-01"]
        watched.hold_what_is_there("2024-01", b"PAR1 two PAR1")
        publish(server, "2024-01")  # as it was at first
        assert [month for _ in range(8) for month in watched.found(DAY)] == ["2024-01"]

    def test_a_host_that_says_nothing_of_changes_is_not_asked_to_send_everything_again(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        publish(server, "2026-08")
        server.etags["green_tripdata_2026-08.parquet"] = ""
        watched = watched_tlc(server, tmp_path)
        watched.hold_what_is_there("2026-08", b"PAR1 one PAR1")
        assert [watched.found(HOUR) for _ in range(5)] == [[]] * 5

    def test_older_months_come_only_where_they_are_asked_for(self, server: PublisherServer, tmp_path: Path) -> None:
        months = [f"2025-{month:02d}" for month in range(1, 13)]
        publish(server, *months, "2026-08")
        watched = watched_tlc(server, tmp_path, since="2025-03")
        watched.look()
        found = [watched.found() for _ in range(4)]
        assert [month for months_found in found for month in months_found] == months[2:]
        assert max(len(one) for one in found) <= watch.LOOKS_AT_OLD
        assert [watched.found(DAY) for _ in range(8)] == [[]] * 8

    def test_a_host_that_fails_is_left_alone_longer_and_longer_and_nothing_is_forgotten(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        publish(server, "2026-08")
        watched = watched_tlc(server, tmp_path)
        watched.look()
        publish(server, "2026-09")
        asked(server)
        for name in ("2026-08", "2026-09"):
            server.spoil(f"green_tripdata_{name}.parquet", *[faults.answers(503)] * 9)
        failing = watched.look(HOUR)
        assert failing.found == []
        assert "answered 503" in failing.reason
        assert watched.memory.failures == 1
        assert len(asked(server)) == 1
        waiting = watched.look(30)
        assert asked(server) == []
        assert "answered 503" in waiting.reason
        for failures in (2, 3, 4):
            watched.look(2 ** (failures - 2) * 60)
            assert watched.memory.failures == failures
        for name in ("2026-08", "2026-09"):
            server.recover(f"green_tripdata_{name}.parquet")
        assert watched.found(8 * 60) == ["2026-09"]
        assert watched.memory.failures == 0

    def test_who_is_throttled_is_not_told_that_months_are_gone(self, server: PublisherServer, tmp_path: Path) -> None:
        publish(server, "2026-01", "2026-02", "2026-03", "2026-04", "2026-08")
        watched = watched_tlc(server, tmp_path)
        for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
            watched.hold_what_is_there(month, b"PAR1 one PAR1")
        watched.look()
        for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
            server.spoil(f"green_tripdata_{month}.parquet", *[faults.refuses()] * 9)
        throttled = watched.look(7 * DAY + 1)
        assert throttled.found == []
        assert "asked too often" in throttled.reason
        assert None not in [throttled.seen.get(month) for month in throttled.seen if month < "2026-09"]
        assert watched.memory.failures == 1

    def test_a_publisher_that_has_nothing_new_any_more_is_asked_for_its_last_month(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        server.contents["green_tripdata_2021-07.csv.gz"] = b"\x1f\x8b one"
        watched = Watched(open_source(f"datatalks://?base={server.url}"), raw_store(tmp_path / "raw"))
        assert "the newest month" in watched.look().reason
        assert [watched.found(HOUR) for _ in range(3)] == [[]] * 3
        assert {one.path.rpartition("/")[2] for one in server.requests} == {"green_tripdata_2021-07.csv.gz"}

    def test_a_publisher_without_any_month_is_asked_again_in_an_hour(
        self, server: PublisherServer, tmp_path: Path
    ) -> None:
        server.absent = 404
        watched = Watched(open_source(f"datatalks://?base={server.url}"), raw_store(tmp_path / "raw"))
        assert "no green month of the last 12" in watched.look().reason
        count = len(server.requests)
        assert watched.found(HOUR - 60) == []
        assert len(server.requests) == count


class Bucket(Protocol):
    """What the tests do with a bucket that somebody publishes in."""

    location: str
    variables: dict[str, str]

    def overwrite(self, key: str, data: bytes) -> None: ...


class InMemory:
    """A bucket that is none: quick."""

    def __init__(self, root: Path) -> None:
        self.prefix = hashlib.sha256(str(root).encode()).hexdigest()[:8]
        self.location, self.variables = f"memory://{self.prefix}", {}
        fsspec.filesystem("memory").makedirs(f"/{self.prefix}")

    def overwrite(self, key: str, data: bytes) -> None:
        fsspec.filesystem("memory").pipe(f"/{self.prefix}/{key}", data)

    def end(self) -> None:
        fsspec.filesystem("memory").rm(f"/{self.prefix}", recursive=True)


class TestABucketThatIsListed:
    @pytest.fixture(params=["memory", *(pytest.param(name, marks=pytest.mark.long) for name in ("gcs", "s3"))])
    def bucket(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bucket]:
        (root := tmp_path / "bucket").mkdir()
        kit: Any = (InMemory if request.param == "memory" else KITS[request.param])(root)
        yield kit
        kit.end()

    @pytest.fixture
    def watched(self, bucket: Bucket, tmp_path: Path) -> Watched:
        return Watched(open_source(bucket.location, bucket.variables), raw_store(tmp_path / "raw"))

    @staticmethod
    def put(bucket: Bucket, month: str, content: bytes) -> None:
        bucket.overwrite(f"green_tripdata_{month}.csv", content)

    def test_what_is_there_at_first_starts_nothing_but_what_comes_later_does(
        self, watched: Watched, bucket: Bucket
    ) -> None:
        self.put(bucket, "2021-02", b"one")
        assert watched.found() == []
        self.put(bucket, "2021-01", b"older than the newest one of the first look")
        self.put(bucket, "2021-03", b"new")
        assert watched.look().reason.startswith(f"{watched.source.name} is listed again at ")
        assert watched.found(watch.LISTED_EVERY_S) == ["2021-03"]
        assert watched.found(watch.LISTED_EVERY_S) == []

    def test_a_loaded_month_that_changes_is_found_and_others_are_not(self, watched: Watched, bucket: Bucket) -> None:
        self.put(bucket, "2021-01", b"one")
        self.put(bucket, "2021-02", b"one")
        watched.hold_what_is_there("2021-01", b"one")
        assert watched.found() == []
        self.put(bucket, "2021-01", b"other")
        self.put(bucket, "2021-02", b"other")
        assert watched.found(watch.LISTED_EVERY_S) == ["2021-01"]
        assert watched.found(watch.LISTED_EVERY_S) == []

    def test_older_months_come_where_they_are_asked_for(self, watched: Watched, bucket: Bucket) -> None:
        watched.since = Month(2021, 2)
        for month in ("2021-01", "2021-02", "2021-03"):
            self.put(bucket, month, b"one")
        assert watched.found() == ["2021-02", "2021-03"]
        assert watched.found(watch.LISTED_EVERY_S) == []

    def test_what_was_loaded_from_elsewhere_is_not_loaded_again_until_it_changes_here(
        self, watched: Watched, bucket: Bucket
    ) -> None:
        self.put(bucket, "2021-01", b"one")
        watched.hold(MonthSource("x.csv", "file:///x.csv", 3, "size=3", "green", Month(2021, 1)), b"one")
        assert watched.found() == []
        self.put(bucket, "2021-01", b"other")
        assert watched.found(watch.LISTED_EVERY_S) == ["2021-01"]


def test_the_sample_starts_nothing(tmp_path: Path) -> None:
    watched = Watched(SampleSource(), raw_store(tmp_path), GREEN)
    assert [watched.found(), watched.found(DAY)] == [[], []]
    assert watched.memory.newest == max(file.month.key for file in SampleSource().published(GREEN))
