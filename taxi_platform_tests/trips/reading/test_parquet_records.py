"""Parquet that others wrote: what a column cannot be is refused, what a value cannot be is rejected."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_platform.errors import LayoutError, SchemaError, SourceFileError
from taxi_platform_tests.trips.files import JANUARY, Outcome, clean_bytes, parquet_bytes, parquet_of

NAME = "yellow_tripdata_2021-01.parquet"


def clean_columns(**columns: pa.Array) -> Outcome:
    rows = len(next(iter(columns.values())))
    return clean_bytes(parquet_of(rows, **columns), NAME)


def raw_strings(*values: bytes) -> pa.Array:
    """Strings as Parquet may hold them: never checked."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


FAR = 2**62
UNREADABLE: dict[str, tuple[str, pa.Array, str]] = {
    "a year no calendar has": ("tpep_pickup_datetime", pa.array([FAR], pa.timestamp("us")), "pickup_datetime"),
    "a year that would wrap around": ("tpep_pickup_datetime", pa.array([FAR], pa.timestamp("ms")), "pickup_datetime"),
    "a far day": ("tpep_pickup_datetime", pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), "pickup_datetime"),
    "Feb 30 as text": ("tpep_dropoff_datetime", pa.array(["2021-02-30 00:00:00"]), "dropoff_datetime"),
    "an id beyond": ("VendorID", pa.array([2**64 - 1], pa.uint64()), "vendor_id"),
    "half an id": ("VendorID", pa.array([1.5]), "vendor_id"),
    "infinite money": ("fare_amount", pa.array([float("inf")]), "fare_amount"),
    "too much money": ("fare_amount", pa.array([Decimal("10000000000.00")]), "fare_amount"),
    "the word nan": ("fare_amount", pa.array(["nan"]), "fare_amount"),
    "text that is no UTF-8": ("store_and_fwd_flag", raw_strings(b"\xff"), "store_and_fwd_flag"),
    "text with a NUL": ("store_and_fwd_flag", pa.array(["N\0"]), "store_and_fwd_flag"),
    "a number that is no UTF-8": ("fare_amount", raw_strings(b"\xff8"), "fare_amount"),
    "a time that is no UTF-8": ("tpep_pickup_datetime", raw_strings(b"2021\xff"), "pickup_datetime"),
}


