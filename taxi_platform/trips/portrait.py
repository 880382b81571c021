"""What a month looks like, gathered in the pass that cleans it: trips by day and by hour, and the first of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from taxi_platform.trips.months import Month

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_ROWS = 3
LONGEST_VALUE = 40
"""Of the first rows so many, and of their values so many characters: a picture, not a copy."""

_PLACE = re.compile(r"(lat|latitude|lon|longitude)$", re.IGNORECASE)
_TENTH = re.compile(r"^([-+]?[0-9]+\.[0-9])[0-9]+.*")

_HOUR = 3_600_000_000
"""Microseconds."""


class Portrait:
    """Takes the trips of a month as they come, and tells what they look like.

    The hour is that of the pickup, on the clocks of New York. Pickups in other months than the file's are counted as
    earlier or later, and belong to no day and no hour.
    """

    def __init__(self, month: Month) -> None:
        import numpy as np

        self._first = np.datetime64(month.first_day, "us").astype(np.int64)
        self._hours = 24 * (month.plus(1).first_day - month.first_day).days
        self._counts = np.zeros(self._hours + 2, np.int64)  # with one before, and one after the month
        self._missing = 0
        self._first_rows: list[dict[str, str]] = []

    def take(self, trips: pa.RecordBatch) -> None:
        """Count these trips."""
        import numpy as np
        import pyarrow as pa

        pickups = trips.column("pickup_datetime")
        if pickups.null_count:
            self._missing += pickups.null_count
            pickups = pickups.drop_null()
        hours = (pickups.cast(pa.int64()).to_numpy() - self._first) // _HOUR
        self._counts += np.bincount(np.clip(hours, -1, self._hours) + 1, minlength=len(self._counts))
        if len(self._first_rows) < FIRST_ROWS:
            rows = trips.slice(0, FIRST_ROWS - len(self._first_rows)).to_pylist()
            self._first_rows += [
                {name: shown(name, value) for name, value in row.items() if value is not None} for row in rows
            ]

    def facts(self) -> dict[str, Any]:
        """What was seen, as JSON. A value that a first row does not have is left out."""
        by_hour = self._counts[1:-1].reshape(-1, 24)
        return {
            "pickups": {
                "by_day": by_hour.sum(axis=1).tolist(),
                "by_hour": by_hour.sum(axis=0).tolist(),
                "earlier": int(self._counts[0]),
                "later": int(self._counts[-1]),
                "missing": self._missing,
            },
            "first_rows": self._first_rows,
        }


def shown(name: str, value: Any) -> str:
    """A value of a first row, cut where it is long.

    Of a coordinate only the first decimal place: first rows go into Dagster's history, and where somebody lives is
    nothing for it.
    """
    text = str(value)
    if _PLACE.search(name.strip()):
        text = _TENTH.sub(r"\1…", text)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
