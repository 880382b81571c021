"""The promises of a store (design.md), one by one, over every store. What is compared is rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from taxi_platform.errors import AccountingError, DamagedStoreError, RequestError, SchemaError, SupersededError
from taxi_platform_tests.io_managers.kits import KITS, Claim, StoreKit, open_files
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, MARCH, empty_month, in_order, month_rows

FIRST, SECOND, THIRD, FOURTH = (f"2021-05-0{day}T00:00:00Z" for day in range(1, 5))


def plain(rows: pa.Table) -> list[dict[str, Any]]:
    return in_order(rows).to_pylist()


# 1. Replace twice = once


def test_a_month_comes_back_as_it_was_put_down(kit: StoreKit) -> None:
    stored = kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert (stored.outcome, stored.rows, stored.version) == ("created", 6, "a")


def test_the_types_of_the_columns_come_back_as_they_were(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    found = kit.table_of(JANUARY)
    assert found is not None
    assert {field.name: field.type for field in found.schema} == {f.name: f.type for f in month_rows(JANUARY).schema}


def test_a_month_that_was_never_put_down_is_not_there(kit: StoreKit) -> None:
    assert kit.rows_of(JANUARY) is None
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) is None


def test_replacing_a_month_twice_is_replacing_it_once(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    outcomes = [kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND).outcome for _ in range(2)]
    assert outcomes == ["replaced", "unchanged"]
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_a_replaced_month_knows_how_many_rows_it_had_before(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert kit.put(JANUARY, month_rows(JANUARY, 2), "b", SECOND).rows_before == 6


def test_a_version_that_was_replaced_can_come_back(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    again = kit.put(JANUARY, month_rows(JANUARY), "a", THIRD)
    assert again.outcome in ("restored", "replaced")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.version_of(JANUARY) == ("a", THIRD)


def test_an_older_version_does_not_take_the_place_of_a_newer_one(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    with pytest.raises(SupersededError, match=r"b \(as of .*The newer one stays"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_an_older_version_does_not_take_the_place_of_a_newer_one_even_when_forced(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    with pytest.raises(SupersededError):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, force=True)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_an_older_version_does_not_take_the_place_of_one_that_was_confirmed_since(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", FIRST)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", THIRD)
    with pytest.raises(SupersededError):
        kit.put(JANUARY, month_rows(JANUARY), "slow", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


@pytest.mark.parametrize("how", ["forced", "not forced"])
def test_seeing_a_version_with_older_eyes_does_not_make_it_older(kit: StoreKit, how: str) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", THIRD)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", FIRST, force=how == "forced")
    assert kit.version_of(JANUARY) == ("b", THIRD)
    with pytest.raises(SupersededError):
        kit.put(JANUARY, month_rows(JANUARY), "slow", SECOND)


# 3. Other months are untouched


def test_replacing_a_month_leaves_other_months_alone(kit: StoreKit) -> None:
    for month in (JANUARY, FEBRUARY, MARCH):
        kit.put(month, month_rows(month), "a", FIRST)
    kit.put(FEBRUARY, month_rows(FEBRUARY, 1), "b", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY, 1))
    assert kit.rows_of(MARCH) == plain(month_rows(MARCH))


def test_replacing_a_month_leaves_the_same_month_of_other_tables_alone(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", FIRST, table="other_trips")
    kit.put(JANUARY, month_rows(JANUARY, 2), "c", SECOND, table="other_trips")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.rows_of(JANUARY, "other_trips") == plain(month_rows(JANUARY, 2))


# 4. Columns match by name


def test_columns_match_by_name_not_by_place(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    names = month_rows(FEBRUARY).schema.names
    kit.put(FEBRUARY, month_rows(FEBRUARY).select(names[::-1]), "a", FIRST)
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))


def test_a_missing_column_is_refused_and_nothing_is_changed(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with pytest.raises(SchemaError, match="the column total_amount is missing"):
        warehouse.put(JANUARY, month_rows(JANUARY, 1).drop_columns(["total_amount"]), "b", SECOND)
    assert warehouse.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert warehouse.version_of(JANUARY) == ("a", FIRST)


def test_a_column_of_another_type_is_refused_and_nothing_is_changed(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    rows = month_rows(JANUARY, 1)
    place = rows.schema.get_field_index("passenger_count")
    rows = rows.set_column(place, "passenger_count", rows["passenger_count"].cast(pa.string()))
    with pytest.raises(SchemaError, match=r"passenger_count is .*, in the table"):
        warehouse.put(JANUARY, rows, "b", SECOND)
    assert warehouse.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_new_column_is_added_and_is_null_in_the_months_before(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    fee = pa.array([Decimal("0.75")] * 6, pa.decimal128(12, 2))
    rows = month_rows(FEBRUARY).add_column(2, "cbd_fee", fee)
    warehouse.put(FEBRUARY, rows, "a", FIRST)
    assert warehouse.rows_of(FEBRUARY) == plain(rows)
    before = month_rows(JANUARY).append_column("cbd_fee", pa.nulls(6, fee.type))
    assert warehouse.rows_of(JANUARY) == plain(before)


def test_a_new_column_is_not_left_behind_by_a_month_that_is_refused(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    rows = month_rows(FEBRUARY).append_column("cbd_fee", pa.nulls(6, pa.int32()))
    with pytest.raises(AccountingError):
        warehouse.put(FEBRUARY, rows, "a", FIRST, claim=Claim(99))
    assert warehouse.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert warehouse.rows_of(FEBRUARY) is None


def test_a_new_column_can_come_with_the_same_month_again(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    rows = month_rows(JANUARY).append_column("cbd_fee", pa.array(range(6), pa.int32()))
    warehouse.put(JANUARY, rows, "b", SECOND)
    assert warehouse.rows_of(JANUARY) == plain(rows)


def test_a_column_without_a_single_value_fits_the_column_of_the_table(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    rows = month_rows(FEBRUARY)
    place = rows.schema.get_field_index("pickup_datetime")
    warehouse.put(FEBRUARY, rows.set_column(place, "pickup_datetime", pa.nulls(6)), "a", FIRST)
    typed = rows.set_column(place, "pickup_datetime", pa.nulls(6, pa.timestamp("us")))
    assert warehouse.rows_of(FEBRUARY) == plain(typed)


# 5. An empty month


def test_an_empty_month_is_there_and_has_no_rows(kit: StoreKit) -> None:
    assert kit.put(JANUARY, empty_month(), "a", FIRST).rows == 0
    assert kit.rows_of(JANUARY) == []


def test_an_empty_month_is_unchanged_the_second_time(kit: StoreKit) -> None:
    outcomes = [kit.put(JANUARY, empty_month(), "a", FIRST).outcome for _ in range(2)]
    assert outcomes == ["created", "unchanged"]


def test_a_month_can_become_empty_and_full_again(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.put(JANUARY, empty_month(), "b", SECOND)
    assert kit.rows_of(JANUARY) == []
    kit.put(JANUARY, month_rows(JANUARY, 1), "c", THIRD)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


# 6. The count is read back


def test_a_month_of_another_count_than_was_said_is_refused_and_the_old_one_stands(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with pytest.raises(AccountingError, match=r"99 rows were sent.*the old month stands"):
        kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND, claim=Claim(99))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.version_of(JANUARY) == ("a", FIRST)
    assert kit.leftovers() == []


def test_a_month_of_another_sum_than_was_said_is_refused_and_the_old_one_stands(warehouse: StoreKit) -> None:
    warehouse.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    claim = Claim(7, {"total_amount": Decimal("1.23")})
    with pytest.raises(AccountingError, match=r"the sum of total_amount is 1\.23 in the file"):
        warehouse.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND, claim=claim)
    assert warehouse.rows_of(JANUARY) == plain(month_rows(JANUARY))
    truth = sum(row["total_amount"] for row in month_rows(JANUARY, 1).to_pylist())
    warehouse.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND, claim=Claim(7, {"total_amount": truth}))
    assert warehouse.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_rows_of_another_month_are_refused_and_nothing_is_changed(warehouse: StoreKit) -> None:
    for month in (JANUARY, FEBRUARY):
        warehouse.put(month, month_rows(month), "a", FIRST)
    mixed = pa.concat_tables([month_rows(JANUARY, 1), month_rows(FEBRUARY, 1)])
    with pytest.raises(SchemaError, match=r"14 rows were sent, but only 7 of them say 2021-01-01"):
        warehouse.put(JANUARY, mixed, "b", SECOND)
    for month in (JANUARY, FEBRUARY):
        assert warehouse.rows_of(month) == plain(month_rows(month))


# 7. Nothing is left


def test_nothing_is_left_beside_the_months_after_errors(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    for claim, as_of in ((None, FIRST), (Claim(99), THIRD)):
        with pytest.raises((SupersededError, AccountingError)):
            kit.put(JANUARY, month_rows(JANUARY), "a", as_of, claim=claim)
    assert kit.leftovers() == []
    assert open_files(kit.root) == []


# 8. Same version: nothing is moved


def test_the_same_version_moves_nothing(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    before = kit.trace_of(JANUARY)
    assert kit.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "unchanged"
    assert kit.trace_of(JANUARY) == before


def test_the_same_version_is_written_again_when_that_is_forced(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    before = kit.trace_of(JANUARY)
    assert kit.put(JANUARY, month_rows(JANUARY, 1), "a", FIRST, force=True).outcome == "replaced"
    assert kit.trace_of(JANUARY) != before
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


DAMAGES = [(name, damage) for name, kit in KITS.items() for damage in kit.damages]


@pytest.mark.parametrize(("kit", "damage"), DAMAGES, indirect=["kit"])
def test_what_was_damaged_by_hand_is_put_back_by_the_next_load(kit: StoreKit, damage: str) -> None:
    for month in (JANUARY, FEBRUARY):
        kit.put(month, month_rows(month), "a", FIRST)
    kit.damages[damage](kit, JANUARY)
    assert kit.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome in ("repaired", "created")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "unchanged"
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))


@pytest.mark.parametrize(("kit", "damage"), DAMAGES, indirect=["kit"])
def test_what_was_damaged_by_hand_twice_is_put_back_twice(kit: StoreKit, damage: str) -> None:
    for _ in range(3):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
        kit.damages[damage](kit, JANUARY)
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


@pytest.mark.parametrize(("kit", "damage"), DAMAGES, indirect=["kit"])
def test_what_was_damaged_by_hand_is_an_error_to_its_readers_not_fewer_rows(kit: StoreKit, damage: str) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.damages[damage](kit, JANUARY)
    try:
        assert kit.rows_of(JANUARY) is None  # it says that there is none
    except DamagedStoreError as error:
        assert "Load" in str(error)


@pytest.mark.parametrize(("kit", "damage"), DAMAGES, indirect=["kit"])
def test_a_damaged_month_is_in_nobodys_way(kit: StoreKit, damage: str) -> None:
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    kit.damages[damage](kit, JANUARY)
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


# Names that want something else


@pytest.mark.parametrize(
    "name",
    ["", "..", "../cab", "a/b", 'a"b', "a'; DROP TABLE cab_trips; --", "a b", "a.b", "1a", "a\0b", "a\nb", "x" * 64],
)
def test_a_name_that_can_be_no_table_is_refused_and_nothing_is_written(kit: StoreKit, name: str) -> None:
    with pytest.raises(RequestError, match="cannot be the name of a table"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table=name)
    assert kit.leftovers() == []


@pytest.mark.parametrize(
    "partition",
    [
        "",
        "..",
        "2021-13",
        "2021-1",
        "2021-01/../2021-02",
        "2021-01' OR 1=1 --",
        "2021-01\0",
        "2021-01\n",
        "\u0662\u0660\u0662\u0661-\u0660\u0661",
        "0000-01",
    ],
)
def test_a_key_that_can_be_no_partition_is_refused_and_nothing_is_written(kit: StoreKit, partition: str) -> None:
    with pytest.raises(RequestError, match="no partition key"):
        kit.put(partition, month_rows(JANUARY), "a", FIRST)
    assert kit.leftovers() == []


def test_a_table_may_have_letters_of_any_alphabet(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table="größe_旅行")
    assert kit.rows_of(JANUARY, "größe_旅行") == plain(month_rows(JANUARY))


@pytest.mark.parametrize("table", ["select", "incoming", "rows", "main", "temp", "warehouse", "manifest"])
def test_a_table_may_be_called_what_means_something_to_the_store(kit: StoreKit, table: str) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table=table)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND, table=table)
    assert kit.rows_of(JANUARY, table) == plain(month_rows(JANUARY, 1))


@pytest.mark.parametrize("version", ["../../../escaped", "a/../../b", "/absolute", "a\0b", "'; DROP TABLE x; --"])
def test_a_version_that_wants_out_of_the_store_does_not_get_out(kit: StoreKit, version: str) -> None:
    around = {path for path in kit.root.parent.rglob("*") if not path.is_relative_to(kit.root)}
    try:
        kit.put(JANUARY, month_rows(JANUARY), version, FIRST)
        assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    except RequestError as error:
        assert "cannot be a path" in str(error)
    assert {path for path in kit.root.parent.rglob("*") if not path.is_relative_to(kit.root)} == around
