"""Tables for people: drawn on a terminal, plain and complete elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

COLOURS: Mapping[str, str] = {
    "ok": "green",
    "stale": "yellow",
    "changed": "yellow",
    "warn": "yellow",
    "failed": "red",
    "damaged": "red",
    "fail": "red",
}
"""Of the words that ask for somebody. Where no terminal is, or NO_COLOR is set, nothing is coloured."""


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], colours: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Print `rows` under `header`; numbers to the right, with thousands; None as nothing.

    Args:
        colours: Of cells that are these words.
    """
    cells = [[_text(value) for value in row] for row in rows]
    numeric = [
        any(row[at] is not None for row in rows) and all(_is_number(row[at]) for row in rows)
        for at in range(len(header))
    ]
    widths = [max([len(title), *(len(row[at]) for row in cells)]) for at, title in enumerate(header)]
    click.echo(click.style(_line(header, widths, numeric), bold=True))
    click.echo(_line(["-" * width for width in widths], widths, numeric))
    for row in cells:
        click.echo(_line(row, widths, numeric, colours))


def size_of(size_bytes: float) -> str:
    """Bytes as people say them: `1.4 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def in_utc(moment: str) -> str:
    """A moment as the stores write it (`2026-01-02T03:04:05.678901Z`), to the second and without signs of a machine."""
    return moment[:19].replace("T", " ")


def _line(
    cells: Sequence[str],
    widths: Sequence[int],
    numeric: Sequence[bool],
    colours: Mapping[str, str] = MappingProxyType({}),
) -> str:
    padded = [
        _coloured(cell, cell.rjust(width) if right else cell.ljust(width), colours)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _coloured(cell: str, padded: str, colours: Mapping[str, str]) -> str:
    return padded.replace(cell, click.style(cell, fg=colours[cell])) if cell in colours else padded


def _text(value: Any) -> str:
    from decimal import Decimal

    if value is None:
        return ""
    whole = isinstance(value, int) or (isinstance(value, Decimal) and value.as_tuple().exponent == 0)
    return f"{value:,}" if whole and not isinstance(value, bool) else str(value)


def _is_number(value: Any) -> bool:
    from decimal import Decimal

    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))
