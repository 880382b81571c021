"""Money is exact to the cent, and what rounding changed is counted."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxi_platform.trips.conform import Conformed, conform
from taxi_platform.trips.schema import Column
from taxi_platform_tests.trips.files import clean_rows, row

MONEY = Column("fare_amount", "money", "A fare")
ID = Column("vendor_id", "id", "A vendor")


def as_money(*texts: str | None) -> Conformed:
    """Money read from text and from doubles, of which both must be the same."""
    from_text = conform(pa.array(texts, pa.string()), MONEY, "a file")
    from_floats = conform(pa.array(texts, pa.string()).cast(pa.float64()), MONEY, "a file")
    assert (from_text.values, from_text.rounded) == (from_floats.values, from_floats.rounded)
    return from_text


@pytest.mark.parametrize("text", ["9.4000000000000004", "9.3999999999999986", "9.4", "9.40", "940e-2"])
def test_float_noise_is_no_rounding(text: str) -> None:
    money = as_money(text)
    assert money.values.to_pylist() == [Decimal("9.40")]
    assert money.rounded == 0


ROUNDED = {
    "0.125": "0.13",
    "-0.125": "-0.13",
    "1.005": "1.01",  # as a double just below half a cent
    "-1.005": "-1.01",
    "1.115": "1.12",  # as a double just above
    "0.004": "0.00",
    "2.6749": "2.67",
    "-0.005": "-0.01",
}


def test_half_a_cent_is_rounded_away_from_zero_and_counted() -> None:
    money = as_money(None, "5", *ROUNDED)
    assert money.values.to_pylist() == [None, Decimal("5.00"), *map(Decimal, ROUNDED.values())]
    assert money.rounded == len(ROUNDED)
    for text, expected in ROUNDED.items():
        assert as_money(text).values.to_pylist() == [Decimal(expected)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.decimals(-99_999_999, 99_999_999, places=4), min_size=1, max_size=20))
def test_money_is_what_exact_arithmetic_makes_of_its_text(amounts: list[Decimal]) -> None:
    exact = [amount.quantize(Decimal("0.01"), ROUND_HALF_UP) for amount in amounts]
    money = as_money(*map(str, amounts))
    assert money.values.to_pylist() == exact
    assert money.rounded == sum(amount != rounded for amount, rounded in zip(amounts, exact, strict=True))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.decimals("-9999999999.99", "9999999999.99", places=2), max_size=30))
def test_cents_are_never_changed(amounts: list[Decimal]) -> None:
    money = as_money(*map(str, amounts))
    assert money.values.to_pylist() == amounts
    assert (money.bad, money.rounded) == (None, 0)


def test_sums_are_exact() -> None:
    outcome = clean_rows(*[row(total_amount="0.1")] * 1000, row(total_amount="9999999999.99"))
    assert outcome.facts["control_sums"] == {"total_amount": "10000000099.99"}


def test_a_rejected_row_adds_nothing_to_a_sum() -> None:
    outcome = clean_rows(row(total_amount="1.10"), row(total_amount="5", passenger_count="0"))
    assert outcome.facts["control_sums"] == {"total_amount": "1.10"}


def test_rounding_is_counted_in_the_month() -> None:
    outcome = clean_rows(row(tip_amount="0.125", fare_amount="0.999"), row(), row(extra="9.4000000000000004"))
    assert outcome.facts["money_rounded"] == 2


@pytest.mark.parametrize("neighbour", [[], ["x"], ["40000"], ["1.5"]])
@pytest.mark.parametrize(("text", "number"), [("-32768", -32768), ("32767", 32767), ("1.0", 1), ("", None)])
def test_an_id_is_the_same_id_beside_bad_ones(text: str, number: int | None, neighbour: list[str]) -> None:
    ids = conform(pa.array([text, *neighbour]), ID, "a file")
    assert ids.values.to_pylist() == [number, *[None] * len(neighbour)]
    assert (ids.bad or pa.array([False])).to_pylist() == [False, *[True] * len(neighbour)]


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_bad_values_are_found_wherever_they_are(count: int) -> None:
    texts = [str(n) if n % 3 else "x" if n % 2 else "1e" for n in range(count)]
    money = conform(pa.array(texts), MONEY, "a file")
    assert money.values.to_pylist() == [Decimal(n) if n % 3 else None for n in range(count)]
    assert money.bad.to_pylist() == [n % 3 == 0 for n in range(count)]
