"""Yellow taxis as data: the schema and the layouts."""

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
    d.VENDOR_AS_PUBLISHED,
    d.PAYMENT_AS_PUBLISHED,
)

_BLANK_LINE = "\n\r\n"
"""Some years a header ends in LF alone and an empty CRLF line follows it."""

_OF_2009 = (
    "vendor_name Trip_Pickup_DateTime Trip_Dropoff_DateTime Passenger_Count Trip_Distance Start_Lon Start_Lat "
    "Rate_Code store_and_forward End_Lon End_Lat Payment_Type Fare_Amt surcharge mta_tax Tip_Amt Tolls_Amt Total_Amt"
).split()

_OF_2010 = (
    "vendor_id pickup_datetime dropoff_datetime passenger_count trip_distance pickup_longitude pickup_latitude "
    "rate_code store_and_fwd_flag dropoff_longitude dropoff_latitude payment_type fare_amount surcharge mta_tax "
    "tip_amount tolls_amount total_amount"
).split()

_OF_2015 = (
    "VendorID tpep_pickup_datetime tpep_dropoff_datetime passenger_count trip_distance pickup_longitude "
    "pickup_latitude RateCodeID store_and_fwd_flag dropoff_longitude dropoff_latitude payment_type fare_amount extra "
    "mta_tax tip_amount tolls_amount improvement_surcharge total_amount"
).split()

_SINCE_2016_07 = (
    "VendorID tpep_pickup_datetime tpep_dropoff_datetime passenger_count trip_distance RatecodeID store_and_fwd_flag "
    "PULocationID DOLocationID payment_type fare_amount extra mta_tax tip_amount tolls_amount improvement_surcharge "
    "total_amount"
).split()

_SINCE_2019 = (*_SINCE_2016_07, "congestion_surcharge")

_SAVED_AGAIN = (
    "vendor_id pickup_datetime dropoff_datetime passenger_count trip_distance rate_code_id store_and_fwd_flag "
    "pickup_location_id dropoff_location_id payment_type fare_amount extra mta_tax tip_amount tolls_amount "
    "improvement_surcharge total_amount congestion_surcharge"
).split()

_TEXT_2009 = ("vendor_name", "payment_type", "store_and_forward")
_TEXT_2010 = ("vendor_id", "payment_type", "store_and_fwd_flag")

LAYOUTS = (
    Layout(
        "yellow-csv-2009",
        "csv",
        _OF_2009,
        Month(2009, 1),
        Month(2009, 12),
        text_codes=_TEXT_2009,
        header_end=_BLANK_LINE,
    ),
    Layout(
        "yellow-csv-2010",
        "csv",
        _OF_2010,
        Month(2010, 1),
        Month(2013, 12),
        text_codes=_TEXT_2010,
        header_end=_BLANK_LINE,
    ),
    Layout(
        "yellow-csv-2014",
        "csv",
        [_OF_2010[0], *(f" {name}" for name in _OF_2010[1:])],
        Month(2014, 1),
        Month(2014, 12),
        text_codes=_TEXT_2010,
        header_end=_BLANK_LINE,
    ),
    Layout("yellow-csv-2015-01", "csv", _OF_2015, Month(2015, 1), Month(2015, 6)),
    Layout(
        "yellow-csv-2015-07",
        "csv",
        [name.replace("RateCodeID", "RatecodeID") for name in _OF_2015],
        Month(2015, 7),
        Month(2016, 6),
    ),
    Layout("yellow-csv-2016-07", "csv", _SINCE_2016_07, Month(2016, 7), Month(2016, 12), empty_fields=2),
    Layout("yellow-csv-2017", "csv", _SINCE_2016_07, Month(2017, 1), Month(2018, 12), header_end=_BLANK_LINE),
    Layout("yellow-csv-2019", "csv", _SINCE_2019, Month(2019, 1)),
    Layout("yellow-csv-saved-again", "csv", _SAVED_AGAIN, Month(2017, 1)),
    Layout("yellow-parquet-2009", "parquet", _OF_2009, Month(2009, 1), Month(2009, 12), text_codes=_TEXT_2009),
    Layout("yellow-parquet-2010", "parquet", _OF_2010, Month(2010, 1), Month(2010, 12), text_codes=_TEXT_2010),
    Layout("yellow-parquet-2011", "parquet", (*_SINCE_2019, "airport_fee"), Month(2011, 1), Month(2024, 12)),
    Layout("yellow-parquet-2025", "parquet", (*_SINCE_2019, "Airport_fee", "cbd_congestion_fee"), Month(2025, 1)),
)
