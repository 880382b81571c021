"""What a ride cost when, as data: cents, from the publisher's dictionaries and the fares in its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taxi_platform.trips.months import Month


@dataclass(frozen=True)
class Tariff:
    """Prices in cents for the months from `first` on.

    Attributes:
        unit: For every fifth of a mile, and for every three minutes of the trip.
        congestion: By service; empty where the column did not exist yet and every row lacks it.
    """

    first: Month
    flag_drop: int
    unit: int
    night: int
    rush_hour: int
    improvement: int
    jfk_flat: int
    toll: int
    airport: int
    congestion: Mapping[str, int]
    cbd: int = 0


_2019 = Tariff(
    Month(2019, 1),
    flag_drop=250,
    unit=50,
    night=50,
    rush_hour=100,
    improvement=30,
    jfk_flat=5200,
    toll=612,
    airport=125,
    congestion={},
)
_2019_02 = replace(_2019, first=Month(2019, 2), congestion={"yellow": 250, "green": 275})
_2021_04 = replace(_2019_02, first=Month(2021, 4), toll=655)
_2023 = replace(
    _2021_04,
    first=Month(2023, 1),
    flag_drop=300,
    unit=70,
    night=100,
    rush_hour=250,
    improvement=100,
    jfk_flat=7000,
    airport=175,
)
_2023_08 = replace(_2023, first=Month(2023, 8), toll=694)
_2025 = replace(_2023_08, first=Month(2025, 1), cbd=75)

TARIFFS: Sequence[Tariff] = (_2019, _2019_02, _2021_04, _2023, _2023_08, _2025)

MTA_TAX = 50


def tariff_of(month: Month) -> Tariff:
    """The prices of `month`; older months than the oldest tariff get that one."""
    return max((t for t in TARIFFS if t.first <= month), key=lambda t: t.first, default=TARIFFS[0])
