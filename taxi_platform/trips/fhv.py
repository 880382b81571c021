"""For-hire vehicles (bases that are no high-volume services) as data: the schema and the layouts."""

from __future__ import annotations

from taxi_platform.trips import dictionary as d
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column

SHARED_RIDE_FLAG = Column(
    "shared_ride_flag",
    "id",
    "Whether the trip was part of a shared ride that a high-volume service sold; empty for others",
    codes={1: "shared"},
    sources=("sr_flag",),
)

# In 2018 the base is in "..._number", and "..._num" is there but empty.
DISPATCHING_BASE_NUM = Column(
    "dispatching_base_num",
    "text",
    "TLC licence number of the base that dispatched the trip",
    sources=("dispatching_base_num", "dispatching_base_number"),
)

COLUMNS = (
    DISPATCHING_BASE_NUM,
    d.PICKUP_DATETIME,
    d.DROPOFF_DATETIME,
    d.PICKUP_LOCATION_ID,
    d.DROPOFF_LOCATION_ID,
    SHARED_RIDE_FLAG,
    Column(
        "affiliated_base_number",
        "text",
        "TLC licence number of the base with which the vehicle is affiliated",
        since="2015-01, as Parquet",
        sources=("affiliated_base_number",),
    ),
)

_OF_2017 = "Dispatching_base_num Pickup_DateTime DropOff_datetime PUlocationID DOlocationID".split()

LAYOUTS = (
    Layout(
        "fhv-csv-2015", "csv", ("Dispatching_base_num", "Pickup_date", "locationID"), Month(2015, 1), Month(2016, 12)
    ),
    Layout("fhv-csv-2017-01", "csv", _OF_2017, Month(2017, 1), Month(2017, 6)),
    Layout("fhv-csv-2017-07", "csv", (*_OF_2017, "SR_Flag"), Month(2017, 7), Month(2017, 12), quoted=True),
    Layout(
        "fhv-csv-2018",
        "csv",
        (*_OF_2017[1:], "SR_Flag", "Dispatching_base_number", "Dispatching_base_num"),
        Month(2018, 1),
        Month(2018, 12),
        quoted=True,
    ),
    Layout(
        "fhv-csv-2019",
        "csv",
        "dispatching_base_num pickup_datetime dropoff_datetime PULocationID DOLocationID SR_Flag".split(),
        Month(2019, 1),
    ),
    Layout(
        "fhv-parquet-2015",
        "parquet",
        (
            "dispatching_base_num pickup_datetime dropOff_datetime PUlocationID DOlocationID SR_Flag "
            "Affiliated_base_number"
        ).split(),
        Month(2015, 1),
    ),
)
