"""The same trip comes out the same, however its file was written."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from taxi_platform.trips.layouts import normalised
from taxi_platform_tests.trips.files import (
    CSV,
    HEADER,
    PARQUET,
    Outcome,
    clean_bytes,
    clean_rows,
    csv_of,
    parquet_bytes,
    reading_by,
    row,
)

ROWS = (
    row(),
    row(passenger_count="0"),
    row(tpep_pickup_datetime="2008-12-31 23:59:59", total_amount="-11.8", fare_amount="-8"),
    row(passenger_count="", RatecodeID="", store_and_fwd_flag="", VendorID="", payment_type=""),
    row(tpep_dropoff_datetime="2021-01-01 00:30:00", trip_distance="100.1", VendorID="6"),
    row(tip_amount="9.4000000000000004", total_amount="0.125"),
    row(VendorID="40000"),
)
PLAIN = csv_of(*ROWS)
REJECTS = [(2, "passenger_count_zero"), (7, "unreadable_vendor_id")]


@pytest.fixture(scope="module")
def plain() -> Outcome:
    outcome = clean_bytes(PLAIN)
    assert outcome.kept_rows == [1, 3, 4, 5, 6]
    assert outcome.reasons == REJECTS
    assert outcome.facts["money_rounded"] == 1
    assert {name: count for name, count in outcome.facts["observed"].items() if count} == {
        "distance_impossible": 1,
        "dropoff_before_pickup": 1,
        "duration_above_a_day": 1,
        "fare_negative": 1,
        "passenger_count_missing": 1,
        "pickup_outside_month": 1,
    }
    return outcome


def without_spelling(facts: Mapping[str, Any]) -> dict[str, Any]:
    """`facts` where the names of the file's columns are not as the file writes them."""
    read_from = {name: [normalised(source) for source in sources] for name, sources in facts["read_from"].items()}
    return {**facts, "read_from": read_from}


def members(content: bytes) -> bytes:
    """A gzip of three members, the last one empty, and zeros behind them."""
    return b"".join(gzip.compress(part) for part in (content[:700], content[700:], b"")) + b"\0" * 512


WRITTEN: dict[str, bytes] = {
    "line ends are CRLF": csv_of(*ROWS, end="\r\n"),
    "the header ends in LF and is followed by a blank line, rows end in CRLF": (
        HEADER.encode() + b"\n\r\n" + csv_of(*ROWS[1:], header=ROWS[0], end="\r\n")
    ),
    "blank lines are anywhere": b"\n\r\n" + PLAIN.replace(b"\n", b"\n\n\r\n"),
    "the last line has no end": PLAIN.removesuffix(b"\n"),
    "the last line ends in a CR": csv_of(*ROWS, end="\r\n").removesuffix(b"\n"),
    "there is a byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "the header is in capitals with spaces": PLAIN.replace(
        HEADER.encode(), HEADER.replace(",", " , ").upper().encode()
    ),
    "the header is quoted": PLAIN.replace(HEADER.encode(), ('"' + HEADER.replace(",", '","') + '"').encode()),
    "header and rows have empty fields behind them": csv_of(*(line + ",," for line in ROWS), header=HEADER + ",,"),
    "rows have empty fields behind them": csv_of(*(line + ",," for line in ROWS)),
    "some rows have empty fields behind them": csv_of(*(line + "," * (n % 3) for n, line in enumerate(ROWS))),
    "it is a gzip": gzip.compress(PLAIN),
    "it is a gzip of several members": members(PLAIN),
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=WRITTEN.keys())
def test_how_a_csv_is_written_down_changes_nothing(plain: Outcome, content: bytes) -> None:
    outcome = clean_bytes(content)
    assert outcome.trips.to_pylist() == plain.trips.to_pylist()
    assert outcome.reasons == REJECTS
    assert [raw.rstrip(b",").decode() for raw in outcome.raw_lines] == [ROWS[1], ROWS[6]]
    assert without_spelling(outcome.facts) == without_spelling(plain.facts)


@pytest.mark.parametrize("quote", ['"{}"'.format, '"{}"\r'.format], ids=["LF", "CRLF"])
def test_quoted_fields_are_the_same_fields(plain: Outcome, quote: Callable[[str], str]) -> None:
    outcome = clean_rows(*(quote(line.replace(",", '","')) for line in ROWS))
    assert outcome.trips.to_pylist() == plain.trips.to_pylist()
    assert outcome.reasons == REJECTS


