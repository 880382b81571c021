"""Every row is accounted for, nothing is lost, and the version says what decided."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_platform.errors import AccountingError, DamagedStoreError, LayoutError, SettingsError
from taxi_platform.trips import cleaning
from taxi_platform.trips.cleaning import CleaningPlan, clean, plan_cleaning
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.reading.csv_records import CsvReader
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform.trips.reading.records import Records
from taxi_platform.trips.rules import REJECTING, Rule
from taxi_platform.trips.services import SERVICES, Service
from taxi_platform_tests.trips.files import (
    HEADER,
    JANUARY,
    YELLOW,
    clean_bytes,
    clean_rows,
    csv_of,
    parquet_of,
    reading_by,
    row,
)


def test_trips_have_the_columns_of_their_service_and_where_they_come_from() -> None:
    outcome = clean_rows(row())
    assert outcome.trips.column_names == [column.name for column in YELLOW.stored_columns]
    assert outcome.column("source_month") == [JANUARY.first_day]
    assert outcome.trips.schema.field("fare_amount").type == pa.decimal128(12, 2)
    assert b"US dollars" in outcome.trips.schema.field("fare_amount").metadata[b"description"]
    assert outcome.column("airport_fee") == [None]


# Accounting


class LosesARow(CsvReader):
    """A parser that drops the last record of each block, as some do."""

    def __iter__(self) -> Iterator[Records]:
        for records in super().__iter__():
            columns = {name: array[:-1] for name, array in records.columns.items()}
            yield dataclasses.replace(records, columns=columns, source_rows=records.source_rows[:-1])


def test_a_parser_that_loses_a_row_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "CsvReader", LosesARow)
    sentence = r"4 rows in, but 2 kept and 1 rejected\. Nothing was published; the old month stands"
    with pytest.raises(AccountingError, match=sentence) as found:
        clean_rows(row(), row(passenger_count="0"), row(), row())
    assert found.value.counts == (4, 2, 1)


def test_a_parser_that_doubles_a_row_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    once = CsvReader.__iter__
    monkeypatch.setattr(CsvReader, "__iter__", lambda reader: (r for r in once(reader) for _ in range(2)))
    with pytest.raises(AccountingError, match="2 rows in, but 4 kept and 0 rejected"):
        clean_rows(row(), row())


def test_the_text_parser_is_held_to_the_lines_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CsvReader, "_parse", lambda *_, **__: None)
    with pytest.raises(AccountingError, match="the parser gave other rows than the lines after row 1"):
        clean_rows(row())


@pytest.mark.parametrize("content", [csv_of(row(), row()), parquet_of(2)], ids=["csv", "parquet"])
def test_a_file_that_changed_since_the_first_look_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "month"
    path.write_bytes(content)
    plan = plan_cleaning(YELLOW, JANUARY, "yellow 2021-01", inspect_file(path, "yellow 2021-01"))
    other = csv_of(row(), row(fare_amount="9")) if content.startswith(b"V") else parquet_of(2, extra=pa.array([1, 2]))
    path.write_bytes(other)
    with pytest.raises(DamagedStoreError, match="is not the one that was fetched"):
        clean(plan, path, tmp_path)


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(csv_of(*[row()] * 50))
    read: list[int] = []
    with reading_by(chunk=500, block=500):
        clean(plan_cleaning(YELLOW, JANUARY, "x", inspect_file(path, "x")), path, tmp_path, read.append)
    assert sum(read) == path.stat().st_size


# Unknown and missing columns


def test_an_unknown_column_is_kept_aside_by_row() -> None:
    rows = [f"{row()},one", f"{row(passenger_count='0')},two", f"{row()},", "x", f'{row()},"a,""b"']
    outcome = clean_bytes(csv_of(*rows, header=HEADER + ",Mood"))
    assert outcome.kept_rows == [1, 3, 5]
    assert outcome.extras is not None
    assert outcome.extras.to_pydict() == {"source_row": [1, 3, 5], "mood": ["one", None, 'a,"b']}
    assert outcome.facts["unknown_columns"] == ["mood"]


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [("source_row", "source_row_in_file"), ("", ""), ("lpep_pickup_datetime", "lpep_pickup_datetime")],
)
def test_an_unknown_column_may_have_a_name_that_means_something_here(name: str, kept_as: str) -> None:
    rows = [f"2021-01-01 00:00:00,{row()}", "x", f"7,{row(fare_amount='x')}", f"nonsense,{row()}"]
    with reading_by(block=1, chunk=1):
        outcome = clean_bytes(csv_of(*rows, header=f"{name},{HEADER}"))
    assert outcome.extras is not None
    assert outcome.extras.to_pydict() == {
        "source_row": outcome.kept_rows,
        kept_as: ["2021-01-01 00:00:00", "nonsense"],
    }
    assert len(set(outcome.column("pickup_datetime"))) == 1


def test_no_column_of_the_file_hides_another_or_our_own() -> None:
    outcome = clean_bytes(csv_of(f"{row()},a,b", header=HEADER + ",source_row,source_row_in_file"))
    assert outcome.extras is not None
    assert outcome.extras.to_pydict() == {
        "source_row": [1],
        "source_row_in_file_in_file": ["a"],
        "source_row_in_file": ["b"],
    }


def test_a_column_that_only_a_later_layout_has_is_no_stranger() -> None:
    rows = [f"{row()},1.25", "x", f"{row()},", f"{row()},free"]
    outcome = clean_bytes(csv_of(*rows, header=HEADER + ",Airport_Fee"))
    assert [str(fee) for fee in outcome.column("airport_fee")] == ["1.25", "None"]
    assert outcome.reasons == [(2, "too_few_fields"), (4, "unreadable_airport_fee")]
    assert (outcome.extras, outcome.facts["unknown_columns"]) == (None, [])


def test_an_unknown_column_can_be_refused() -> None:
    with pytest.raises(LayoutError, match=r"columns that yellow does not have: mood\. Nothing was published"):
        clean_bytes(csv_of(row() + ",good", header=HEADER + ",Mood"), unknown_columns="fail")


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"There is no rule no_such\. The rules are passenger_count_zero"):
        clean_rows(row(), rules=["no_such"])


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_every_column_of_every_layout_has_one_place_in_the_schema(service: Service) -> None:
    for layout in service.layouts:
        places = [
            [column.name for column in service.columns if name.strip().lower() in column.sources]
            for name in layout.header
        ]
        assert all(len(place) == 1 for place in places), (layout.id, places)
        doubled = {"dispatching_base_num"} if layout.id == "fhv-csv-2018" else set()  # there the second one is empty
        assert {name for (name,), count in Counter(map(tuple, places)).items() if count > 1} == doubled, layout.id


# Rules


def test_a_rule_that_is_switched_off_rejects_nothing() -> None:
    outcome = clean_rows(row(passenger_count="0"), rules=[])
    assert (outcome.column("passenger_count"), outcome.rejects) == ([0], [])
    assert outcome.facts["rules"] == []


def test_a_row_is_rejected_once_for_the_first_reason() -> None:
    outcome = clean_rows(row(fare_amount="x", passenger_count="0", trip_distance="y"))
    assert outcome.reasons == [(1, "unreadable_trip_distance_miles")]


def test_rejects_keep_their_row_their_bytes_and_their_month() -> None:
    outcome = clean_rows(row(), row(passenger_count="0"))
    line = row(passenger_count="0").encode()
    assert outcome.rejects == [
        {
            "source_month": JANUARY.first_day,
            "source_row": 2,
            "reason": "passenger_count_zero",
            "raw_line": line,
            "raw_bytes": len(line),
        }
    ]


# The version


def plan(content: bytes = csv_of(row()), **options: Any) -> CleaningPlan:
    return clean_bytes(content, **options).plan


def test_the_same_inputs_have_the_same_version() -> None:
    version = plan().version
    assert version == plan().version
    assert version == plan(rules=["passenger_count_zero"] * 2).version
    assert version == dataclasses.replace(plan(), source_name="elsewhere.csv").version
    assert len(version) == 16
    int(version, 16)


OTHER_RULE = Rule("no_vendor", "Nobody", ("vendor_id",), lambda trips, _: trips["vendor_id"].is_null())


def test_whatever_decides_the_output_changes_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    first = plan()
    versions = {
        first.version,
        plan(csv_of(row(), row())).version,
        plan(rules=[]).version,
        dataclasses.replace(first, service=dataclasses.replace(YELLOW, schema_version=2)).version,
        dataclasses.replace(first, service=dataclasses.replace(YELLOW, columns=YELLOW.columns[:-1])).version,
        dataclasses.replace(first, recognised=dataclasses.replace(first.recognised, unknown=("mood",))).version,
        dataclasses.replace(
            first, recognised=dataclasses.replace(first.recognised, layout=Layout("other", "csv", (), ""))
        ).version,
    }
    monkeypatch.setitem(REJECTING, OTHER_RULE.name, OTHER_RULE)
    versions.add(plan(rules=["passenger_count_zero", OTHER_RULE.name]).version)
    monkeypatch.setattr(cleaning, "CLEANING_VERSION", "another")
    versions.add(first.version)
    assert len(versions) == 9


def test_the_order_of_rules_is_no_other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REJECTING, OTHER_RULE.name, OTHER_RULE)
    names = ["passenger_count_zero", OTHER_RULE.name]
    assert plan(rules=names).version == plan(rules=names[::-1]).version


def test_all_that_is_written_is_one_sorted_parquet_file_a_role(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(csv_of("x", row(), row(passenger_count="0"), row()))
    result = clean(plan_cleaning(YELLOW, Month(2021, 1), "x", inspect_file(path, "x")), path, tmp_path)
    assert sorted(result.files) == ["rejects", "trips"]
    assert pq.read_table(result.files["trips"].path)["source_row"].to_pylist() == [2, 4]
    assert pq.read_table(result.files["rejects"].path)["source_row"].to_pylist() == [1, 3]
