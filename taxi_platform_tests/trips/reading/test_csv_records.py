"""Dirt in the middle of a CSV costs exactly the rows that are dirty, each with its reason and its bytes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from taxi_platform.trips.months import Month
from taxi_platform.trips.reading.records import MAX_RAW_BYTES
from taxi_platform_tests.trips.files import HEADER, clean_bytes, clean_rows, csv_of, reading_by, row

FLAG = "store_and_fwd_flag"
WEIRD_QUOTES = row(store_and_fwd_flag='"a""b"')
"""A good row that makes its block be read record by record."""

NO_TRIP: list[tuple[str | bytes, str]] = [
    ("1,2,3", "too_few_fields"),
    (row() + ",x", "too_many_fields"),
    (row() + ",,x", "too_many_fields"),
    (row() + ", ", "too_many_fields"),
    ("   ", "too_few_fields"),
    (row(store_and_fwd_flag="N\0"), "nul_byte"),
    (row(store_and_fwd_flag="é").encode("latin-1"), "not_utf8"),
    (row(store_and_fwd_flag="N\rN"), "stray_carriage_return"),
    (row() + "\r\r", "stray_carriage_return"),
    (row(store_and_fwd_flag='"N'), "unterminated_quote"),
    (row(store_and_fwd_flag='"a"b'), "malformed_quotes"),
    (row(store_and_fwd_flag='"a""b"') + ",x", "too_many_fields"),
    (row(store_and_fwd_flag='"é"').encode("latin-1"), "not_utf8"),
    (row(store_and_fwd_flag='"N\0"'), "nul_byte"),
    (row(trip_distance="two"), "unreadable_trip_distance_miles"),
    (row(fare_amount="nan"), "unreadable_fare_amount"),
    (row(fare_amount="-inf"), "unreadable_fare_amount"),
    (row(trip_distance="1e999"), "unreadable_trip_distance_miles"),
    (row(fare_amount='"1,000"'), "unreadable_fare_amount"),
    (row(PULocationID="32768"), "unreadable_pickup_location_id"),
    (row(PULocationID="-32769"), "unreadable_pickup_location_id"),
    (row(PULocationID="1.5"), "unreadable_pickup_location_id"),
    (row(tip_amount="10000000000"), "unreadable_tip_amount"),
    (row(tip_amount="-9999999999.995"), "unreadable_tip_amount"),
    (row(tpep_pickup_datetime="2021-02-30 00:00:00"), "unreadable_pickup_datetime"),
    (row(tpep_pickup_datetime="0000-01-01 00:00:00"), "unreadable_pickup_datetime"),
    (row(tpep_dropoff_datetime="01/02/2021 00:30"), "unreadable_dropoff_datetime"),
    (row(tpep_dropoff_datetime="2021-01-01 00:30:10Z"), "unreadable_dropoff_datetime"),
    (row(passenger_count="-0"), "passenger_count_zero"),
    (HEADER, "unreadable_pickup_datetime"),
]


@pytest.mark.parametrize("neighbours", [(row(), row()), (WEIRD_QUOTES, row())], ids=["plain", "quoted"])
@pytest.mark.parametrize(("line", "reason"), NO_TRIP, ids=[f"{reason}-{n}" for n, (_, reason) in enumerate(NO_TRIP)])
def test_a_line_that_is_no_trip_costs_only_itself(line: str | bytes, reason: str, neighbours: tuple[str, str]) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    outcome = clean_rows(neighbours[0], line, neighbours[1])
    assert outcome.kept_rows == [1, 3]
    assert outcome.reasons == [(2, reason)]
    assert outcome.raw_lines == [raw.removesuffix(b"\r")]
    assert outcome.rejects[0]["raw_bytes"] == len(raw.removesuffix(b"\r"))
    assert outcome.facts["rows_in"] == 3


TRIPS: list[tuple[dict[str, str], str, object]] = [
    ({FLAG: '"a,b"'}, FLAG, "a,b"),
    ({FLAG: '"say ""Y"""'}, FLAG, 'say "Y"'),
    ({FLAG: 'a"b'}, FLAG, 'a"b'),
    ({FLAG: '"a\rb"'}, FLAG, "a\rb"),
    ({FLAG: '""'}, FLAG, None),
    ({FLAG: "ü"}, FLAG, "ü"),
    ({"fare_amount": "9999999999.99"}, "fare_amount", Decimal("9999999999.99")),
    ({"PULocationID": "-32768"}, "pickup_location_id", -32768),
    ({"PULocationID": '"142.0"'}, "pickup_location_id", 142),
    ({"passenger_count": " "}, "passenger_count", None),
]


