"""Types and names: what BigQuery has for those of Arrow, and what it has not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from taxi_platform.errors import SchemaError
from taxi_platform.io_managers.bigquery.arrow_types import bigquery_type
from taxi_platform_tests.io_managers.bigquery.test_warehouse import NUMBERS, put, read
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit
from taxi_platform_tests.io_managers.months import JANUARY


@pytest.mark.parametrize(
    ("kind", "bigquery_kind"),
    [
        (pa.int64(), "INT64"),
        (pa.int16(), "INT64 [int16]"),
        (pa.uint32(), "INT64 [uint32]"),
        (pa.uint64(), "NUMERIC(20,0)"),
        (pa.float64(), "FLOAT64"),
        (pa.float32(), "FLOAT64 [float32]"),
        (pa.bool_(), "BOOL"),
        (pa.string(), "STRING"),
        (pa.large_string(), "STRING"),
        (pa.dictionary(pa.int8(), pa.string()), "STRING"),
        (pa.binary(), "BYTES"),
        (pa.date32(), "DATE"),
        (pa.timestamp("us"), "DATETIME"),
        (pa.timestamp("s"), "DATETIME"),
        (pa.timestamp("us", "Europe/Berlin"), "TIMESTAMP"),
        (pa.decimal128(12, 2), "NUMERIC(12,2)"),
        (pa.decimal128(38, 9), "NUMERIC(38,9)"),
        (pa.decimal128(38, 2), "BIGNUMERIC(38,2)"),
        (pa.decimal128(20, 12), "BIGNUMERIC(20,12)"),
    ],
)
def test_every_arrow_type_has_a_type_that_keeps_all_of_its_values(kind: pa.DataType, bigquery_kind: str) -> None:
    assert bigquery_type(pa.field("x", kind)) == bigquery_kind


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.time64("us"), pa.decimal256(50, 3), pa.decimal128(5, -2)])
def test_a_type_that_there_is_none_for_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(SchemaError, match="The column x of type .* cannot be stored in BigQuery"):
        bigquery_type(pa.field("x", kind))


def test_values_at_the_ends_of_their_types_come_back(store: BigQueryKit) -> None:
    rows = pa.table(
        {
            "int64": pa.array([-(2**63), 2**63 - 1, None]),
            "int8": pa.array([-128, 127, None], pa.int8()),
            "uint64": pa.array([0, 2**64 - 1, None], pa.uint64()),
            "float32": pa.array([0.1, -1e38, None], pa.float32()),
            "float64": pa.array([1e308, float("inf"), None]),
            "bool": pa.array([True, False, None]),
            "text": pa.array(["", "ü\n\t\"'`\\ \u2028", None]),
            "bytes": pa.array([b"", b"\0\xff", None]),
            "day": pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31), None]),
            "time": pa.array([dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None]),
            "moment": pa.array([dt.datetime(2021, 1, 1), None, None], pa.timestamp("ns", "Europe/Berlin")),
            "money": pa.array([Decimal("-9999999999.99"), Decimal("0.01"), None], pa.decimal128(12, 2)),
            "large": pa.array([Decimal(10) ** 35, Decimal("0.01"), None], pa.decimal128(38, 2)),
        }
    )
    put(store, rows, None)
    found = read(store, None)
    assert {name: found[name].to_pylist() for name in rows.schema.names} == {
        name: rows[name].to_pylist() for name in rows.schema.names
    }
    assert found.schema.field("int8").type == pa.int8()
    assert found.schema.field("float32").type == pa.float32()


@pytest.mark.parametrize("name", ['tip "cash"', "a;b", "a.b", "a`b", "a\nb", "", "x" * 301, "_PARTITIONTIME", "a\0"])
def test_a_name_that_bigquery_cannot_have_is_refused_in_a_sentence(store: BigQueryKit, name: str) -> None:
    rows = NUMBERS.rename_columns([name, "source_month"])
    with pytest.raises(SchemaError, match="cannot be a column in BigQuery") as refused:
        put(store, rows, JANUARY)
    assert len(str(refused.value)) < 300
    assert store.tables() == []


def test_names_that_are_the_same_to_bigquery_are_refused(store: BigQueryKit) -> None:
    rows = pa.table({"Fee": [1], "fee": [2]})
    with pytest.raises(SchemaError, match="To BigQuery the columns Fee, fee are the same"):
        put(store, rows, None)


@pytest.mark.parametrize("name", ["größe", "旅行", "a b", "a'b", "a-b", "a#b", "a%b", "select", "rows", "x" * 300])
def test_a_name_that_bigquery_can_have_does_no_harm(store: BigQueryKit, name: str) -> None:
    put(store, NUMBERS.rename_columns([name, "source_month"]), JANUARY)
    assert read(store, JANUARY)[name].to_pylist() == [1, 2, 3]
    assert store.warehouse.totals("numbers", JANUARY, [name]) == (3, {name: Decimal(6)})
