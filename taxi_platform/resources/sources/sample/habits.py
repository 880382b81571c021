"""Who rides where in which service, as data: shares counted in published files of 2020 to 2025."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taxi_platform.resources.sources.sample.bases import HIGH_VOLUME_BASES, SMALL_BASES

JFK, LAGUARDIA, NEWARK = 132, 138, 1
KNOWN_ZONES = range(1, 264)
UNKNOWN_ZONE = 264

ZONES_SOUTH_OF_60TH = (
    *(4, 12, 13, 45, 48, 50, 68, 79, 87, 88, 90, 100, 107, 113, 114, 125, 137, 144, 148, 158, 161, 162, 163),
    *(164, 170, 186, 209, 211, 224, 229, 230, 231, 232, 233, 234, 246, 249, 261),
)
ZONES_SOUTH_OF_96TH = (
    *ZONES_SOUTH_OF_60TH,
    *(43, 140, 141, 142, 143, 236, 237, 238, 239, 262, 263),
)
"""Where the congestion surcharge is due. Zones are too coarse for the street itself: good enough here."""

Weights = Mapping[int, float]
"""Value to weight; the weights need not add up to 1."""


@dataclass(frozen=True)
class Habits:
    """One service's riders.

    Attributes:
        median_miles: The distance that half of the trips within the city do not reach.
        negotiated_share: The share of trips with rate code 5.
        bases: Who dispatches, by position in `BASES`.
    """

    pickup_zones: Weights
    dropoff_zones: Weights
    median_miles: float
    vendors: Weights = field(default_factory=dict)
    passengers: Weights = field(default_factory=dict)
    payments: Weights = field(default_factory=dict)
    negotiated_share: float = 0.0
    bases: Weights = field(default_factory=dict)


def _with_every_zone(popular: Weights) -> Weights:
    """`popular` in thousandths, and the rest of them spread over the other zones."""
    others = [zone for zone in KNOWN_ZONES if zone not in popular]
    rest = (1000 - sum(popular.values())) / (len(others) + 1)
    return {**popular, **dict.fromkeys([*others, UNKNOWN_ZONE], rest)}


_YELLOW_ZONES = {
    236: 50,
    237: 45,
    161: 45,
    132: 35,
    186: 32,
    234: 30,
    230: 29,
    162: 29,
    68: 28,
    249: 28,
    79: 27,
    163: 27,
    239: 27,
    138: 27,
    142: 26,
    170: 24,
    48: 24,
    164: 22,
    141: 22,
    107: 22,
    263: 19,
    140: 18,
    246: 18,
    90: 18,
    238: 17,
    229: 16,
    113: 16,
    114: 15,
    100: 15,
    144: 13,
    143: 12,
    231: 12,
    262: 12,
    43: 12,
    137: 12,
    233: 11,
    211: 10,
    148: 10,
    158: 10,
    151: 6,
}
_GREEN_PICKUPS = {
    74: 184,
    75: 140,
    41: 63,
    95: 46,
    166: 44,
    43: 39,
    97: 35,
    82: 35,
    42: 32,
    7: 30,
    244: 27,
    65: 27,
    130: 22,
    129: 20,
    260: 14,
    33: 12,
    116: 11,
    134: 11,
    66: 10,
    25: 8,
    196: 8,
    223: 7,
    92: 7,
    24: 7,
    152: 7,
    181: 7,
    83: 6,
    193: 6,
    236: 6,
    52: 5,
}
_GREEN_DROPOFFS = {
    74: 53,
    75: 51,
    236: 40,
    41: 37,
    42: 36,
    238: 35,
    166: 29,
    263: 24,
    151: 21,
    95: 21,
    239: 21,
    129: 17,
    138: 17,
    43: 16,
    7: 15,
    237: 15,
    244: 14,
    116: 14,
    141: 13,
    262: 13,
    142: 13,
    82: 12,
    140: 12,
    49: 11,
}

HABITS: Mapping[str, Habits] = {
    "yellow": Habits(
        pickup_zones=_with_every_zone(_YELLOW_ZONES),
        dropoff_zones=_with_every_zone(_YELLOW_ZONES),
        vendors={1: 32, 2: 68},
        passengers={1: 720, 2: 155, 3: 48, 4: 21, 5: 29, 6: 27},
        payments={1: 670, 2: 313, 3: 10, 4: 7},
        median_miles=1.75,
        negotiated_share=0.007,
    ),
    "green": Habits(
        pickup_zones=_with_every_zone(_GREEN_PICKUPS),
        dropoff_zones=_with_every_zone(_GREEN_DROPOFFS),
        vendors={1: 15, 2: 85},
        passengers={1: 860, 2: 72, 3: 14, 4: 5, 5: 25, 6: 17},
        payments={1: 560, 2: 430, 3: 7, 4: 3},
        median_miles=1.95,
        negotiated_share=0.03,
    ),
    "fhv": Habits(
        pickup_zones=_with_every_zone({264: 550, 265: 120, 132: 20, 138: 20}),
        dropoff_zones=_with_every_zone({264: 250, 265: 300, 132: 25, 138: 25}),
        median_miles=3.1,
        bases=SMALL_BASES,
    ),
    "fhvhv": Habits(
        pickup_zones=_with_every_zone({132: 20, 138: 22, 61: 16, 79: 16, 161: 12, 230: 12, 37: 11, 76: 11}),
        dropoff_zones=_with_every_zone({265: 38, 132: 24, 138: 20, 61: 15, 79: 13, 161: 11, 37: 10, 76: 10}),
        median_miles=2.9,
        bases=HIGH_VOLUME_BASES,
    ),
}

PICKUPS_BY_HOUR: Sequence[int] = (
    *(34, 24, 17, 11, 9, 10, 24, 44, 56, 55, 55, 58),
    *(62, 63, 67, 68, 63, 72, 80, 76, 68, 65, 61, 50),
)
PICKUPS_BY_WEEKDAY: Sequence[int] = (12, 14, 15, 15, 16, 15, 13)
"""Monday first."""

MILES_PER_HOUR: Sequence[int] = (
    *(15, 16, 17, 19, 21, 21, 17, 13, 11, 11, 11, 11),
    *(11, 11, 10, 10, 10, 10, 11, 12, 13, 13, 14, 14),
)
"""By the hour of the pickup."""

TIP_PERCENT: Sequence[int] = (0, 0, 10, 15, 18, 20, 20, 20, 20, 20, 22, 25, 25, 25, 30, 30)
"""What a passenger who pays by card adds, each as often as the next."""
