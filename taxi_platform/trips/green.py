"""Green taxis as data: the schema and the layouts."""

from __future__ import annotations

from taxi_platform.trips import dictionary as d
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month

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
    d.PICKUP_LONGITUDE,
    d.PICKUP_LATITUDE,
    d.DROPOFF_LONGITUDE,
    d.DROPOFF_LATITUDE,
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
    d.VENDOR_AS_PUBLISHED,
    d.PAYMENT_AS_PUBLISHED,
)

_BLANK_LINE = "\n\r\n"

_OF_2013 = (
    "VendorID,lpep_pickup_datetime,Lpep_dropoff_datetime,Store_and_fwd_flag,RateCodeID,Pickup_longitude,"
    "Pickup_latitude,Dropoff_longitude,Dropoff_latitude,Passenger_count,Trip_distance,Fare_amount,Extra,MTA_tax,"
    "Tip_amount,Tolls_amount,Ehail_fee,Total_amount,Payment_type,Trip_type "
).split(",")

_OF_2015 = [*_OF_2013[:-3], "improvement_surcharge", *_OF_2013[-3:]]

_SINCE_2016_07 = (
    "VendorID lpep_pickup_datetime lpep_dropoff_datetime store_and_fwd_flag RatecodeID PULocationID DOLocationID "
    "passenger_count trip_distance fare_amount extra mta_tax tip_amount tolls_amount ehail_fee improvement_surcharge "
    "total_amount payment_type trip_type"
).split()

_SINCE_2019 = (*_SINCE_2016_07, "congestion_surcharge")

LAYOUTS = (
    Layout(
        "green-csv-2013",
        "csv",
        _OF_2013,
        Month(2013, 8),
        Month(2014, 12),
        header_end=_BLANK_LINE,
        empty_fields=2,
    ),
    Layout("green-csv-2015-01", "csv", _OF_2015, Month(2015, 1), Month(2015, 6), empty_fields=2),
    Layout("green-csv-2015-07", "csv", _OF_2015, Month(2015, 7), Month(2015, 12)),
    Layout("green-csv-2016-01", "csv", _OF_2015, Month(2016, 1), Month(2016, 6), header_end=_BLANK_LINE),
    Layout(
        "green-csv-2016-07",
        "csv",
        _SINCE_2016_07,
        Month(2016, 7),
        Month(2016, 12),
        header_end=_BLANK_LINE,
        empty_fields=2,
    ),
    Layout("green-csv-2017", "csv", _SINCE_2016_07, Month(2017, 1), Month(2018, 12), header_end=_BLANK_LINE),
    Layout("green-csv-2019", "csv", _SINCE_2019, Month(2019, 1)),
    Layout("green-parquet-2014", "parquet", _SINCE_2019, Month(2013, 8), Month(2024, 12)),
    Layout("green-parquet-2025", "parquet", (*_SINCE_2019, "cbd_congestion_fee"), Month(2025, 1)),
)
