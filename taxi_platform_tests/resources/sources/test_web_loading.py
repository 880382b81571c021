"""Months of the web through the graph: what is asked of the publisher, and what stands in the warehouse then."""

from __future__ import annotations

import dataclasses
import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from taxi_platform.resources.sources.web import host
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.resources.sources.web.publishers import PUBLISHERS
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.publisher_server import SIGNATURE, PublisherServer

KEPT = {"2020-03": 223_112, "2020-04": 35_480, "2020-05": 57_208}
APRIL = "green_tripdata_2020-04.csv.gz"
MAY = "green_tripdata_2020-05.csv.gz"
HEAD_ROWS = 1000
TOTALS = "select source_month, round(sum(total_amount), 2) from green_trips group by 1 order by 1"
COUNTS = "select strftime(source_month, '%Y-%m'), count(*) from green_trips group by 1 order by 1"


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host, "_hosts", {})
    for name, publisher in PUBLISHERS.items():
        monkeypatch.setitem(PUBLISHERS, name, dataclasses.replace(publisher, min_interval_s=0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    threads = threading.active_count()
    yield
    assert threading.active_count() <= threads


@pytest.fixture(scope="module")
def heads(publisher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first thousand rows of real months, laid out as the publisher's."""
    folder = tmp_path_factory.mktemp("heads") / "green"
    folder.mkdir()
    for name in (APRIL, MAY):
        with gzip.open(publisher / "green" / name) as file:
            lines = [file.readline() for _ in range(HEAD_ROWS + 1)]
        (folder / name).write_bytes(gzip.compress(b"".join(lines)))
    for name in ("green_tripdata_2022-01.parquet", "green_tripdata_2023-02.parquet"):
        pq.write_table(pq.read_table(publisher / "green" / name).slice(0, HEAD_ROWS), folder / name)
    return folder.parent


@pytest.fixture
def github(heads: Path) -> Iterator[PublisherServer]:
    """Months behind redirects to signed addresses."""
    server = PublisherServer(heads, absent=404, redirects=True)
    yield server
    server.close()


@pytest.fixture
def tlc(heads: Path) -> Iterator[PublisherServer]:
    """Months where 403 says what is not there."""
    server = PublisherServer(heads)
    yield server
    server.close()


def uri(name: str, server: PublisherServer) -> str:
    return f"{name}://?base={server.url}/files"


def statuses(months: list[dict[str, str]]) -> dict[str, str]:
    return {month["month"]: month["status"] for month in months}


def methods(server: PublisherServer) -> list[str]:
    """The methods of the requests that a redirect or nothing answered, since the last time."""
    asked = [one.method for one in server.requests if one.path.startswith("/files/")]
    server.requests.clear()
    return asked


def test_three_months_are_fetched_once_and_found_unchanged_by_their_headers(
    project: Project, github: PublisherServer, publisher: Path
) -> None:
    github.folder = publisher  # the whole months
    source = uri("datatalks", github)
    first = project.load("green", "2020-03..2020-05", "--source", source)
    assert statuses(first) == dict.fromkeys(KEPT, "loaded"), first
    assert methods(github) == ["HEAD", "GET"] * 3
    assert project.rows(COUNTS) == [[month, kept] for month, kept in KEPT.items()]

    again = project.load("green", "2020-03..2020-05", "--source", source)
    assert statuses(again) == dict.fromkeys(KEPT, "unchanged")
    assert methods(github) == ["HEAD"] * 3

    states = project.states("--source", source, "--refresh")
    assert {state for (_, month, _), state in states.items() if month in KEPT} == {"current"}
    assert set(methods(github)) == {"HEAD"}
    assert not [path for path in project.home.rglob("*") if path.is_file() and SIGNATURE.encode() in path.read_bytes()]


def test_an_etag_that_changes_without_the_bytes_costs_one_download_and_changes_nothing(
    project: Project, github: PublisherServer
) -> None:
    project.settings["TAXI_SOURCE"] = uri("datatalks", github)
    project.load("green", "2020-04")
    versions = [path.name for path in (project.home / "lake").rglob("*.parquet")]
    github.requests.clear()
    github.etags[APRIL] = '"uploaded-again"'
    for asked in (["HEAD", "GET"], ["HEAD"]):
        assert statuses(project.load("green", "2020-04")) == {"2020-04": "unchanged"}
        assert methods(github) == asked
    assert [path.name for path in (project.home / "lake").rglob("*.parquet")] == versions


def test_other_bytes_replace_the_month(project: Project, github: PublisherServer) -> None:
    source = uri("datatalks", github)
    project.load("green", "2020-04,2020-05", "--source", source)
    old = project.rows(TOTALS)
    github.contents[APRIL] = github.content(MAY) or b""
    assert project.states("--source", source, "--refresh")["green", "2020-04", "raw"] == "changed"
    months = project.load("green", "2020-04,2020-05", "--source", source)
    assert statuses(months) == {"2020-04": "loaded", "2020-05": "unchanged"}
    (_, april), (_, may) = project.rows(TOTALS)
    assert april == may == old[1][1] != old[0][1]


def test_a_month_that_is_refused_is_missing_and_the_others_are_loaded(project: Project, tlc: PublisherServer) -> None:
    answer = project.taxi("load", "green", "2022-01,2024-06,2023-02", "--source", uri("tlc", tlc))
    assert answer.exit_code == 1
    assert answer.err == (
        f"taxi: green 2024-06 missing: tlc has no green 2024-06: {tlc.url}/files/green_tripdata_2024-06.parquet "
        "answered 403, which it also does when it is asked too often.\n"
    )
    assert [month for month, _ in project.rows(COUNTS)] == ["2022-01", "2023-02"]
    assert methods(tlc) == ["HEAD", "GET", "HEAD", "GET", "HEAD"]


def test_a_known_month_that_is_refused_is_no_missing_month(
    project: Project, tlc: PublisherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "wait_s", lambda *_: 0)
    (month,) = project.load("green", "2022-02", "--source", uri("tlc", tlc))
    assert month["status"] == "failed"
    assert "answered 403 as tlc does when it is asked too often (the month is known to be there)" in month["message"]
    assert methods(tlc)[:6] == ["HEAD"] * 6


def test_a_month_that_is_held_and_refused_is_no_missing_month(
    project: Project, tlc: PublisherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = uri("tlc", tlc)
    project.load("green", "2022-01", "--source", source)
    monkeypatch.setattr(host, "_hosts", {})  # another process
    tlc.spoil("green_tripdata_2022-01.parquet", faults.refuses())
    assert statuses(project.load("green", "2022-01", "--source", source)) == {"2022-01": "unchanged"}
    assert tlc.asked()[2:] == ["HEAD 403", "HEAD 200"]


def test_what_broke_off_is_resumed_and_the_month_is_whole(project: Project, github: PublisherServer) -> None:
    github.spoil(APRIL, faults.as_usual(), faults.cut_after(10_000))
    months = project.load("green", "2020-04", "--source", uri("datatalks", github))
    assert [month["rows_in"] for month in months] == [HEAD_ROWS]
    assert github.asked("/signed/") == ["HEAD 200", "GET 200", "GET bytes=10000- 206"]


def test_a_file_that_changes_between_the_look_and_the_download_is_looked_at_again(
    project: Project, github: PublisherServer
) -> None:
    def replaced(handler: faults.PublisherHandler, content: bytes) -> None:
        handler.serve(content)
        github.etags[APRIL] = '"new"'

    github.spoil(APRIL, replaced)
    months = project.load("green", "2020-04", "--source", uri("datatalks", github))
    assert statuses(months) == {"2020-04": "loaded"}
    assert methods(github) == ["HEAD", "GET"] * 2
    assert statuses(project.load("green", "2020-04", "--source", uri("datatalks", github))) == {"2020-04": "unchanged"}


def test_a_gzip_that_the_publisher_itself_cut_short_is_refused_and_what_stood_still_stands(
    project: Project, github: PublisherServer
) -> None:
    source = uri("datatalks", github)
    project.load("green", "2020-04", "--source", source)
    stood = project.rows(TOTALS)
    github.contents[APRIL] = (github.content(APRIL) or b"")[:10_000]
    (month,) = project.load("green", "2020-04", "--source", source)
    assert month["status"] == "failed"
    assert APRIL in month["message"]
    assert "Nothing was kept" in month["message"]
    assert methods(github) == ["HEAD", "GET"] * 2  # no retry: the file itself is broken
    assert project.rows(TOTALS) == stood


def test_an_error_page_in_place_of_a_month_is_refused(project: Project, tlc: PublisherServer) -> None:
    tlc.contents["green_tripdata_2022-01.parquet"] = faults.HTML
    (month,) = project.load("green", "2022-01", "--source", uri("tlc", tlc))
    assert month["status"] == "failed"
    assert "answered with a page, not with trips. Nothing was kept." in month["message"]
    assert not list((project.home / "raw").rglob("*.parquet"))
