"""A chunk's columns as Arrow arrays: what both kinds of file begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from taxi_platform.resources.sources.sample.columns import LABELS
from taxi_platform.resources.sources.sample.draws import MISSING
from taxi_platform.resources.sources.sample.places import COORDINATES
from taxi_platform.resources.sources.sample.words import VENDORS_WITH_WORDS

if TYPE_CHECKING:
    from taxi_platform.resources.sources.sample.draft import Draft
    from taxi_platform.trips.schema import Column


def numbers(chunk: Draft, column: Column) -> pa.Array:
    """The whole numbers of `column`, null where they are missing."""
    values = chunk[column.name]
    missing = values == MISSING
    return pa.array(values, mask=missing) if missing.any() else pa.array(values)


def words(chunk: Draft, column: Column) -> pa.Array | None:
    """The texts of `column`; None where it is written in numbers."""
    spoken = chunk.plan.era.words.get(column.name)
    if spoken is None:
        return pa.array(LABELS[column.name]).take(numbers(chunk, column)) if column.type == "text" else None
    table = [word or None for code in range(max(spoken) + 1) for word in spoken.get(code, [""] * VENDORS_WITH_WORDS)]
    at = chunk[column.name] * VENDORS_WITH_WORDS + chunk["vendor_id"] - 1
    return pa.array(table, pa.string()).take(pa.array(at.astype(np.int64)))


def times(chunk: Draft, column: Column) -> pa.Array:
    return numbers(chunk, column).cast(pa.timestamp("s"))


def per_unit(column: Column) -> int:
    """How many of a draft's whole numbers make one dollar, mile or degree; 1 where they count."""
    if column.name in COORDINATES:
        return 1_000_000
    return {"money": 100, "number": 100, "miles": 1000}.get(column.type, 1)