@pytest.mark.parametrize("neighbour", [row(), "x", WEIRD_QUOTES], ids=["fast", "as text", "quoted"])
@pytest.mark.parametrize(("changes", "column", "value"), TRIPS)
def test_an_unusual_value_is_kept_as_it_is(changes: dict[str, str], column: str, value: object, neighbour: str) -> None:
    outcome = clean_rows(row(**changes), neighbour)
    assert outcome.column(column)[0] == value
    assert outcome.column("source_row")[0] == 1


def test_blank_lines_have_no_number() -> None:
    outcome = clean_bytes(csv_of("", row(), "", "\r", row(), "x", "", row(), ""))
    assert outcome.kept_rows == [1, 2, 4]
    assert outcome.reasons == [(3, "too_few_fields")]


def test_a_record_over_several_lines_is_one_row() -> None:
    long_record = row(store_and_fwd_flag='"one\n\ntwo\r\nthree, four"')
    outcome = clean_rows(row(), long_record, row(), row(store_and_fwd_flag='"x\ny"', passenger_count="0"))
    assert outcome.column("store_and_fwd_flag") == ["N", "one\n\ntwo\r\nthree, four", "N"]
    assert outcome.kept_rows == [1, 2, 3]
    assert outcome.raw_lines == [row(store_and_fwd_flag='"x\ny"', passenger_count="0").encode()]
    assert outcome.facts["rows_in"] == 4
    assert outcome.facts["continuation_lines"] == 3  # a blank line is none


def test_a_text_whose_every_line_passes_for_a_row_by_its_commas_is_read_line_by_line() -> None:
    header = "dispatching_base_num,pickup_date,locationid,,"
    lines = [",2015-01-01 00:00:00,1,,", ',,"a', 'b",,', ",2015-01-01 00:00:00,2,,"]
    content = csv_of(*lines, header=header)
    outcome = clean_bytes(content, "fhv_tripdata_2015-01.csv", service="fhv", month=Month(2015, 1))
    assert outcome.kept_rows == [1, 3, 4]
    assert outcome.column("dispatching_base_num") == [None, 'b"', None]
    assert outcome.reasons == [(2, "unterminated_quote")]
    assert outcome.raw_lines == [b',,"a']


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    open_quote = row(store_and_fwd_flag='"N')
    outcome = clean_rows(row(), open_quote, row(), row(store_and_fwd_flag='"Y"'), open_quote, row())
    assert outcome.kept_rows == [1, 3, 4, 6]
    assert outcome.reasons == [(2, "unterminated_quote"), (5, "unterminated_quote")]


def test_a_quote_that_closes_too_late_does_not_swallow_the_rows_between() -> None:
    outcome = clean_rows(row(store_and_fwd_flag='"N'), *[row()] * 200, row(store_and_fwd_flag='N"'))
    assert outcome.reasons == [(1, "unterminated_quote")]
    assert outcome.trips.num_rows == 201


def test_two_stray_quotes_in_different_rows_do_not_swallow_the_rows_between() -> None:
    first, last = row(store_and_fwd_flag='"N'), row(store_and_fwd_flag='Y"')
    outcome = clean_rows(*(line.replace(",8,", f",{n},") for n, line in enumerate([row(), first, row(), last, row()])))
    assert outcome.reasons == [(2, "unterminated_quote")]
    assert outcome.kept_rows == [1, 3, 4, 5]
    assert outcome.column("fare_amount") == [0, 2, 3, 4]
    assert outcome.column(FLAG) == ["N", "N", 'Y"', "N"]


def test_a_first_row_with_values_beyond_the_header_costs_only_itself() -> None:
    outcome = clean_rows(row() + ",,x", row(), row() + ",,", row() + ",y")
    assert outcome.kept_rows == [2, 3]
    assert outcome.reasons == [(1, "too_many_fields"), (4, "too_many_fields")]


