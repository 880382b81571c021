"""Rules about trips, by name: which rows are rejected. What is only counted is in `oddities`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxi_platform.trips.months import Month

if TYPE_CHECKING:
    import pyarrow as pa

Asks = Callable[[Mapping[str, "pa.Array"], Month], "pa.Array"]
"""Gives a boolean array (null counts as no) from a trip's columns and the month of the file."""


@dataclass(frozen=True)
class Rule:
    """A named question asked of each trip.

    Attributes:
        needs: Columns without which the question makes no sense; a service that lacks one is not asked.
    """

    name: str
    meaning: str
    needs: Sequence[str]
    asks: Asks


def _passenger_count_zero(trips: Mapping[str, pa.Array], _: Month) -> pa.Array:
    import pyarrow.compute as pc

    return pc.equal(trips["passenger_count"], 0)


REJECTING = {
    rule.name: rule
    for rule in (
        Rule(
            "passenger_count_zero",
            "No passenger on board; a missing count is kept",
            ("passenger_count",),
            _passenger_count_zero,
        ),
    )
}
"""Rows of which one of these is true are rejected, with its name as the reason. All are on by default."""

DEFAULT_RULES = tuple(REJECTING)


def applicable(rules: Iterable[Rule], columns: Sequence[str]) -> list[Rule]:
    """Those of `rules` that can be asked of a table with `columns`."""
    return [rule for rule in rules if set(rule.needs) <= set(columns)]
