"""Projects to measure in, source files to load, and a Postgres to load them into."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg

from benchmarks.measuring import OURS, PROJECT, answer_of
from taxi_platform_tests.kit.postgres_server import PostgresServer

SCHEMA = "bench"


def source_file(sources: Path, service: str, month: str, rows: int, kind: str) -> Path:
    """A published month made up by the sample source, in the layout of its year; made once."""
    from taxi_platform.resources.sources.sample.source import SampleSource
    from taxi_platform.trips.months import Month
    from taxi_platform.trips.services import SERVICES

    folder = sources / f"{rows}"
    folder.mkdir(parents=True, exist_ok=True)
    sample = SampleSource(rows=rows, format="parquet" if kind == "parquet" else "csv")
    found = sample.find(SERVICES[service], Month.parse(month))
    path = folder / found.name
    if not path.exists():
        sample.fetch(found, path.with_suffix(".part"), lambda _: None)
        path.with_suffix(".part").rename(path)
    return path


def make_project(folder: Path, settings: Mapping[str, str]) -> Path:
    """A project that has loaded a tiny month already: its history is there, which is made only once."""
    folder.mkdir(parents=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder)
    write_settings(folder, {**settings, "TAXI_SOURCE": "sample://?rows=100"})
    answer_of([*OURS, "load", str(folder), "green", "2019-01"])
    write_settings(folder, settings)
    return folder


def write_settings(folder: Path, settings: Mapping[str, str]) -> None:
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def afresh(template: Path, name: str = "project") -> Path:
    """A copy of a project as it was made."""
    folder = template.parent / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder


def let_everybody_in(server: PostgresServer) -> None:
    """A role that all of them use: not every contender can take the awkward password of the tests."""
    server.ask(f"CREATE ROLE {SCHEMA} SUPERUSER LOGIN PASSWORD '{SCHEMA}'")


def url_of(server: PostgresServer) -> str:
    return f"postgresql://{SCHEMA}:{SCHEMA}@127.0.0.1:{server.port}/postgres"


def warehouse_of(server: PostgresServer) -> str:
    return f"{url_of(server)}?schema={SCHEMA}"


def emptied(server: PostgresServer) -> None:
    """A Postgres without what was measured before, which has nothing left to write."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        for schema in (SCHEMA, "dlt_bench", "dlt_bench_staging"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.execute("DROP TABLE IF EXISTS yellow_taxi_trips")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute("CHECKPOINT")
