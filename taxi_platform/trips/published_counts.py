"""How many rows the publisher's own files have had, where that is known: 517 service-month-formats."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from taxi_platform.trips.layouts import FileKind
from taxi_platform.trips.months import Month


def published_rows(service: str, month: Month, kind: FileKind) -> int | None:
    """Rows of the file that the publisher had for `month` in that format; None where nobody told us.

    A month that is published again may differ: the number says what was there when it was counted.
    """
    return _counts().get((service, month.key, kind))


def is_known_month(service: str, month: Month) -> bool:
    """Whether the publisher is known to have had `month`, in any format."""
    return any((service, month.key, kind) in _counts() for kind in ("csv", "parquet"))


@cache
def _counts() -> dict[tuple[str, str, str], int]:
    text = resources.files("taxi_platform.trips").joinpath("published_row_counts.csv").read_text(encoding="utf-8")
    return {
        (row["service"], row["month"], row["format"]): int(row["rows"]) for row in csv.DictReader(text.splitlines())
    }
