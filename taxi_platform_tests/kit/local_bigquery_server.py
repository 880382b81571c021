"""local-bigquery, started without a network and taught partition decorators. Run by a Python 3.13 of its own.

It is an emulator by somebody else (MIT): a second opinion on what we ask of BigQuery. What is taught here is what
Google's documentation says: cloud.google.com/bigquery/docs/managing-partitioned-table-data.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import pathlib
import sys
import tempfile
import threading
from typing import Any

import duckdb

EXTENSIONS = ("icu", "ducklake", "httpfs", "spatial")
DIGITS = {"YEAR": 4, "MONTH": 6, "DAY": 8}


def offer_extensions() -> None:
    """Have DuckDB find its extensions in the wheels that they came in, not on the network."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="duckdb_extensions_"))
    (platform,) = duckdb.connect().sql("PRAGMA platform").fetchone()
    there = folder / f"v{duckdb.__version__}" / platform
    there.mkdir(parents=True)
    for name in EXTENSIONS:
        spec = importlib.util.find_spec(f"duckdb_extension_{name}")
        source = next(pathlib.Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension"))
        (there / f"{name}.duckdb_extension").symlink_to(source)
    connect = duckdb.connect

    def connect_with(*words: Any, config: Any = None, **more: Any) -> Any:
        return connect(*words, config={"extension_directory": str(folder), **(config or {})}, **more)

    duckdb.connect = connect_with


def partition_of(place: Any) -> tuple[Any, str]:
    """The table that a place with a decorator is a part of, and what picks the rows of that part."""
    from local_bigquery.catalog import names, tables
    from local_bigquery.engine.database import quote
    from local_bigquery.errors import BigQueryError

    table, _, partition = place[2].partition("$")
    base = (*place[:2], table)
    by = tables.load(*base).timePartitioning
    if not by or not by.field or len(partition) != DIGITS[by.type or "DAY"] or not partition.isdigit():
        raise BigQueryError("invalid", f"Invalid partition decorator ${partition} for table {names.label(*base)}")
    first = dt.date(int(partition[:4]), int(partition[4:6] or 1), int(partition[6:8] or 1))
    after = first + dt.timedelta(days={4: 366, 6: 31, 8: 1}[len(partition)])
    after = after if len(partition) == 8 else after.replace(day=1)
    after = after.replace(month=1) if len(partition) == 4 else after
    column = quote(by.field)
    return base, f"({column} >= DATE '{first}' AND {column} < DATE '{after}')"


def teach_writing() -> None:
    """`table$202101` as the destination of load, copy and query jobs."""
    from local_bigquery.catalog import names, tables
    from local_bigquery.engine import database
    from local_bigquery.errors import BigQueryError

    write_whole, columns_whole, one_at_a_time = tables.write, tables.columns, threading.Lock()

    def write(cursor: Any, query: str, params: Any, place: Any, config: Any, *more: Any, **named: Any) -> Any:
        if "$" not in place[2]:
            return write_whole(cursor, query, params, place, config, *more, **named)
        base, which = partition_of(place)
        strays = f"SELECT count(*) FROM ({query}) WHERE {which} IS NOT TRUE"
        if cursor.sql(strays, params=params).fetchone()[0]:
            raise BigQueryError("invalid", f"Some rows belong to different partitions than {names.label(*place)}")
        changes = {"writeDisposition": "WRITE_APPEND"}
        if hasattr(config, "timePartitioning"):
            changes |= {"timePartitioning": None, "clustering": None}
        with one_at_a_time, database.cursor() as writer:
            writer.execute("BEGIN")
            try:
                if config.writeDisposition == "WRITE_TRUNCATE":
                    writer.execute(f"DELETE FROM {tables.name(*base)} WHERE {which}")
                write_whole(writer, query, params, base, config.replace(**changes))
                writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(Exception):
                    writer.execute("ROLLBACK")
                raise
        return False

    tables.write = write
    tables.columns = lambda project, dataset, table: columns_whole(project, dataset, table.partition("$")[0])


def teach_reading() -> None:
    """The same as the source of copies, and in tables.delete."""
    from local_bigquery.catalog import tables
    from local_bigquery.engine import database
    from local_bigquery.jobs import copy

    delete_whole, source_whole = tables.delete, copy._source

    def source(place: Any) -> Any:
        if "$" not in place[2]:
            return source_whole(place)
        base, which = partition_of(place)
        return f"(SELECT * FROM {tables.name(*base)} WHERE {which})"

    def delete(project: str, dataset: str, table: str) -> Any:
        if "$" not in table:
            return delete_whole(project, dataset, table)
        base, which = partition_of((project, dataset, table))
        return database.execute(f"DELETE FROM {tables.name(*base)} WHERE {which}")

    tables.delete, copy._source = delete, source


def let_one_job_have_an_id() -> None:
    """It looks whether a job is there, then makes it: in BigQuery nobody comes in between."""
    from local_bigquery.jobs import runner

    submit, lock = runner.submit, threading.Lock()

    def submit_alone(*words: Any, **more: Any) -> Any:
        with lock:
            return submit(*words, **more)

    runner.submit = submit_alone


if __name__ == "__main__":
    offer_extensions()
    teach_writing()
    teach_reading()
    let_one_job_have_an_id()
    from local_bigquery.cli import main

    main(sys.argv[1:])