def test_columns_may_come_in_another_order(plain: Outcome) -> None:
    order = np.random.default_rng(7).permutation(len(CSV.header))

    def shuffled(line: str) -> str:
        fields = line.split(",")
        return ",".join(fields[at] for at in order)

    outcome = clean_bytes(csv_of(*map(shuffled, ROWS), header=shuffled(HEADER)))
    assert outcome.trips.to_pylist() == plain.trips.to_pylist()
    assert outcome.reasons == REJECTS


@pytest.mark.parametrize("chunk", [1, 2, 13, 100, 1000])
@pytest.mark.parametrize("packed", [False, True])
def test_how_the_bytes_arrive_changes_nothing(plain: Outcome, chunk: int, *, packed: bool) -> None:
    with reading_by(chunk=chunk, block=chunk):
        outcome = clean_bytes(members(PLAIN) if packed else csv_of(*ROWS, end="\r\n"))
    outcome.same_as(plain)


def parquet_table() -> pa.Table:
    """The rows as a Parquet file has them: doubles, microseconds, nulls."""
    columns: dict[str, Any] = {}
    for name, values in zip(CSV.header, zip(*(line.split(",") for line in ROWS), strict=True), strict=True):
        array = pa.array([value or None for value in values])
        if name.endswith("datetime"):
            array = array.cast(pa.timestamp("us"))
        elif name != "store_and_fwd_flag":
            array = array.cast(pa.float64())
        columns[name] = array
    return pa.table(columns | {"airport_fee": pa.nulls(len(ROWS))})


def recast(names: str, *kinds: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    """The table with the columns whose names hold `names` cast to each of `kinds` in turn."""

    def change(table: pa.Table) -> pa.Table:
        for index, name in enumerate(table.column_names):
            if names in name:
                column = table[name]
                for kind in kinds:
                    column = column.cast(kind)
                table = table.set_column(index, name, column)
        return table

    return change


def one_decimal(table: pa.Table) -> pa.Table:
    """Ids as text with a point: 1.0."""
    for name in ("VendorID", "passenger_count", "RatecodeID", "PULocationID", "DOLocationID", "payment_type"):
        text = pc.binary_join_element_wise(table[name].cast(pa.int64()).cast(pa.string()), "0", ".")
        table = table.set_column(table.column_names.index(name), name, text)
    return table


RETYPED: dict[str, Callable[[pa.Table], pa.Table]] = {
    "as TLC writes them": lambda table: table,
    "ids are int64": recast("ID", pa.int64()),
    "ids are int32": recast("ID", pa.int32()),
    "counts are int64": recast("passenger_count", pa.int64()),
    "ids are text with a point": one_decimal,
    "text is large": recast("flag", pa.large_string()),
    "text is a view": recast("flag", pa.string_view()),
    "text is a dictionary": recast("flag", pa.dictionary(pa.int32(), pa.string())),
    "numbers are a dictionary": lambda table: table.set_column(0, "VendorID", table["VendorID"].dictionary_encode()),
    "times are nanoseconds": recast("datetime", pa.timestamp("ns")),
    "times are milliseconds": recast("datetime", pa.timestamp("ms")),
    "times are text": recast("datetime", pa.string()),
    "times are text of nanoseconds": recast("datetime", pa.timestamp("ns"), pa.string()),
    "money is text": recast("amount", pa.string()),
    "money is decimal": recast("surcharge", pa.decimal128(20, 4)),
    "money is float32": recast("surcharge", pa.float32()),
    "a column is all null": recast("airport_fee", pa.float64()),
    "columns are reversed": lambda table: table.select(table.column_names[::-1]),
    "names are in capitals": lambda table: table.rename_columns([name.upper() for name in table.column_names]),
    "missing is NaN": lambda table: table.set_column(
        3, "passenger_count", pc.fill_null(table["passenger_count"], float("nan"))
    ),
}


@pytest.mark.parametrize("retype", RETYPED.values(), ids=RETYPED.keys())
def test_how_parquet_types_a_column_changes_nothing(plain: Outcome, retype: Callable[[pa.Table], pa.Table]) -> None:
    outcome = clean_bytes(parquet_bytes(retype(parquet_table())), "yellow_tripdata_2021-01.parquet")
    assert outcome.trips.to_pylist() == plain.trips.to_pylist()
    assert outcome.reasons == REJECTS
    assert outcome.plan.recognised.layout == PARQUET
    differing = {"layout", "read_from"}
    assert {k: v for k, v in outcome.facts.items() if k not in differing} == {
        k: v for k, v in plain.facts.items() if k not in differing
    }
