"""A Parquet file as records, batch by batch in bounded memory; the footer says how many there must be."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.layouts import normalised
from taxi_platform.trips.reading.records import Records

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1 << 16

READ_OPTIONS: Mapping[str, Any] = {
    "coerce_int96_timestamp_unit": "us",  # nanoseconds hold no year before 1678 or after 2261: they wrap around
    "page_checksum_verification": True,  # of the files that have checksums
}


class ParquetReader:
    """The records of a Parquet file. A row's raw line is its JSON."""

    def __init__(self, path: Path, name: str, seen: Callable[[int], object] | None = None) -> None:
        self._path, self._name, self._seen = path, name, seen

    def __iter__(self) -> Iterator[Records]:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        size = self._path.stat().st_size
        next_row = 1
        try:
            with pq.ParquetFile(self._path, **READ_OPTIONS) as file:
                total = max(file.metadata.num_rows, 1)
                for batch in file.iter_batches(BATCH_ROWS):
                    columns = {
                        normalised(name): _decoded(batch.column(at)) for at, name in enumerate(batch.schema.names)
                    }
                    rows = np.arange(next_row, next_row + batch.num_rows, dtype=np.int64)
                    yield Records(columns, rows, _raw_json(batch))
                    next_row += batch.num_rows
                    if self._seen is not None:
                        self._seen(size * batch.num_rows // total)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).split("\n", 1)[0]
            raise SourceFileError(
                f"{self._name}: the Parquet is damaged after row {next_row - 1:,} ({reason}). "
                "Nothing was published. Fetch the month again."
            ) from error


def _decoded(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _raw_json(batch: pa.RecordBatch) -> Callable[[int], bytes]:
    def raw(at: int) -> bytes:
        row = {name: _plain(batch.column(index)[at]) for index, name in enumerate(batch.schema.names)}
        return json.dumps(_finite(row), default=str, ensure_ascii=False).encode(errors="backslashreplace")

    return raw


def _plain(scalar: pa.Scalar) -> Any:
    """The value for JSON, also where it is a year or a text that Python cannot have."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        if hasattr(scalar, "as_buffer"):
            return scalar.as_buffer().to_pybytes().decode(errors="backslashreplace")
        return f"{scalar.type} {getattr(scalar, 'value', 'that cannot be shown')}"


def _finite(value: Any) -> Any:
    """`value` with the floats that JSON does not have as words."""
    if isinstance(value, dict):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
