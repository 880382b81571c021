"""Layouts: the shapes that a service's files have had over the years, as data.

A file is recognised by its own header: order, case and spaces do not matter. Only between layouts that have the very
same columns does the month decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from taxi_platform.errors import LayoutError
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column

FileKind = Literal["csv", "parquet"]

MAX_UNKNOWN_COLUMNS = 50
"""More unknown columns than this is another table, not a layout that drifted (arbitrary)."""


@dataclass(frozen=True)
class Layout:
    """One shape of a service's source files.

    Attributes:
        id: Names the layout in versions, metadata and messages.
        header: The columns as the publisher writes them, in the publisher's order.
        first: The first and `last` the last month in which the publisher used it.
        text_codes: Columns that hold codes as text in this layout, in lower case.
        header_end: How the publisher ends the header of a CSV; some years an empty line follows it.
        empty_fields: Fields at the end of each row of a CSV that its header does not name; always empty.
        quoted: Whether the publisher put every field of the CSV in quotes.
    """

    id: str
    kind: FileKind
    header: Sequence[str]
    first: Month
    last: Month | None = None
    text_codes: Sequence[str] = ()
    header_end: str = "\r\n"
    line_end: str = "\r\n"
    empty_fields: int = 0
    quoted: bool = False

    def was_used_in(self, month: Month) -> bool:
        return self.first <= month and (self.last is None or month <= self.last)


@dataclass(frozen=True)
class Recognised:
    """A header held against a service's layouts: which one it is, and what it has beyond it."""

    layout: Layout
    unknown: tuple[str, ...]


def normalised(name: str) -> str:
    """A header's name as layouts are compared: no spaces around it, lower case."""
    return name.strip().strip("\ufeff").lower()


def recognise(
    header: Sequence[str], kind: FileKind, month: Month, layouts: Sequence[Layout], file_name: str
) -> Recognised:
    """The layout of which `header` has every column; columns beyond it are reported as unknown.

    Raises:
        LayoutError: No layout has its columns in `header`, a name is there twice, or too much is unknown.
    """
    names = [normalised(name) for name in header]
    while kind == "csv" and names and not names[-1]:
        names.pop()  # of a CSV these are commas at the end; of a Parquet file they are columns
    _refuse_doubles(names, file_name)
    present = set(names)
    fitting = [layout for layout in layouts if present >= {normalised(name) for name in layout.header}]
    if not fitting:
        raise LayoutError(_no_layout(present, layouts, file_name))
    # The one that says most of the file; a CSV that somebody saved as Parquet is still of its layout.
    layout = max(fitting, key=lambda layout: (len(layout.header), layout.kind == kind, layout.was_used_in(month)))
    known = {normalised(name) for name in layout.header}
    unknown = tuple(name for name in names if name not in known)
    if len(unknown) > MAX_UNKNOWN_COLUMNS:
        raise LayoutError(
            f"{file_name}: {len(unknown):,} columns belong to no layout of this service (at most "
            f"{MAX_UNKNOWN_COLUMNS} are kept aside). Nothing was published. Is this the right file?"
        )
    return Recognised(layout, unknown)


def sources_of(columns: Sequence[Column], recognised: Recognised) -> dict[str, tuple[str, ...]]:
    """Where each column is read from: from its names in the layout, else from one that came on top of it."""
    in_layout = [normalised(name) for name in recognised.layout.header]
    chosen = {}
    for column in columns:
        known = tuple(name for name in in_layout if name in column.sources)
        known = known or tuple(name for name in recognised.unknown if name in column.sources)[:1]
        if known:
            chosen[column.name] = known
    return chosen


def _refuse_doubles(names: Sequence[str], file_name: str) -> None:
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        raise LayoutError(
            f"{file_name}: the header names {', '.join(repr(name) for name in doubled[:20])} more than once. "
            "Nothing was published. Ask the publisher which one counts."
        )


def _no_layout(present: set[str], candidates: Sequence[Layout], file_name: str) -> str:
    nearest = min(candidates, key=lambda layout: len({normalised(n) for n in layout.header} ^ present))
    wanted = {normalised(name) for name in nearest.header}
    missing = ", ".join(sorted(wanted - present)) or "none"
    extra = ", ".join(sorted(present - wanted)[:20]) or "none"
    return (
        f"{file_name}: the header is none we know. Nearest is {nearest.id}: missing {missing}; "
        f"not in it {extra}. Nothing was published. "
        f"Known layouts: {', '.join(layout.id for layout in candidates)}."
    )
