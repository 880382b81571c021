"""Row by row: what is there is updated, what is new inserted, what else is there stays; all of it, or nothing.

Dagster cannot read annotations that are strings: no `from __future__ import annotations` here.
"""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from taxi_platform.errors import DamagedStoreError, RequestError, SchemaError
from taxi_platform.io_managers.postgres.upsert import Upserted, UpsertTables
from taxi_platform.io_managers.postgres.upsert_io_manager import PostgresUpsertIOManager
from taxi_platform.resources.postgres.resource import PostgresResource
from taxi_platform_tests.io_managers.kits import PostgresKit, StoreKit
from taxi_platform_tests.io_managers.months import JANUARY, month_rows

SCHEMA = pa.schema(
    [
        pa.field("station", pa.string(), metadata={b"description": b"Its call sign"}),
        pa.field("day", pa.date32()),
        pa.field('wind "max"; %s', pa.float64()),
        pa.field("rain", pa.decimal128(9, 2)),
    ]
)
KEY = ["station", "day"]
DAY = dt.date(2021, 1, 1)


@pytest.fixture(params=["postgres", "postgres15"])
def kit(request: pytest.FixtureRequest, kit_of: Callable[..., StoreKit]) -> Iterator[PostgresKit]:
    made = kit_of(request.param)
    assert isinstance(made, PostgresKit)
    yield made
    assert made.held_open() == []
    assert made.ask("SELECT relname FROM pg_class WHERE relname LIKE '%taxi_stage%'") == []


def readings(*rows: tuple[Any, ...]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    return pa.table([pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


A = ("a", DAY, 1.5, Decimal("1.50"))
B = ("b", DAY, 2.5, None)
C = ("c", DAY, None, Decimal("-3.00"))


def upsert(kit: PostgresKit, rows: pa.Table, key: list[str] = KEY, table: str = "readings") -> Upserted:
    return UpsertTables(kit.warehouse.address).upsert(table, rows.to_reader(), key)


def held(kit: PostgresKit, table: str = "readings") -> list[tuple[Any, ...]]:
    with UpsertTables(kit.warehouse.address).read(table) as reader:
        return sorted(tuple(row.values()) for row in reader.read_all().to_pylist())


def test_rows_are_inserted_updated_or_left(kit: PostgresKit) -> None:
    assert upsert(kit, readings(A, B)) == Upserted(2, 0, 0, 2)
    newer = ("a", DAY, None, Decimal("9.99"))
    assert upsert(kit, readings(newer, B, C)) == Upserted(1, 1, 1, 3)
    assert upsert(kit, readings(newer, C)) == Upserted(0, 0, 2, 3)
    assert upsert(kit, readings()) == Upserted(0, 0, 0, 3)
    assert held(kit) == [newer, B, C]


def test_a_new_table_has_its_key_and_its_comments(kit: PostgresKit) -> None:
    upsert(kit, readings(A))
    assert kit.ask("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p'") != []
    with pytest.raises(Exception, match="duplicate key"):
        kit.ask("INSERT INTO readings SELECT * FROM readings")
    assert kit.ask("SELECT col_description('readings'::regclass, 1)") == [("Its call sign",)]


def test_a_table_with_nothing_but_a_key_grows(kit: PostgresKit) -> None:
    assert upsert(kit, readings(A, B).select(KEY)) == Upserted(2, 0, 0, 2)
    assert upsert(kit, readings(B, C).select(KEY)) == Upserted(1, 0, 1, 3)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (readings(A, (None, DAY, 1.0, None), ("x", None, 1.0, None)), "2 rows have no station or no day"),
        (readings(A, C, A, C, B), "2 keys are there more than once, station a, day 2021-01-01 for one"),
        (readings(A).drop_columns(["rain"]), "the column rain is missing"),
        (readings(A).drop_columns(["day"]), "the key is station, day, the columns are"),
        (readings(A).set_column(3, "rain", pa.array([1.5])), "rain is double precision, in the table numeric"),
    ],
)
def test_what_cannot_be_told_apart_or_does_not_fit_is_refused_and_nothing_is_written(
    kit: PostgresKit, rows: pa.Table, says: str
) -> None:
    upsert(kit, readings(A, B))
    with pytest.raises(SchemaError, match=says):
        upsert(kit, rows.append_column("new", pa.nulls(rows.num_rows, pa.int32())))
    assert held(kit) == [A, B]


def test_no_key_is_refused(kit: PostgresKit) -> None:
    with pytest.raises(SchemaError, match="the key is nothing"):
        upsert(kit, readings(A), [])


def test_a_new_column_is_added_and_is_null_in_the_rows_before(kit: PostgresKit) -> None:
    upsert(kit, readings(A, B))
    rows = readings(B, C).append_column('sun "h"', pa.array([1, 2], pa.int32()))
    assert upsert(kit, rows) == Upserted(1, 1, 0, 3)
    assert held(kit) == [(*A, None), (*B, 1), (*C, 2)]


def test_a_table_of_somebodys_own_keeps_what_it_gives_itself(kit: PostgresKit) -> None:
    upsert(kit, readings(A), table="other")  # makes the schema
    kit.ask(
        "CREATE TABLE readings (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, station text, day date, "
        '"wind ""max""; %s" float8, rain numeric(9,2), note text DEFAULT \'none\', UNIQUE (day, station))'
    )
    upsert(kit, readings(A, B))
    kit.ask("UPDATE readings SET note = 'mine' WHERE station = 'a'")
    assert upsert(kit, readings(("a", DAY, 7.0, None), C)) == Upserted(1, 1, 0, 3)
    assert kit.ask("SELECT station, note FROM readings ORDER BY 1") == [("a", "mine"), ("b", "none"), ("c", "none")]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("CREATE TABLE readings (station text, day date)", "nothing keeps station, day from being there twice"),
        ("CREATE TABLE readings (station text, day date, UNIQUE (station))", "nothing keeps station, day"),
        ("CREATE VIEW readings AS SELECT 1 AS station", "there is something else of that name"),
    ],
)
def test_a_table_that_does_not_keep_its_key_is_refused(kit: PostgresKit, made: str, says: str) -> None:
    upsert(kit, readings(A), table="other")
    kit.ask(made)
    with pytest.raises(SchemaError, match=says):
        upsert(kit, readings(A).select(KEY))


