"""Marts: what they hold is what the trips say, they follow their month, and an old one is seen to be old."""

from __future__ import annotations

import gzip
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import dagster as dg
import pytest

from taxi_platform.assets.mart_picture import markdown
from taxi_platform.assets.marts import adds_up, mart_key
from taxi_platform.assets.month_picture import INLINE
from taxi_platform.assets.zone_days import ZoneDays, ZoneTotal
from taxi_platform.automation.instance import open_instance
from taxi_platform.definitions import build_definitions, stores_of
from taxi_platform.settings import Settings
from taxi_platform.trips.by_zone_and_day import mart_version
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.conftest import Project, make_project, on_postgres
from taxi_platform_tests.kit.postgres_server import PostgresServer

ONE, OTHER = "sample://?rows=400", "sample://?rows=400&seed=9"
OF_TRIPS = """
select source_month, cast(pickup_datetime as date) as day, pickup_location_id, count(*), sum({revenue})
from {table} group by 1, 2, 3 order by 1, 2, 3 nulls last
"""
OF_MART = "select * from {table}_by_zone_and_day order by source_month, pickup_date, pickup_location_id nulls last"
TOTALS = "select cast(sum(trips) as bigint), cast(sum(revenue) as varchar) from green_trips_by_zone_and_day"
OF_MONTH = "select count(*), cast(sum(total_amount) as varchar) from green_trips"


def told(project: Project, service: str, month: str) -> dict[str, Any]:
    with open_instance(project.folder) as instance:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(mart_key(SERVICES[service]), asset_partitions=[month]), limit=1
        ).records
        metadata = records[0].asset_materialization.metadata
        return {name: getattr(value, "value", value) for name, value in metadata.items()}


