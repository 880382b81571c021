"""Columns that yellow and green taxis have in common, from TLC's data dictionaries."""

from __future__ import annotations

from taxi_platform.trips.schema import Column

DOLLARS = "US dollars"
WALL_CLOCK = "New York wall-clock without a zone"


def money(name: str, meaning: str, *, since: str = "") -> Column:
    """A money column that the publisher calls by the same name."""
    return Column(name, "money", meaning, unit=DOLLARS, since=since, sources=(name,))


VENDOR_ID = Column(
    "vendor_id",
    "id",
    "Provider of the record",
    codes={1: "CMT", 2: "Curb (VeriFone before)", 4: "seen 2018-2020", 6: "Myle", 7: "Helix"},
    sources=("vendorid",),
)
PICKUP_DATETIME = Column(
    "pickup_datetime",
    "time",
    "When the meter was engaged",
    unit=WALL_CLOCK,
    sources=("tpep_pickup_datetime", "lpep_pickup_datetime"),
)
DROPOFF_DATETIME = Column(
    "dropoff_datetime",
    "time",
    "When the meter was disengaged",
    unit=WALL_CLOCK,
    sources=("tpep_dropoff_datetime", "lpep_dropoff_datetime"),
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
    sources=("ratecodeid",),
)
STORE_AND_FWD_FLAG = Column(
    "store_and_fwd_flag",
    "text",
    "Whether the record was held in the vehicle before it was sent, for want of a connection",
    codes={"Y": "held", "N": "not held"},
    sources=("store_and_fwd_flag",),
)
PICKUP_LOCATION_ID = Column(
    "pickup_location_id", "id", "TLC taxi zone of the pickup; 264 and 265 unknown", sources=("pulocationid",)
)
DROPOFF_LOCATION_ID = Column(
    "dropoff_location_id",
    "id",
    "TLC taxi zone of the drop-off; 264 and 265 unknown",
    sources=("dolocationid",),
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
)
TRIP_TYPE = Column(
    "trip_type",
    "id",
    "Whether the trip was hailed in the street or dispatched",
    codes={1: "street hail", 2: "dispatch"},
    sources=("trip_type",),
)
FARE_AMOUNT = money("fare_amount", "Fare by time and distance, as the meter computed it")
EXTRA = money("extra", "Miscellaneous extras and surcharges")
MTA_TAX = money("mta_tax", "MTA tax that the metered rate triggers")
TIP_AMOUNT = money("tip_amount", "Tip by credit card; cash tips are not included")
TOLLS_AMOUNT = money("tolls_amount", "All tolls paid on the trip")
EHAIL_FEE = money("ehail_fee", "E-hail fee; never in use since 2013, empty in most files")
IMPROVEMENT_SURCHARGE = money("improvement_surcharge", "Improvement surcharge at the flag drop", since="2015-01")
TOTAL_AMOUNT = money("total_amount", "Total charged to the passenger; cash tips are not included")
CONGESTION_SURCHARGE = money("congestion_surcharge", "New York State congestion surcharge", since="2019-01")
AIRPORT_FEE = money("airport_fee", "Pickup at LaGuardia and John F. Kennedy airports", since="2011-01, as Parquet")
CBD_CONGESTION_FEE = money("cbd_congestion_fee", "MTA congestion relief zone charge", since="2025-01")
