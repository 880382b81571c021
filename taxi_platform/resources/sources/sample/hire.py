"""How the columns are made that only for-hire vehicles have, keyed as in `columns.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taxi_platform.resources.sources.sample.bases import BASES, LICENSE_OF_BASE, LICENSES, UBER
from taxi_platform.resources.sources.sample.draws import between, chosen, happens

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft
    from taxi_platform.resources.sources.sample.draws import IntArray

_YES_NO = ("N", "Y")
_NOT_TOLD = 2

LABELS: Mapping[str, Sequence[str]] = {
    "hvfhs_license_num": LICENSES,
    "dispatching_base_num": BASES,
    "originating_base_num": BASES,
    "affiliated_base_number": BASES,
    "shared_request_flag": _YES_NO,
    "shared_match_flag": _YES_NO,
    "access_a_ride_flag": (*_YES_NO, " "),
    "wav_request_flag": _YES_NO,
    "wav_match_flag": _YES_NO,
}


def _license(draft: Draft) -> IntArray:
    return np.array(LICENSE_OF_BASE, dtype=np.int64)[draft["dispatching_base_num"]]


def _affiliated_base_number(draft: Draft) -> IntArray:
    draws = draft.draws("affiliated_base_number")
    others = chosen(draws, draft.plan.habits.bases, draft.rows)
    return np.where(happens(draws, 0.2, draft.rows), others, draft["dispatching_base_num"])


def _request_datetime(draft: Draft) -> IntArray:
    return draft["pickup_datetime"] - between(draft.draws("request_datetime"), 60, 900, draft.rows)


def _on_scene_datetime(draft: Draft) -> IntArray:
    waited = draft["pickup_datetime"] - draft["request_datetime"]
    return draft["pickup_datetime"] - waited * between(draft.draws("on_scene_datetime"), 0, 60, draft.rows) // 100


def _trip_miles(draft: Draft) -> IntArray:
    """To the thousandth."""
    return draft["trip_distance_miles"] * 10 + between(draft.draws("trip_miles"), 0, 10, draft.rows)


def _base_passenger_fare(draft: Draft) -> IntArray:
    demand = between(draft.draws("base_passenger_fare"), 80, 160, draft.rows)
    seconds = draft["trip_time_seconds"]
    fare: IntArray = (255 + draft["trip_miles"] * 175 // 1000 + seconds * 58 // 60) * demand // 100
    return fare


def _tips(draft: Draft) -> IntArray:
    draws = draft.draws("tips")
    percent = between(draws, 10, 26, draft.rows)
    return np.where(happens(draws, 0.16, draft.rows), draft["base_passenger_fare"] * percent // 100, 0)


def _shared_match_flag(draft: Draft) -> IntArray:
    return draft["shared_request_flag"] * _yes(0.4)(draft)


def _access_a_ride_flag(draft: Draft) -> IntArray:
    return np.where(draft["hvfhs_license_num"] == UBER, _NOT_TOLD, _yes(0.001)(draft))


def _yes(share: float) -> Callable[[Draft], IntArray]:
    return lambda draft: happens(draft.draws(f"yes {share}"), share, draft.rows).astype(np.int64)


MAKERS: Mapping[str, Callable[[Draft], IntArray]] = {
    "dispatching_base_num": lambda d: chosen(d.draws("base"), d.plan.habits.bases, d.rows),
    "shared_ride_flag": lambda d: np.ones(d.rows, dtype=np.int64),
    "affiliated_base_number": _affiliated_base_number,
    "hvfhs_license_num": _license,
    "originating_base_num": lambda d: d["dispatching_base_num"].copy(),
    "request_datetime": _request_datetime,
    "on_scene_datetime": _on_scene_datetime,
    "trip_miles": _trip_miles,
    "trip_time_seconds": lambda d: d["dropoff_datetime"] - d["pickup_datetime"],
    "base_passenger_fare": _base_passenger_fare,
    "tolls": lambda d: d["tolls_amount"].copy(),
    "bcf": lambda d: d["base_passenger_fare"] * 3 // 100,
    "sales_tax": lambda d: d["base_passenger_fare"] * 8875 // 100_000,
    "tips": _tips,
    "driver_pay": lambda d: d["base_passenger_fare"] * between(d.draws("driver_pay"), 60, 95, d.rows) // 100,
    "shared_request_flag": _yes(0.02),
    "shared_match_flag": _shared_match_flag,
    "access_a_ride_flag": _access_a_ride_flag,
    "wav_request_flag": _yes(0.002),
    "wav_match_flag": _yes(0.06),
}
