"""Every layout since 2009, on the first lines of the original files: recognised, and not one row lost."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service
from taxi_platform_tests.trips.files import clean_bytes, clean_path

HEADS = 77


def heads(shared: Path) -> list[Path]:
    return sorted((shared / "heads").glob("*/*.csv"))


def service_and_month(path: Path) -> tuple[Service, Month]:
    name, _, rest = path.name.partition("_tripdata_")
    return SERVICES[name], Month.parse(rest[:7])


def records_by_another_reader(path: Path) -> list[list[str]]:
    """The data records as Python's own reader has them: an independent count."""
    with path.open(newline="") as file:
        return [record for record in csv.reader(file) if record][1:]


def test_the_head_of_every_original_file_is_kept_row_by_row(shared: Path) -> None:
    files = heads(shared)
    assert len(files) == HEADS
    seen: Counter[str] = Counter()
    for path in files:
        service, month = service_and_month(path)
        outcome = clean_path(path, service.name, month)
        records = records_by_another_reader(path)
        no_passenger = sum(
            record[at] == "0"
            for at, name in enumerate(_header(path))
            if name.strip().lower() == "passenger_count"
            for record in records
        )
        assert outcome.cleaned.rows_in == len(records), path.name
        assert outcome.cleaned.rejected == Counter({"passenger_count_zero": no_passenger} if no_passenger else {})
        assert outcome.cleaned.kept == len(records) - no_passenger
        assert outcome.plan.recognised.unknown == ()
        assert outcome.plan.recognised.layout.was_used_in(month), (path.name, outcome.plan.recognised.layout.id)
        assert outcome.trips.column("pickup_datetime").null_count == 0
        seen[outcome.plan.recognised.layout.id] += 1
    declared = {one.id for s in SERVICES.values() for one in s.layouts if one.kind == "csv"}
    assert declared - set(seen) == {"yellow-csv-saved-again", "fhvhv-csv-2020-07"}


def _header(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return next(csv.reader(file))


def all_layouts() -> list[tuple[Service, Layout]]:
    return [(service, one) for service in SERVICES.values() for one in service.layouts]


@pytest.mark.parametrize(("service", "one"), all_layouts(), ids=[one.id for _, one in all_layouts()])
def test_every_name_of_a_layout_has_a_column(service: Service, one: Layout) -> None:
    known = {source for column in service.columns for source in column.sources}
    assert {name.strip().lower() for name in one.header} <= known


def test_no_two_columns_of_a_service_claim_the_same_published_name() -> None:
    for service in SERVICES.values():
        claims = Counter(source for column in service.columns for source in column.sources)
        assert {name: count for name, count in claims.items() if count > 1} == {}


def test_words_of_2009_become_codes_and_unknown_words_are_kept_as_they_came(shared: Path) -> None:
    original = (shared / "heads/yellow/yellow_tripdata_2009-01.csv").read_bytes()
    trips = clean_bytes(original, month=Month(2009, 1)).trips.to_pylist()
    assert [(t["vendor_id"], t["payment_type"]) for t in trips] == [(2, 2), (2, 1), (2, 1), (3, 1)]
    assert trips[0]["pickup_longitude"] == -73.991956999999999
    assert str(trips[0]["total_amount"]) == "9.40"

    strange = original.replace(b"CASH", b"Barter").replace(b"VTS", b"XYZ")
    trips = clean_bytes(strange, month=Month(2009, 1)).trips.to_pylist()
    assert (trips[0]["payment_type"], trips[0]["payment_as_published"]) == (None, "Barter")
    assert [(t["vendor_id"], t["vendor_as_published"]) for t in trips][:2] == [(None, "XYZ"), (None, "XYZ")]
    assert trips[3]["vendor_as_published"] is None


def test_a_zero_coordinate_is_a_missing_one(shared: Path) -> None:
    trips = clean_path(shared / "heads/green/green_tripdata_2014-01.csv", "green", Month(2014, 1)).trips
    first = trips.to_pylist()[0]
    assert (first["pickup_longitude"], first["pickup_latitude"]) == (None, None)
    assert first["dropoff_longitude"] == -73.865043640136719


def test_the_base_of_a_2018_for_hire_trip_is_read_from_where_it_is(shared: Path) -> None:
    trips = clean_path(shared / "heads/fhv/fhv_tripdata_2018-01.csv", "fhv", Month(2018, 1)).trips
    assert trips.column("dispatching_base_num").to_pylist()[:3] == ["B02884"] * 3


def test_high_volume_trips_keep_their_miles_and_seconds_exactly(publisher: Path) -> None:
    trips = clean_path(publisher / "fhvhv/fhvhv_tripdata_2024-01.csv", "fhvhv", Month(2024, 1)).trips
    assert [str(miles) for miles in trips.column("trip_miles").to_pylist()] == ["2.830", "1.570", "1.980"]
    assert trips.column("trip_time_seconds").to_pylist() == [2251, 432, 731]
