"""Time a month's way from Parquet into Postgres, and beside it what `COPY ... (FORMAT csv)` takes for the same rows.

Both ways end in one transaction on the same server, in a table with the same columns and types, which was made in it.
Ours also decodes the Parquet, counts, sums, indexes, analyses, swaps and writes the ledger; the CSV is ready on the
disk. The rounds are interleaved, so that a machine whose speed drifts drifts for all. Medians are printed, and ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.stages import MONTH, lake_month, prepare
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.copying import copy_in
from taxi_platform.io_managers.postgres.session import writing
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import Stamp, utc_now
from taxi_platform.io_managers.warehouse_io import stamp_of
from taxi_platform.resources.postgres.address import PostgresAddress, parse_address
from taxi_platform.trips.month_file import MonthFile
from taxi_platform_tests.kit.postgres_server import postgres

TABLE = Identifier("bench", "bare")


def ours(address: PostgresAddress, month: MonthFile, _: Path) -> None:
    """The month as `taxi load` puts it down."""
    warehouse = PostgresWarehouse(address, unique_columns=["source_row"])
    warehouse.replace_month("yellow_trips", MONTH, month, _another_version(month))


def ours_without_an_index(address: PostgresAddress, month: MonthFile, _: Path) -> None:
    """The same, where nothing has to be unique."""
    PostgresWarehouse(address).replace_month("free_trips", MONTH, month, _another_version(month))


def _another_version(month: MonthFile) -> Stamp:
    """As if the month had been published again."""
    stamp = stamp_of(month, "bench")
    return replace(stamp, version=uuid4().hex[:16], as_of=f"{stamp.as_of}/{utc_now()}")


def only_moved(address: PostgresAddress, month: MonthFile, _: Path) -> None:
    """The Parquet into a table, and nothing else."""
    with writing(address) as session, month.reader() as rows:
        session.run(sql.create_table(TABLE, {field.name: sql.column_of(field) for field in rows.schema}))
        copy_in(session, TABLE, list(rows.schema), rows, freeze=True)
    _drop(address)


def csv(address: PostgresAddress, month: MonthFile, path: Path) -> None:
    """The CSV into a table, and nothing else."""
    with month.reader() as rows:
        schema = rows.schema
    with writing(address) as session:
        session.run(sql.create_table(TABLE, {field.name: sql.column_of(field) for field in schema}))
        copy = SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(TABLE, sql.names(schema.names))
        with path.open("rb") as file, session.connection.cursor() as cursor, cursor.copy(copy) as stream:
            while piece := file.read(1 << 18):
                stream.write(piece)
    _drop(address)


def _drop(address: PostgresAddress) -> None:
    with writing(address) as session:
        session.run(SQL("DROP TABLE {}").format(TABLE))


FLOOR = "COPY ... (FORMAT csv), nothing checked"
MEASURED: dict[str, Callable[[PostgresAddress, MonthFile, Path], None]] = {
    FLOOR: csv,
    "Parquet into a table, nothing checked": only_moved,
    "replaced, counted, summed, swapped": ours_without_an_index,
    "the same, with its unique index": ours,
}


def main() -> None:
    """Prepare a month and a server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_369_765)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="taxi-bench-") as folder, postgres(18, {"fsync": "on"}) as server:
        work = Path(folder)
        prepare(work, arguments.rows)
        month = lake_month(work)
        address = parse_address(f"{server.url}?schema=bench")
        ours(address, month, work)
        _write_csv(address, work / "month.csv")
        results: dict[str, list[float]] = {name: [] for name in MEASURED}
        for _ in range(arguments.rounds):
            for name, measured in MEASURED.items():
                started = time.perf_counter()
                measured(address, month, work / "month.csv")
                results[name].append(time.perf_counter() - started)
    _print(results, month)


def _write_csv(address: PostgresAddress, path: Path) -> None:
    """The month's rows as Postgres itself writes them."""
    with path.open("wb") as file, psycopg.connect(address.uri) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM bench.yellow_trips ORDER BY source_row) TO STDOUT (FORMAT csv)") as copy:
            for piece in copy:
                file.write(piece)
        os.fsync(file.fileno())


def _print(results: dict[str, list[float]], month: MonthFile) -> None:
    rounds = len(results[FLOOR])
    floor = statistics.median(results[FLOOR])
    print(f"\nyellow {MONTH}, {month.rows:,} rows from Parquet into Postgres; {rounds} rounds\n")
    print("| what | median wall s | best | median / COPY of a CSV |")
    print("|---|---|---|---|")
    for name, times in results.items():
        median = statistics.median(times)
        print(f"| {name} | {median:.2f} | {min(times):.2f} | {median / floor:.2f} |")


if __name__ == "__main__":
    main()
