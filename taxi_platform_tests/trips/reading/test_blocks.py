"""Wherever a file is cut into blocks, and whichever way a block is read, the same comes out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxi_platform_tests.trips.files import HEADER, Outcome, clean_bytes, clean_rows, reading_by, row

FLAG = "store_and_fwd_flag"
LIMIT = 300

LINES = [
    row(),
    row() + ",,",
    row() + ",x",
    row() + "\r",
    "a,b",
    "",
    ",,,",
    '"',
    '"",""',
    *(
        row(store_and_fwd_flag=flag)
        for flag in ('"N"', '"a,b"', '"a""b"', '"a"b', '"a', 'a"', 'a"b', '"\r"', "N\rN", "N\0")
    ),
    row(store_and_fwd_flag='"a\nb"'),
    row(store_and_fwd_flag='"a\n\n\r\n,b"'),
    row(store_and_fwd_flag=f'"{"a" * 150}\n{"b" * 30}"'),
    row(store_and_fwd_flag=f'"{"a" * 150}\n{"b" * 200}"'),
    row(store_and_fwd_flag=f'"{"a" * 260}\n"'),
    "x" * (LIMIT - 1),
    "x" * LIMIT,
    "x" * (LIMIT + 1),
    "x" * 3 * LIMIT,
    row(fare_amount="x"),
    row(VendorID="-32768"),
    row(VendorID="40000"),
    row(passenger_count="0"),
    row(tpep_pickup_datetime="2021-02-30"),
    "\ufeff" + row(),
]
ENDS = ("\n", "\r\n")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A CSV of good rows and of a few kinds of bad ones."""
    kinds = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4))
    lines = draw(st.lists(st.sampled_from([*kinds, row()]), max_size=14))
    ends = draw(st.lists(st.sampled_from(ENDS), min_size=len(lines) + 1, max_size=len(lines) + 1))
    text = "".join(line + end for line, end in zip([HEADER, *lines], ends, strict=True))
    return (text if draw(st.booleans()) else text + row()).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=files(), block=st.integers(1, 2000), chunk=st.integers(1, 1000))
def test_a_file_comes_out_the_same_however_it_is_cut(content: bytes, block: int, chunk: int) -> None:
    with reading_by(max_line=LIMIT):
        whole = clean_bytes(content)
    with reading_by(block=block, chunk=chunk, max_line=LIMIT):
        clean_bytes(content).same_as(whole)


# fmt: off
WEIRD_NUMBERS = [
    ".5", "5.", "-0", "1e2", "1E+2", "1e-2", " 7", "7 ", "\t7", "+3", "007", "-.5", "+.5", "\u00a07", "1e-400",
    "4.9e-324", "12345678901234567890", "1.7976931348623157e308", "0.1e1", "", " ", "\u2003", "\uff11", "1d2",
    "nan", "NaN", "inf", "-Infinity", "1e999", "0x10", "1_0", "1e", "e1", "+", ".", "- 5", "+-3", "1 2", "--1",
    "null", "NULL", "N/A", "true", "$5", "(5)", "1%", "\u200b7",
]
WEIRD_TIMES = [
    "2021-01-01 00:30", "2021-01-01T00:00:00", "2021-01-01", "2021-01-01 00", "2021-01-01 00:30:10.5",
    "2021-01-01 00:30:10.123456", "2021-01-01 00:30:10.1234567", "2021-01-01 00:30:10.123456789", "",
    " 2021-01-01 00:30:10", "2021-01-01 00:30:10 ", "2021-01-01 00:30:10\u00a0", "0001-01-01",
    "9999-12-31 23:59:59", "2021-01-01 00:30:10.", "2021-1-1", "20210101", "2021-01-01 24:00:00", "NaT",
    "2021-01-01 23:59:60", "2021-02-29", "2021-01-01T00:00:00Z", "2021-01-01 00:00:00+00:00", "0000-01-01",
    "10000-01-01", "-001-01-01", "1e9", "2021-01-01  00:30:10", "2021-01-01 0:30:10", "2021/01/01",
    "2021-01-01t00:00:00", "2021-13-01",
]
# fmt: on

ONE_BY_ONE = {"block": 1, "chunk": 1}
"""Every line is a block of its own: what Arrow can read with the types we expect, it reads so."""

OTHER_WAYS = {"as text": "x", "record by record": row(store_and_fwd_flag='"a""b"')}
"""A line that makes its block be read in another way than by Arrow with the types we expect."""


def read_every_way(lines: Sequence[str]) -> None:
    with reading_by(**ONE_BY_ONE):
        fast = clean_rows(*lines)
        quoted = clean_rows(*lines, row(store_and_fwd_flag='"N"'))
    assert numbered(quoted, len(lines)) == numbered(fast, len(lines))
    for way, line in OTHER_WAYS.items():
        assert numbered(clean_rows(*lines, line), len(lines)) == numbered(fast, len(lines)), way


def numbered(outcome: Outcome, last: int) -> list[str]:
    """What became of the first `last` records, as text, which tells 0 from -0."""
    found = [*outcome.trips.to_pylist(), *outcome.rejects]
    return [repr(one) for one in found if one["source_row"] <= last]


@pytest.mark.parametrize("column", ["trip_distance", "fare_amount", "passenger_count", "VendorID", "payment_type"])
def test_a_weird_number_is_the_same_number_whichever_way_it_is_read(column: str) -> None:
    read_every_way([row(**{column: text}) for text in WEIRD_NUMBERS])


def test_a_weird_time_is_the_same_time_whichever_way_it_is_read() -> None:
    read_every_way([row(tpep_pickup_datetime=text) for text in WEIRD_TIMES])


SIGN, EXPONENT, CLOCK = r"[ +-]?", r"([eE][+-]?[0-9]{1,3})?", r"[0-2][0-9](:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,9})?)?)?"
NUMBERS = st.from_regex(rf"\A{SIGN}[0-9]{{0,12}}\.?[0-9]{{0,18}}{EXPONENT}[ a]?\Z")
TIMES = st.from_regex(rf"\A ?[0-9]{{3,4}}-[01][0-9]-[0-3][0-9]([ T]{CLOCK})?\Z")


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=20), times=st.lists(TIMES, min_size=1, max_size=20))
def test_whichever_way_a_block_is_read_its_values_are_the_same(numbers: list[str], times: list[str]) -> None:
    read_every_way(
        [
            *(row(trip_distance=number, total_amount=number) for number in numbers),
            *(row(tpep_dropoff_datetime=time) for time in times),
        ]
    )


def test_bad_rows_in_some_blocks_leave_the_others_as_they_are() -> None:
    lines = [row(fare_amount=str(n)) for n in range(500)]
    lines[100:100] = ["x", row(fare_amount="x")]
    lines[400:400] = [row(store_and_fwd_flag='"a\nb"'), row(store_and_fwd_flag='"a')]
    with reading_by(block=4096, chunk=1000):
        outcome = clean_rows(*lines)
    assert outcome.reasons == [
        (101, "too_few_fields"),
        (102, "unreadable_fare_amount"),
        (402, "unterminated_quote"),
    ]
    fares = [int(fare) for fare in outcome.column("fare_amount")]
    assert fares == [*range(398), 8, *range(398, 500)]
    assert outcome.facts["rows_in"] == 504
