"""How the values of each target column are made, keyed by the name that the column has here.

Whatever a layout calls a column and wherever it puts it: one entry in `MAKERS` makes it. No maker makes
dirt; `dirt.py` does that afterwards. What only for-hire vehicles have is made in `hire.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from taxi_platform.resources.sources.sample import hire
from taxi_platform.resources.sources.sample.draws import (
    between,
    chosen,
    happens,
    hundredths_of_miles,
    membership,
)
from taxi_platform.resources.sources.sample.habits import (
    JFK,
    LAGUARDIA,
    MILES_PER_HOUR,
    NEWARK,
    TIP_PERCENT,
    ZONES_SOUTH_OF_60TH,
    ZONES_SOUTH_OF_96TH,
)
from taxi_platform.resources.sources.sample.places import COORDINATES, coordinate
from taxi_platform.resources.sources.sample.words import HELD_OR_NOT_IS_UNKNOWN

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft
    from taxi_platform.resources.sources.sample.draws import IntArray

LABELS: Mapping[str, Sequence[str]] = {
    "store_and_fwd_flag": ("N", "Y"),
    "request_source": ("app", "street"),
    **hire.LABELS,
}
"""The texts behind the numbers of a `text` column."""

CMT, VTS = 1, 2
CARD, CASH, NO_CHARGE = 1, 2, 3
STANDARD_RATE, JFK_RATE, NEWARK_RATE, NEGOTIATED_RATE = 1, 2, 3, 5

_MILES_TO = {JFK: 1300, LAGUARDIA: 650, NEWARK: 1400}
"""What an airport adds to a distance, in hundredths of a mile."""


def _pickup_datetime(draft: Draft) -> IntArray:
    """The hour climbs with the row, the second within it does not: sorted as the publisher sorts."""
    until = draft.plan.pickups_until_hour
    position = np.arange(draft.first, draft.first + draft.rows, dtype=np.int64)
    hour = np.searchsorted(until, position * until[-1] // draft.part_rows, side="right") - 1
    second = between(draft.draws("pickup_datetime"), 0, 3600, draft.rows)
    if draft.in_block:
        second -= second % 60  # the rows that no meter wrote have whole minutes
    elif draft.plan.era.words:
        second -= np.where(draft["vendor_id"] == VTS, second % 60, 0)  # its meters told no seconds then
    pickup: IntArray = draft.plan.first_second + hour * 3600 + second
    return pickup


def _dropoff_datetime(draft: Draft) -> IntArray:
    speeds = np.array(MILES_PER_HOUR, dtype=np.int64)
    pickup = draft["pickup_datetime"]
    noise = between(draft.draws("dropoff_datetime"), 70, 150, draft.rows)
    driving = draft["trip_distance_miles"] * 36 * noise // (100 * speeds[_hour(pickup)])
    seconds = 45 + noise + driving
    if draft.in_block:
        seconds += -seconds % 60
    elif draft.plan.era.words:
        seconds += np.where(draft["vendor_id"] == VTS, -seconds % 60, 0)
    return pickup + seconds


def _trip_distance_miles(draft: Draft) -> IntArray:
    distance = hundredths_of_miles(draft.draws("trip_distance_miles"), draft.plan.habits.median_miles, draft.rows)
    start, end = draft["pickup_location_id"], draft["dropoff_location_id"]
    added = np.zeros(512, dtype=np.int64)
    added[list(_MILES_TO)] = list(_MILES_TO.values())
    distance = np.where(start == end, distance // 4, distance + np.maximum(added[start], added[end]))
    if draft.plan.service.name == "yellow":
        # The meters of VTS, later VeriFone, tell hundredths of a mile, the others tenths.
        distance = np.where(draft["vendor_id"] == VTS, distance, distance // 10 * 10)
    return distance


def _dropoff_location_id(draft: Draft) -> IntArray:
    draws = draft.draws("dropoff_location_id")
    zones = chosen(draws, draft.plan.habits.dropoff_zones, draft.rows)
    return np.where(happens(draws, 0.06, draft.rows), draft["pickup_location_id"], zones)


def _rate_code_id(draft: Draft) -> IntArray:
    start, end = draft["pickup_location_id"], draft["dropoff_location_id"]
    in_manhattan = membership(ZONES_SOUTH_OF_96TH)
    jfk = ((start == JFK) & in_manhattan[end]) | ((end == JFK) & in_manhattan[start])
    negotiated = happens(draft.draws("rate_code_id"), draft.plan.habits.negotiated_share, draft.rows)
    rate = np.where(negotiated, NEGOTIATED_RATE, STANDARD_RATE)
    return np.where(jfk, JFK_RATE, np.where((end == NEWARK) & (start != end), NEWARK_RATE, rate))


def _payment_type(draft: Draft) -> IntArray:
    if draft.in_block:
        return np.zeros(draft.rows, dtype=np.int64)  # flex fare, where the column is not empty there
    payments = draft.plan.era.payments or draft.plan.habits.payments
    return chosen(draft.draws("payment_type"), payments, draft.rows)


def _trip_type(draft: Draft) -> IntArray:
    return np.where(draft["rate_code_id"] == NEGOTIATED_RATE, 2, 1)


def _fare_amount(draft: Draft) -> IntArray:
    tariff, rate = draft.plan.tariff, draft["rate_code_id"]
    draws = draft.draws("fare_amount")
    seconds = draft["dropoff_datetime"] - draft["pickup_datetime"]
    fare = tariff.flag_drop + tariff.unit * (draft["trip_distance_miles"] // 20 + seconds // 180)
    fare = np.where(rate == JFK_RATE, tariff.jfk_flat, fare)
    fare = np.where(rate == NEGOTIATED_RATE, 100 * between(draws, 10, 90, draft.rows), fare)
    if draft.in_block:
        fare = fare * 9 // 8 + between(draws, 0, 200, draft.rows)  # agreed beforehand: any number of cents
    return fare


def _extra(draft: Draft) -> IntArray:
    tariff, pickup = draft.plan.tariff, draft["pickup_datetime"]
    hour = _hour(pickup)
    # 1970-01-01 was a Thursday: three days after a Monday.
    weekday = (pickup // 86_400 + 3) % 7
    night = np.where((hour >= 20) | (hour < 6), tariff.night, 0)
    extra = np.where((weekday < 5) & (hour >= 16) & (hour < 20), tariff.rush_hour, night)
    return np.where(draft["rate_code_id"] == NEGOTIATED_RATE, 0, extra) * (not draft.in_block)


def _mta_tax(draft: Draft) -> IntArray:
    untaxed = draft.in_block and draft.plan.service.name == "green"
    return np.where(draft["rate_code_id"] == NEGOTIATED_RATE, 0, draft.plan.tariff.mta_tax) * (not untaxed)


def _tip_amount(draft: Draft) -> IntArray:
    draws = draft.draws("tip_amount")
    percent = np.array(TIP_PERCENT, dtype=np.int64)[between(draws, 0, len(TIP_PERCENT), draft.rows)]
    base = draft["fare_amount"] + draft["extra"] + draft["mta_tax"] + draft["improvement_surcharge"]
    tip = base * percent // 100
    tip = np.where(happens(draws, 0.25, draft.rows), (tip + 50) // 100 * 100, tip)
    if draft.in_block:
        return np.where(happens(draws, 0.3, draft.rows), tip, 0)
    return np.where(draft["payment_type"] == CARD, tip, 0)


def _tolls_amount(draft: Draft) -> IntArray:
    crossed = happens(draft.draws("tolls_amount"), 0.35, draft.rows)
    return np.where(crossed & (draft["trip_distance_miles"] > 600), draft.plan.tariff.toll, 0)


def _improvement_surcharge(draft: Draft) -> IntArray:
    return np.full(draft.rows, draft.plan.tariff.improvement, dtype=np.int64)


def _congestion_surcharge(draft: Draft) -> IntArray:
    amount = draft.plan.tariff.congestion.get(draft.plan.service.name, 0)
    return np.where(_touches(draft, ZONES_SOUTH_OF_96TH), amount, 0)


def _airport_fee(draft: Draft) -> IntArray:
    start = draft["pickup_location_id"]
    amount = draft.plan.tariff.airport.get(draft.plan.service.name, 0)
    return np.where((start == JFK) | (start == LAGUARDIA), amount, 0)


def _cbd_congestion_fee(draft: Draft) -> IntArray:
    amount = draft.plan.tariff.cbd.get(draft.plan.service.name, 0)
    return np.where(_touches(draft, ZONES_SOUTH_OF_60TH), amount, 0)


def _total_amount(draft: Draft) -> IntArray:
    """The exact sum of what the row's other money columns say; an empty one counts as nothing."""
    total = np.zeros(draft.rows, dtype=np.int64)
    for column in draft.plan.columns:
        if column.type == "money" and column.name != "total_amount" and column.name not in draft.nulls:
            total += draft[column.name]
    return total


