"""What is told of a month's looks is what its trips say, however they came."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pyarrow as pa

from taxi_platform.trips.months import Month
from taxi_platform.trips.portrait import FIRST_ROWS, LONGEST_VALUE, Portrait, shown
from taxi_platform_tests.trips.files import clean_bytes, clean_rows, csv_of, reading_by, row


def starting(*times: str) -> list[str]:
    return [row(tpep_pickup_datetime=time, tpep_dropoff_datetime="2021-01-31 23:59:59") for time in times]


TIMES = [
    "2021-01-01 00:00:00",
    "2021-01-01 00:59:59",
    "2021-01-17 13:30:00",
    "2021-01-31 23:59:59",
    "2020-12-31 23:59:59",
    "2021-02-01 00:00:00",
    "2041-08-17 12:00:00",
    "",
]


def test_trips_are_counted_by_day_and_hour_and_strays_apart() -> None:
    for block in (1 << 20, 1):
        with reading_by(block=block):
            seen = clean_rows(*starting(*TIMES)).facts["pickups"]
        assert {day: count for day, count in enumerate(seen["by_day"], 1) if count} == {1: 2, 17: 1, 31: 1}
        assert {hour: count for hour, count in enumerate(seen["by_hour"]) if count} == {0: 2, 13: 1, 23: 1}
        assert (len(seen["by_day"]), len(seen["by_hour"])) == (31, 24)
        assert (seen["earlier"], seen["later"], seen["missing"]) == (1, 2, 1)


def test_what_is_rejected_is_in_no_picture() -> None:
    outcome = clean_rows(*starting(*TIMES[:3]), row(passenger_count="0"), row(fare_amount="x"))
    seen = outcome.facts["pickups"]
    days = Counter(time.day for time in outcome.column("pickup_datetime"))
    assert {day: count for day, count in enumerate(seen["by_day"], 1) if count} == dict(days)
    assert sum(seen["by_day"]) == sum(seen["by_hour"]) == outcome.cleaned.kept == 3


def test_the_first_rows_that_are_kept_are_shown_without_what_is_missing() -> None:
    rows = [row(passenger_count="0"), row(tip_amount="1.5"), row(passenger_count=""), row(), row()]
    with reading_by(block=1):
        seen = clean_bytes(csv_of(*rows)).facts["first_rows"]
    assert [one["source_row"] for one in seen] == ["2", "3", "4"]
    assert len(seen) == FIRST_ROWS
    assert seen[0]["tip_amount"] == "1.50"
    assert "passenger_count" in seen[0]
    assert "passenger_count" not in seen[1]


def test_a_long_value_is_cut() -> None:
    portrait = Portrait(Month(2021, 2))
    portrait.take(pa.record_batch({"pickup_datetime": pa.nulls(1, pa.timestamp("us")), "flag": ["x" * 1000]}))
    facts = portrait.facts()
    assert facts["first_rows"] == [{"flag": "x" * (LONGEST_VALUE - 1) + "…"}]
    assert (len(facts["pickups"]["by_day"]), facts["pickups"]["missing"]) == (28, 1)


def test_the_earliest_and_the_latest_time_that_there_can_be_are_strays() -> None:
    portrait = Portrait(Month(2024, 2))
    times = pa.array([dt.datetime.min, dt.datetime.max, dt.datetime(2024, 2, 29, 23, 59)], pa.timestamp("us"))
    portrait.take(pa.record_batch({"pickup_datetime": times}))
    pickups = portrait.facts()["pickups"]
    assert (pickups["earlier"], pickups["later"], pickups["by_day"][28], pickups["by_hour"][23]) == (1, 1, 1, 1)


def test_where_exactly_somebody_was_picked_up_is_not_shown() -> None:
    assert shown("pickup_longitude", -73.911277) == "-73.9…"
    assert shown(" Start_Lat", "40.725448") == "40.7…"
    assert shown("trip_distance_miles", 1.2345) == "1.2345"
    assert shown("platform_flag", "1.2345") == "1.2345"
