"""A line as fields, and the reason where it is no record: one place, so that all ways of reading agree."""

from __future__ import annotations

import re

_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",][^,]*+|))(,|\Z)')
_CLOSED = re.compile(r'"(?:[^"]++|"")*+"')


def split(raw: bytes, width: int) -> tuple[list[str], str]:
    """The first `width` fields of a record; or none of them, and why. Empty fields beyond are no flaw.

    A quote counts only at the start of a field, and must then enclose all of it.
    """
    if b'"' not in raw:
        flaw = flaw_of_plain(raw, width)
        return ([], flaw) if flaw else (raw.decode().split(",")[:width], "")
    if flaw := _flaw_of_bytes(raw):
        return [], flaw
    fields, flaw = _split_quoted(raw.decode())
    if not flaw and len(fields) < width:
        flaw = "too_few_fields"
    if not flaw and any(fields[width:]):
        flaw = "too_many_fields"
    return ([], flaw) if flaw else (fields[:width], "")


def flaw_of_plain(line: bytes, width: int) -> str:
    """Why a line without quotes is no record of `width` fields; empty where it is one."""
    flaw = _flaw_of_bytes(line) or ("stray_carriage_return" if b"\r" in line else "")
    if not flaw and line.count(b",") + 1 != width:
        if line.count(b",") + 1 < width:
            flaw = "too_few_fields"
        elif line.rstrip(b",").count(b",") + 1 > width:
            flaw = "too_many_fields"
    return flaw


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
