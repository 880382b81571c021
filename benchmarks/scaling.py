"""Bigger months: the time is to grow as the rows do, the memory not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.measuring import OURS, Ratio, Table, Work, in_rounds
from benchmarks.projects import afresh, emptied, make_project, source_file, warehouse_of
from taxi_platform_tests.kit.postgres_server import PostgresServer

FACTORS = (1, 4, 10)


def rows(work: Path, sources: Path, server: PostgresServer, rows: int, rounds: int) -> Table:
    """A yellow CSV.gz of 2021 with so many rows, four times, ten times as many."""
    works, names = [], {}
    for factor in FACTORS:
        file = source_file(sources, "yellow", "2021-01", rows * factor, "csv")
        names[factor] = f"{rows * factor:,} rows"
        works.append(_load(work, server, file, names[factor]))
    per_row = [
        Ratio(f"time for {factor} x the rows", (names[factor],), (names[1],), f"<= {factor * 1.1:.3g}")
        for factor in FACTORS[1:]
    ]
    return in_rounds("A month grows: yellow, CSV.gz of 2021's layout", rows, works, rounds, per_row)


def largest(work: Path, sources: Path, server: PostgresServer, rounds: int) -> Table:
    """Months as big as the biggest that were ever published."""
    months = (
        ("yellow", "2011-03", 16_000_000, "csv", "yellow, 2011's CSV.gz, 16,000,000 rows"),
        ("yellow", "2024-01", 14_000_000, "parquet", "yellow, 2024's Parquet, 14,000,000 rows"),
        ("fhvhv", "2024-01", 20_000_000, "parquet", "fhvhv, 2024's Parquet, 20,000,000 rows"),
    )
    works = [
        _load(work, server, source_file(sources, service, month, rows, kind), name)
        for service, month, rows, kind, name in months
    ]
    return in_rounds("The biggest months", max(month[2] for month in months), works, rounds)


def _load(work: Path, server: PostgresServer, file: Path, name: str) -> Work:
    service, _, month = file.name.partition(".")[0].partition("_tripdata_")
    template = work / f"template_of_{name.replace(' ', '_')}"
    if not template.exists():
        make_project(template, {"TAXI_SOURCE": str(file.parent), "TAXI_WAREHOUSE": warehouse_of(server)})

    def command() -> list[str]:
        emptied(server)
        shutil.rmtree(work / "project", ignore_errors=True)
        return [*OURS, "load", str(afresh(template)), service, month]

    return Work(name, command)