def state(project: Project, month: str = "2021-01") -> str | None:
    return project.states().get(("green", month, "marts"))


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A month of each service and the zones, with marts; of yellow and fhv also one of old."""
    project = make_project(tmp_path_factory.mktemp("marts"))
    (project.folder / ".env").write_text(f"TAXI_SOURCE={ONE}\nTAXI_MARTS=on\n")
    assert project.taxi("load", "zones,all", "2021-01").exit_code == 0
    assert project.taxi("load", "yellow,fhv", "2015-06").exit_code == 0
    return project


@pytest.fixture
def loaded(loaded_once: Project, tmp_path: Path) -> Project:
    return Project(shutil.copytree(loaded_once.folder, tmp_path / "loaded"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_mart_holds_what_the_trips_sum_up_to(loaded_once: Project, service: str) -> None:
    table, revenue = SERVICES[service].table, SERVICES[service].revenue_column or "cast(null as decimal)"
    found = loaded_once.rows(OF_MART.format(table=table))
    assert found == loaded_once.rows(OF_TRIPS.format(table=table, revenue=revenue))
    assert len(found) > 50


def test_trips_without_a_zone_have_a_row_of_their_own(loaded_once: Project) -> None:
    found = loaded_once.rows(
        "select pickup_location_id, sum(trips) from yellow_trips_by_zone_and_day "
        "where source_month = date '2015-06-01' group by 1"
    )
    month = told(loaded_once, "yellow", "2015-06")
    assert found == [[None, month["trips"]]]  # files of then have coordinates, and no zones
    assert (month["trips_without_zone"], month["zones_with_trips"]) == (month["trips"], 0)


def test_a_view_names_the_zones(loaded_once: Project) -> None:
    view, mart = "yellow_trips_by_zone_and_day_with_zones", "yellow_trips_by_zone_and_day"
    ((rows, named),) = loaded_once.rows(f"select count(*), count(pickup_zone) from {view}")
    assert [[rows]] == loaded_once.rows(f"select count(*) from {mart}")
    assert 0 < named < rows


def test_a_month_tells_its_zones_in_numbers_and_in_a_picture(loaded_once: Project) -> None:
    said = told(loaded_once, "yellow", "2021-01")
    ((trips, revenue),) = loaded_once.rows(
        "select count(*), cast(sum(total_amount) as varchar) from yellow_trips where source_month = date '2021-01-01'"
    )
    assert (said["trips"], said["revenue"]) == (trips, float(revenue))
    assert said["version"] == mart_version(str(said["made_from"]))
    assert re.match(rf"{trips:,} trips began in \d+ zones, and brought in [\d,.]+ dollars", str(said["zones"]))
    assert len(str(said["zones"])) < INLINE
    assert "revenue" not in told(loaded_once, "fhv", "2021-01")
    first = said["top_zones"].records[0].data
    assert [[int(first["zone"]), int(first["trips"])]] == loaded_once.rows(
        "select pickup_location_id, count(*) from yellow_trips where source_month = date '2021-01-01' "
        "group by 1 order by 2 desc, 1 limit 1"
    )
    assert f"{first['name']}: {first['trips']}" in unquote(str(said["zones"]))


def test_a_load_without_marts_makes_none_and_status_says_nothing_of_them(project: Project) -> None:
    project.settings["TAXI_SOURCE"] = ONE
    assert "marts" not in project.load("green", "2021-01")[0]["seconds"]
    assert {stage for _, _, stage in project.states()} == {"raw", "cleaned", "lake", "warehouse"}
    (month,) = project.load("green", "2021-01", "--marts")  # afterwards: nothing else has to move
    assert (month["status"], state(project)) == ("loaded", "current")
    (month,) = project.load("green", "2021-01", "--marts")
    assert (month["status"], list(month["seconds"])[-1]) == ("unchanged", "marts")
    assert project.rows(TOTALS) == project.rows(OF_MONTH)


def test_a_mart_follows_its_month_and_an_old_one_is_seen_to_be_old(loaded: Project) -> None:
    before = loaded.rows(TOTALS)
    loaded.settings["TAXI_MARTS"] = "off"
    assert loaded.load("green", "2021-01", "--source", OTHER)[0]["status"] == "loaded"
    assert (state(loaded), loaded.rows(TOTALS)) == ("stale", before)
    assert "stale" in loaded.taxi("status").out
    loaded.settings["TAXI_MARTS"] = "on"
    assert loaded.load("green", "2021-01", "--source", OTHER)[0]["status"] == "loaded"
    assert (state(loaded), loaded.rows(TOTALS)) == ("current", loaded.rows(OF_MONTH))
    assert loaded.rows(TOTALS) != before
    assert told(loaded, "green", "2021-01")["outcome"] == "replaced"


@pytest.mark.long
def test_a_version_that_is_brought_back_brings_back_its_mart(loaded: Project) -> None:
    before = loaded.rows(TOTALS)
    assert loaded.load("green", "2021-01", "--source", OTHER)[0]["status"] == "loaded"
    old = str(told(loaded, "green", "2021-01")["version_before"]).partition("_")[0]
    assert loaded.taxi("versions", "green", "2021-01", "--restore", old).exit_code == 0
    assert (state(loaded), loaded.rows(TOTALS)) == ("current", before)


def test_what_was_deleted_by_hand_is_seen_and_put_back(loaded: Project) -> None:
    import duckdb

    with duckdb.connect(loaded.warehouse) as connection:
        connection.execute("delete from green_trips_by_zone_and_day where pickup_location_id = 74")
    assert state(loaded) == "damaged"
    settings = Settings.read({}, loaded.folder)
    stores = stores_of(settings)
    check = adds_up(SERVICES["green"], stores.lake.current("green_trips", "2021-01"), stores.warehouse)
    assert not check.passed
    assert "in the mart: trips" in str(check.description)
    assert loaded.load("green", "2021-01")[0]["status"] == "loaded"
    assert (state(loaded), loaded.rows(TOTALS)) == ("current", loaded.rows(OF_MONTH))


@pytest.mark.long
def test_an_empty_month_has_an_empty_mart(project: Project) -> None:
    folder = project.folder / "publisher"
    folder.mkdir()
    project.load("green", "2021-01", "--source", ONE)
    (raw,) = project.home.glob("raw/green_trips/source_month=2021-01/*.csv.gz")
    header = gzip.decompress(raw.read_bytes()).splitlines(keepends=True)[0]
    (folder / "green_tripdata_2021-01.csv").write_bytes(header)
    (month,) = project.load("green", "2021-01", "--source", str(folder), "--marts")
    assert (month["status"], month["rows_in"], month["message"][:20]) == ("loaded", 0, "it is not what it wa")
    assert (state(project), project.rows("select count(*) from green_trips_by_zone_and_day")) == ("current", [[0]])
    assert str(told(project, "green", "2021-01")["zones"]) == "No trip in 2021-01."


def test_jobs_sensors_and_schedules_make_marts_where_they_are_wanted(project: Project) -> None:
    for marts in (False, True):
        settings = Settings.read({"TAXI_MARTS": "on" if marts else "off"}, project.folder)
        repository = build_definitions(settings).get_repository_def()
        keys = repository.get_job("load_green").asset_layer.executable_asset_keys
        assert (mart_key(SERVICES["green"]) in keys) == marts
        assert len(keys) == 4 + marts


@pytest.mark.long
def test_postgres_has_the_same_marts(
    loaded_once: Project, postgres18: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    schema = f"of_{request.node.name}"[:60]
    project = on_postgres(make_project(tmp_path / "project"), postgres18, schema)
    project.settings.update(TAXI_SOURCE=ONE, TAXI_MARTS="on")
    try:
        assert [month["status"] for month in project.load("green,fhv", "2021-01")] == ["loaded"] * 2
        for table in ("green_trips", "fhv_trips"):
            assert project.rows(OF_MART.format(table=table)) == [
                row for row in loaded_once.rows(OF_MART.format(table=table)) if row[0] == "2021-01-01"
            ]
        assert project.load("green", "2021-01", "--source", OTHER)[0]["status"] == "loaded"
        assert project.rows(TOTALS) == project.rows(OF_MONTH)
        assert project.load("green", "2021-01", "--source", OTHER)[0]["status"] == "unchanged"
    finally:
        postgres18.ask(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def test_the_picture_is_shown_in_place_whatever_the_zones_are_called() -> None:
    name = "Governor's Island/Ellis Island/Liberty & <Island> (100%)"
    top = [ZoneTotal(at, name, "Manhattan", 20_123_456 - at, Decimal("1.50")) for at in range(10)]
    found = ZoneDays(None, 201_234_560, Decimal("12345678901.23"), 263, 5, top)
    text = markdown("2021-01", found)
    assert len(text) < INLINE
    address = re.search(r"!\[zones\]\(data:image/svg\+xml,([^() \n\"<>#]*)\)$", text)
    labels = [one.text for one in ET.fromstring(unquote(address[1])).iter("{http://www.w3.org/2000/svg}text")]
    assert labels[0] == "Governor's Island/Ellis I…: 20,123,456"
