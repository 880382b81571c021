"""What a ride cost when, as data: cents, from the publisher's dictionaries and the fares in its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taxi_platform.trips.months import Month


@dataclass(frozen=True)
class Tariff:
    """Prices in cents for the months from `first` on. What cost nothing yet is empty in every row.

    Attributes:
        unit: For every fifth of a mile, and for every three minutes of the trip.
        congestion: By service, as are `airport` and `cbd`.
    """

    first: Month
    flag_drop: int
    unit: int
    night: int
    rush_hour: int
    mta_tax: int
    improvement: int
    jfk_flat: int
    toll: int
    airport: Mapping[str, int]
    congestion: Mapping[str, int]
    cbd: Mapping[str, int]

    def charged_not_yet(self, service: str) -> frozenset[str]:
        """The columns of charges that came later."""
        charges = {
            "mta_tax": self.mta_tax,
            "improvement_surcharge": self.improvement,
            "airport_fee": self.airport.get(service, 0),
            "congestion_surcharge": self.congestion.get(service, 0),
        }
        return frozenset(name for name, cents in charges.items() if not cents)


_2009 = Tariff(
    Month(2009, 1),
    flag_drop=250,
    unit=40,
    night=50,
    rush_hour=100,
    mta_tax=0,
    improvement=0,
    jfk_flat=4500,
    toll=457,
    airport={},
    congestion={},
    cbd={},
)
_2009_11 = replace(_2009, first=Month(2009, 11), mta_tax=50)
_2012_09 = replace(_2009_11, first=Month(2012, 9), unit=50, jfk_flat=5200, toll=480)
_2013_03 = replace(_2012_09, first=Month(2013, 3), toll=533)
_2015 = replace(_2013_03, first=Month(2015, 1), improvement=30, toll=554)
_2017 = replace(_2015, first=Month(2017, 1), toll=576)
_2019 = replace(_2017, first=Month(2019, 1), toll=612)
_2019_02 = replace(_2019, first=Month(2019, 2), congestion={"yellow": 250, "green": 275, "fhvhv": 275})
_2021_04 = replace(_2019_02, first=Month(2021, 4), toll=655, airport={"yellow": 125, "fhvhv": 250})
_2023 = replace(
    _2021_04,
    first=Month(2023, 1),
    flag_drop=300,
    unit=70,
    night=100,
    rush_hour=250,
    improvement=100,
    jfk_flat=7000,
    airport={"yellow": 175, "fhvhv": 250},
)
_2023_08 = replace(_2023, first=Month(2023, 8), toll=694)
_2025 = replace(_2023_08, first=Month(2025, 1), cbd={"yellow": 75, "green": 75, "fhvhv": 150})

TARIFFS: Sequence[Tariff] = (
    *(_2009, _2009_11, _2012_09, _2013_03, _2015, _2017, _2019, _2019_02, _2021_04, _2023, _2023_08, _2025),
)


def tariff_of(month: Month) -> Tariff:
    """The prices of `month`."""
    return max((tariff for tariff in TARIFFS if tariff.first <= month), key=lambda tariff: tariff.first)
