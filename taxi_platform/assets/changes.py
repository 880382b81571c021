"""What a month that was published again, or cleaned by other rules, changed: before and after, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg

_OF_FILE = {
    "lines": "rows in",
    "size_bytes": "bytes",
    "ending": "format",
}
_NAMES = {"rows_in": "rows in", "rows_kept": "rows kept", "rows_rejected": "rows rejected", "layout": "layout"}


VERSION = "version"
"""The first line of the table: which two versions are held against each other."""


@dataclass(frozen=True)
class Change:
    """One fact of a month that is not what it was."""

    what: str
    before: str
    after: str
    difference: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.before} -> {self.after}" + (f" ({self.difference})" if self.difference else "")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The facts of two versions of a month in which they differ: rows, layout, columns, reasons, sums."""
    found = [_change(name, before.get(key), after.get(key)) for key, name in _NAMES.items()]
    for key, name in (("rejected_by_reason", "rejected as"), ("control_sums", "sum of"), ("observed", "rows with")):
        old, new = before.get(key, {}), after.get(key, {})
        found += [_change(f"{name} {item}", old.get(item), new.get(item)) for item in sorted({*old, *new})]
    old, new = (", ".join(facts.get("unknown_columns", ())) for facts in (before, after))
    found.append(_change("unknown columns", old or "none", new or "none"))
    return [change for change in found if change is not None]


def file_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The facts of two published files of a month in which they differ."""
    old, new = before["inspection"], after["inspection"]
    found = [_change(name, old.get(key), new.get(key)) for key, name in _OF_FILE.items()]
    gone, came = (
        ", ".join(name for name in these["header"] if name not in others["header"])
        for these, others in ((old, new), (new, old))
    )
    found += [_change("columns", gone or "none", came or "none") if gone or came else None]
    found.append(_change("address", _cut(before["url"]), _cut(after["url"])))
    return [change for change in found if change is not None]


def as_table(version_before: str, version: str, changed: Sequence[Change]) -> dg.TableMetadataValue:
    """The changes from one version to the next as a table of the UI."""
    lines = [Change(VERSION, version_before, version), *changed]
    return dg.MetadataValue.table([dg.TableRecord(change.__dict__) for change in lines])


def _cut(url: str) -> str:
    """Not longer than a table can be wide."""
    return url if len(url) <= 50 else f"{url[:20]}…{url[-29:]}"


def _change(what: str, before: Any, after: Any) -> Change | None:
    if before == after:
        return None
    numbers = [_number(value) for value in (before, after)]
    if None in numbers:
        return Change(what, _shown(before), _shown(after))
    return Change(what, _shown(before), _shown(after), f"{numbers[1] - numbers[0]:+,}")  # type: ignore[operator]


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value or 0))
    except ArithmeticError:
        return None


def _shown(value: Any) -> str:
    number = None if isinstance(value, str) and not value[:1].lstrip("-").isdigit() else _number(value)
    return str(value) if number is None else f"{number:,}"
