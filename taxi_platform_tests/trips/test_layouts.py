"""A file is recognised by its own header, or refused with what is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from taxi_platform.errors import LayoutError
from taxi_platform.trips.layouts import MAX_UNKNOWN_COLUMNS, Layout, normalised, recognise
from taxi_platform.trips.months import Month
from taxi_platform.trips.reading.inspection import csv_header
from taxi_platform.trips.services import SERVICES

JANUARY = Month(2021, 1)
SMALL = Layout("small", "csv", ("A", "B"), Month(2020, 1))
LARGE = Layout("large", "csv", ("A", "B", "C"), Month(2020, 1))
LAYOUTS = [SMALL, LARGE]


@pytest.mark.parametrize(
    ("header", "layout", "unknown"),
    [
        (["a", "b"], SMALL, ()),
        ([" B ", "\ufeffA", "", " "], SMALL, ()),
        (["a", "b", "c"], LARGE, ()),
        (["x", "C", "b", "Y ", "a"], LARGE, ("x", "y")),
        (["", "b", "a"], SMALL, ("",)),
    ],
)
def test_the_largest_layout_that_fits_is_recognised(header: list[str], layout: Layout, unknown: tuple[str]) -> None:
    recognised = recognise(header, "csv", JANUARY, LAYOUTS, "a file")
    assert (recognised.layout, recognised.unknown) == (layout, unknown)


def test_of_layouts_with_the_same_columns_the_kind_of_file_decides_and_then_the_month() -> None:
    as_parquet = Layout("as parquet", "parquet", ("b", "a"), Month(2020, 1), Month(2020, 12))
    later = Layout("later", "csv", ("b", "A "), Month(2021, 1))
    layouts = [SMALL, as_parquet, replace(later, last=Month(2021, 1)), replace(SMALL, last=Month(2020, 12))]
    assert recognise(["a", "b"], "parquet", JANUARY, layouts, "a file").layout == as_parquet
    assert recognise(["a", "b"], "csv", JANUARY, layouts[2:], "a file").layout.id == "later"
    assert recognise(["a", "b"], "csv", Month(2020, 5), layouts[2:], "a file").layout.id == "small"


def test_a_csv_that_was_saved_as_parquet_is_still_of_its_layout() -> None:
    assert recognise(["a", "b"], "parquet", JANUARY, [SMALL], "a file").layout == SMALL


def test_a_missing_column_is_named_beside_the_nearest_layout() -> None:
    sentence = (
        "a file: the header is none we know. Nearest is large: missing b; not in it x, y. "
        "Nothing was published. Known layouts: small, large."
    )
    with pytest.raises(LayoutError, match=re.escape(sentence)):
        recognise(["a", "c", "x", "y"], "csv", JANUARY, LAYOUTS, "a file")


@pytest.mark.parametrize("header", [["a", "b", "A "], ["a", "", "b", "", "c"]])
def test_a_doubled_name_is_refused(header: list[str]) -> None:
    with pytest.raises(LayoutError, match=r"^a file: the header names '.?' more than once\. Nothing was published\."):
        recognise(header, "csv", JANUARY, LAYOUTS, "a file")


def test_some_unknown_columns_are_drift_and_more_are_another_table() -> None:
    header = ["a", "b", *(f"x{n}" for n in range(MAX_UNKNOWN_COLUMNS))]
    assert len(recognise(header, "csv", JANUARY, LAYOUTS, "a file").unknown) == MAX_UNKNOWN_COLUMNS
    with pytest.raises(LayoutError, match="51 columns belong to no layout"):
        recognise([*header, "one more"], "csv", JANUARY, LAYOUTS, "a file")


@pytest.mark.parametrize("service", SERVICES)
def test_a_published_header_is_recognised_exactly(shared: Path, service: str) -> None:
    for path in sorted((shared / "heads" / service).iterdir()):
        header = csv_header(path.read_bytes().split(b"\n", 1)[0].removesuffix(b"\r"), path.name)
        month = Month.parse(path.stem[-7:])
        found = recognise(header, "csv", month, SERVICES[service].layouts, path.name)
        assert {normalised(name) for name in header} - {""} == {normalised(name) for name in found.layout.header}
        assert [name.strip() for name in header if name.strip()] == [name.strip() for name in found.layout.header]
        assert found.layout.was_used_in(month)
