"""What is odd about a trip and yet no reason to lose it: kept as it came, counted, and shown by checks that warn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from taxi_platform.trips.months import Month
from taxi_platform.trips.rules import Asks, Rule, applicable
from taxi_platform.trips.schema import Column
from taxi_platform.trips.zones import ENDS, UNKNOWN_ZONES

if TYPE_CHECKING:
    import pyarrow as pa

MILES = (0, 100)
"""No trip of a New York taxi is longer (the longest fare zones end within 100 miles)."""

PASSENGERS = (0, 9)
"""The largest taxi takes five, and a child on a lap; up to nine are seen in vans."""

DOLLARS = (-1000, 1000)
LONGITUDES, LATITUDES = (-75.0, -72.0), (39.5, 42.0)
"""The city and everywhere a taxi may go from it. Where the publisher wrote 0, nothing is known and nothing is odd."""

LONGEST = dt.timedelta(days=1)


def oddities_of(columns: Sequence[Column]) -> list[Rule]:
    """What is counted of the trips of a service with these columns."""
    return [*implausible_values(columns), *unknown_values(columns)]


def implausible_values(columns: Sequence[Column]) -> list[Rule]:
    """Numbers and times that can hardly be."""
    return applicable(_IMPLAUSIBLE, [column.name for column in columns])


def unknown_values(columns: Sequence[Column]) -> list[Rule]:
    """Codes and zones that are in no dictionary."""
    zones = applicable([_UNKNOWN_ZONE], [column.name for column in columns])
    return [*zones, *(_unknown_code(column) for column in columns if column.codes)]


def _outside(column: str, limits: tuple[float, float]) -> Asks:
    def asks(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
        import pyarrow.compute as pc

        return pc.or_(pc.less(trips[column], limits[0]), pc.greater(trips[column], limits[1]))

    return asks


def _any_of(*questions: Asks) -> Asks:
    """Whether one of them is true; what cannot be asked of a row is not."""

    def asks(trips: Mapping[str, pa.Array], month: Month) -> pa.Array:
        import pyarrow.compute as pc

        first, *others = (pc.fill_null(question(trips, month), False) for question in questions)
        for other in others:
            first = pc.or_(first, other)
        return first

    return asks


def _negative(column: str) -> Asks:
    def asks(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
        import pyarrow.compute as pc

        return pc.less(trips[column], 0)

    return asks


def _missing(column: str) -> Asks:
    def asks(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
        import pyarrow.compute as pc

        return pc.is_null(trips[column])

    return asks


def _outside_month(trips: Mapping[str, pa.Array], month: Month) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    times = trips["pickup_datetime"]
    first, following = (
        pa.scalar(dt.datetime.combine(day, dt.time()), times.type) for day in (month.first_day, month.plus(1).first_day)
    )
    return pc.or_(pc.less(times, first), pc.greater_equal(times, following))


def _backwards(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    return pc.less(trips["dropoff_datetime"], trips["pickup_datetime"])


def _endless(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    latest = pc.add(trips["pickup_datetime"].cast(pa.int64()), LONGEST // dt.timedelta(microseconds=1))
    return pc.greater(trips["dropoff_datetime"].cast(pa.int64()), latest)


def _unknown_code(column: Column) -> Rule:
    """Whether a column has a value that is none of its codes; a missing one is not."""

    def asks(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        values = trips[column.name]
        return pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(list(column.codes), values.type))))

    codes = ", ".join(str(code) for code in column.codes)
    return Rule(f"{column.name}_unknown", f"Neither empty nor one of {codes}", (column.name,), asks)


_UNKNOWN_ZONE = Rule(
    "location_id_unknown",
    f"Picked up or dropped off in a zone that is none of 1 to {UNKNOWN_ZONES[-1]}",
    tuple(ENDS.values()),
    _any_of(*(_outside(column, (1, UNKNOWN_ZONES[-1])) for column in ENDS.values())),
)

_IMPLAUSIBLE = (
    Rule("passenger_count_missing", "Nobody entered a count", ("passenger_count",), _missing("passenger_count")),
    Rule(
        "passenger_count_impossible",
        f"Below {PASSENGERS[0]} or above {PASSENGERS[1]} passengers",
        ("passenger_count",),
        _outside("passenger_count", PASSENGERS),
    ),
    Rule("fare_negative", "A refund or a correction", ("fare_amount",), _negative("fare_amount")),
    Rule("fare_negative", "A refund or a correction", ("base_passenger_fare",), _negative("base_passenger_fare")),
    Rule(
        "total_implausible",
        f"Below {DOLLARS[0]:,} or above {DOLLARS[1]:,} US dollars",
        ("total_amount",),
        _outside("total_amount", DOLLARS),
    ),
    Rule(
        "pickup_outside_month",
        "Picked up in another month than the file's",
        ("pickup_datetime",),
        _outside_month,
    ),
    Rule(
        "dropoff_before_pickup",
        "The trip ends before it starts",
        ("pickup_datetime", "dropoff_datetime"),
        _backwards,
    ),
    Rule(
        "duration_above_a_day",
        "The trip ends more than 24 hours after it starts",
        ("pickup_datetime", "dropoff_datetime"),
        _endless,
    ),
    *(
        Rule("distance_impossible", f"Below {MILES[0]} or above {MILES[1]} miles", (column,), _outside(column, MILES))
        for column in ("trip_distance_miles", "trip_miles")
    ),
    Rule(
        "coordinates_far_away",
        f"Not between {LONGITUDES[0]:g} and {LONGITUDES[1]:g}, {LATITUDES[0]:g} and {LATITUDES[1]:g} degrees",
        ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude"),
        _any_of(
            *(_outside(f"{end}_longitude", LONGITUDES) for end in ENDS),
            *(_outside(f"{end}_latitude", LATITUDES) for end in ENDS),
        ),
    ),
)
