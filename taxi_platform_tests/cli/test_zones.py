"""The lookup of zones through the graph, and the views that join it to the trips."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from taxi_platform.resources.sources.sample.zones import zones_csv
from taxi_platform.trips.services import SERVICES
from taxi_platform.trips.zones import ZONES_FILE
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit import publisher_server as faults
from taxi_platform_tests.kit.publisher_server import PublisherServer

VIEW = "select column_name from (describe {}_trips_with_zones)"
BOROUGHS = (
    "select pickup_borough, count(*) from green_trips_with_zones where source_month = '2020-04-01' "
    "group by 1 order by 2 desc"
)


@pytest.fixture
def source(tmp_path: Path, shared: Path) -> Path:
    """A real month and the real lookup, as a folder of a publisher."""
    folder = tmp_path / "source"
    folder.mkdir()
    shutil.copy(shared / "publisher" / "green" / "green_tripdata_2020-04.csv.gz", folder)
    shutil.copy(shared / "zones" / ZONES_FILE, folder)
    return folder


def zones(project: Project, *options: str) -> dict[str, object]:
    """What `taxi load zones --json` says of them."""
    return json.loads(project.taxi("load", "zones", *options, "--json").out)["zones"]


def test_every_trip_is_there_once_with_the_names_of_its_zones(project: Project, source: Path) -> None:
    answer = project.taxi("load", "zones,green", "2020-04", "--source", str(source))
    assert answer.exit_code == 0, answer.err
    assert answer.out.splitlines()[0] == "265 zones loaded."
    assert project.rows("select count(*), sum(total_amount) from green_trips_with_zones") == project.rows(
        "select count(*), sum(total_amount) from green_trips"
    )
    trips = "(from green_trips where source_month = '2020-04-01')"
    expected = project.rows(
        f"select borough, count(*) from {trips} t join taxi_zones z on t.pickup_location_id = z.location_id "
        "group by 1 order by 2 desc"
    )
    assert project.rows(BOROUGHS) == expected
    assert [name for name, _ in expected][:3] == ["Manhattan", "Brooklyn", "Queens"]
    ends = "pickup_location_id, pickup_zone, dropoff_location_id, dropoff_zone, dropoff_service_zone"
    first = (
        f"select {ends} from green_trips_with_zones where pickup_location_id = 74 and dropoff_location_id = 42 limit 1"
    )
    assert project.rows(first) == [[74, "East Harlem North", 42, "Central Harlem North", "Boro Zone"]]


@pytest.mark.parametrize("first", ["zones", "months"])
def test_the_views_are_there_as_soon_as_trips_and_zones_are(project: Project, first: str) -> None:
    steps = [("zones",), ("all", "2021-01")]
    for words in steps if first == "zones" else steps[::-1]:
        assert project.taxi("load", *words, "--source", "sample").exit_code == 0
    for service in SERVICES:
        columns = [name for (name,) in project.rows(VIEW.format(service))]
        shown = [f"{end}_{detail}" for end in ("pickup", "dropoff") for detail in ("borough", "zone", "service_zone")]
        assert columns == [column.name for column in SERVICES[service].stored_columns] + shown


def test_the_view_follows_when_a_column_is_added_and_comes_back_when_it_is_dropped(project: Project) -> None:
    load = ("load", "zones,green", "2021-01", "--source", "sample")
    project.taxi(*load)
    with duckdb.connect(project.warehouse) as connection:
        connection.execute("alter table green_trips drop column tip_amount")
    assert "tip_amount" not in project.rows("select * from green_trips limit 1")
    project.taxi(*load, "--force")
    assert ["tip_amount"] in project.rows(VIEW.format("green"))
    with duckdb.connect(project.warehouse) as connection:
        connection.execute("drop view green_trips_with_zones")
    project.taxi(*load, "--force")
    assert ["tip_amount"] in project.rows(VIEW.format("green"))


def test_what_has_not_changed_is_not_moved_and_what_has_is_replaced_whole(project: Project, source: Path) -> None:
    at = ("--source", str(source))
    assert zones(project, *at) == {"status": "loaded", "rows": 265, "message": ""}
    lake = project.home / "lake" / "taxi_zones"
    names = sorted(path.name for path in lake.iterdir())
    assert zones(project, *at)["status"] == "unchanged"
    assert sorted(path.name for path in lake.iterdir()) == names
    assert (source / ZONES_FILE).read_bytes() in [path.read_bytes() for path in lake.glob("*.csv")]
    lines = (source / ZONES_FILE).read_bytes().splitlines(keepends=True)
    (source / ZONES_FILE).write_bytes(b"".join(lines[:101]))
    assert zones(project, *at) == {"status": "loaded", "rows": 100, "message": ""}
    assert project.rows("select count(*), count(distinct location_id) from taxi_zones") == [[100, 100]]
    assert project.rows("select rows from _taxi_months where table_name = 'taxi_zones'") == [[100]]


def test_a_broken_lookup_is_refused_and_the_old_one_stands(project: Project, source: Path) -> None:
    at = ("--source", str(source))
    zones(project, *at)
    (source / ZONES_FILE).write_text("<html>We will be back soon</html>")
    answer = project.taxi("load", "zones,green", "2020-04", *at)
    assert answer.exit_code == 1
    assert answer.sentence.startswith(f"zones failed: {ZONES_FILE} is no lookup of taxi zones: its header is")
    assert project.rows("select count(*) from taxi_zones") == [[265]]
    assert project.rows("select count(*) from green_trips") == [[35_480]]


def test_a_source_without_the_lookup_is_said_in_one_sentence(project: Project, publisher: Path) -> None:
    answer = project.taxi("load", "zones", "--source", str(publisher))
    assert answer.exit_code == 1
    assert answer.sentence == (
        f"zones missing: {publisher} has no {ZONES_FILE}, neither on its own nor in a folder zones or misc."
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("green",), "Which months of green? Name them: taxi load green 2021-01"),
        (("zones", "2021-01"), "The zones have no months: taxi load zones, or taxi load zones,green 2021-01"),
        (("zones,purple", "2021-01"), "There is no service 'purple'."),
    ],
)
def test_zones_have_no_months_and_services_have(project: Project, words: tuple[str, ...], sentence: str) -> None:
    answer = project.taxi("load", *words)
    assert answer.exit_code == 2
    assert answer.sentence.startswith(sentence)
    assert not project.home.exists()


@pytest.mark.parametrize("damage", ["table", "ledger", "object", "history"])
def test_what_is_deleted_by_hand_is_put_back(project: Project, damage: str) -> None:
    at = ("--source", "sample")
    zones(project, *at)
    if damage == "object":
        for path in (project.home / "lake" / "taxi_zones").glob("*.parquet"):
            path.unlink()
    elif damage == "history":
        shutil.rmtree(project.home / "dagster")
    else:
        statement = {"table": "drop table taxi_zones", "ledger": "delete from _taxi_months"}[damage]
        with duckdb.connect(project.warehouse) as connection:
            connection.execute(statement)
    assert zones(project, *at)["status"] == ("unchanged" if damage == "history" else "loaded")
    assert project.rows("select count(*) from taxi_zones") == [[265]]
    assert zones(project, *at)["status"] == "unchanged"


@pytest.mark.parametrize(
    ("name", "path"), [("tlc", "/misc/taxi_zone_lookup.csv"), ("datatalks", "/files/misc/taxi_zone_lookup.csv")]
)
def test_the_web_has_the_lookup_where_the_publishers_have_it(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = PublisherServer(tmp_path)
    try:
        server.contents[ZONES_FILE] = zones_csv()
        at = ("--source", f"{name}://?base={server.url}/files")
        assert [zones(project, *at)["status"] for _ in range(2)] == ["loaded", "unchanged"]
        assert [(one.method, one.path) for one in server.requests] == [("HEAD", path), ("GET", path), ("HEAD", path)]
        server.contents[ZONES_FILE] = faults.HTML
        answer = project.taxi("load", "zones", *at)
        assert "answered with a page, not with trips" in answer.sentence
        assert project.rows("select count(*) from taxi_zones") == [[265]]
    finally:
        server.close()
