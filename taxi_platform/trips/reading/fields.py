"""A line as fields, and the reason where it is no record: one place, so that all ways of reading agree."""

from __future__ import annotations

import re

_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",][^,]*+|))(,|\Z)')
_CLOSED = re.compile(r'"(?:[^"]++|"")*+"')


def split(raw: bytes, width: int, row_width: int = 0) -> tuple[list[str], str]:
    """The first `width` fields of a record; or none of them, and why. Empty fields beyond are no flaw.

    Args:
        row_width: Where the rows of a file have empty fields beyond, so many fields in all: a row with another
            number of them lost or got one in the middle, and its values are not where they seem to be.

    A quote counts only at the start of a field, and must then enclose all of it.
    """
    if b'"' not in raw:
        flaw = flaw_of_plain(raw, width, row_width)
        return ([], flaw) if flaw else (raw.decode().split(",")[:width], "")
    if flaw := _flaw_of_bytes(raw):
        return [], flaw
    fields, flaw = _split_quoted(raw.decode())
    if not flaw:
        filled = max((at for at, text in enumerate(fields[width:], width + 1) if text), default=0)
        flaw = _flaw_of_widths(len(fields), filled, width, row_width)
    return ([], flaw) if flaw else (fields[:width], "")


def flaw_of_plain(line: bytes, width: int, row_width: int = 0) -> str:
    """Why a line without quotes is no record, as `split`; empty where it is one."""
    flaw = _flaw_of_bytes(line) or ("stray_carriage_return" if b"\r" in line else "")
    if not flaw and line.count(b",") + 1 != width:
        flaw = _flaw_of_widths(line.count(b",") + 1, line.rstrip(b",").count(b",") + 1, width, row_width)
    return flaw


def _flaw_of_widths(fields: int, filled: int, width: int, row_width: int) -> str:
    """What is wrong with a row of so many `fields`, the last that is not empty being the one numbered `filled`."""
    if fields < width:
        return "too_few_fields"
    if filled > width:
        return "too_many_fields"
    if row_width <= width or fields in {width, row_width}:
        return ""
    return "too_few_fields" if fields < row_width else "too_many_fields"


def _flaw_of_bytes(raw: bytes) -> str:
    if b"\0" in raw:
        return "nul_byte"
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return ""


def _split_quoted(text: str) -> tuple[list[str], str]:
    fields: list[str] = []
    position, comma = 0, ","
    while comma:
        found = _FIELD.match(text, position)
        if found is None:
            return [], "malformed_quotes" if _CLOSED.match(text, position) else "unterminated_quote"
        quoted, bare, comma = found.groups()
        if bare and "\r" in bare:
            return [], "stray_carriage_return"
        fields.append(bare if quoted is None else quoted.replace('""', '"'))
        position = found.end()
    return fields, ""
