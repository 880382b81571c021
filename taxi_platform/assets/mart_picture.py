"""A month of a mart as a picture: the zones in which most trips began."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from taxi_platform.assets.month_picture import image
from taxi_platform.assets.zone_days import ZoneDays, ZoneTotal

SHOWN = 6
LONGEST_NAME = 26
"""So many zones, and of their names so many characters, for the UI to show the picture in its place."""

_WIDTH, _STEP, _THICK = 160, 17, 12


def markdown(month: str, found: ZoneDays) -> str:
    """What is in the picture in a sentence, and the picture."""
    if not found.trips:
        return f"No trip in {month}."
    brought = "" if found.revenue is None else f", and brought in {found.revenue:,} dollars"
    text = f"{found.trips:,} trips began in {found.zones} zones{brought}. Where most of them did:"
    return f"{text}\n\n{image('zones', svg(found.top[:SHOWN]))}"


def svg(found: Sequence[ZoneTotal]) -> str:
    """A bar a zone, as long as it has trips. Every character of it counts."""
    most = max(one.trips for one in found)
    bars = [(at * _STEP, max(1, round(one.trips * _WIDTH / most)), one) for at, one in enumerate(found)]
    path = "".join(f"M0 {y}h{width}v{_THICK}H0z" for y, width, _ in bars)
    texts = "".join(f"<text x='{width + 4}' y='{y + 10}'>{_label(one)}</text>" for y, width, one in bars)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='400' height='{len(bars) * _STEP}' fill='gray' "
        f"font-family='arial' font-size='11'><path fill='steelblue' d='{path}'/>{texts}</svg>"
    )


def _label(one: ZoneTotal) -> str:
    name = one.title if len(one.title) <= LONGEST_NAME else f"{one.title[: LONGEST_NAME - 1]}…"
    return f"{escape(name, quote=False)}: {one.trips:,}"
