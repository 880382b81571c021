"""The picture of a month is small enough to be shown in its place, and shows what was counted."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from taxi_platform.assets.month_picture import INLINE, markdown, svg
from taxi_platform.trips.months import Month

SVG = "{http://www.w3.org/2000/svg}"


def pickups(days: list[int], hours: list[int], strays: int = 0) -> dict[str, object]:
    return {"by_day": days, "by_hour": hours, "earlier": strays, "later": strays, "missing": strays}


def drawn(text: str) -> ET.Element:
    """The picture in the Markdown."""
    address = re.search(r"!\[trips\]\(data:image/svg\+xml,([^() \n\"<>#]*)\)$", text)
    assert address is not None, text
    return ET.fromstring(unquote(address[1]))


@pytest.mark.parametrize("month", [Month(2021, 5), Month(2024, 2), Month(2023, 10)])
def test_the_largest_month_is_shown_in_place(month: Month) -> None:
    days = (month.plus(1).first_day - month.first_day).days
    most = pickups([789_012 + 7 * at for at in range(days)], [999_999 - 5 * at for at in range(24)], 20_123_456)
    text = markdown(month, most)
    assert len(text) < INLINE
    assert drawn(text).tag == f"{SVG}svg"


def test_the_words_say_which_day_which_hour_and_how_many_strays() -> None:
    days, hours = [10] * 31, [3] * 24
    days[14], hours[18] = 1234, 99
    text = markdown(Month(2021, 1), pickups(days, hours) | {"later": 2})
    assert text.startswith(
        "Trips by day (weekends shaded; most on Fri 15: 1,234) and by hour (most from 18 to 19). "
        "Not in 2021-01: 2 later.\n"
    )
    assert "All were picked up in 2021-01." in markdown(Month(2021, 1), pickups(days, hours))
    assert markdown(Month(2021, 1), pickups([0] * 31, [0] * 24, 1)).startswith("No trip begins in the month.")


def test_bars_are_as_high_as_the_counts_are_and_weekends_lie_on_weekends() -> None:
    month, counts = Month(2021, 1), list(range(31))
    weekends, bars = ET.fromstring(svg(month, counts, counts[:24])).findall(f"{SVG}path")
    days, hours = bars.attrib["d"].strip("Mz").split("zM")
    for path, most in ((days, 30), (hours, 23)):
        heights = [70 - int(height) for height in re.findall(r"V(\d+)h8", path)]
        assert heights == [round(count * 70 / most) for count in counts[: most + 1]]
    dash, gap = map(int, weekends.attrib["stroke-dasharray"].split())
    offset = int(weekends.attrib["stroke-dashoffset"])
    shaded = {at + 1 for at in range(31) if (8 * at + offset) % (dash + gap) < dash}
    assert shaded == {day for day in range(1, 32) if dt.date(2021, 1, day).weekday() >= 5}
