"""Each rule at the edges of what it asks."""

from __future__ import annotations

import pytest

from taxi_platform.trips.rules import COUNTING, REJECTING, applicable
from taxi_platform_tests.trips.files import clean_rows, row

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
]


@pytest.mark.parametrize(("rule", "changes", "holds"), ASKED)
def test_an_oddity_is_kept_and_counted(rule: str, changes: dict[str, str], *, holds: bool) -> None:
    outcome = clean_rows(row(**changes), row())
    assert outcome.kept_rows == [1, 2]
    assert outcome.facts["observed"] == dict.fromkeys(COUNTING, 0) | {rule: int(holds)}


@pytest.mark.parametrize(("count", "rejected"), [("0", True), ("0.0", True), ("1", False), ("", False), ("-1", False)])
def test_only_a_count_of_zero_is_rejected(count: str, *, rejected: bool) -> None:
    outcome = clean_rows(row(passenger_count=count))
    assert outcome.reasons == ([(1, "passenger_count_zero")] if rejected else [])


def test_an_oddity_of_a_rejected_row_is_not_counted() -> None:
    outcome = clean_rows(row(passenger_count="0", fare_amount="-5"))
    assert outcome.facts["observed"] == dict.fromkeys(COUNTING, 0)


def test_a_service_without_the_columns_is_not_asked() -> None:
    assert applicable(COUNTING, ["pickup_datetime"]) == [COUNTING["pickup_outside_month"]]
    assert applicable(REJECTING, []) == []
