"""A view that says what ids mean: the rows of a big table, joined with a small one."""

from __future__ import annotations

import dagster as dg


class LookupView(dg.Config):
    """Every row of `table` once, and for each of some id columns what `lookup` knows of that id.

    Attributes:
        name: Of the view.
        lookup: A table without partitions, in which `key` is unique.
        details: The columns of `lookup` that are shown, as `{prefix}_{detail}`.
        joined: By prefix, the id column of `table`.
    """

    name: str
    table: str
    lookup: str
    key: str
    details: list[str]
    joined: dict[str, str]

    @property
    def comment(self) -> str:
        """What the view is, for people who find it in the warehouse."""
        return (
            f"{self.table} with {', '.join(self.details)} of {self.lookup} for each {', '.join(self.joined.values())}"
        )
