"""Months are asked for in a few ways, and nonsense is refused with a way that works."""

from __future__ import annotations

import datetime as dt

import pytest

from taxi_platform.errors import RequestError
from taxi_platform.trips.months import Month, last_full_month, parse_months

ASKED = {
    "2021-01": ["2021-01"],
    "2021-02,2021-01": ["2021-01", "2021-02"],
    "2021-01, 2021-01 ,2021-01": ["2021-01"],
    "2020-11..2021-02": ["2020-11", "2020-12", "2021-01", "2021-02"],
    "2020-03 .. 2020-03": ["2020-03"],
    "2009": [f"2009-{month:02}" for month in range(1, 13)],
    "2021,2020-12..2021-01": ["2020-12", *(f"2021-{month:02}" for month in range(1, 13))],
}


@pytest.mark.parametrize(("text", "keys"), ASKED.items())
def test_months_come_in_order_and_once(text: str, keys: list[str]) -> None:
    assert [month.key for month in parse_months(text)] == keys


@pytest.mark.parametrize("text", ["2021-02..2021-01", "2021-01,2020-12..2019-12"])
def test_a_range_that_runs_backwards_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"^The range '.*' runs backwards\. Write the older month first\.$"):
        parse_months(text)


NONSENSE = (
    *("", ",", "2021-01,", "2021-13", "2021-00", "21-01", "2021-1", "2021/01", "January", "202101", "2021-01-01"),
    *("2021-01..", "..2021-01", "2020..2021", "2021-01...2021-03", "2021-01-2021-03", "-2021-01", "2021-01\n2"),
    *("2021-01;2021-02", "'; DROP TABLE", "\uff12\uff10\uff12\uff11-01", "0000-01", "0000"),
)


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match=r"is not a month\. Write it as 2021-01\.$"):
        parse_months(text)


def test_a_month_is_printed_ordered_and_counted_as_one() -> None:
    month = Month.parse("2020-12")
    assert (str(month), month.key, month.first_day) == ("2020-12", "2020-12", dt.date(2020, 12, 1))
    assert (month.plus(1).key, month.plus(-12).key, month.plus(13).key) == ("2021-01", "2019-12", "2022-01")
    assert Month.parse("2009-10") < Month.parse("2010-02")
    assert Month.of(dt.date(2020, 12, 31)) == month
    assert list(month.until(month.plus(-1))) == []


@pytest.mark.parametrize(("today", "key"), [((2021, 1, 1), "2020-12"), ((2021, 3, 31), "2021-02")])
def test_the_last_full_month_is_over(today: tuple[int, int, int], key: str) -> None:
    assert last_full_month(dt.date(*today)).key == key
