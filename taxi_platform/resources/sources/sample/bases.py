"""The bases that dispatch for-hire vehicles, as data: licence numbers from the published files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SMALL = (
    *("B00001", "B00008", "B00009", "B00013", "B00014", "B00021", "B00029", "B00030", "B00031", "B00037", "b00056"),
    *("B00095", "B00112", "B00131", "B00160", "B01268", "B01273", "B02817"),
)
_OF_SERVICE: Mapping[str, Sequence[str]] = {
    "HV0002": ("B02914", "B02907"),
    "HV0003": (
        *("B02764", "B02682", "B02836", "B02864", "B02865", "B02867", "B02870", "B02872", "B02875", "B02879"),
        *("B02884", "B03404"),
    ),
    "HV0004": ("B02800", "B03136"),
    "HV0005": ("B02510", "B02844"),
}
_SERVICE_WEIGHTS = {"HV0002": 3, "HV0003": 72, "HV0004": 4, "HV0005": 21}

BASES: Sequence[str] = (*_SMALL, *(base for bases in _OF_SERVICE.values() for base in bases))
LICENSES: Sequence[str] = tuple(_OF_SERVICE)
LICENSE_OF_BASE: Sequence[int] = tuple(
    next((at for at, name in enumerate(LICENSES) if base in _OF_SERVICE[name]), 0) for base in BASES
)
"""Position in `LICENSES` by position in `BASES`."""

UBER = LICENSES.index("HV0003")

SMALL_BASES: Mapping[int, float] = {BASES.index(base): 10 + len(_SMALL) - at for at, base in enumerate(_SMALL)}
HIGH_VOLUME_BASES: Mapping[int, float] = {
    BASES.index(base): _SERVICE_WEIGHTS[name] / len(bases) for name, bases in _OF_SERVICE.items() for base in bases
}
