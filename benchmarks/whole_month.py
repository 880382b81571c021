"""A month from its file to Postgres: everything that we do, beside what others do, each of whom does less."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks.measuring import OURS, PROJECT, Ratio, Table, Work, in_a_process, in_rounds
from benchmarks.projects import SCHEMA, afresh, emptied, make_project, url_of, warehouse_of
from taxi_platform_tests.kit.postgres_server import PostgresServer

THEIRS = str(PROJECT / ".venv-bench" / "bin" / "python")
CONTENDERS = PROJECT / "benchmarks" / "contenders"

US = "taxi_platform: raw, cleaned, lake, Postgres, all checks"
COURSE = "the course's flow: pandas in chunks, to_sql"
DLT = "dlt: Arrow, Parquet, ADBC"
DUCKDB = "DuckDB: file to zstd Parquet"
COPY = "Postgres: COPY CSV of our rows and columns"


def whole_month(work: Path, server: PostgresServer, file: Path, rows: int, rounds: int, course_rounds: int) -> Table:
    """Measure all contenders on one file."""
    service, _, month = file.name.partition(".")[0].partition("_tripdata_")
    template = make_project(
        work / "template", {"TAXI_SOURCE": str(file.parent), "TAXI_WAREHOUSE": warehouse_of(server)}
    )
    rows_as_csv, create = csv_of_our_rows(work, server, template, service, month)

    def ours() -> Sequence[str]:
        emptied(server)
        return [*OURS, "load", str(afresh(template)), service, month]

    def dlt() -> Sequence[str]:
        emptied(server)
        shutil.rmtree(work / "dlt", ignore_errors=True)
        return contender("dlt_adbc", file, url_of(server), work / "dlt")

    def on_empty_postgres(*command: str) -> Sequence[str]:
        emptied(server)
        return command

    table = in_rounds(
        f"{file.name}, {rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB",
        rows,
        [
            Work(US, ours),
            Work(
                COURSE,
                lambda: on_empty_postgres(*contender("course", file, url_of(server))),
                "no count, no rejects, no Parquet, no transaction: readers see an empty and half a table",
                course_rounds,
            ),
            Work(DLT, dlt, "no cleaning, no rejects, no count held against the file, no index"),
            Work(
                DUCKDB,
                lambda: contender("duckdb_parquet", file, work / "bare.parquet"),
                "no checks, no rejects, no row numbers, no warehouse",
            ),
            Work(
                COPY,
                lambda: on_empty_postgres(*contender("copy_csv", rows_as_csv, url_of(server), create)),
                "the CSV lies ready, cleaned; no count, no index, no statistics, no swap",
            ),
        ],
        rounds,
        [
            Ratio("the course's flow / ours", (COURSE,), (US,), ">= 10"),
            Ratio("dlt / ours", (DLT,), (US,), ">= 1"),
            Ratio("ours / (DuckDB + COPY)", (US,), (DUCKDB, COPY), "<= 1.3"),
        ],
    )
    shutil.rmtree(template)
    return table


def contender(name: str, *arguments: object) -> list[str]:
    return [THEIRS, str(CONTENDERS / f"{name}.py"), *map(str, arguments)]


def csv_of_our_rows(work: Path, server: PostgresServer, template: Path, service: str, month: str) -> tuple[Path, str]:
    """The month's rows as Postgres itself writes them, and what makes an empty table for them."""
    emptied(server)
    in_a_process([*OURS, "load", str(afresh(template)), service, month])
    path, table = work / "rows.csv", f"{service}_trips"
    with psycopg.connect(url_of(server)) as connection, connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(f"COPY (SELECT * FROM {SCHEMA}.{table} ORDER BY source_row) TO STDOUT (FORMAT csv)") as copy:
            for piece in copy:
                file.write(piece)
        columns = cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [f"{SCHEMA}.{table}"],
        ).fetchall()
    return path, f"CREATE TABLE {SCHEMA}.bare (" + ", ".join(f"{name} {kind}" for name, kind in columns) + ")"
