"""A file is recognised by its own header, or refused with what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from taxi_platform.errors import LayoutError
from taxi_platform.trips.layouts import MAX_UNKNOWN_COLUMNS, Layout, normalised, recognise
from taxi_platform.trips.reading.inspection import csv_header
from taxi_platform.trips.services import SERVICES

SMALL = Layout("small", "csv", ("A", "B"), "")
LARGE = Layout("large", "csv", ("A", "B", "C"), "")
OTHER = Layout("other", "parquet", ("A",), "")
LAYOUTS = [SMALL, LARGE, OTHER]


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
    recognised = recognise(header, "csv", LAYOUTS, "a file")
    assert (recognised.layout, recognised.unknown) == (layout, unknown)


def test_a_layout_is_of_one_kind_of_file() -> None:
    assert recognise(["a", "b"], "parquet", LAYOUTS, "a file").layout == OTHER
    with pytest.raises(LayoutError, match="no layout of this service is known for this kind of file"):
        recognise(["a", "b"], "parquet", [SMALL], "a file")


def test_a_missing_column_is_named_beside_the_nearest_layout() -> None:
    sentence = (
        "a file: the header is none we know. Nearest is large: missing b; not in it x, y. "
        "Nothing was published. Known layouts: small, large."
    )
    with pytest.raises(LayoutError, match=re.escape(sentence)):
        recognise(["a", "c", "x", "y"], "csv", LAYOUTS, "a file")


@pytest.mark.parametrize("header", [["a", "b", "A "], ["a", "", "b", "", "c"]])
def test_a_doubled_name_is_refused(header: list[str]) -> None:
    with pytest.raises(LayoutError, match=r"^a file: the header names '.?' more than once\. Nothing was published\."):
        recognise(header, "csv", LAYOUTS, "a file")


def test_some_unknown_columns_are_drift_and_more_are_another_table() -> None:
    header = ["a", "b", *(f"x{n}" for n in range(MAX_UNKNOWN_COLUMNS))]
    assert len(recognise(header, "csv", LAYOUTS, "a file").unknown) == MAX_UNKNOWN_COLUMNS
    with pytest.raises(LayoutError, match="51 columns belong to no layout"):
        recognise([*header, "one more"], "csv", LAYOUTS, "a file")


@pytest.mark.parametrize("service", SERVICES)
def test_a_published_header_is_recognised_exactly_or_refused_in_a_sentence(shared: Path, service: str) -> None:
    recognised = set()
    for path in sorted((shared / "heads" / service).iterdir()):
        header = csv_header(path.read_bytes().split(b"\n", 1)[0].removesuffix(b"\r"), path.name)
        try:
            found = recognise(header, "csv", SERVICES[service].layouts, path.name)
        except LayoutError as error:
            assert str(error).startswith(f"{path.name}: the header is none we know. Nearest is ")
            continue
        assert {normalised(name) for name in header} - {""} == {normalised(name) for name in found.layout.header}
        recognised.add(path.stem[-7:])
    assert recognised >= {"2019-01", "2019-02", "2019-07", "2020-01", "2020-02"}
