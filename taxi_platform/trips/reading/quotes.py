"""Blocks with quotes: which are plain enough for the fast parser, and the careful way for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taxi_platform.trips.reading.fields import split
from taxi_platform.trips.reading.framing import Lines
from taxi_platform.trips.reading.records import Records, Reject

MAX_RECORD_LINES = 100
"""Over how many lines a quoted field may run before its quote counts as never closed (arbitrary)."""

_BEFORE_FIELD = (ord(","), ord("\n"))
_AFTER_FIELD = (ord(","), ord("\r"), ord("\n"))


def has_plain_quotes(block: bytes) -> bool:
    """Whether every quote in `block` opens or closes a whole field, on one line, without a comma problem."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    if len(quotes) % 2:
        return False
    openers, closers = quotes[0::2], quotes[1::2]
    before = data[np.maximum(openers - 1, 0)]
    after = data[np.minimum(closers + 1, len(data) - 1)]
    if not ((openers == 0) | np.isin(before, _BEFORE_FIELD)).all() or not np.isin(after, _AFTER_FIELD).all():
        return False
    newlines = np.flatnonzero(data == ord("\n"))
    return bool((np.searchsorted(quotes, newlines) % 2 == 0).all())


@dataclass(frozen=True)
class CarefulResult:
    records: Records
    rest: bytes


def read_carefully(
    block: bytes, header: Sequence[str], row_width: int, first_row: int, max_record_bytes: int, *, may_continue: bool
) -> CarefulResult:
    """Read `block` record by record, as text. A quote that is never closed costs its own line only.

    Args:
        row_width: Fields in a row, with the empty ones that the header does not name.
        may_continue: More text follows; a record that is still open at the end is then given back as `rest`.
    """
    import numpy as np
    import pyarrow as pa

    lines = Lines(block)
    rows: list[list[str]] = []
    numbers: list[int] = []
    raws: list[bytes] = []
    malformed: list[Reject] = []
    index, row, continued, rest = 0, first_row, 0, b""
    while index < lines.count:
        found = _record(lines, index, (len(header), row_width), max_record_bytes)
        if found.open_at_end and may_continue:
            rest = block[lines.spans[index][0] :]
            break
        if found.reason:
            malformed.append(Reject.of(row, found.reason, found.raw))
        else:
            rows.append(found.fields)
            numbers.append(row)
            raws.append(found.raw)
        continued += found.lines - 1
        index += found.lines
        row += 1
    columns = {name: pa.array([fields[at] or None for fields in rows], pa.string()) for at, name in enumerate(header)}
    records = Records(columns, np.array(numbers, dtype=np.int64), raws.__getitem__, tuple(malformed), continued)
    return CarefulResult(records, rest)


@dataclass(frozen=True)
class _Found:
    fields: list[str]
    raw: bytes
    lines: int = 1
    reason: str = ""
    open_at_end: bool = False


def _record(lines: Lines, index: int, widths: tuple[int, int], max_bytes: int) -> _Found:
    """The record that starts at line `index`: over several lines only where a quoted field makes it whole."""
    first = lines.line(index)
    fields, reason = split(first, *widths)
    if reason != "unterminated_quote":
        return _Found(fields, first, reason=reason)
    start = lines.spans[index][0]
    for count in range(2, MAX_RECORD_LINES + 1):
        if index + count > lines.count:
            return _Found([], first, reason="unterminated_quote", open_at_end=True)
        last_start, end = lines.spans[index + count - 1]
        if end - start > max_bytes:
            break
        if lines.block.find(b'"', last_start, end) < 0:
            continue  # this line cannot close it
        raw = lines.block[start:end]
        fields, reason = split(raw, *widths)
        if not reason and _are_records(raw, widths[0]):
            break  # two stray quotes, rows apart: what lies between them is no field
        if not reason:
            return _Found(fields, raw, count)
        if reason != "unterminated_quote":
            break
    return _Found([], first, reason="unterminated_quote")


def _are_records(raw: bytes, width: int) -> bool:
    """Whether each line would be a record by its commas alone, so that none of them needs the others."""
    return width > 1 and all(line.count(b",") + 1 >= width for line in raw.split(b"\n") if line.rstrip(b"\r"))
