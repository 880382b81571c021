"""Cleaning takes bounded memory, whatever is in the file. Measured in processes of their own."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform_tests.trips.files import HEADER, csv_of, row

MEASURE = """
import sys
from pathlib import Path
from taxi_platform_tests.peak_memory import peak_mib
from taxi_platform_tests.trips.files import clean_path

clean_path(Path(sys.argv[1]))
before = peak_mib()
from taxi_platform.trips.cleaning import clean, plan_cleaning
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform_tests.trips.files import JANUARY, YELLOW
path = Path(sys.argv[2])
cleaned = clean(plan_cleaning(YELLOW, JANUARY, path.name, inspect_file(path, path.name)), path, path.parent)
print(before, peak_mib(), cleaned.rows_in, cleaned.kept, *cleaned.rejected.elements())
"""


def clean_apart(path: Path) -> tuple[int, int, list[str]]:
    """Clean `path` in a process of its own: its peak before and after in MiB, and what came out."""
    small = path.with_name("small.csv")
    small.write_bytes(csv_of(row(), "x", row(store_and_fwd_flag='"a""b"')))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(small), str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
    )
    before, after, *counts = done.stdout.split()
    return int(before), int(after), counts


@pytest.mark.parametrize("position", ["first", "middle", "last"])
def test_a_line_of_40_megabytes_is_never_held(tmp_path: Path, position: str) -> None:
    path = tmp_path / "month.csv"
    rows = [row()] * 1000
    rows.insert({"first": 0, "middle": 500, "last": 1000}[position], "9," * (20 << 20))
    path.write_bytes(csv_of(*rows))
    before, after, counts = clean_apart(path)
    assert counts == ["1001", "1000", "line_too_long"]
    assert after - before < 40


def test_rejects_with_long_lines_are_not_gathered(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    line = "x" * 60_000 + "\n"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(line for _ in range(10_000))
    before, after, counts = clean_apart(path)
    assert counts[:2] == ["10000", "0"]
    assert after - before < 500  # the file has 600


def test_millions_of_lines_that_are_no_trips_are_not_gathered(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(HEADER.encode() + b"\n" + b"x\n" * 2_200_000)
    before, after, counts = clean_apart(path)
    assert counts[:2] == ["2200000", "0"]
    assert after - before < 400  # a reject takes more room than its line: all of a block took 900


@pytest.mark.long
def test_a_line_of_a_gigabyte_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "month.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(csv_of(row(), row()))
        for _ in range(1 << 10):
            file.write(b"9," * (1 << 19))
        file.write(b"\n" + row().encode() + b"\n")
    assert path.stat().st_size < 10 << 20
    before, after, counts = clean_apart(path)
    assert counts == ["4", "3", "line_too_long"]
    assert after - before < 40
    assert after < 1 << 10


@pytest.mark.long
@pytest.mark.parametrize("dirt", ["none", "in every block"])
def test_three_million_rows_pass_in_700_megabytes(tmp_path: Path, dirt: str) -> None:
    path = tmp_path / "month.csv"
    good = "".join(row(PULocationID=str(n % 265), fare_amount=f"{n}.25") + "\n" for n in range(9_999))
    bad = "x\n" if dirt == "in every block" else row() + "\n"
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(good + bad for _ in range(300))
    _, after, counts = clean_apart(path)
    assert counts[0] == "3000000"
    assert int(counts[1]) + len(counts[2:]) == 3_000_000
    assert path.stat().st_size > 200 << 20
    assert after < 700
