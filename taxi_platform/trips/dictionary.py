"""Columns that yellow and green taxis have in common, from TLC's data dictionaries."""

from __future__ import annotations

from taxi_platform.trips.schema import Column

DOLLARS = "US dollars"
WALL_CLOCK = "New York wall-clock without a zone"


def money(name: str, meaning: str, *, since: str = "", older_names: tuple[str, ...] = ()) -> Column:
    """A money column that the publisher calls by the same name today."""
    return Column(name, "money", meaning, unit=DOLLARS, since=since, sources=(name, *older_names))


def coordinate(name: str, meaning: str, *sources: str) -> Column:
    """A coordinate as TLC published it until 2016-06. Exact places of people: handle with care."""
    return Column(name, "number", meaning, unit="degrees, WGS 84", sources=(name, *sources), zero_is_missing=True)


VENDOR_ID = Column(
    "vendor_id",
    "id",
    "Provider of the record",
    codes={1: "CMT", 2: "Curb (VeriFone before)", 3: "DDS", 4: "seen 2018-2020", 6: "Myle", 7: "Helix"},
    sources=("vendorid", "vendor_id", "vendor_name"),
    spellings={"cmt": 1, "vts": 2, "dds": 3},
    unmapped_to="vendor_as_published",
)
VENDOR_AS_PUBLISHED = Column(
    "vendor_as_published", "text", "What the publisher wrote for the vendor where it is no known code; else empty"
)
PICKUP_DATETIME = Column(
    "pickup_datetime",
    "time",
    "When the trip began; of a taxi, when the meter was engaged",
    unit=WALL_CLOCK,
    sources=(
        "tpep_pickup_datetime",
        "lpep_pickup_datetime",
        "trip_pickup_datetime",
        "pickup_datetime",
        "pickup_date",
    ),
)
DROPOFF_DATETIME = Column(
    "dropoff_datetime",
    "time",
    "When the trip ended; of a taxi, when the meter was disengaged",
    unit=WALL_CLOCK,
    sources=("tpep_dropoff_datetime", "lpep_dropoff_datetime", "trip_dropoff_datetime", "dropoff_datetime"),
)
PASSENGER_COUNT = Column(
    "passenger_count",
    "id",
    "Passengers in the vehicle, as the driver entered it",
    sources=("passenger_count",),
)
TRIP_DISTANCE_MILES = Column(
    "trip_distance_miles", "number", "Distance by the taximeter", unit="miles", sources=("trip_distance",)
)
RATE_CODE_ID = Column(
    "rate_code_id",
    "id",
    "Final rate code at the end of the trip",
    codes={
        1: "standard",
        2: "JFK",
        3: "Newark",
        4: "Nassau or Westchester",
        5: "negotiated",
        6: "group ride",
        99: "unknown",
    },
    sources=("ratecodeid", "rate_code", "rate_code_id"),
)
STORE_AND_FWD_FLAG = Column(
    "store_and_fwd_flag",
    "text",
    "Whether the record was held in the vehicle before it was sent, for want of a connection",
    codes={"Y": "held", "N": "not held"},
    sources=("store_and_fwd_flag", "store_and_forward"),
    spellings={"y": "Y", "n": "N", "1": "Y", "0": "N", "1.0": "Y", "0.0": "N"},
)
PICKUP_LOCATION_ID = Column(
    "pickup_location_id",
    "id",
    "TLC taxi zone of the pickup; 264 and 265 unknown",
    sources=("pulocationid", "pickup_location_id", "locationid"),
)
DROPOFF_LOCATION_ID = Column(
    "dropoff_location_id",
    "id",
    "TLC taxi zone of the drop-off; 264 and 265 unknown",
    sources=("dolocationid", "dropoff_location_id"),
)
PAYMENT_TYPE = Column(
    "payment_type",
    "id",
    "How the passenger paid",
    codes={
        0: "flex fare",
        1: "credit card",
        2: "cash",
        3: "no charge",
        4: "dispute",
        5: "unknown",
        6: "voided",
    },
    sources=("payment_type",),
    spellings={
        **dict.fromkeys(("credit", "cre", "crd"), 1),
        **dict.fromkeys(("cash", "csh", "cas"), 2),
        **dict.fromkeys(("no charge", "noc", "no"), 3),
        **dict.fromkeys(("dispute", "dis"), 4),
        **dict.fromkeys(("unknown", "unk", "na"), 5),
    },
    unmapped_to="payment_as_published",
)
PAYMENT_AS_PUBLISHED = Column(
    "payment_as_published", "text", "What the publisher wrote for the payment where it is no known code; else empty"
)
PICKUP_LONGITUDE = coordinate("pickup_longitude", "Longitude of the pickup, until 2016-06", "start_lon")
PICKUP_LATITUDE = coordinate("pickup_latitude", "Latitude of the pickup, until 2016-06", "start_lat")
DROPOFF_LONGITUDE = coordinate("dropoff_longitude", "Longitude of the drop-off, until 2016-06", "end_lon")
DROPOFF_LATITUDE = coordinate("dropoff_latitude", "Latitude of the drop-off, until 2016-06", "end_lat")
TRIP_TYPE = Column(
    "trip_type",
    "id",
    "Whether the trip was hailed in the street or dispatched",
    codes={1: "street hail", 2: "dispatch"},
    sources=("trip_type",),
)
FARE_AMOUNT = money("fare_amount", "Fare by time and distance, as the meter computed it", older_names=("fare_amt",))
EXTRA = money("extra", "Miscellaneous extras and surcharges", older_names=("surcharge",))
MTA_TAX = money("mta_tax", "MTA tax that the metered rate triggers")
TIP_AMOUNT = money("tip_amount", "Tip by credit card; cash tips are not included", older_names=("tip_amt",))
TOLLS_AMOUNT = money("tolls_amount", "All tolls paid on the trip", older_names=("tolls_amt",))
EHAIL_FEE = money("ehail_fee", "E-hail fee; never in use since 2013, empty in most files")
IMPROVEMENT_SURCHARGE = money("improvement_surcharge", "Improvement surcharge at the flag drop", since="2015-01")
TOTAL_AMOUNT = money(
    "total_amount", "Total charged to the passenger; cash tips are not included", older_names=("total_amt",)
)
CONGESTION_SURCHARGE = money("congestion_surcharge", "New York State congestion surcharge", since="2019-01")
AIRPORT_FEE = money("airport_fee", "Pickup at LaGuardia and John F. Kennedy airports", since="2011-01, as Parquet")
CBD_CONGESTION_FEE = money("cbd_congestion_fee", "MTA congestion relief zone charge", since="2025-01")
