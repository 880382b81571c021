"""The columns that trips have here: one type, one unit, one meaning each. Data, and how it reads as Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["id", "money", "miles", "seconds", "number", "time", "text", "date", "row", "count", "total"]
"""What a column is made of, as narrow as the dictionary allows:

`id` int16, `money` decimal(12, 2) in US dollars, `miles` decimal(12, 3), `seconds` int32, `number` float64, `time`
New York wall-clock in microseconds without a zone, `text` a string, `date` a date, `row` int64; of sums over trips,
`count` int64 and `total` decimal(18, 2) in US dollars.
"""

DECIMAL_DIGITS = 12
TOTAL_DIGITS = 18
SCALES: Mapping[str, int] = {"money": 2, "miles": 3}
"""Decimal places of the types that are exact: cents, and thousandths of a mile."""


@dataclass(frozen=True)
class Column:
    """One column of a service's schema, as the data dictionary has it.

    Attributes:
        sources: The names that this column has had in published files, in lower case. Where a file has several of
            them, the first that is not empty counts.
        spellings: What the publisher has written for a code in some years, in lower case, and the code that it means.
        unmapped_to: The column that keeps, as it came, a text that is neither a code nor a known spelling of one.
        zero_is_missing: Whether the publisher wrote 0 for "not known".
    """

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    codes: Mapping[int | str, str] = field(default_factory=dict)
    since: str = ""
    sources: Sequence[str] = ()
    spellings: Mapping[str, int | str] = field(default_factory=dict)
    unmapped_to: str = ""
    zero_is_missing: bool = False

    @property
    def description(self) -> str:
        """One line for people: meaning, unit, codes, since when."""
        parts = [self.meaning.rstrip(".")]
        if self.unit:
            parts.append(f"Unit: {self.unit}")
        if self.codes:
            parts.append("Codes: " + ", ".join(f"{code} {meaning}" for code, meaning in self.codes.items()))
        if self.since:
            parts.append(f"Since {self.since}")
        return ". ".join(parts) + "."


SOURCE_MONTH = Column("source_month", "date", "First day of the month of the source file, the partition key")
SOURCE_ROW = Column(
    "source_row",
    "row",
    "Number of the data record in the source file, from 1; blank lines are not counted, rejects are",
)


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type that a column of this type has in every file and table."""
    import pyarrow as pa

    return {
        "id": pa.int16(),
        "money": pa.decimal128(DECIMAL_DIGITS, SCALES["money"]),
        "miles": pa.decimal128(DECIMAL_DIGITS, SCALES["miles"]),
        "seconds": pa.int32(),
        "number": pa.float64(),
        "time": pa.timestamp("us"),
        "text": pa.string(),
        "date": pa.date32(),
        "row": pa.int64(),
        "count": pa.int64(),
        "total": pa.decimal128(TOTAL_DIGITS, SCALES["money"]),
    }[column_type]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of `columns`, with their descriptions as field metadata."""
    import pyarrow as pa

    return pa.schema([pa.field(c.name, arrow_type(c.type), metadata={"description": c.description}) for c in columns])