@pytest.mark.parametrize(("column", "bad", "name"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_value_that_does_not_fit_costs_its_row_only(column: str, bad: pa.Array, name: str) -> None:
    null = pa.nulls(1, bad.type)
    outcome = clean_columns(**{column: pa.concat_arrays([null, bad, null])})
    assert outcome.kept_rows == [1, 3]
    assert outcome.reasons == [(2, f"unreadable_{name}")]
    raw = json.loads(outcome.raw_lines[0], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert raw["PULocationID"] == 142
    assert raw[column] is not None


WRONG_TYPES: dict[str, tuple[str, pa.Array]] = {
    "a time with a zone": ("tpep_pickup_datetime", pa.array([0], pa.timestamp("us", "UTC"))),
    "a time that is a number": ("tpep_pickup_datetime", pa.array([1609459200])),
    "an id that is a truth": ("VendorID", pa.array([True])),
    "an id that is a list": ("VendorID", pa.array([[1]])),
    "text that is bytes": ("store_and_fwd_flag", pa.array([b"N"])),
    "money that is a time": ("fare_amount", pa.array([0], pa.timestamp("us"))),
}


@pytest.mark.parametrize(("column", "array"), WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_a_column_of_another_kind_is_refused_in_a_sentence(column: str, array: pa.Array) -> None:
    sentence = rf"^{NAME}: the column for \w+ is of type .*, which cannot be read as .*\. Nothing was published\."
    with pytest.raises(SchemaError, match=sentence):
        clean_columns(**{column: array})


def test_microseconds_are_kept_and_what_is_finer_is_cut_off() -> None:
    nanoseconds = pa.array([1_609_459_200_123_456_789], pa.timestamp("ns"))
    outcome = clean_columns(tpep_pickup_datetime=nanoseconds)
    assert str(outcome.column("pickup_datetime")[0]) == "2021-01-01 00:00:00.123456"


def test_a_day_is_its_midnight() -> None:
    outcome = clean_columns(tpep_pickup_datetime=pa.array([JANUARY.first_day]))
    assert str(outcome.column("pickup_datetime")[0]) == "2021-01-01 00:00:00"


def test_a_number_as_float32_is_the_number_that_was_meant() -> None:
    outcome = clean_columns(
        trip_distance=pa.array([1.1, None], pa.float32()), fare_amount=pa.array([1000.35, 52.3], pa.float32())
    )
    assert outcome.column("trip_distance_miles") == [1.1, None]
    assert outcome.column("fare_amount") == [Decimal("1000.35"), Decimal("52.30")]
    assert outcome.facts["money_rounded"] == 0


def test_records_are_numbered_through_row_groups_and_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxi_platform.trips.reading.parquet_records.BATCH_ROWS", 7)
    table = pq.read_table(pa.BufferReader(parquet_of(100, VendorID=pa.array(range(100)))))
    path = tmp_path / "month.parquet"
    pq.write_table(table, path, row_group_size=33)
    outcome = clean_bytes(path.read_bytes(), NAME)
    assert outcome.kept_rows == list(range(1, 101))
    assert outcome.column("vendor_id") == list(range(100))


@pytest.mark.parametrize("sizes", [[], [0], [1, 1, 1], [0, 2, 0, 0, 3, 0]], ids=str)
def test_row_groups_may_have_any_size_and_none_may_be_there(tmp_path: Path, sizes: list[int]) -> None:
    path, total = tmp_path / "month.parquet", sum(sizes)
    table = pq.read_table(pa.BufferReader(parquet_of(total, VendorID=pa.array(range(total), pa.int32()))))
    with pq.ParquetWriter(path, table.schema) as writer:
        for number, size in enumerate(sizes):
            writer.write_table(table.slice(sum(sizes[:number]), size))
    outcome = clean_bytes(path.read_bytes(), NAME)
    assert outcome.kept_rows == list(range(1, total + 1))
    assert outcome.column("vendor_id") == list(range(total))
    assert outcome.rejects == []


@pytest.mark.parametrize("name", ["VendorID", "vendorid", " VENDORID ", "\ufeffVendorID"])
def test_two_columns_of_one_name_are_refused(name: str) -> None:
    table = pq.read_table(pa.BufferReader(parquet_of(2))).append_column(name, pa.array([7, 7]))
    with pytest.raises(LayoutError, match=r"the header names 'vendorid' more than once\. Nothing was published"):
        clean_bytes(parquet_bytes(table), NAME)


MONEY: dict[str, tuple[pa.Array, list[str | None], list[int]]] = {
    # the array, the money that is kept, the rows that are rejected
    "more digits than money has": (
        pa.array([Decimal("1.005"), Decimal("-1.00499"), None], pa.decimal128(38, 20)),
        ["1.01", "-1.00", None],
        [],
    ),
    "more digits than a float has": (
        pa.array([Decimal("9999999999.99"), Decimal("-9999999999.99"), Decimal(10**10)], pa.decimal256(60, 40)),
        ["9999999999.99", "-9999999999.99"],
        [3],
    ),
    "no numbers": (pa.array([float("nan"), float("inf"), float("-inf")]), [None], [2, 3]),
    "numbers of any size": (pa.array([1e300, 5e-324, -0.0]), ["0.00", "0.00"], [1]),
    "a dictionary": (pa.array(["1.5", "x", "1.5"]).dictionary_encode(), ["1.50", "1.50"], [2]),
}


@pytest.mark.parametrize(("array", "kept", "rejected"), MONEY.values(), ids=MONEY.keys())
def test_money_of_other_types_is_that_money_or_rejected(
    array: pa.Array, kept: list[str | None], rejected: list[int]
) -> None:
    outcome = clean_columns(fare_amount=array)
    assert [None if fare is None else str(fare) for fare in outcome.column("fare_amount")] == kept
    assert outcome.reasons == [(number, "unreadable_fare_amount") for number in rejected]
    assert outcome.kept_rows == [number for number in (1, 2, 3) if number not in rejected]


def test_a_month_without_rows_is_an_empty_month() -> None:
    outcome = clean_bytes(parquet_of(0), NAME)
    assert (outcome.facts["rows_in"], outcome.trips.num_rows, outcome.rejects) == (0, 0, [])


FAR_YEARS = ("0001", "1677", "1969", "2041", "2262", "3019", "9999")


@pytest.mark.parametrize("store_schema", [True, False])
def test_int96_keeps_years_that_nanoseconds_do_not_have(*, store_schema: bool) -> None:
    texts = [f"{year}-12-31 23:59:59.123456" for year in FAR_YEARS]
    times = pa.array(texts).cast(pa.timestamp("us"))
    table = pq.read_table(pa.BufferReader(parquet_of(len(texts), tpep_pickup_datetime=times)))
    content = parquet_bytes(table, use_deprecated_int96_timestamps=True, store_schema=store_schema)
    assert [str(time) for time in clean_bytes(content, NAME).column("pickup_datetime")] == texts


def test_what_is_finer_than_a_microsecond_is_cut_off_before_1970_too() -> None:
    texts = ["1969-12-31 23:59:59.999999999", "1677-09-21 00:12:44", "1970-01-01 00:00:00.000000001"]
    as_text = clean_columns(tpep_pickup_datetime=pa.array(texts))
    as_time = clean_columns(tpep_pickup_datetime=pa.array(texts).cast(pa.timestamp("ns")))
    assert as_text.column("pickup_datetime") == as_time.column("pickup_datetime")
    assert str(as_time.column("pickup_datetime")[0]) == "1969-12-31 23:59:59.999999"


@pytest.mark.parametrize("kind", [pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.int8())], ids=str)
def test_a_column_without_values_may_be_of_any_type(kind: pa.DataType) -> None:
    names = ("VendorID", "tpep_dropoff_datetime", "fare_amount", "store_and_fwd_flag", "trip_distance")
    outcome = clean_columns(**dict.fromkeys(names, pa.nulls(2, kind)))
    for name in ("vendor_id", "dropoff_datetime", "fare_amount", "store_and_fwd_flag", "trip_distance_miles"):
        assert outcome.column(name) == [None, None]


def test_a_page_that_is_not_what_its_checksum_says_is_refused() -> None:
    vendors = pa.array([1, 2] * 50, pa.int32())
    table = pq.read_table(pa.BufferReader(parquet_of(100, VendorID=vendors)))
    content = parquet_bytes(table, compression="none", use_dictionary=False, write_page_checksum=True)
    changed = content.replace(vendors.buffers()[1].to_pybytes(), pa.array([1, 3] * 50, pa.int32()).buffers()[1], 1)
    assert changed != content
    with pytest.raises(SourceFileError, match=r"the Parquet is damaged after row 0 \(.*checksum"):
        clean_bytes(changed, NAME)


def damaged(content: bytes) -> bytes:
    """The same footer over a page that is not what it was."""
    middle = len(content) // 4
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 200]) + content[middle + 200 :]


def test_a_damaged_page_is_named_with_the_rows_before_it() -> None:
    content = damaged(parquet_of(5000, VendorID=pa.array(n * 7919 % 5000 for n in range(5000))))
    with pytest.raises(SourceFileError, match=rf"^{NAME}: the Parquet is damaged after row 0 \(.*\)\. Nothing was"):
        clean_bytes(content, NAME)


EXTRAS: dict[str, Callable[[], pa.Array]] = {
    "numbers": lambda: pa.array([1, 2, 3]),
    "a dictionary": lambda: pa.array(["a", "b", "a"]).dictionary_encode(),
    "a struct": lambda: pa.array([{"x": 1}, {"x": 2}, None]),
    "a list": lambda: pa.array([[1], [], None]),
}


@pytest.mark.parametrize("make", EXTRAS.values(), ids=EXTRAS.keys())
def test_an_unknown_column_of_any_type_is_kept_aside(make: Callable[[], pa.Array]) -> None:
    extra: Any = make()
    table = pq.read_table(pa.BufferReader(parquet_of(3, passenger_count=pa.array([1, 0, 2]))))
    outcome = clean_bytes(parquet_bytes(table.append_column("Mood", extra)), NAME)
    assert outcome.extras is not None
    values = extra.to_pylist()
    assert outcome.extras.to_pydict() == {"source_row": [1, 3], "mood": [values[0], values[2]]}


FAR_TIMES = pa.timestamp("us")
UNSHOWABLE: dict[str, Callable[[], pa.Array]] = {
    "a struct with a year no calendar has": lambda: pa.array([{"at": FAR}] * 2, pa.struct([("at", FAR_TIMES)])),
    "a list with a year no calendar has": lambda: pa.array([[FAR]] * 2, pa.list_(FAR_TIMES)),
    "a list with a NaN": lambda: pa.array([[float("nan")]] * 2),
    "a map": lambda: pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int32())),
    "bytes": lambda: pa.array([b"\xff"] * 2),
    "a duration beyond Python's": lambda: pa.array([2**62] * 2, pa.duration("s")),
    "text that is no UTF-8": lambda: raw_strings(b"\xff", b"\xff"),
}


@pytest.mark.parametrize("make", UNSHOWABLE.values(), ids=UNSHOWABLE.keys())
def test_a_reject_is_json_whatever_its_row_holds(make: Callable[[], pa.Array]) -> None:
    table = pq.read_table(pa.BufferReader(parquet_of(2, passenger_count=pa.array([0, 1]))))
    outcome = clean_bytes(parquet_bytes(table.append_column("Mood", make())), NAME)
    assert (outcome.kept_rows, outcome.reasons) == ([2], [(1, "passenger_count_zero")])
    raw = json.loads(outcome.raw_lines[0], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert raw["Mood"] is not None
    assert outcome.extras is not None
    assert outcome.extras["source_row"].to_pylist() == [2]


def test_columns_without_a_name_are_columns() -> None:
    table = pq.read_table(pa.BufferReader(parquet_of(2)))
    outcome = clean_bytes(parquet_bytes(table.append_column("", pa.array([7, 8]))), NAME)
    assert outcome.extras is not None
    assert outcome.extras.to_pydict() == {"source_row": [1, 2], "": [7, 8]}