LIMIT = 300
AT_LIMIT = row(store_and_fwd_flag="y" * (LIMIT - len(row()) + 1))
OVER = ("z," * LIMIT)[: LIMIT + 1]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("block", [1, 299, 300, 301, 302, 303, 1000, 1 << 22])
def test_a_line_over_the_limit_is_rejected_wherever_it_lies(block: int, end: str) -> None:
    assert len(AT_LIMIT) == LIMIT
    lines = [OVER, row(), AT_LIMIT, OVER * 9, OVER, AT_LIMIT, row(), OVER]
    with reading_by(block=block, chunk=min(block, 64), max_line=LIMIT):
        outcome = clean_bytes(csv_of(*lines, end=end).removesuffix(end.encode()))
    assert outcome.kept_rows == [2, 3, 6, 7]
    assert outcome.reasons == [(n, "line_too_long") for n in (1, 4, 5, 8)]
    assert {reject["raw_bytes"] for reject in outcome.rejects} == {LIMIT + 1, 9 * (LIMIT + 1)}
    assert outcome.raw_lines == [OVER[:LIMIT].encode()] * 4


@pytest.mark.parametrize("block", [1, 64, 300, 700, 1000, 1 << 22])
def test_a_long_line_ends_a_record_that_is_open_before_it(block: int) -> None:
    open_quote, closing = row(store_and_fwd_flag='"a\nb"').split("\n")
    lines = [row(), open_quote, OVER, closing, row(), open_quote, OVER * 9, row(), open_quote, closing, OVER, row()]
    with reading_by(block=block, chunk=min(block, 64), max_line=LIMIT):
        outcome = clean_rows(*lines)
    assert outcome.kept_rows == [1, 5, 8, 9, 11]
    assert outcome.column(FLAG) == ["N", "N", "N", "a\nb", "N"]
    assert outcome.reasons == [
        (2, "unterminated_quote"),
        (3, "line_too_long"),
        (4, "too_few_fields"),
        (6, "unterminated_quote"),
        (7, "line_too_long"),
        (10, "line_too_long"),
    ]
    assert outcome.facts["continuation_lines"] == 1


@pytest.mark.parametrize(("length", "is_record"), [(LIMIT, True), (LIMIT + 1, False)])
def test_a_record_over_several_lines_has_the_limit_of_a_line(length: int, *, is_record: bool) -> None:
    record = row(store_and_fwd_flag=f'"{"y" * 100}\n{"y" * (length - len(row()) - 102)}"')
    assert len(record) == length
    with reading_by(max_line=LIMIT):
        outcome = clean_rows(record, row())
    assert outcome.kept_rows == ([1, 2] if is_record else [3])
    assert outcome.reasons == ([] if is_record else [(1, "unterminated_quote"), (2, "too_few_fields")])


def test_a_byte_order_mark_in_the_middle_is_no_part_of_a_number() -> None:
    with reading_by(block=1, chunk=1):
        outcome = clean_rows("\ufeff" + row(), row(), "\ufeff" + row())
    assert outcome.column("vendor_id") == [None, 1, None]
    assert outcome.column("vendor_as_published") == ["\ufeff1", None, "\ufeff1"]


def test_a_megabyte_is_a_line_and_a_byte_more_is_not() -> None:
    fits = row(store_and_fwd_flag="y" * ((1 << 20) - len(row()) + 1))
    outcome = clean_bytes(csv_of(*[row()] * 3, fits, fits, fits + "y", row(), fits, end="\r\n"))
    assert outcome.kept_rows == [1, 2, 3, 4, 5, 7, 8]
    assert outcome.reasons == [(6, "line_too_long")]
    assert outcome.rejects[0]["raw_bytes"] == (1 << 20) + 1
    assert outcome.raw_lines == [(fits + "y").encode()[:MAX_RAW_BYTES]]


def test_a_big_field_is_kept_beside_unusual_quotes_as_it_is_without() -> None:
    big = "x" * 200_000  # more than Python's csv module takes
    outcome = clean_rows(row(store_and_fwd_flag=big), WEIRD_QUOTES, row(store_and_fwd_flag=f'"{big}"'))
    assert outcome.column(FLAG) == [big, 'a"b', big]