def _store_and_fwd_flag(draft: Draft) -> IntArray:
    draws = draft.draws("flag")
    held = happens(draws, 0.008, draft.rows).astype(np.int64)
    if HELD_OR_NOT_IS_UNKNOWN not in draft.plan.era.words.get("store_and_fwd_flag", {}):
        return held
    return np.where(happens(draws, 0.002, draft.rows), HELD_OR_NOT_IS_UNKNOWN, held)


def _vendor_id(draft: Draft) -> IntArray:
    return chosen(draft.draws("vendor_id"), draft.plan.era.vendors or draft.plan.habits.vendors, draft.rows)


def _touches(draft: Draft, zones: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = membership(zones)
    return inside[draft["pickup_location_id"]] | inside[draft["dropoff_location_id"]]


def _hour(seconds: IntArray) -> IntArray:
    return seconds % 86_400 // 3600


MAKERS: Mapping[str, Callable[[Draft], IntArray]] = {
    "vendor_id": _vendor_id,
    "pickup_datetime": _pickup_datetime,
    "dropoff_datetime": _dropoff_datetime,
    "passenger_count": lambda d: chosen(d.draws("passenger_count"), d.plan.habits.passengers, d.rows),
    "trip_distance_miles": _trip_distance_miles,
    "rate_code_id": _rate_code_id,
    "store_and_fwd_flag": _store_and_fwd_flag,
    "pickup_location_id": lambda d: chosen(d.draws("pickup_location"), d.plan.habits.pickup_zones, d.rows),
    "dropoff_location_id": _dropoff_location_id,
    "payment_type": _payment_type,
    "trip_type": _trip_type,
    "fare_amount": _fare_amount,
    "extra": _extra,
    "mta_tax": _mta_tax,
    "tip_amount": _tip_amount,
    "tolls_amount": _tolls_amount,
    "ehail_fee": lambda d: np.zeros(d.rows, dtype=np.int64),
    "improvement_surcharge": _improvement_surcharge,
    "total_amount": _total_amount,
    "congestion_surcharge": _congestion_surcharge,
    "airport_fee": _airport_fee,
    "cbd_congestion_fee": _cbd_congestion_fee,
    **{name: partial(coordinate, name=name) for name in COORDINATES},
    "request_source": lambda d: happens(d.draws("request_source"), 0.6, d.rows).astype(np.int64),
    "__index_level_0__": lambda d: np.arange(d.first, d.first + d.rows, dtype=np.int64),
    **hire.MAKERS,
}
