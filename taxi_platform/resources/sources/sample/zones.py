"""The lookup of zones that goes with made-up trips: the publisher's format, and names that are none of the city's."""

from __future__ import annotations

_BOROUGHS = ("Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island")
_YELLOW = "Manhattan"
_LAST_ZONE = 263
_AIRPORTS = {1: ("EWR", "EWR"), 132: ("Queens", "Airports"), 138: ("Queens", "Airports")}
_NOWHERE = {264: ("Unknown", "N/A", "N/A"), 265: ("N/A", "Outside of NYC", "N/A")}


def zones_csv() -> bytes:
    """The whole file, always the same."""
    lines = ['"LocationID","Borough","Zone","service_zone"']
    for zone in range(1, _LAST_ZONE + 1):
        borough = _BOROUGHS[zone % len(_BOROUGHS)]
        borough, service_zone = _AIRPORTS.get(zone, (borough, "Yellow Zone" if borough == _YELLOW else "Boro Zone"))
        lines.append(f'{zone},"{borough}","Sample Zone {zone}","{service_zone}"')
    lines += [f'{zone},"{borough}","{name}","{kind}"' for zone, (borough, name, kind) in _NOWHERE.items()]
    return "".join(f"{line}\r\n" for line in lines).encode()
