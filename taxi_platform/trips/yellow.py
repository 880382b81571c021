"""Yellow taxis as data: the schema and the layouts."""

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
    d.FARE_AMOUNT,
    d.EXTRA,
    d.MTA_TAX,
    d.TIP_AMOUNT,
    d.TOLLS_AMOUNT,
    d.IMPROVEMENT_SURCHARGE,
    d.TOTAL_AMOUNT,
    d.CONGESTION_SURCHARGE,
    d.AIRPORT_FEE,
    d.CBD_CONGESTION_FEE,
)

_SINCE_2019 = (
    "VendorID",
    "tpep_pickup_datetime",
    "tpep_dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "RatecodeID",
    "store_and_fwd_flag",
    "PULocationID",
    "DOLocationID",
    "payment_type",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "improvement_surcharge",
    "total_amount",
    "congestion_surcharge",
)

LAYOUTS = (
    Layout("yellow-csv-2019", "csv", _SINCE_2019, "2019-01.."),
    Layout("yellow-parquet-2011", "parquet", (*_SINCE_2019, "airport_fee"), "2011-01..2024-12"),
    Layout("yellow-parquet-2025", "parquet", (*_SINCE_2019, "Airport_fee", "cbd_congestion_fee"), "2025-01.."),
)
