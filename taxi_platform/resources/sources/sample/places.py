"""Coordinates of zones, in millionths of a degree.

The places are made up: a zone may lie anywhere in the city, but its trips always start and end at the same few
doors of it. So a file has few different coordinates, and each need be spelled but once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taxi_platform.resources.sources.sample.draws import between, draws_for, happens

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft
    from taxi_platform.resources.sources.sample.draws import IntArray

COORDINATES = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude")

_WEST, _EAST, _SOUTH, _NORTH = -74_020_000, -73_760_000, 40_570_000, 40_890_000
_ZONES = 512
_DOORS = 32
_ZONE_SIZE = 8_000
_NOT_LOCATED = 0.015
"""The share of the places where the receiver had no signal; the publisher wrote 0 for both numbers."""


def coordinate(draft: Draft, name: str) -> IntArray:
    """The longitude or latitude of a trip's start or end, in a door of its zone."""
    end, _, axis = name.partition("_")
    draws = draft.draws(f"{end}_place")  # the same for both numbers of a place
    door = between(draws, 0, _DOORS, draft.rows)
    lost = happens(draws, _NOT_LOCATED, draft.rows)
    return np.where(lost, 0, _places(axis)[draft[f"{end}_location_id"] * _DOORS + door])


def _places(axis: str) -> IntArray:
    low, high = (_WEST, _EAST) if axis == "longitude" else (_SOUTH, _NORTH)
    draws = draws_for("places", axis)
    zones = between(draws, low, high, _ZONES)
    doors = between(draws, -_ZONE_SIZE, _ZONE_SIZE, _ZONES * _DOORS)
    places: IntArray = np.repeat(zones, _DOORS) + doors
    return places
