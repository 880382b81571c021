"""One chunk of a file while it is made: which rows it holds, and its columns as whole numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from taxi_platform.resources.sources.sample import columns
from taxi_platform.resources.sources.sample.draws import MISSING, draws_for, happens
from taxi_platform.resources.sources.sample.eras import Era, Field, fields_of, layout_of
from taxi_platform.resources.sources.sample.habits import (
    HABITS,
    PICKUPS_BY_HOUR,
    PICKUPS_BY_WEEKDAY,
    Habits,
)
from taxi_platform.resources.sources.sample.tariffs import Tariff, tariff_of
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import Service

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draws import Draws, IntArray

CHUNK_ROWS = 1 << 16
"""Rows that are in memory at once. Part of what the bytes depend on; even, for dirt comes in pairs."""

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Plan:
    """Everything that the bytes of a file follow from.

    Attributes:
        key: What the random numbers of this file are drawn for.
    """

    service: Service
    month: Month
    era: Era
    rows: int
    key: tuple[object, ...]

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.service, self.era)

    @cached_property
    def fields(self) -> list[Field]:
        return fields_of(self.service, self.era)

    @cached_property
    def columns(self) -> list[Column]:
        """What the fields hold, each once."""
        held = {field.column.name: field.column for field in self.fields if field.column is not None}
        return list(held.values())

    @property
    def habits(self) -> Habits:
        return HABITS[self.service.name]

    @cached_property
    def tariff(self) -> Tariff:
        return tariff_of(self.month)

    @property
    def block_rows(self) -> int:
        """Rows in the block at the end of the file that lack what the meter would have told."""
        share = self.era.block_share
        return max(1, round(self.rows * share)) if share else 0

    @cached_property
    def nulls(self) -> frozenset[str]:
        """Columns that are empty in every row."""
        return self.tariff.charged_not_yet(self.service.name).union(self.era.nulls, {"ehail_fee"})

    @property
    def first_second(self) -> int:
        """Midnight of the month's first day, counted from 1970 by New York's clock."""
        return (self.month.first_day - _EPOCH).days * 86_400

    @cached_property
    def pickups_until_hour(self) -> IntArray:
        """Pickups up to the start of each hour of the month, as weights; the last is the sum."""
        days = (self.month.plus(1).first_day - self.month.first_day).days
        weekday = self.month.first_day.weekday()
        by_day = [PICKUPS_BY_WEEKDAY[(weekday + day) % 7] for day in range(days)]
        weights = np.outer(by_day, PICKUPS_BY_HOUR).reshape(-1)
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(weights, dtype=np.int64)])

    def chunks(self) -> Iterator[Draft]:
        """The file's rows in order. A chunk lies in the block or before it, never in both."""
        ordinary = self.rows - self.block_rows
        for start, end, in_block in ((0, ordinary, False), (ordinary, self.rows, True)):
            for first in range(start, end, CHUNK_ROWS):
                yield Draft(self, first - start, end - start, min(CHUNK_ROWS, end - first), in_block)


class Draft:
    """Columns by the names that they have here, made when first asked for, as whole numbers.

    `money` is in cents, `number` in hundredths (coordinates: millionths), `miles` in thousandths, `time` in
    seconds since 1970, `text` an index into `columns.LABELS`. An empty one is `MISSING`.
    """

    plan: Plan
    first: int
    """The number of its first row, counted from the start of the part: the block, or what is before it."""
    part_rows: int
    rows: int
    in_block: bool
    ragged: IntArray
    """Rows whose line has too few or too many fields."""

    def __init__(self, plan: Plan, first: int, part_rows: int, rows: int, in_block: bool) -> None:
        self.plan = plan
        self.first = first
        self.part_rows = part_rows
        self.rows = rows
        self.in_block = in_block
        self.ragged = np.zeros(0, dtype=np.int64)
        self._columns: dict[str, IntArray] = {}

    def __getitem__(self, name: str) -> IntArray:
        if name not in self._columns:
            self._columns[name] = columns.MAKERS[name](self)
        return self._columns[name]

    def make_all(self) -> None:
        """Make every column but the sum of the money, and empty what the era lacks."""
        made = [self[column.name] for column in self.plan.columns if column.name != "total_amount"]
        assert all(len(values) == self.rows for values in made)
        # Only now: a column may follow from one of which some values are missing in the end.
        for name, share in self.plan.era.lacks.items():
            if name in self._columns:
                lost = happens(self.draws(f"{name} is missing"), share, self.rows)
                self._columns[name] = np.where(lost, MISSING, self._columns[name])

    @property
    def nulls(self) -> frozenset[str]:
        """Columns that are empty in every row of this chunk."""
        return self.plan.nulls.union(self.plan.era.block_nulls) if self.in_block else self.plan.nulls

    def draws(self, what: str) -> Draws:
        """Random numbers for `what` alone: a new column changes no other one."""
        return draws_for(*self.plan.key, "block" if self.in_block else "ordinary", self.first, what)
