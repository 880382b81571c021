"""Months of the web through the graph: what is asked of the publisher, and what stands in the warehouse then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_platform.resources.sources.web import host
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.publisher_server import SIGNATURE, PublisherServer

KEPT = {"2020-03": 223_112, "2020-04": 35_480, "2020-05": 57_208}
APRIL = "green_tripdata_2020-04.csv.gz"
COUNTS = "select strftime(source_month, '%Y-%m'), count(*) from green_trips group by 1 order by 1"


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host, "_hosts", {})
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    threads = threading.active_count()
    yield
    assert threading.active_count() <= threads


@pytest.fixture
def github(publisher: Path) -> Iterator[PublisherServer]:
    """The real months behind redirects to signed addresses."""
    server = PublisherServer(publisher, absent=404, redirects=True)
    yield server
    server.close()


@pytest.fixture
def tlc(publisher: Path) -> Iterator[PublisherServer]:
    """The real months where 403 says what is not there."""
    server = PublisherServer(publisher)
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
    project: Project, github: PublisherServer
) -> None:
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


def test_other_bytes_replace_the_month(project: Project, github: PublisherServer, publisher: Path) -> None:
    source = uri("datatalks", github)
    project.load("green", "2020-04,2020-05", "--source", source)
    github.contents[APRIL] = (publisher / "green" / "green_tripdata_2020-05.csv.gz").read_bytes()
    assert project.states("--source", source, "--refresh")["green", "2020-04", "raw"] == "changed"
    months = project.load("green", "2020-04,2020-05", "--source", source)
    assert statuses(months) == {"2020-04": "loaded", "2020-05": "unchanged"}
    assert project.rows(COUNTS) == [["2020-04", KEPT["2020-05"]], ["2020-05", KEPT["2020-05"]]]


def test_a_month_that_is_refused_is_missing_and_the_others_are_loaded(project: Project, tlc: PublisherServer) -> None:
    answer = project.taxi("load", "green", "2022-01,2022-02,2023-02", "--source", uri("tlc", tlc))
    assert answer.exit_code == 1
    assert answer.err.splitlines() == [
        f"taxi: green 2022-02 missing: tlc has no green 2022-02: {tlc.url}/files/green_tripdata_2022-02.parquet "
        "answered 403, which it also does when it is asked too often."
    ]
    assert project.rows(COUNTS) == [["2022-01", 62_495 - 214], ["2023-02", 64_809 - 370]]
    assert methods(tlc) == ["HEAD", "GET", "HEAD", "HEAD", "GET"]


def test_what_broke_off_is_resumed_and_the_month_is_whole(project: Project, github: PublisherServer) -> None:
    github.spoil(APRIL, faults.as_usual(), faults.cut_after(100_000))
    months = project.load("green", "2020-04", "--source", uri("datatalks", github))
    assert [month["rows_kept"] for month in months] == [KEPT["2020-04"]]
    assert github.asked("/signed/") == ["HEAD 200", "GET 200", "GET bytes=100000- 206"]


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
    project: Project, github: PublisherServer, publisher: Path
) -> None:
    source = uri("datatalks", github)
    project.load("green", "2020-04", "--source", source)
    github.contents[APRIL] = (publisher / "green" / APRIL).read_bytes()[:300_000]
    (month,) = project.load("green", "2020-04", "--source", source)
    assert month["status"] == "failed"
    assert APRIL in month["message"]
    assert "Nothing was kept" in month["message"]
    assert methods(github) == ["HEAD", "GET"] * 2  # no retry: the file itself is broken
    assert project.rows(COUNTS) == [["2020-04", KEPT["2020-04"]]]


def test_an_error_page_in_place_of_a_month_is_refused(project: Project, tlc: PublisherServer) -> None:
    tlc.contents["green_tripdata_2022-01.parquet"] = faults.HTML
    (month,) = project.load("green", "2022-01", "--source", uri("tlc", tlc))
    assert month["status"] == "failed"
    assert "answered with a page, not with trips. Nothing was kept." in month["message"]
    assert not list((project.home / "raw").rglob("*.parquet"))