def test_a_table_of_months_is_not_touched_row_by_row(kit: PostgresKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", "1")
    with pytest.raises(SchemaError, match="kept month by month"):
        upsert(kit, month_rows(JANUARY), ["source_month", "source_row"], "cab_trips")
    with pytest.raises(RequestError, match="is the ledger"):
        upsert(kit, readings(A), table="_taxi_months")
    assert kit.put(JANUARY, month_rows(JANUARY), "a", "1").outcome == "unchanged"


def test_a_constraint_of_somebodys_own_refuses_all_rows(kit: PostgresKit) -> None:
    upsert(kit, readings(A))
    kit.ask("ALTER TABLE readings ADD CHECK (rain >= 0)")
    with pytest.raises(SchemaError, match="violates check constraint"):
        upsert(kit, readings(B, C))
    assert held(kit) == [A]


def test_a_stream_that_breaks_off_leaves_the_table_as_it_was(kit: PostgresKit) -> None:
    upsert(kit, readings(A))

    def broken() -> Iterator[pa.RecordBatch]:
        yield from readings(B).to_batches()
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        UpsertTables(kit.warehouse.address).upsert("readings", pa.RecordBatchReader.from_batches(SCHEMA, broken()), KEY)
    assert held(kit) == [A]


def test_many_at_once_leave_every_row_once(kit: PostgresKit) -> None:
    start = threading.Barrier(4)

    def work(number: int) -> Upserted:
        start.wait(30)
        return upsert(kit, readings(*((f"{place}", DAY, float(number), None) for place in range(number, number + 50))))

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(work, range(0, 40, 10)))
    assert sum(one.inserted for one in done) == 80
    assert len(held(kit)) == 80


def test_a_table_that_is_not_there_is_said_so(kit: PostgresKit) -> None:
    with (
        pytest.raises(DamagedStoreError, match="there is no readings"),
        UpsertTables(kit.warehouse.address).read("readings"),
    ):
        pass


# In Dagster


def materialised(kit: PostgresKit, *assets: Any, **more: Any) -> dg.ExecuteInProcessResult:
    manager = PostgresUpsertIOManager(postgres=PostgresResource(kit.uri), key_columns=["station"])
    return dg.materialize(list(assets), resources={"io_manager": manager}, raise_on_error=False, **more)


def test_an_asset_is_upserted_by_the_key_in_its_metadata_and_read_whole(kit: PostgresKit) -> None:
    frames = iter(
        [
            pd.DataFrame({"station": ["a", "b"], "day": [1, 1], "celsius": [1.5, None]}),
            pd.DataFrame({"station": ["b", "b"], "day": [1, 2], "celsius": [2.5, 3.5]}),
        ]
    )
    seen = []

    @dg.asset(metadata={"key_columns": ["station", "day"]})
    def weather() -> pd.DataFrame:
        return next(frames)

    @dg.asset(io_manager_key="none")
    def report(weather: pd.DataFrame) -> None:
        seen.append(sorted(map(tuple, weather[["station", "day", "celsius"]].to_numpy().tolist())))

    result = materialised(kit, weather)
    assert result.success
    result = materialised(kit, weather)
    told = result.get_asset_materialization_events()[0].materialization.metadata
    assert {name: told[name].value for name in told if name.startswith("rows_")} == {
        "rows_inserted": 1,
        "rows_updated": 1,
        "rows_unchanged": 0,
    }
    assert told["dagster/row_count"].value == 3
    manager = PostgresUpsertIOManager(postgres=PostgresResource(kit.uri))
    resources = {"io_manager": manager, "none": dg.InMemoryIOManager()}
    assert dg.materialize([weather, report], selection=[report], resources=resources).success
    assert seen == [[("a", 1, 1.5), ("b", 1, 2.5), ("b", 2, 3.5)]]


def test_an_asset_with_partitions_is_told_of_the_other_io_manager(kit: PostgresKit) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["x"]))
    def weather() -> pd.DataFrame:
        return pd.DataFrame({"station": ["a"]})

    result = materialised(kit, weather, partition_key="x")
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert "replaced whole, by PostgresMonthIOManager" in str(failure.user_failure_data.description)
