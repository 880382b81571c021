"""`taxi query`: what the warehouse knows, as a table, CSV or JSON; and nothing else, whatever is asked."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform.io_managers.duckdb import asking, connecting
from taxi_platform_tests.conftest import Project

WAREHOUSE = "{warehouse}"

FORBIDDEN = [
    "insert into green_trips by name select * from green_trips",
    "with more as (insert into green_trips by name select * from green_trips returning *) select * from more",
    "update green_trips set total_amount = 0",
    "delete from green_trips",
    "truncate green_trips",
    "create table t (a int)",
    "create temp table t (a int)",
    "create view v as select 1",
    "create macro m() as 1",
    "drop table green_trips",
    "alter table green_trips drop column total_amount",
    "attach '/tmp/other.duckdb'",
    "attach ':memory:' as m",
    "detach warehouse",
    "copy green_trips to '/tmp/stolen.csv'",
    f"copy (select 1) to '{WAREHOUSE}'",
    f"copy (select 1) to '{WAREHOUSE}.wal'",
    f"copy (pivot (select 1 as a) on a) to '{WAREHOUSE}.wal'",
    f"explain analyze copy (select 1) to '{WAREHOUSE}.wal'",
    f"explain (analyze, format json) copy (select 1) to '{WAREHOUSE}.wal'",
    f"/* select */ copy (select 1) to '{WAREHOUSE}.wal'",
    f"prepare p as copy (select 1) to '{WAREHOUSE}.wal'",
    f"select 1; copy (select 1) to '{WAREHOUSE}.wal'",
    f"select * from query('copy (select 1) to ''{WAREHOUSE}.wal''')",
    "export database '/tmp/stolen'",
    "import database '/tmp/stolen'",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from '/etc/*.csv'",
    "select * from glob('/etc/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from read_parquet('https://127.0.0.1:1/x.parquet')",
    "select * from read_csv('s3://bucket/x.csv')",
    "install httpfs",
    "load httpfs",
    "force install spatial",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set memory_limit = '100GB'",
    "set variable x = 1",
    "pragma enable_profiling",
    "pragma memory_limit = '100GB'",
    "pragma database_list",
    "call enable_logging()",
    "select * from enable_logging(storage='file', storage_config={'path': '/tmp/log'})",
    "checkpoint",
    "vacuum",
    "begin",
    "use memory",
    "select getenv('HOME')",
    "select 1; drop table green_trips",
    "select 1; select 2",
    "selec 1",
    "select * from nothing",
    "select * from connection",
    "select no_such_column from green_trips",
    "select cast('x' as int)",
    "",
    " ; ",
    "/* nothing */",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_what_is_no_question_is_refused_in_a_sentence_and_changes_nothing(template: Project, sql: str) -> None:
    before = fingerprint(template)
    answer = template.taxi("query", sql.replace(WAREHOUSE, str(template.warehouse)))
    assert answer.exit_code == 2
    assert answer.out == ""
    assert len(answer.sentence) > 20
    assert fingerprint(template) == before
    assert not Path("/tmp/stolen").exists()
    assert not Path("/tmp/stolen.csv").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from green_trips",
        "from green_trips select count(*);",
        "/* how many? */ select count(*) from green_trips -- all",
        "with t as (select 1) select * from t",
        "values (1)",
        "table _taxi_months",
        "pivot (select 1 as a) on a",
        "from (pivot (select 1 as a) on a)",
        "show tables",
        "describe green_trips",
        "summarize green_trips",
        "explain select 1",
        "explain (select 1)",
        "explain analyze select 1",
        "explain (analyze, format json) select 1",
    ],
)
def test_what_is_a_question_is_answered(template: Project, sql: str) -> None:
    before = fingerprint(template)
    answer = template.taxi("query", sql, "--format", "json")
    assert (answer.exit_code, answer.err) == (0, "")
    assert len(json.loads(answer.out)) > 0
    assert fingerprint(template) == before


ALL_KINDS = """
select null as nothing, 1.10::decimal(9,2) as money, 12345678901234567.89::decimal(30,2) as much,
       date '2020-02-29' as day, timestamp '2020-02-29 01:02:03' as time, true as yes, 12345 as number,
       'a "quoted", text' as text, 'zwölf' as umlaut, 'nan'::double as nan, '-inf'::double as inf, [1.5, null] as list,
       {'a': 1.5::decimal(9,2)} as struct, 1 as twice, 2 as twice
"""


def test_csv_has_a_header_and_quotes_what_it_must(template: Project) -> None:
    out = template.taxi("query", ALL_KINDS, "--format", "csv").out
    header, row = csv.reader(io.StringIO(out))
    assert header[:4] == ["nothing", "money", "much", "day"]
    assert row[:10] == [
        "",
        "1.10",
        "12345678901234567.89",
        "2020-02-29",
        "2020-02-29 01:02:03",
        "True",
        "12345",
        'a "quoted", text',
        "zwölf",
        "nan",
    ]
    assert row[-2:] == ["1", "2"]
    assert '"a ""quoted"", text"' in out
    assert "\r" not in out


def test_json_is_json_and_loses_nothing(template: Project) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    out = template.taxi("query", ALL_KINDS, "--format", "json").out
    assert json.loads(out, parse_constant=refuse) == [
        {
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
            "inf": "-inf",
            "list": [1.5, None],
            "struct": {"a": 1.5},
            "twice": 1,
            "twice_1": 2,
        }
    ]


def test_a_table_sets_numbers_to_the_right_and_nulls_as_nothing(template: Project) -> None:
    sql = "select * from (values ('a', 1234567, 1.50::decimal(9,2)), (null, null, -2.25)) t(word, number, money)"
    assert template.taxi("query", sql).out.splitlines() == [
        "word     number  money",
        "----  ---------  -----",
        "a     1,234,567   1.50",
        "                 -2.25",
    ]


@pytest.mark.parametrize(("form", "out"), [("csv", "a\n"), ("json", "[]\n"), ("table", "a\n-\n")])
def test_no_rows_are_an_answer_too(template: Project, form: str, out: str) -> None:
    answer = template.taxi("query", "select 1 as a where false", "--format", form)
    assert (answer.exit_code, answer.out) == (0, out)


def test_before_the_first_load_a_sentence_says_so(project: Project) -> None:
    answer = project.taxi("query", "select 1")
    assert answer.exit_code == 1
    assert answer.sentence.startswith("There is no warehouse at ")
    assert not project.home.exists()


def test_while_another_process_writes_it_waits_then_says_who_it_is(
    loaded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "connected", functools.partial(connecting.connected, wait_s=0.3))
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(loaded.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        answer = loaded.taxi("query", "select 1")
        holder.communicate()
    assert answer.exit_code == 1
    assert f"process {holder.pid}" in answer.sentence
    assert loaded.rows("select 1") == [[1]]


def test_who_stops_reading_gets_no_traceback(loaded: Project) -> None:
    process = loaded.start("query", "select * from range(200000)", "--format", "csv")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "range\n"
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) != 0


def fingerprint(project: Project) -> list[tuple[str, str]]:
    """Every file beside the warehouse, with its bytes."""
    return [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(project.home.iterdir())
        if path.is_file()
    ] + [(path.name, "left behind") for path in (project.home / ".spool").iterdir()]
