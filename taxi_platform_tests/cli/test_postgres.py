"""`taxi` with Postgres as the warehouse: the commands are the same, and so are the numbers."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from taxi_platform_tests.cli.test_load import SPRING_2020
from taxi_platform_tests.conftest import Project, make_project, on_postgres
from taxi_platform_tests.kit.postgres_server import PostgresServer

SCHEMA = 'so "called"; trips'
SPRING = ("load", "green", "2020-03..2020-05")


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory, postgres18: PostgresServer) -> Iterator[Project]:
    """Two months of green and the zones, in every stage; for the tests that only look."""
    project = make_project(tmp_path_factory.mktemp("on_postgres"))
    project.settings["TAXI_SOURCE"] = "sample://?rows=500"
    project = on_postgres(project, postgres18, SCHEMA)
    assert project.taxi("load", "zones,green", "2024-01,2024-02").exit_code == 0
    yield project
    postgres18.ask(f"DROP SCHEMA {quoted(SCHEMA)} CASCADE")


@pytest.fixture
def schema(request: pytest.FixtureRequest, postgres18: PostgresServer) -> Iterator[str]:
    """A schema of the test's own, which is not there yet."""
    name = f"of {hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    yield name
    postgres18.ask(f"DROP SCHEMA IF EXISTS {quoted(name)} CASCADE")


@pytest.fixture
def loaded(loaded_once: Project, postgres18: PostgresServer, schema: str, tmp_path: Path) -> Project:
    """The same months in a place of their own."""
    project = Project(shutil.copytree(loaded_once.folder, tmp_path / "loaded"), loaded_once.settings)
    project = on_postgres(project, postgres18, schema)
    assert [month["status"] for month in project.load("green", "2024-01,2024-02")] == ["loaded", "loaded"]
    return project


def quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


# The same as with DuckDB


NUMBERS = """
select source_month, count(*), round(sum(total_amount), 2), sum(passenger_count), min(pickup_datetime),
    count(distinct source_row) from green_trips group by 1 order by 1
"""
WITH_ZONES = """
select pickup_borough, dropoff_zone, count(*), sum(fare_amount) from green_trips_with_zones
where source_month = date '2024-01-01' group by 1, 2 order by 1, 2
"""


def test_the_warehouse_answers_as_duckdb_does(loaded_once: Project, tmp_path: Path) -> None:
    with_duckdb = Project(shutil.copytree(loaded_once.folder, tmp_path / "duckdb"))
    with_duckdb.settings["TAXI_SOURCE"] = loaded_once.settings["TAXI_SOURCE"]
    assert with_duckdb.taxi("load", "zones,green", "2024-01,2024-02").exit_code == 0
    for sql in (NUMBERS, WITH_ZONES):
        assert loaded_once.rows(sql) == with_duckdb.rows(sql)
        in_csv = [one.taxi("query", sql, "--format", "csv").out.splitlines()[1:] for one in (loaded_once, with_duckdb)]
        assert in_csv[0] == in_csv[1]
        assert len(in_csv[0]) > 1


def test_what_is_loaded_is_current_in_every_stage(loaded_once: Project) -> None:
    assert set(loaded_once.states().values()) == {"current"}
    assert len(loaded_once.states()) == 8


def test_loaded_again_nothing_is_moved(loaded: Project, postgres18: PostgresServer, schema: str) -> None:
    sql = "SELECT oid, relname, relfilenode FROM pg_class WHERE relnamespace = to_regnamespace(%r) ORDER BY 1"
    before = postgres18.ask(sql.replace("%r", f"'{quoted(schema)}'"))
    assert [month["status"] for month in loaded.load("green", "2024-01,2024-02")] == ["unchanged"] * 2
    assert postgres18.ask(sql.replace("%r", f"'{quoted(schema)}'")) == before
    assert not (loaded.home / "warehouse.duckdb").exists()


def test_the_columns_carry_the_words_of_the_dictionary(loaded_once: Project) -> None:
    sql = (
        "select col_description(a.attrelid, a.attnum) from pg_attribute a "
        "where a.attrelid = 'green_trips'::regclass and a.attname = 'passenger_count'"
    )
    assert loaded_once.rows(sql) == [["Passengers in the vehicle, as the driver entered it."]]


