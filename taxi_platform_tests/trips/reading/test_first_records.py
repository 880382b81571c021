"""The first records are shown as they are written; a file that cannot be read is no error here."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from taxi_platform.trips.reading.first_records import first_records
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform_tests.trips.files import parquet_of


def first(folder: Path, content: bytes) -> list[dict[str, str]]:
    path = folder / "month"
    path.write_bytes(content)
    return first_records(path, inspect_file(path, "month"))


CSV = b'a, b ,c\n\r\n1,"x, y",\r\n2,,3\n4,5,6,7\n8,9,10\n'
SHOWN = [{"a": "1", " b ": "x, y"}, {"a": "2", "c": "3"}, {"a": "4", " b ": "5", "c": "6"}]


@pytest.mark.parametrize(
    "content", [CSV, gzip.compress(CSV), b"\xef\xbb\xbf" + CSV], ids=["csv", "csv.gz", "with a mark"]
)
def test_the_first_records_of_a_csv(tmp_path: Path, content: bytes) -> None:
    assert first(tmp_path, content) == SHOWN


def test_the_first_records_of_a_parquet_file(tmp_path: Path) -> None:
    (one, *others) = first(tmp_path, parquet_of(5))
    assert len(others) == 2
    assert one["tpep_pickup_datetime"].startswith("2021-01")


@pytest.mark.parametrize(
    "content",
    [b'a,b\n"1,2\n', b"a,b\n", b"a,b\n\x00,\xff\xfe\n", b"\n" * (1 << 20) + b"a,b\n1,2\n"],
    ids=["quote", "none", "bytes", "late"],
)
def test_nothing_that_is_wrong_with_a_file_is_an_error_here(tmp_path: Path, content: bytes) -> None:
    assert len(first(tmp_path, content)) <= 1
