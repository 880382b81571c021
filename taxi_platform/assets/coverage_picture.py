"""Coverage as a picture: a row a stage, a column a month, a colour a state."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from taxi_platform.assets.coverage import Cell
from taxi_platform.assets.month_picture import image
from taxi_platform.trips.months import Month

COLOURS = {
    "current": "#2e9e5b",
    "stale": "#e3b341",
    "changed": "#3b82c4",
    "damaged": "#d1373f",
    "missing": "#d8dee4",
    "unpublished": "#f3f4f6",
}
_NAMES, _YEAR = 25, 9
_STEP, _SIZE, _LEFT, _TOP, _GAP = 10, 9, 130, 44, 10


def picture(cells: Sequence[Cell]) -> str:
    """All cells as an image in Markdown; a sentence where there are none."""
    if not cells:
        return "Nothing is loaded, and the source was not looked at yet."
    encoded = base64.b64encode(svg(cells).encode()).decode()
    return f"![months by stage](data:image/svg+xml;base64,{encoded})"


def glance(cells: Sequence[Cell]) -> str:
    """How many months of each year the warehouse has: Markdown that is short enough to be shown in place."""
    held = [cell for cell in cells if cell.stage == "warehouse" and cell.state != "missing"]
    if not held:
        return "Nothing is in the warehouse."
    text = f"{len(held):,} months are in the warehouse. A bar is a year, a full one has twelve months."
    found = Counter((cell.service, int(cell.month[:4])) for cell in held)
    years = range(min(year for _, year in found), max(year for _, year in found) + 1)
    lanes = list(dict.fromkeys(cell.service for cell in cells))
    bars = "".join(_bars((found[name, year] for year in years), 14 * at + 12) for at, name in enumerate(lanes))
    foot = 14 * len(lanes) + 8
    labels = [(0, 14 * at + 11, name) for at, name in enumerate(lanes)]
    labels += [(_NAMES + _YEAR * (year - years[0]), foot, str(year)) for year in sorted({years[0], years[-1]})]
    drawn = "".join(f"<text x='{x}' y='{y}'>{word}</text>" for x, y, word in labels)
    width = _NAMES + _YEAR * len(years) + 9
    return f"{text}\n\n" + image(
        "months by year",
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{2 * width}' viewBox='0 0 {width} {foot + 2}' fill='gray' "
        f"font-family='arial' font-size='6'><path fill='steelblue' d='{bars}'/>{drawn}</svg>",
    )


def _bars(heights: Iterable[int], bottom: int) -> str:
    """Bars side by side as one path, drawn by what changes; every character counts."""
    drawn, at = f"M{_NAMES} {bottom}", 0
    for height, alike in groupby(heights):
        drawn += f"v{at - height}h{_YEAR * len(list(alike))}"
        at = height
    return f"{drawn}v{at}z"


def svg(cells: Sequence[Cell]) -> str:
    """All cells as a drawing."""
    services = list(dict.fromkeys(cell.service for cell in cells))
    stages = list(dict.fromkeys(cell.stage for cell in cells))
    months = list(Month.parse(min(c.month for c in cells)).until(Month.parse(max(c.month for c in cells))))
    columns = {month.key: _LEFT + _STEP * i for i, month in enumerate(months)}
    rows = {
        (service, stage): _TOP + (_STEP * len(stages) + _GAP) * i + _STEP * j
        for i, service in enumerate(services)
        for j, stage in enumerate(stages)
    }
    height = max(rows.values()) + _STEP + 10
    parts = [
        f'<text x="{_LEFT + 100 * i}" y="12" fill="#57606a">{escape(state)}</text>'
        f'<rect x="{_LEFT - 13 + 100 * i}" y="5" width="{_SIZE}" height="{_SIZE}" fill="{colour}"/>'
        for i, (state, colour) in enumerate(COLOURS.items())
    ]
    parts += [
        f'<text x="{columns[month.key]}" y="{_TOP - 6}" fill="#57606a">{month.year}</text>'
        for month in months
        if month.month == 1 or (month == months[0] and month.month <= 8)
    ]
    parts += [
        f'<text x="{_LEFT - 8}" y="{y + _SIZE}" text-anchor="end" fill="#24292f">'
        f"{escape(service if stage == stages[0] else '')} {escape(stage)}</text>"
        for (service, stage), y in rows.items()
    ]
    parts += [
        f'<rect x="{columns[cell.month]}" y="{rows[cell.service, cell.stage]}" width="{_SIZE}" height="{_SIZE}" '
        f'fill="{COLOURS[cell.state]}"><title>{cell.service} {cell.month} {cell.stage}: {cell.state}</title></rect>'
        for cell in cells
    ]
    width = max(max(columns.values()) + 40, _LEFT + 100 * len(COLOURS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="9">{"".join(parts)}</svg>'
    )
