"""The rows that a cleaner has to catch, at the rates of the published files or somewhat above.

Every kind is in every file of 100 rows or more. No row has two kinds, so that each can be counted. The rows
without a passenger count are not here: they are the block at the end of the file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from taxi_platform.resources.sources.sample.columns import CASH, NO_CHARGE
from taxi_platform.resources.sources.sample.draws import MISSING, between
from taxi_platform.resources.sources.sample.words import UNKNOWN_PAYMENT

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft
    from taxi_platform.resources.sources.sample.draws import Draws, IntArray

_EPOCH = dt.datetime(1970, 1, 1)
_2008 = int((dt.datetime(2008, 12, 31, 0, 2, 11) - _EPOCH).total_seconds())
_2041 = int((dt.datetime(2041, 8, 17, 16, 24, 38) - _EPOCH).total_seconds())
_3019 = int((dt.datetime(3019, 2, 3, 17, 30) - _EPOCH).total_seconds())
"""Beyond what a timestamp in nanoseconds can hold."""
_LONGEST = 25_977_757
"""259,777.57 miles, the longest trip that was ever published."""

Spoil = Callable[["Draft", "IntArray", "Draws"], None]


@dataclass(frozen=True)
class Dirt:
    """One kind of dirt.

    Attributes:
        share: Of the rows before the block, by service; a service that is not there has none of it.
        spoil: Called with the rows to spoil. The row after each of them belongs to it as well.
        needs: The column that is spoilt, where not every layout has it.
    """

    name: str
    share: Mapping[str, float]
    spoil: Spoil
    needs: str = ""


def soil(draft: Draft) -> None:
    """Make every column of `draft` but the sum of its money, and spoil some rows of them."""
    draft.make_all()  # before any is spoilt: a column must not follow from another one's dirt
    if draft.in_block:
        return
    service = draft.plan.service.name
    pairs = draft.draws("dirt").permutation(draft.rows // 2).astype(np.int64) * 2
    there = {"", *(column.name for column in draft.plan.columns)}
    used = 0
    for dirt in (kind for kind in KINDS if service in kind.share and kind.needs in there):
        count = _up_to(draft.first + draft.rows, dirt.share[service]) - _up_to(draft.first, dirt.share[service])
        # The last chunk of a file may be too short for what is due; the first one never is.
        rows = pairs[used : used + count]
        used += count
        dirt.spoil(draft, rows, draft.draws(dirt.name))


def _up_to(row: int, share: float) -> int:
    """How many rows of a kind lie before `row`: rounded up, so that the first is in the first chunk."""
    return int(-(-row * round(share * 1_000_000) // 1_000_000))


def _no_passengers(draft: Draft, rows: IntArray, _: Draws) -> None:
    draft["passenger_count"][rows] = 0


def _refund(draft: Draft, rows: IntArray, _: Draws) -> None:
    """The trip twice, first with every amount negated, as vendor 2 sends it."""
    draft["tip_amount"][rows + 1] = 0
    draft["payment_type"][rows + 1] = CASH
    draft["vendor_id"][rows + 1] = 2
    for column in draft.plan.columns:
        if column.name != "total_amount":
            values = draft[column.name]
            values[rows] = -values[rows + 1] if column.type == "money" else values[rows + 1]
    draft["payment_type"][rows] = NO_CHARGE


def _twice(draft: Draft, rows: IntArray, _: Draws) -> None:
    for column in draft.plan.columns:
        if column.name != "total_amount":
            values = draft[column.name]
            values[rows] = values[rows + 1]


def _no_fare(draft: Draft, rows: IntArray, _: Draws) -> None:
    for column in draft.plan.columns:
        if column.type == "money" and column.name != "total_amount":
            draft[column.name][rows] = 0


def _ends_first(draft: Draft, rows: IntArray, draws: Draws) -> None:
    early = between(draws, 1, 7200, len(rows))
    draft["dropoff_datetime"][rows] = draft["pickup_datetime"][rows] - early


def _too_far(draft: Draft, rows: IntArray, draws: Draws) -> None:
    digits = between(draws, 0, 4, len(rows))
    distances = between(draws, 10_001, 20_000, len(rows)) * 10**digits
    distances = np.minimum(distances, _LONGEST)
    distances[:1] = _LONGEST
    draft["trip_distance_miles"][rows] = distances


def _moved_to(start: int, hours: int) -> Spoil:
    """Pickups within `hours` from `start`, the first one at `start`; the trips last as long as before."""

    def spoil(draft: Draft, rows: IntArray, draws: Draws) -> None:
        moved = start + between(draws, 0, hours * 3600, len(rows))
        moved[:1] = start
        _move(draft, rows, moved)

    return spoil


def _the_night_before(draft: Draft, rows: IntArray, draws: Draws) -> None:
    _move(draft, rows, draft.plan.first_second - between(draws, 1, 7200, len(rows)))


def _move(draft: Draft, rows: IntArray, pickups: IntArray) -> None:
    moved = pickups - draft["pickup_datetime"][rows]
    for column in draft.plan.columns:
        if column.type == "time":
            times = draft[column.name][rows]
            draft[column.name][rows] = np.where(times == MISSING, MISSING, times + moved)


def _ends_in_3019(draft: Draft, rows: IntArray, _: Draws) -> None:
    draft["dropoff_datetime"][rows] = _3019


def _driver_pays(draft: Draft, rows: IntArray, _: Draws) -> None:
    draft["driver_pay"][rows] = -draft["driver_pay"][rows] - 1


def _no_miles(draft: Draft, rows: IntArray, _: Draws) -> None:
    draft["trip_miles"][rows] = 0


def _unknown_payment(draft: Draft, rows: IntArray, _: Draws) -> None:
    """In years of words alone: what is no number has no word."""
    if "payment_type" in draft.plan.era.words:
        draft["payment_type"][rows] = UNKNOWN_PAYMENT


def _ragged(draft: Draft, rows: IntArray, _: Draws) -> None:
    """One row with too few fields, the next with too many."""
    if draft.plan.era.ragged:
        draft.ragged = np.concatenate([rows, rows + 1])


def _of(services: str, share: float) -> Mapping[str, float]:
    return dict.fromkeys(services.split(), share)


_TAXIS = "yellow green"
_ALL = "yellow green fhv fhvhv"

KINDS: Sequence[Dirt] = (
    Dirt("no passengers", {"yellow": 0.02, "green": 0.004}, _no_passengers),
    Dirt("refund", _of(_TAXIS, 0.003), _refund),
    Dirt("twice", _of(_ALL, 0.0005), _twice),
    Dirt("no fare", _of(_TAXIS, 0.0015), _no_fare),
    Dirt("ends before it starts", _of(_ALL, 0.0003), _ends_first, needs="dropoff_datetime"),
    Dirt("too far", _of(_TAXIS, 0.0005), _too_far),
    Dirt("picked up in 2008", _of(_TAXIS + " fhv", 0.00003), _moved_to(_2008, 23)),
    Dirt("picked up in 2041", _of(_TAXIS, 0.00001), _moved_to(_2041, 2000)),
    Dirt("picked up the night before", _of(_ALL, 0.0001), _the_night_before),
    Dirt("paid in an unknown way", {"yellow": 0.0002}, _unknown_payment),
    Dirt("ragged", {"yellow": 0.00005}, _ragged),
    Dirt("ends in 3019", {"fhv": 0.0001}, _ends_in_3019, needs="dropoff_datetime"),
    Dirt("driver pays", {"fhvhv": 0.0005}, _driver_pays, needs="driver_pay"),
    Dirt("no miles", {"fhvhv": 0.001}, _no_miles, needs="trip_miles"),
)
