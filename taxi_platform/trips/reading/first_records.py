"""The first records of a file as its publisher wrote them, for people to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.portrait import FIRST_ROWS, shown
from taxi_platform.trips.reading.bytes_in import text_chunks
from taxi_platform.trips.reading.inspection import Inspection
from taxi_platform.trips.reading.parquet_records import READ_OPTIONS


def first_records(path: Path, inspection: Inspection) -> list[dict[str, str]]:
    """The first records by the names in the header; without what is empty.

    What cannot be read is left out, whatever is wrong with it: who reads the file in earnest tells that.
    """
    import pyarrow as pa

    read = _of_parquet if inspection.kind == "parquet" else _of_csv
    try:
        rows = list(islice(read(path, inspection), FIRST_ROWS))
    except (SourceFileError, pa.ArrowException, csv.Error, OSError, ValueError, OverflowError):
        return []
    return [{name: shown(name, text) for name, text in row if text} for row in rows]


def _of_csv(path: Path, inspection: Inspection) -> Iterator[Sequence[tuple[str, str]]]:
    start = next(iter(text_chunks(path, path.name)), b"")
    lines = start[: start.rfind(b"\n") + 1] or start
    rows = (row for row in csv.reader(io.StringIO(lines.decode("utf-8", "replace"), newline="")) if row)
    next(rows, None)  # the header
    for row in rows:
        yield list(zip(inspection.header, row, strict=False))


def _of_parquet(path: Path, inspection: Inspection) -> Iterator[Sequence[tuple[str, str]]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, **READ_OPTIONS) as file:
        for batch in file.iter_batches(FIRST_ROWS):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield [
                    (name, "" if value is None else str(value))
                    for name, value in zip(inspection.header, row, strict=True)
                ]
