"""The first look counts what is there, and takes no whole file for half of one. What it refuses: test_hostile_files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from taxi_platform.trips.reading.inspection import Inspection, inspect_file
from taxi_platform_tests.trips.files import (
    HEADER,
    clean_bytes,
    csv_of,
    parquet_of,
    reading_by,
    row,
)

GOOD = csv_of(*[row()] * 40)
PACKED = gzip.compress(GOOD)
WHOLE_WITHOUT_END = {
    "plain": [row()],
    "narrower than a row above, by empty fields": [row() + ",,", row()],
    "narrower than a row above, which has too many fields": [row() + ",x,y", row()],
    "quoted with commas": [row(store_and_fwd_flag='"a,b,c"'), row()],
    "the end of a record over several lines": [row(store_and_fwd_flag='"a\nb"')],
}


@pytest.mark.parametrize("rows", WHOLE_WITHOUT_END.values(), ids=WHOLE_WITHOUT_END.keys())
def test_a_whole_last_row_without_a_line_end_is_no_cut_row(rows: list[str]) -> None:
    content = csv_of(*rows, row(congestion_surcharge='"2.5"'))
    clean_bytes(content.removesuffix(b"\n")).same_as(clean_bytes(content))


@pytest.mark.parametrize("chunk", [1, 2, 7, 100, 1 << 20])
def test_the_first_look_counts_what_is_there(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(b"\n" + csv_of("\r", "a\0", "", "x" * 500 + "\r", "y") + b"last\r")
    with reading_by(chunk=chunk):
        seen = inspect_file(path, "month.csv")
    assert (seen.kind, seen.ending, seen.header) == ("csv", "csv", tuple(HEADER.split(",")))
    assert (seen.lines, seen.blank_lines, seen.crlf_lines, seen.lf_lines) == (4, 3, 2, 5)
    assert (seen.nul_bytes, seen.longest_line) == (1, 500)
    assert seen.text_bytes == seen.size_bytes == path.stat().st_size


def test_the_first_look_survives_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "month.parquet"
    path.write_bytes(parquet_of(3))
    seen = inspect_file(path, "month")
    assert (seen.kind, seen.ending, seen.lines) == ("parquet", "parquet", 3)
    assert Inspection.from_json(json.loads(json.dumps(seen.to_json()))) == seen


def test_the_ending_is_what_the_content_is(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(PACKED)
    assert inspect_file(path, "month.csv").ending == "csv.gz"


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    path = tmp_path / "month.csv.gz"
    path.write_bytes(PACKED)
    read: list[int] = []
    with reading_by(chunk=100):
        inspect_file(path, "month", read.append)
    assert sum(read) == len(PACKED)
    assert len(read) > 1
