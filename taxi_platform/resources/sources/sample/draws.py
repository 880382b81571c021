"""Random numbers that every process draws alike.

Only whole numbers are drawn. Shares and distances come from tables by a random index: numpy's floating-point
functions differ in the last bit between processors, and a table that is rounded once does not.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taxi_platform.resources.sources.sample.habits import Weights

    IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]
    Draws = np.random.Generator

MISSING = -(1 << 62)
"""Stands for an empty field among whole numbers."""

_TABLE_SIZE = 1 << 16


def draws_for(*key: object) -> Draws:
    """A generator of its own for `key`; no order of calls and no hash seed changes what it draws."""
    digest = hashlib.sha256("\n".join(str(part) for part in key).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def between(draws: Draws, low: int, high: int, count: int) -> IntArray:
    """`count` integers from `low` up to but without `high`."""
    return draws.integers(low, high, count, dtype=np.int64)


def chosen(draws: Draws, weights: Weights, count: int) -> IntArray:
    """`count` of the values, each as often as it weighs (to a 65,536th)."""
    return _share_table(tuple(weights.items()))[_index(draws, count)]


def happens(draws: Draws, share: float, count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return draws.integers(0, _TABLE_SIZE, count, dtype=np.uint16) < round(share * _TABLE_SIZE)


def hundredths_of_miles(draws: Draws, median_miles: float, count: int) -> IntArray:
    """Trip distances: log-normal, at least .01 and at most about 30 miles."""
    return _distance_table(median_miles)[_index(draws, count)]


def membership(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """A table that says of each zone whether it is one of `values`."""
    table = np.zeros(512, dtype=np.bool_)
    table[list(values)] = True
    return table


def _index(draws: Draws, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    return draws.integers(0, _TABLE_SIZE, count, dtype=np.uint16)


@lru_cache(maxsize=64)
def _share_table(weights: tuple[tuple[int, float], ...]) -> IntArray:
    total = sum(weight for _, weight in weights)
    table = np.empty(_TABLE_SIZE, dtype=np.int64)
    start, sum_so_far = 0, 0.0
    for value, weight in weights:
        sum_so_far += weight
        end = round(sum_so_far / total * _TABLE_SIZE)
        table[start:end] = value
        start = end
    return table


@lru_cache(maxsize=16)
def _distance_table(median_miles: float) -> IntArray:
    spread, steps = 0.75, 1 << 12  # the spread of the published distances, about
    curve = statistics.NormalDist(0, spread)
    quantiles = [max(1, round(100 * median_miles * math.exp(curve.inv_cdf((i + 0.5) / steps)))) for i in range(steps)]
    knots = np.array(quantiles, dtype=np.int64)
    # Between two knots the table climbs evenly, so that long trips do not repeat a few distances.
    position = np.arange(_TABLE_SIZE, dtype=np.int64)
    per_step = _TABLE_SIZE // steps
    low = position // per_step
    high = np.minimum(low + 1, steps - 1)
    table: IntArray = knots[low] + (knots[high] - knots[low]) * (position % per_step) // per_step
    return table
