"""What only Postgres can get wrong: names, grants, indexes and views of others, partitions, values without a place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pytest

from taxi_platform.errors import DamagedStoreError, RequestError, SchemaError, StoreError
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import Stamp, Stored
from taxi_platform.resources.postgres.address import parse_address
from taxi_platform_tests.io_managers.kits import PostgresKit, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, MARCH, TABLE, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain

NASTY = [
    "'; DROP TABLE cab_trips; --",
    'a "quoted" name',
    "%s %(name)s {0} {table}",
    "back\\slash\ttab",
    "größe 旅行 🚕",
    "x" * 63,
    "é" * 31,
    " ",
    "select",
    "$1",
]


@pytest.fixture
def kit(kit_of: Callable[..., StoreKit]) -> Iterator[PostgresKit]:
    made = kit_of("postgres")
    assert isinstance(made, PostgresKit)
    yield made
    assert made.held_open() == []


def put_stream(
    kit: PostgresKit, rows: pa.Table, version: str = "s", table: str = TABLE, month: str = JANUARY
) -> Stored:
    return kit.warehouse.replace_month(table, month, rows.to_reader(), Stamp(version, version, "run"))


# Names


@pytest.mark.parametrize("name", NASTY)
def test_a_column_may_be_called_anything(kit: PostgresKit, name: str) -> None:
    rows = month_rows(JANUARY).append_column(name, pa.array(range(6), pa.int32()))
    for version in "ab":
        put_stream(kit, rows, version)
    assert kit.rows_of(JANUARY) == plain(rows)
    field = pa.field(f"{name[:-1]}2" if len(name) > 1 else "2", pa.string(), metadata={b"description": name.encode()})
    put_stream(kit, rows.append_column(field, pa.array([name] * 6)), "c")
    assert {row[field.name] for row in kit.rows_of(JANUARY) or ()} == {name}
    comment = "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'cab_trips'::regclass"
    assert (name,) in kit.ask(comment)


@pytest.mark.parametrize("schema", [name for name in NASTY if name.strip()])
def test_a_schema_may_be_called_anything(kit: PostgresKit, schema: str) -> None:
    server = kit.uri.partition("?")[0]
    address = parse_address(f"{server}?schema={quote(schema, safe='')}")
    warehouse = PostgresWarehouse(address)
    try:
        for version in "ab":
            warehouse.replace_month(TABLE, JANUARY, month_rows(JANUARY).to_reader(), Stamp(version, version, "run"))
        assert warehouse.totals(TABLE, JANUARY, ["source_row"]) == (6, {"source_row": Decimal(21)})
        assert [row.version for row in warehouse.months()] == ["b"]
    finally:
        kit.ask(f"DROP SCHEMA IF EXISTS {as_identifier(schema)} CASCADE")


def as_identifier(name: str) -> str:
    return psycopg.sql.Identifier(name).as_string(None)


@pytest.mark.parametrize("name", ["x" * 64, "é" * 32, "a\0b", ""])
def test_a_column_with_a_name_that_postgres_would_cut_is_refused(kit: PostgresKit, name: str) -> None:
    with pytest.raises(SchemaError, match="cannot be a name in Postgres: it has 1 to 63 bytes"):
        put_stream(kit, month_rows(JANUARY).append_column(name, pa.array(range(6))))
    assert kit.rows_of(JANUARY) is None


def test_tables_with_names_as_long_as_can_be_do_not_take_each_others_partitions(kit: PostgresKit) -> None:
    one, other = "x" * 62 + "a", "x" * 62 + "b"
    for version in "ab":
        for table, seed in ((one, 0), (other, 1)):
            put_stream(kit, month_rows(JANUARY, seed), version, table)
    assert kit.rows_of(JANUARY, one) == plain(month_rows(JANUARY))
    assert kit.rows_of(JANUARY, other) == plain(month_rows(JANUARY, 1))
    with pytest.raises(SchemaError, match="63 bytes"):
        put_stream(kit, month_rows(JANUARY), "a", "é" * 32)


def test_columns_that_differ_in_case_only_are_two(kit: PostgresKit) -> None:
    rows = month_rows(JANUARY).append_column("Total_Amount", pa.array(range(6), pa.int32()))
    put_stream(kit, rows)
    assert kit.rows_of(JANUARY) == plain(rows)


@pytest.mark.parametrize("name", ["_taxi_months", "_TAXI_MONTHS"])
def test_the_ledger_is_not_a_table_of_months(kit: PostgresKit, name: str) -> None:
    with pytest.raises(RequestError, match="is the ledger"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table=name)


# What others made


def test_a_table_of_the_same_name_in_another_schema_is_none_of_ours(kit: PostgresKit) -> None:
    kit.ask("CREATE TABLE public.cab_trips (one int)")
    try:
        for version, as_of in (("a", FIRST), ("b", SECOND)):
            kit.put(JANUARY, month_rows(JANUARY), version, as_of)
        assert kit.ask("SELECT count(*) FROM public.cab_trips") == [(0,)]
    finally:
        kit.ask("DROP TABLE public.cab_trips")


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW other_trips AS SELECT 1 AS one",
        "CREATE TABLE other_trips (source_month date)",
        "CREATE TABLE other_trips (source_month date) PARTITION BY RANGE (source_month)",
        "CREATE TABLE other_trips (source_month date, day date) PARTITION BY LIST (day)",
        "CREATE SEQUENCE other_trips",
    ],
)
def test_something_else_of_that_name_is_refused_and_left(kit: PostgresKit, made: str) -> None:
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    kit.ask(made)
    with pytest.raises(SchemaError, match="there is something else of that name"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST, table="other_trips")
    assert kit.ask("SELECT count(*) FROM other_trips") is not None


def test_a_table_that_has_the_name_of_a_partition_is_left(kit: PostgresKit) -> None:
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    kit.ask("CREATE TABLE cab_trips_2021_01 (mine int)")
    for version, as_of in (("a", FIRST), ("b", SECOND)):
        kit.put(JANUARY, month_rows(JANUARY), version, as_of)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.ask("SELECT count(mine) FROM cab_trips_2021_01") == [(0,)]


def test_grants_indexes_and_views_of_others_outlive_a_replacement(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.ask('CREATE INDEX ON cab_trips (passenger_count, lower("größe; drop"))')
    kit.ask("CREATE VIEW pretty AS SELECT count(*) AS trips FROM cab_trips")
    kit.ask("GRANT SELECT ON cab_trips TO PUBLIC")
    before = kit.ask("SELECT relacl::text FROM pg_class WHERE relname = 'cab_trips' AND relacl IS NOT NULL")
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    kit.put(FEBRUARY, month_rows(FEBRUARY), "b", SECOND)
    assert kit.ask("SELECT trips FROM pretty") == [(13,)]
    assert kit.ask("SELECT relacl::text FROM pg_class WHERE relname = 'cab_trips' AND relacl IS NOT NULL") == before
    parents = kit.ask(
        "SELECT count(*), count(DISTINCT i.inhparent) FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid "
        "JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = (SELECT oid FROM pg_namespace "
        "WHERE nspname = current_schema())"
    )
    assert parents == [(6, 3)]  # of two months: the brin, the unique one, and theirs


def test_a_column_that_somebody_added_must_come_with_the_next_month(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.ask("ALTER TABLE cab_trips ADD COLUMN note text DEFAULT 'none', DROP COLUMN passenger_count")
    with pytest.raises(SchemaError, match="the column note is missing"):
        kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    rows = month_rows(FEBRUARY).drop_columns(["passenger_count"]).append_column("note", pa.array(["x"] * 6))
    kit.put(FEBRUARY, rows, "a", FIRST)
    assert kit.rows_of(FEBRUARY) == plain(rows)


def test_a_new_table_has_an_index_on_its_time_and_one_that_lets_no_row_in_twice(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    made = kit.ask(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'cab_trips' AND schemaname = current_schema() ORDER BY 1"
    )
    assert [text.partition(" USING ")[2] for (text,) in made] == [
        "brin (pickup_datetime)",
        "btree (source_row, source_month)",
    ]
    rows = month_rows(FEBRUARY)
    with pytest.raises(SchemaError, match="duplicate key|could not create unique index"):
        kit.put(FEBRUARY, pa.concat_tables([rows, rows]), "a", FIRST)
    assert kit.rows_of(FEBRUARY) is None
    assert kit.leftovers() == []


def test_the_planner_knows_a_new_month(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY, rows=500), "a", FIRST)
    assert kit.ask(f"SELECT reltuples::int FROM pg_class WHERE oid = '{kit.partition(JANUARY)}'::regclass") == [(500,)]
    plan = "\n".join(line for (line,) in kit.ask(f"EXPLAIN SELECT * FROM {TABLE} WHERE source_month = '2021-02-01'"))
    assert "One-Time Filter: false" in plan  # no other month is looked into


# Streams


def test_rows_can_come_from_the_table_that_they_go_to(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)

    def rows_of_january() -> Iterator[pa.RecordBatch]:
        with kit.warehouse.read_months(TABLE, [JANUARY]) as reader:
            yield from reader

    stream = pa.RecordBatchReader.from_batches(month_rows(JANUARY).schema, rows_of_january())
    kit.warehouse.replace_month(TABLE, JANUARY, stream, Stamp("b", SECOND, "run"))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_stream_that_breaks_off_leaves_the_old_month(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)

    def broken() -> Iterator[pa.RecordBatch]:
        yield from month_rows(JANUARY, 1).to_batches()
        raise ConnectionResetError("gone")

    stream = pa.RecordBatchReader.from_batches(month_rows(JANUARY).schema, broken())
    with pytest.raises((ConnectionResetError, StoreError)):
        kit.warehouse.replace_month(TABLE, JANUARY, stream, Stamp("b", SECOND, "run"))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.leftovers() == []


def test_a_stream_whose_context_has_ended_holds_no_connection(kit: PostgresKit) -> None:
    put_stream(kit, month_rows(JANUARY, rows=200_000))
    with kit.warehouse.read_months(TABLE, [JANUARY]) as reader:
        reader.read_next_batch()
        assert len(kit.held_open()) == 1
    assert kit.held_open() == []


def test_months_are_read_together_and_one_that_was_never_loaded_is_missed(kit: PostgresKit) -> None:
    for month in (JANUARY, FEBRUARY):
        kit.put(month, month_rows(month), "a", FIRST)
    with kit.warehouse.read_months(TABLE, [JANUARY, FEBRUARY], ["source_row"]) as reader:
        assert reader.read_all().num_rows == 12
    with (
        pytest.raises(DamagedStoreError, match="there is no cab_trips 2021-03"),
        kit.warehouse.read_months(TABLE, [JANUARY, MARCH]),
    ):
        pass


# Values


VALUES = {
    "a text with all that CSV makes something of": pa.array(['a,"b"\n\r\nc\\N\t', "", "NULL", "\\N", "é旅🚕", None]),
    "bytes": pa.array([b"", b"\0\xff", None]),
    "times of long ago and far ahead": pa.array(
        [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None], pa.timestamp("us")
    ),
    "points in time": pa.array([dt.datetime(2021, 3, 28, 1, 30, tzinfo=dt.UTC), None], pa.timestamp("us", "UTC")),
    "numbers at their limits": pa.array([2**63 - 1, -(2**63), None], pa.int64()),
    "big numbers without a sign": pa.array([2**64 - 1, 0, None], pa.uint64()).cast(pa.decimal128(20, 0)),
    "decimals": pa.array(
        [Decimal("-123456789012345678901234567890123456.78"), Decimal("0.01"), None], pa.decimal128(38, 2)
    ),
    "fractions": pa.array([1e308, -0.0, 5e-324, float("inf"), None], pa.float64()),
    "small fractions": pa.array([0.1, None], pa.float32()),
    "yes and no": pa.array([True, False, None]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_come_back_as_they_were(kit: PostgresKit, kind: str) -> None:
    values = VALUES[kind]
    rows = pa.table({"n": pa.array(range(len(values)), pa.int64()), "value": values})
    rows = rows.append_column("source_month", pa.repeat(month_rows(JANUARY)["source_month"][0], len(values)))
    put_stream(kit, rows)
    with kit.warehouse.read_months(TABLE, [JANUARY]) as reader:
        found = reader.read_all().sort_by("n")
    assert found["value"].combine_chunks().equals(values)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (pa.array(["a\0b"]), "cannot be stored"),
        (pa.array([[1]]), "The column value of type list"),
        (pa.array([dt.time(1)]), "The column value of type time64"),
        (pa.array([10**18], pa.timestamp("ns")).cast(pa.timestamp("ns")), None),
        (pa.array([10**18 + 1], pa.timestamp("ns")), "cannot be stored: .*lose data"),
    ],
    ids=["a NUL in a text", "a list", "a time of day", "nanoseconds", "fractions of microseconds"],
)
def test_a_value_without_a_place_is_a_sentence(kit: PostgresKit, value: pa.Array, says: str | None) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    rows = pa.table({"value": value, "source_month": month_rows(JANUARY)["source_month"].slice(0, 1)})
    if says is None:
        assert put_stream(kit, rows, table="other_trips").rows == 1
        return
    with pytest.raises(SchemaError, match=says):
        put_stream(kit, rows, table="other_trips")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.leftovers() == []
