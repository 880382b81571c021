"""High-volume for-hire services (Uber, Lyft, Via, Juno) as data: the schema and the layouts."""

from __future__ import annotations

from collections.abc import Mapping

from taxi_platform.trips import dictionary as d
from taxi_platform.trips.fhv import DISPATCHING_BASE_NUM, SHARED_RIDE_FLAG
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column

_YES_NO: Mapping[int | str, str] = {"Y": "yes", "N": "no"}


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning, codes=_YES_NO, sources=(name,), spellings={"y": "Y", "n": "N"})


COLUMNS = (
    Column(
        "hvfhs_license_num",
        "text",
        "TLC licence number of the high-volume service",
        codes={"HV0002": "Juno", "HV0003": "Uber", "HV0004": "Via", "HV0005": "Lyft"},
        sources=("hvfhs_license_num",),
    ),
    DISPATCHING_BASE_NUM,
    Column(
        "originating_base_num",
        "text",
        "TLC licence number of the base that received the request",
        sources=("originating_base_num",),
    ),
    Column(
        "request_datetime",
        "time",
        "When the passenger asked to be picked up",
        unit=d.WALL_CLOCK,
        sources=("request_datetime",),
    ),
    Column(
        "on_scene_datetime",
        "time",
        "When the driver arrived, of accessible vehicles",
        unit=d.WALL_CLOCK,
        sources=("on_scene_datetime",),
    ),
    d.PICKUP_DATETIME,
    d.DROPOFF_DATETIME,
    d.PICKUP_LOCATION_ID,
    d.DROPOFF_LOCATION_ID,
    Column("trip_miles", "miles", "Distance of the trip", unit="miles", sources=("trip_miles",)),
    Column("trip_time_seconds", "seconds", "Duration of the trip", unit="seconds", sources=("trip_time",)),
    d.money("base_passenger_fare", "Fare before tolls, tips, taxes and fees"),
    d.money("tolls", "All tolls paid on the trip"),
    d.money("bcf", "Collected for the Black Car Fund"),
    d.money("sales_tax", "New York State sales tax"),
    d.CONGESTION_SURCHARGE,
    d.money("airport_fee", "Pickup or drop-off at LaGuardia, Newark and John F. Kennedy airports"),
    d.money("tips", "Tips"),
    d.money("driver_pay", "What the driver was paid, without tolls and tips"),
    d.CBD_CONGESTION_FEE,
    _flag("shared_request_flag", "Whether the passenger agreed to share the ride"),
    _flag("shared_match_flag", "Whether the ride was shared"),
    Column(
        "access_a_ride_flag",
        "text",
        "Whether the trip was administered for the MTA",
        codes={**_YES_NO, " ": "not told"},
        sources=("access_a_ride_flag",),
        spellings={"y": "Y", "n": "N"},
    ),
    _flag("wav_request_flag", "Whether a wheelchair-accessible vehicle was asked for"),
    _flag("wav_match_flag", "Whether the vehicle was wheelchair-accessible"),
    SHARED_RIDE_FLAG,
)

_OF_2019 = (
    "hvfhs_license_num dispatching_base_num pickup_datetime dropoff_datetime PULocationID DOLocationID SR_Flag"
).split()

_SINCE_2020_07 = (
    "hvfhs_license_num dispatching_base_num originating_base_num request_datetime on_scene_datetime pickup_datetime "
    "dropoff_datetime PULocationID DOLocationID trip_miles trip_time base_passenger_fare tolls bcf sales_tax "
    "congestion_surcharge airport_fee tips driver_pay shared_request_flag shared_match_flag access_a_ride_flag "
    "wav_request_flag wav_match_flag"
).split()

LAYOUTS = (
    Layout(
        "fhvhv-csv-2019",
        "csv",
        _OF_2019,
        Month(2019, 2),
        Month(2020, 6),
    ),
    Layout("fhvhv-csv-2020-07", "csv", _SINCE_2020_07, Month(2020, 7)),
    Layout("fhvhv-parquet-2019", "parquet", _SINCE_2020_07, Month(2019, 2), Month(2024, 12)),
    Layout("fhvhv-parquet-2025", "parquet", (*_SINCE_2020_07, "cbd_congestion_fee"), Month(2025, 1)),
)
