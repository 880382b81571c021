"""What an era is: one format of a service's files, and what was in them then. The eras are in `timeline.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taxi_platform.resources.sources.sample.habits import Weights
from taxi_platform.resources.sources.sample.words import Words
from taxi_platform.trips.layouts import FileKind, Layout, normalised
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import Service

COUNTS = ("passenger_count", "rate_code_id", "trip_type")
"""Columns that the publisher wrote as DOUBLE first, as pandas does with a nullable integer."""

BEYOND_LAYOUTS: Mapping[str, Column] = {
    column.name: column
    for column in (
        Column("request_source", "text", "Where the trip was asked for; in no dictionary yet"),
        Column("__index_level_0__", "row", "The row number of a pandas frame, written by mistake"),
    )
}
"""Columns that the publisher added without a word. They are in no layout."""


@dataclass(frozen=True)
class ParquetStyle:
    """How the publisher wrote Parquet in an era.

    Attributes:
        id_type: The Arrow type of identifiers.
        count_type: The Arrow type of the columns that may be null (`COUNTS`).
        types: Columns that depart from both, by the name that they have here.
        has_null_type: Whether a column that is empty in every row is of Arrow's type null.
    """

    id_type: str
    count_type: str
    text_type: str
    compression: str
    format_version: str
    types: Mapping[str, str] = field(default_factory=dict)
    has_null_type: bool = False


@dataclass(frozen=True, kw_only=True)
class Era:
    """The format of a service's months from `first` on, until its next era of the same kind of file.

    Columns are named as here, but in `spelling` and `hollow`.

    Attributes:
        layout: The id of the layout in `trips/` that is followed.
        block_share: The share of rows at the end of the file that lack `block_nulls`.
        block_nulls: The columns that are empty there.
        nulls: The columns that are empty in every row.
        lacks: Columns that are empty in this share of the rows.
        spelling: Names of the header that the publisher spelled otherwise in this era alone.
        hollow: Names of the header with nothing behind them.
        beyond: Columns after those of the layout, of `BEYOND_LAYOUTS`.
        words: Codes that are written as words.
        vendors: Who sends records, where it is not as in `HABITS`; `payments` likewise.
        long_floats: Whether numbers have the 17 digits of a float64 (9.4000000000000004).
        header_end: Where it is not the layout's.
        ragged: Whether some rows have too few or too many fields.
        parquet: None for a CSV.
    """

    service: str
    first: Month
    layout: str
    block_share: float = 0.0
    block_nulls: Sequence[str] = ()
    nulls: Sequence[str] = ()
    lacks: Mapping[str, float] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict)
    hollow: Sequence[str] = ()
    beyond: Sequence[str] = ()
    words: Words = field(default_factory=dict)
    vendors: Weights = field(default_factory=dict)
    payments: Weights = field(default_factory=dict)
    long_floats: bool = False
    header_end: str = ""
    ragged: bool = False
    parquet: ParquetStyle | None = None

    @property
    def kind(self) -> FileKind:
        return "csv" if self.parquet is None else "parquet"

    @property
    def ending(self) -> str:
        return {"csv": ".csv.gz", "parquet": ".parquet"}[self.kind]


@dataclass(frozen=True)
class Field:
    """One column of a file.

    Attributes:
        name: Exactly as the publisher spelled it.
        column: What is in it; None where nothing ever is.
    """

    name: str
    column: Column | None


def layout_of(service: Service, era: Era) -> Layout:
    return next(layout for layout in service.layouts if layout.id == era.layout)


def fields_of(service: Service, era: Era) -> list[Field]:
    """The columns of a file of `era`, in the publisher's order."""
    targets = {source: column for column in service.columns for source in column.sources}
    fields = []
    for name in layout_of(service, era).header:
        column = None if name in era.hollow else targets[normalised(name)]
        fields.append(Field(era.spelling.get(normalised(name), name), column))
    return fields + [Field(name, BEYOND_LAYOUTS[name]) for name in era.beyond]
