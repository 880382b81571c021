"""A month as a picture: trips on each day, and at each hour of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from taxi_platform.trips.months import Month

INLINE = 1000
"""Dagster's UI (1.13) shows Markdown of less than so many characters in its place, more behind a link."""

_HEIGHT, _STEP, _GAP, _BASE = 70, 8, 24, 83
_ESCAPED = {"%": "%25", " ": "%20", "<": "%3C", ">": "%3E", '"': "%22", "#": "%23", "(": "%28", ")": "%29"}


def markdown(month: Month, pickups: Mapping[str, Any]) -> str:
    """What is in the picture in a sentence, and the picture, as Markdown that is short enough to be shown in place.

    Args:
        pickups: As the facts of a month have them.
    """
    days, hours = pickups["by_day"], pickups["by_hour"]
    if not any(days):
        return f"No trip begins in the month. {_strays(month, pickups)}"
    busiest = dt.date(month.year, month.month, days.index(max(days)) + 1)
    hour = hours.index(max(hours))
    text = (
        f"Trips by day (weekends shaded; most on {busiest:%a} {busiest.day}: {max(days):,}) and by hour (most from "
        f"{hour} to {hour + 1}). {_strays(month, pickups)}"
    )
    return f"{text}\n\n{image('trips', svg(month, days, hours))}"


def image(title: str, drawn: str) -> str:
    """A drawing (SVG) as an image in Markdown."""
    escaped = "".join(_ESCAPED.get(character, character) for character in drawn)
    return f"![{title}](data:image/svg+xml,{escaped})"


def svg(month: Month, days: Sequence[int], hours: Sequence[int]) -> str:
    """Days on the left, hours on the right, each from 0 to its own maximum. Every character of it counts."""
    left = len(days) * _STEP + _GAP
    labels = "".join(
        f"<text x='{x}' y='{_BASE}'>{text}</text>"
        for x, text in ((0, "1"), (14 * _STEP, "15"), (left, "0h"), (left + 12 * _STEP, "12h"))
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{left + len(hours) * _STEP}' height='{_BASE + 3}' fill='gray' "
        f"font-family='arial' font-size='11'>{_weekends(month, len(days))}"
        f"<path fill='steelblue' d='{_bars(days, 0)}{_bars(hours, left)}'/>{labels}</svg>"
    )


def _weekends(month: Month, days: int) -> str:
    """A broad line that is dashed: two days in seven."""
    since_saturday = (month.first_day.weekday() + 2) % 7
    return (
        f"<path stroke='gray' opacity='.3' stroke-width='{_HEIGHT}' stroke-dasharray='{2 * _STEP} {5 * _STEP}' "
        f"stroke-dashoffset='{since_saturday * _STEP}' d='M0 {_HEIGHT // 2}h{days * _STEP}'/>"
    )


def _bars(counts: Sequence[int], left: int) -> str:
    """Bars side by side as one path: up or down to the next count, and along it."""
    most = max(*counts, 1)
    steps = "".join(f"V{_HEIGHT - round(count * _HEIGHT / most)}h{_STEP}" for count in counts)
    return f"M{left} {_HEIGHT}{steps}V{_HEIGHT}z"


def _strays(month: Month, pickups: Mapping[str, Any]) -> str:
    strays = {"earlier": pickups["earlier"], "later": pickups["later"], "without a time": pickups["missing"]}
    found = [f"{count:,} {when}" for when, count in strays.items() if count]
    return f"Not in {month}: {', '.join(found)}." if found else f"All were picked up in {month}."
