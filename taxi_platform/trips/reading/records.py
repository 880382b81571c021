"""What a reader hands over: records whose columns are still the publisher's, and rows that are no records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MAX_RAW_BYTES = 64 * 1024
"""Of a rejected row at most this much is kept, with its true length beside it."""


@dataclass(frozen=True)
class Reject:
    """A row that is not kept.

    Attributes:
        source_row: Its number in the file, as `source_row` of a kept trip.
        reason: One word a reason, the same in counts, metadata and docs.
        raw_line: Its bytes (of a Parquet row its JSON), at most `MAX_RAW_BYTES`.
        raw_bytes: Its true length.
    """

    source_row: int
    reason: str
    raw_line: bytes
    raw_bytes: int

    @classmethod
    def of(cls, source_row: int, reason: str, raw: bytes) -> Reject:
        return cls(source_row, reason, raw[:MAX_RAW_BYTES], len(raw))


@dataclass(frozen=True)
class Records:
    """Some consecutive records of a file.

    Attributes:
        columns: By normalised source name; text or already typed, all of the same length.
        source_rows: The number of each record in the file.
        raw: The bytes of the record at a position, asked for only where one is rejected.
        malformed: Rows between these records that are none.
        seen: How many data records of the file these two account for.
        continuation_lines: Lines that belonged to a record above them (a quoted line end).
    """

    columns: Mapping[str, pa.Array]
    source_rows: np.ndarray
    raw: Callable[[int], bytes]
    malformed: tuple[Reject, ...] = field(default=())
    continuation_lines: int = 0

    @property
    def seen(self) -> int:
        return len(self.source_rows) + len(self.malformed)
