"""Green taxis as data: the schema and the layouts."""

from __future__ import annotations

from taxi_platform.trips import dictionary as d
from taxi_platform.trips.layouts import Layout

COLUMNS = (
    d.VENDOR_ID,
    d.PICKUP_DATETIME,
    d.DROPOFF_DATETIME,
    d.PASSENGER_COUNT,
    d.TRIP_DISTANCE_MILES,
    d.RATE_CODE_ID,
    d.STORE_AND_FWD_FLAG,
    d.PICKUP_LOCATION_ID,
    d.DROPOFF_LOCATION_ID,
    d.PAYMENT_TYPE,
    d.TRIP_TYPE,
    d.FARE_AMOUNT,
    d.EXTRA,
    d.MTA_TAX,
    d.TIP_AMOUNT,
    d.TOLLS_AMOUNT,
    d.EHAIL_FEE,
    d.IMPROVEMENT_SURCHARGE,
    d.TOTAL_AMOUNT,
    d.CONGESTION_SURCHARGE,
    d.CBD_CONGESTION_FEE,
)

_SINCE_2019 = (
    "VendorID",
    "lpep_pickup_datetime",
    "lpep_dropoff_datetime",
    "store_and_fwd_flag",
    "RatecodeID",
    "PULocationID",
    "DOLocationID",
    "passenger_count",
    "trip_distance",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "ehail_fee",
    "improvement_surcharge",
    "total_amount",
    "payment_type",
    "trip_type",
    "congestion_surcharge",
)

LAYOUTS = (
    Layout("green-csv-2019", "csv", _SINCE_2019, "2019-01.."),
    Layout("green-parquet-2014", "parquet", _SINCE_2019, "2014-01..2024-12"),
    Layout("green-parquet-2025", "parquet", (*_SINCE_2019, "cbd_congestion_fee"), "2025-01.."),
)
