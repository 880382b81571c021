"""Each of our stages beside its floor: the least that must be done there, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import OURS, Ratio, Table, Work, in_a_process, in_rounds
from benchmarks.projects import make_project, source_file, url_of, warehouse_of
from benchmarks.whole_month import contender, csv_of_our_rows
from taxi_platform_tests.kit.gcs_emulator import GcsEmulator
from taxi_platform_tests.kit.postgres_server import PostgresServer

GUNZIP, PARSE, WRITE = "floor: gunzip", "floor: CSV.gz to Arrow (pyarrow)", "floor: Arrow to zstd Parquet (pyarrow)"
BARE = "floor: DuckDB, CSV.gz to zstd Parquet"
COPY = "floor: COPY CSV of the same rows and columns"
PUT = "floor: one PUT with its MD5"
RAW, CLEANED, IN_FOLDER = "raw", "cleaned", "lake: a folder"
IN_BUCKET = "lake: an object store at loopback speed"
IN_POSTGRES, IN_DUCKDB = "warehouse: Postgres", "warehouse: DuckDB"


def stages(work: Path, server: PostgresServer, file: Path, rows: int, rounds: int) -> Table:
    """The stages of one CSV.gz."""
    service, _, month = file.name.partition(".")[0].partition("_tripdata_")
    source = {"TAXI_SOURCE": str(file.parent)}
    on_postgres = make_project(work / "template", source | {"TAXI_WAREHOUSE": warehouse_of(server)})
    rows_as_csv, create = csv_of_our_rows(work, server, on_postgres, service, month)
    loaded = work / "project"  # csv_of_our_rows loaded the month there, and into Postgres
    on_duckdb = make_project(work / "on_duckdb", source)
    in_a_process([*OURS, "load", str(on_duckdb), service, month])
    (parquet,) = (loaded / ".taxi" / "cleaned" / f"{service}_trips").rglob("*[0-9a-f].parquet")

    def ours(stage: str, project: Path = loaded) -> Sequence[str]:
        return [*OURS, stage, str(project), service, month]

    def bare_copy() -> Sequence[str]:
        drop_bare(server)
        return contender("copy_csv", rows_as_csv, url_of(server), create)

    table = in_rounds(
        f"The stages, {file.name}, {rows:,} rows",
        rows,
        [
            Work(GUNZIP, lambda: contender("floors", "gunzip", file)),
            Work(RAW, lambda: ours("raw")),
            Work(PARSE, lambda: contender("floors", "parse", file)),
            Work(WRITE, lambda: contender("floors", "write_parquet", shutil.copy(parquet, work / "rows.parquet"))),
            Work(BARE, lambda: contender("duckdb_parquet", file, work / "bare.parquet")),
            Work(CLEANED, lambda: ours("cleaned")),
            Work(IN_FOLDER, lambda: ours("lake")),
            Work(COPY, bare_copy),
            Work(IN_POSTGRES, lambda: ours("warehouse")),
            Work(IN_DUCKDB, lambda: ours("warehouse", on_duckdb)),
        ],
        rounds,
        [
            Ratio("raw / gunzip", (RAW,), (GUNZIP,)),
            Ratio("cleaned / DuckDB's bare conversion", (CLEANED,), (BARE,), "<= 2.2"),
            Ratio("warehouse on Postgres / COPY CSV", (IN_POSTGRES,), (COPY,), "<= 0.9"),
        ],
    )
    for folder in (on_postgres, on_duckdb, loaded):
        shutil.rmtree(folder)
    return table


def drop_bare(server: PostgresServer) -> None:
    server.ask("DROP TABLE IF EXISTS bench.bare")
    server.ask("CHECKPOINT")


def lake_upload(work: Path, sources: Path, rows: int, rounds: int) -> Table:
    """A big month into an object store that is as fast as this machine, beside one bare request with its checksum."""
    file = source_file(sources, "fhvhv", "2024-01", rows, "parquet")
    with GcsEmulator() as gcs:
        for bucket in ("lake", "bare"):
            gcs.buckets.make(bucket)
        template = make_project(
            work / "lake_template",
            {"TAXI_SOURCE": str(file.parent), "TAXI_LAKE": "gs://lake/months", "STORAGE_EMULATOR_HOST": gcs.url},
        )
        in_a_process([*OURS, "raw", str(template), "fhvhv", "2024-01"])
        in_a_process([*OURS, "cleaned", str(template), "fhvhv", "2024-01"])
        (cleaned,) = (template / ".taxi" / "cleaned" / "fhvhv_trips").rglob("*[0-9a-f].parquet")
        url = f"{gcs.url}/upload/storage/v1/b/bare/o?uploadType=media&name=month.parquet"

        def in_a_bucket() -> Sequence[str]:
            gcs.buckets.objects("lake").clear()
            return [*OURS, "lake", str(template), "fhvhv", "2024-01"]

        table = in_rounds(
            f"The lake, an object of {cleaned.stat().st_size / 1e6:,.0f} MB",
            rows,
            [Work(PUT, lambda: contender("floors", "put", cleaned, url)), Work(IN_BUCKET, in_a_bucket)],
            rounds,
            [Ratio("one PUT with its MD5 / lake", (PUT,), (IN_BUCKET,), ">= 0.7")],
        )
    shutil.rmtree(template)
    return table