def test_three_real_months_have_the_numbers_that_others_counted(
    project: Project, publisher: Path, postgres18: PostgresServer, schema: str
) -> None:
    project = on_postgres(project, postgres18, schema)
    words = ("green", "2020-03..2020-05", "--source", str(publisher))
    months = project.load(*words)
    counted = {month["month"]: (month["rows_in"], month["rows_kept"], month["rows_rejected"]) for month in months}
    assert counted == {month: numbers[:3] for month, numbers in SPRING_2020.items()}
    sql = "select source_month, count(*), round(sum(total_amount),2) from green_trips group by 1 order by 1"
    truth = [f"{month}-01,{kept},{total}" for month, (_, kept, _, total) in SPRING_2020.items()]
    assert project.taxi("query", sql, "--format", "csv").out.splitlines()[1:] == truth
    assert {month["status"] for month in project.load(*words)} == {"unchanged"}
    assert project.taxi("query", sql, "--format", "csv").out.splitlines()[1:] == truth


# Damaged by hand


DAMAGES: dict[str, Callable[[Project, PostgresServer, str], Any]] = {
    "the table was dropped": lambda _, server, schema: server.ask("DROP TABLE green_trips CASCADE", schema),
    "a partition was dropped": lambda _, server, schema: server.ask("DROP TABLE green_trips_2024_01", schema),
    "rows were deleted": lambda _, server, schema: server.ask("DELETE FROM green_trips WHERE source_row < 9", schema),
    "the ledger was dropped": lambda _, server, schema: server.ask("DROP TABLE _taxi_months", schema),
    "the schema was dropped": lambda _, server, schema: server.ask(f"DROP SCHEMA {quoted(schema)} CASCADE"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_load_puts_back_what_was_deleted(
    loaded: Project, postgres18: PostgresServer, schema: str, damage: str
) -> None:
    before = loaded.rows(NUMBERS)
    DAMAGES[damage](loaded, postgres18, schema)
    states = loaded.states()
    assert {states["green", "2024-01", "warehouse"]} <= {"damaged", "missing"}
    assert loaded.load("green", "2024-01")[0]["status"] == "loaded"
    loaded.load("green", "2024-02")
    assert loaded.rows(NUMBERS) == before
    assert set(loaded.states().values()) == {"current"}
    assert {month["status"] for month in loaded.load("green", "2024-01,2024-02")} == {"unchanged"}


def test_without_its_history_nothing_has_to_be_loaded_again(loaded: Project) -> None:
    shutil.rmtree(loaded.home / "dagster")
    assert {month["status"] for month in loaded.load("green", "2024-01,2024-02")} == {"unchanged"}


# Asked


FORBIDDEN = [
    "insert into green_trips select * from green_trips",
    "with more as (insert into green_trips select * from green_trips returning *) select * from more",
    "update green_trips set total_amount = 0",
    "delete from green_trips",
    "truncate green_trips",
    "drop table green_trips",
    "create table t (a int)",
    "create temp table t (a int)",
    "create table t as select 1",
    "select 1 into t",
    "select * from green_trips for update",
    "commit; drop table green_trips",
    "select 1; commit; drop table green_trips",
    "commit",
    "rollback",
    "begin read write",
    "select 1; drop table green_trips",
    "select 1; select 2",
    "set transaction read write",
    "set session characteristics as transaction read write",
    "select set_config('transaction_read_only', 'off', true)",
    "select set_config('transaction_read_only', 'off', false), (select count(*) from green_trips)",
    "do $$ begin delete from green_trips; end $$",
    "do $$ begin commit; delete from green_trips; end $$",
    "call nothing()",
    "explain analyze delete from green_trips",
    "explain (analyze) insert into green_trips select * from green_trips",
    "explain analyze create table t as select 1",
    "copy green_trips to '/tmp/stolen.csv'",
    "copy (select 1) to program 'touch /tmp/stolen.csv'",
    "copy green_trips to stdout",
    "declare more cursor with hold for select 1",
    "fetch all from question",
    "prepare p as delete from green_trips",
    "lock table green_trips",
    "listen x",
    "vacuum",
    "select nextval('s'), lo_create(1)",
    "selec 1",
    "select * from nothing",
    "select no_such_column from green_trips",
    "select cast('x' as int)",
    "select 1 / 0",
    "",
    " ; ",
    "/* nothing */",
    "'x'",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_what_is_no_question_is_refused_in_a_sentence_and_changes_nothing(
    loaded_once: Project, postgres18: PostgresServer, sql: str
) -> None:
    postgres18.ask("CREATE SEQUENCE IF NOT EXISTS s", SCHEMA)
    before = fingerprint(postgres18)
    answer = loaded_once.taxi("query", sql)
    assert answer.exit_code == 2
    assert answer.out == ""
    assert len(answer.sentence) > 20
    assert fingerprint(postgres18) == before
    assert not Path("/tmp/stolen.csv").exists()


def fingerprint(server: PostgresServer) -> list[Any]:
    """Everything that is in the schema, and everything of ours that is still connected."""
    tables = server.ask(
        f"SELECT oid, relname, relfilenode, relkind, relacl::text FROM pg_class WHERE relnamespace = "
        f"'{quoted(SCHEMA)}'::regnamespace ORDER BY 1"
    )
    connected = server.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'taxi_platform'")
    rows = server.ask("SELECT count(*), sum(total_amount), sum(hashtext(t::text)::bigint) FROM green_trips t", SCHEMA)
    return [tables, connected, rows, server.ask("SELECT last_value, is_called FROM s", SCHEMA)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) from green_trips;", None),
        ("/* how many? */ -- all\n select 1 -- of them", [[1]]),
        ("with t as (select 1) select * from t", [[1]]),
        ("(values (1), (2))", [[1], [2]]),
        ("select 7 % 4, '%s', 'a;b'", [[3, "%s", "a;b"]]),
        ("table _taxi_months", None),
        ("show transaction_read_only", [["on"]]),
        ("explain select 1", None),
        ("explain (select 1)", None),
        ("/* why */ explain analyze select 1", None),
        ("explain (analyze, format json) select count(*) from green_trips", None),
        ("select * from generate_series(1, 25000)", [[number] for number in range(1, 25_001)]),
        ("select sum(n), avg(n) from generate_series(1, 4) n", [[10, 2.5]]),
        (f"select count(*) from {quoted(SCHEMA)}.green_trips", None),
    ],
)
def test_what_is_a_question_is_answered(loaded_once: Project, sql: str, rows: list[Any] | None) -> None:
    found = loaded_once.rows(sql)
    assert found == rows or (rows is None and len(found) > 0)


ALL_KINDS = """
select null as nothing, 1.10::numeric(9,2) as money, 12345678901234567.89::numeric(30,2) as much,
       date '2020-02-29' as day, timestamp '2020-02-29 01:02:03' as time, true as yes, 12345 as number,
       'a "quoted", text' as text, 'zwölf' as umlaut, 'nan'::float8 as nan, 'NaN'::numeric as none, array[1.5, null] as
       list, '{"a": 1.5}'::jsonb as struct, date 'infinity' as never, timestamp '0044-03-15 12:00 BC' as ides,
       interval '1 month 2 days' as span, '\\x6162'::bytea as bytes, 1 as twice, 2 as twice
"""


def test_values_of_every_kind_can_be_shown(loaded_once: Project) -> None:
    (row,) = json.loads(loaded_once.taxi("query", ALL_KINDS, "--format", "json").out)
    assert row == {
        "nothing": None,
        "money": 1.1,
        "much": "12345678901234567.89",
        "day": "2020-02-29",
        "time": "2020-02-29 01:02:03",
        "yes": True,
        "number": 12345,
        "text": 'a "quoted", text',
        "umlaut": "zwölf",
        "nan": "nan",
        "none": "NaN",
        "list": [1.5, None],
        "struct": {"a": 1.5},
        "never": "infinity",
        "ides": "0044-03-15 12:00:00 BC",
        "span": "1 mon 2 days",
        "bytes": "ab",
        "twice": 1,
        "twice_1": 2,
    }
    header, line = loaded_once.taxi("query", ALL_KINDS, "--format", "csv").out.splitlines()
    assert header.startswith("nothing,money,much,day,time")
    assert line.startswith(',1.10,12345678901234567.89,2020-02-29,2020-02-29 01:02:03,True,12345,"a ""quoted"", text"')


def test_a_question_that_takes_too_long_is_given_up(loaded_once: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from taxi_platform.io_managers.postgres import asking

    monkeypatch.setattr(asking, "PATIENCE_S", 0.2)
    answer = loaded_once.taxi("query", "select pg_sleep(20)")
    assert (answer.exit_code, "took longer than" in answer.sentence) == (2, True)


def test_who_may_only_read_can_ask_and_see_the_state(loaded_once: Project, postgres18: PostgresServer) -> None:
    postgres18.ask("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    try:
        postgres18.ask(f"GRANT USAGE ON SCHEMA {quoted(SCHEMA)} TO reader")
        postgres18.ask(f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(SCHEMA)} TO reader")
        url = f"postgresql://reader:reader@127.0.0.1:{postgres18.port}/postgres?schema={quote(SCHEMA, safe='')}"
        reader = replace(loaded_once, settings={**loaded_once.settings, "TAXI_WAREHOUSE": url})
        assert reader.rows(NUMBERS) == loaded_once.rows(NUMBERS)
        assert reader.states() == loaded_once.states()
        answer = reader.taxi("load", "green", "2024-03")
        assert answer.exit_code == 1
        assert "permission denied for schema" in answer.err
        assert "Grant it to this role" in answer.err
    finally:
        postgres18.ask("DROP OWNED BY reader; DROP ROLE reader")
