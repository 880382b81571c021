"""What is written is whole after the context, and memory is bounded while it is written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_platform.trips import parquet_out
from taxi_platform.trips.parquet_out import ParquetOut

SCHEMA = pa.schema([("source_row", pa.int64()), ("text", pa.string())])


def batch(rows: range, text: str = "x") -> pa.RecordBatch:
    return pa.record_batch([pa.array(rows), pa.array([text] * len(rows))], schema=SCHEMA)


def row_groups(path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    return [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]


def test_rows_come_back_in_order_and_in_even_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_out, "ROW_GROUP_ROWS", 100)
    with ParquetOut(tmp_path / "file", SCHEMA) as out:
        for start in range(0, 250, 50):
            out.write(batch(range(start, start + 50)))
    assert out.rows == 250
    assert pq.read_table(tmp_path / "file")["source_row"].to_pylist() == list(range(250))
    assert row_groups(tmp_path / "file") == [100, 100, 50]


def test_big_rows_are_written_before_they_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_out, "ROW_GROUP_BYTES", 10_000)
    with ParquetOut(tmp_path / "file", SCHEMA) as out:
        for row in range(10):
            out.write(batch(range(row, row + 1), "y" * 6_000))
    assert row_groups(tmp_path / "file") == [2] * 5


def test_no_rows_are_a_readable_file(tmp_path: Path) -> None:
    with ParquetOut(tmp_path / "file", SCHEMA):
        pass
    assert pq.read_table(tmp_path / "file").schema.names == SCHEMA.names


def test_an_error_while_writing_in_the_background_is_raised(tmp_path: Path) -> None:
    other = pa.record_batch([pa.array([1])], names=["another"])
    with pytest.raises(pa.ArrowInvalid), ParquetOut(tmp_path / "file", SCHEMA) as out:
        out.write(other)
