"""Each rule at the edges of what it asks."""

from __future__ import annotations

import pyarrow as pa
import pytest

from taxi_platform.trips.oddities import oddities_of
from taxi_platform.trips.rules import REJECTING, applicable
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.trips.files import JANUARY, YELLOW, clean_rows, row

NAMES = [rule.name for rule in oddities_of(YELLOW.columns)]

PICKUP, DROPOFF = "tpep_pickup_datetime", "tpep_dropoff_datetime"

ASKED: list[tuple[str, dict[str, str], bool]] = [
    ("passenger_count_missing", {"passenger_count": ""}, True),
    ("passenger_count_missing", {"passenger_count": "9"}, False),
    ("fare_negative", {"fare_amount": "-0.01"}, True),
    ("fare_negative", {"fare_amount": "-0.001"}, False),
    ("fare_negative", {"fare_amount": ""}, False),
    ("pickup_outside_month", {PICKUP: "2021-01-01 00:00:00"}, False),
    ("pickup_outside_month", {PICKUP: "2021-01-31 23:59:59.999999", DROPOFF: "2021-02-01"}, False),
    ("pickup_outside_month", {PICKUP: "2020-12-31 23:59:59.999999"}, True),
    ("pickup_outside_month", {PICKUP: "2021-02-01 00:00:00", DROPOFF: "2021-02-01"}, True),
    ("pickup_outside_month", {PICKUP: ""}, False),
    ("dropoff_before_pickup", {PICKUP: "2021-01-05", DROPOFF: "2021-01-05"}, False),
    ("dropoff_before_pickup", {PICKUP: "2021-01-05 00:00:01", DROPOFF: "2021-01-05"}, True),
    ("dropoff_before_pickup", {DROPOFF: ""}, False),
    ("distance_impossible", {"trip_distance": "100"}, False),
    ("distance_impossible", {"trip_distance": "100.01"}, True),
    ("distance_impossible", {"trip_distance": "-0.01"}, True),
    ("distance_impossible", {"trip_distance": "-0"}, False),
    ("passenger_count_impossible", {"passenger_count": "9"}, False),
    ("passenger_count_impossible", {"passenger_count": "10"}, True),
    ("passenger_count_impossible", {"passenger_count": "-1"}, True),
    ("total_implausible", {"total_amount": "1000"}, False),
    ("total_implausible", {"total_amount": "1000.01"}, True),
    ("total_implausible", {"total_amount": "-1000.01"}, True),
    ("total_implausible", {"total_amount": ""}, False),
    ("duration_above_a_day", {PICKUP: "2021-01-05", DROPOFF: "2021-01-06"}, False),
    ("duration_above_a_day", {PICKUP: "2021-01-05", DROPOFF: "2021-01-06 00:00:01"}, True),
    ("duration_above_a_day", {PICKUP: "2021-01-05", DROPOFF: "3019-01-01"}, True),
    ("duration_above_a_day", {DROPOFF: ""}, False),
    ("location_id_unknown", {"PULocationID": "265", "DOLocationID": "1"}, False),
    ("location_id_unknown", {"PULocationID": "266"}, True),
    ("location_id_unknown", {"DOLocationID": "0"}, True),
    ("location_id_unknown", {"PULocationID": "", "DOLocationID": "0"}, True),
    ("location_id_unknown", {"PULocationID": "", "DOLocationID": ""}, False),
    ("vendor_id_unknown", {"VendorID": "7"}, False),
    ("vendor_id_unknown", {"VendorID": "3"}, False),
    ("vendor_id_unknown", {"VendorID": "5"}, True),
    ("vendor_id_unknown", {"VendorID": ""}, False),
    ("rate_code_id_unknown", {"RatecodeID": "99"}, False),
    ("rate_code_id_unknown", {"RatecodeID": "7"}, True),
    ("payment_type_unknown", {"payment_type": "0"}, False),
    ("payment_type_unknown", {"payment_type": "7"}, True),
    ("store_and_fwd_flag_unknown", {"store_and_fwd_flag": "Y"}, False),
    ("store_and_fwd_flag_unknown", {"store_and_fwd_flag": "*"}, True),
]


@pytest.mark.parametrize(("rule", "changes", "holds"), ASKED)
def test_an_oddity_is_kept_and_counted(rule: str, changes: dict[str, str], *, holds: bool) -> None:
    outcome = clean_rows(row(**changes), row())
    assert outcome.kept_rows == [1, 2]
    assert outcome.facts["observed"] == dict.fromkeys(NAMES, 0) | {rule: int(holds)}


@pytest.mark.parametrize(("count", "rejected"), [("0", True), ("0.0", True), ("1", False), ("", False), ("-1", False)])
def test_only_a_count_of_zero_is_rejected(count: str, *, rejected: bool) -> None:
    outcome = clean_rows(row(passenger_count=count))
    assert outcome.reasons == ([(1, "passenger_count_zero")] if rejected else [])


def test_an_oddity_of_a_rejected_row_is_not_counted() -> None:
    outcome = clean_rows(row(passenger_count="0", fare_amount="-5"))
    assert outcome.facts["observed"] == dict.fromkeys(NAMES, 0)


def test_a_place_far_away_is_counted_where_a_layout_has_coordinates() -> None:
    rule = next(rule for rule in oddities_of(YELLOW.columns) if rule.name == "coordinates_far_away")
    near = {"pickup_longitude": -73.9, "pickup_latitude": 40.7, "dropoff_longitude": -75.0, "dropoff_latitude": 42.0}
    places = [
        near,
        near | {"pickup_longitude": None},
        near | {"dropoff_latitude": 0.1},
        near | {"pickup_longitude": 73},
    ]
    columns = {name: pa.array([place[name] for place in places], pa.float64()) for name in near}
    assert rule.asks(columns, JANUARY).to_pylist() == [False, False, True, True]


def test_a_service_is_asked_what_its_columns_can_answer() -> None:
    assert applicable(REJECTING.values(), []) == []
    names = {name: [rule.name for rule in oddities_of(service.columns)] for name, service in SERVICES.items()}
    assert names["fhv"] == [
        "pickup_outside_month",
        "dropoff_before_pickup",
        "duration_above_a_day",
        "location_id_unknown",
        "shared_ride_flag_unknown",
    ]
    assert {"fare_negative", "distance_impossible", "hvfhs_license_num_unknown"} <= set(names["fhvhv"])
    assert {"trip_type_unknown", "coordinates_far_away"} <= set(names["green"])
    for service in names.values():
        assert len(service) == len(set(service))
