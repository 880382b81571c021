"""Coverage as a picture: a row a stage, a column a month, a colour a state."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from taxi_platform.assets.coverage import Cell
from taxi_platform.trips.months import Month

COLOURS = {
    "current": "#2e9e5b",
    "stale": "#e3b341",
    "changed": "#3b82c4",
    "damaged": "#d1373f",
    "missing": "#d8dee4",
    "unpublished": "#f3f4f6",
}
_STEP, _SIZE, _LEFT, _TOP, _GAP = 10, 9, 130, 44, 10


def picture(cells: Sequence[Cell]) -> str:
    """All cells as an image in Markdown; a sentence where there are none."""
    if not cells:
        return "Nothing is loaded, and the source was not looked at yet."
    encoded = base64.b64encode(svg(cells).encode()).decode()
    return f"![months by stage](data:image/svg+xml;base64,{encoded})"


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
