"""Which months are late: the publisher has them and we do not, or they should be out by now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from taxi_platform.assets.coverage import Cell
from taxi_platform.resources.sources.look import Look
from taxi_platform.resources.sources.source import Habits
from taxi_platform.trips.months import Month, in_ranges, last_full_month
from taxi_platform.trips.services import SERVICES

LATEST_DAYS = 106
"""TLC has published a month so many days after its end at the latest (24 months were measured)."""


@dataclass(frozen=True)
class LateMonth:
    month: Month
    why: str


def in_words(late: Sequence[LateMonth]) -> str:
    """The late months in one line; those that follow one another and are late for the same reason as a range."""
    return ", ".join(f"{months} ({why})" for months, why in in_ranges((one.month, one.why) for one in late))


def late_by_service(
    cells: Sequence[Cell], habits: Habits, looks: Mapping[str, Look], today: dt.date, since: Month | None
) -> dict[str, list[LateMonth]]:
    """The late months of every service, given what is loaded and what was seen."""
    loaded: dict[str, set[str]] = {service: set() for service in SERVICES}
    for cell in cells:
        if cell.stage == "warehouse" and cell.state != "missing":
            loaded[cell.service].add(cell.month)
    return {
        service: late_months(habits, looks.get(service), months, today, since) for service, months in loaded.items()
    }


def late_months(
    habits: Habits, look: Look | None, loaded: Collection[str], today: dt.date, since: Month | None = None
) -> list[LateMonth]:
    """The late months of one service, oldest first.

    Args:
        loaded: The months that the warehouse holds. Only what comes after the newest of them can be late: of a
            service that nobody loads nothing is.
        since: From when on every month is wanted, also before the newest one.
    """
    if habits.is_made_up or not (loaded or since):
        return []
    last = last_full_month(today)
    last = min(habits.last or last, last)
    first = since or Month.parse(max(loaded)).plus(1)
    published = {} if look is None else look.files
    late = []
    for month in first.until(last):
        due = month.plus(1).first_day + dt.timedelta(days=LATEST_DAYS)
        if month.key in loaded:
            continue
        if month.key in published:
            late.append(LateMonth(month, "the source has it"))
        elif today >= due:
            late.append(LateMonth(month, f"{LATEST_DAYS} days after its end it is not at the source"))
    return late
