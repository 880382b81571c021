"""Rules about trips, by name: which rows are rejected, and which oddities are kept but counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxi_platform.trips.months import Month

if TYPE_CHECKING:
    import pyarrow as pa

IMPOSSIBLE_MILES = 100.0
"""No trip of a New York taxi is longer (the longest fare zones end within 100 miles)."""


@dataclass(frozen=True)
class Rule:
    """A named question asked of each trip.

    Attributes:
        needs: Columns without which the question makes no sense; a service that lacks one is not asked.
        asks: Gives a boolean array (null counts as no) from a trip's columns and the month of the file.
    """

    name: str
    meaning: str
    needs: Sequence[str]
    asks: Callable[[Mapping[str, pa.Array], Month], pa.Array]


def _passenger_count_zero(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    return pc.equal(trips["passenger_count"], 0)


def _negative_fare(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    return pc.less(trips["fare_amount"], 0)


def _outside_month(trips: Mapping[str, pa.Array], month: Month) -> pa.Array:
    import datetime as dt

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


def _impossible_distance(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    miles = trips["trip_distance_miles"]
    return pc.or_(pc.less(miles, 0.0), pc.greater(miles, IMPOSSIBLE_MILES))


def _passenger_count_missing(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    return pc.is_null(trips["passenger_count"])


REJECTING = {
    rule.name: rule
    for rule in (
        Rule(
            "passenger_count_zero",
            "No passenger on board; a missing count is kept",
            ("passenger_count",),
            _passenger_count_zero,
        ),
    )
}
"""Rows of which one of these is true are rejected, with its name as the reason. All are on by default."""

COUNTING = {
    rule.name: rule
    for rule in (
        Rule(
            "passenger_count_missing",
            "Nobody entered a count",
            ("passenger_count",),
            _passenger_count_missing,
        ),
        Rule("fare_negative", "A refund or a correction", ("fare_amount",), _negative_fare),
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
            "distance_impossible",
            f"Below 0 or above {IMPOSSIBLE_MILES:.0f} miles",
            ("trip_distance_miles",),
            _impossible_distance,
        ),
    )
}
"""Rows of which one of these is true are kept as they came, and counted."""

DEFAULT_RULES = tuple(REJECTING)


def applicable(rules: Mapping[str, Rule], columns: Sequence[str]) -> list[Rule]:
    """Those of `rules` that can be asked of a table with `columns`."""
    return [rule for rule in rules.values() if set(rule.needs) <= set(columns)]
