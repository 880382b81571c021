"""Time our stages on one generated month, and beside them what does less: `make bench`.

Each measurement is a process of its own; the clock runs without its start and imports. The rounds are interleaved, so
that a machine whose speed drifts drifts for all. Medians are printed, and the ratio to DuckDB's bare CSV-to-Parquet:
no checks, no rejects, no row numbers, no counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taxi_platform.assets.coverage import Stores
    from taxi_platform.trips.month_file import MonthFile

FLOOR = "floor: DuckDB csv.gz to zstd Parquet, nothing checked"
MONTH = "2021-01"


def gunzip(work: Path) -> None:
    import gzip

    with gzip.open(_source(work)) as file:
        while file.read(1 << 20):
            pass


def duckdb_bare(work: Path) -> None:
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{_source(work)}')) TO '{work}/bare.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )


def inspect(work: Path) -> None:
    from taxi_platform.trips.reading.inspection import inspect_file

    inspect_file(_source(work), _source(work).name)


def cleaned(work: Path) -> None:
    from taxi_platform.trips.cleaning import clean, plan_cleaning
    from taxi_platform.trips.months import Month
    from taxi_platform.trips.reading.inspection import Inspection
    from taxi_platform.trips.services import SERVICES

    facts = Inspection.from_json(json.loads((work / "inspection.json").read_text()))
    plan = plan_cleaning(SERVICES["yellow"], Month.parse(MONTH), _source(work).name, facts)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        clean(plan, _source(work), Path(folder))


def lake(work: Path) -> None:
    stores = _stores(work)
    month = stores.cleaned.current("yellow_trips", MONTH)
    assert month is not None
    stores.lake.copy("yellow_trips", month, "bench", force=True)


def warehouse(work: Path) -> None:
    from taxi_platform.io_managers.warehouse_io import stamp_of

    month = lake_month(work)
    _stores(work).warehouse.replace_month("yellow_trips", MONTH, month, stamp_of(month, "bench"), force=True)


def lake_month(work: Path) -> MonthFile:
    """The month in the lake, on its way into a warehouse."""
    month = _stores(work).lake.current("yellow_trips", MONTH)
    assert month is not None
    return month


MEASURED: dict[str, Callable[[Path], None]] = {
    "floor: gunzip": gunzip,
    FLOOR: duckdb_bare,
    "raw: inspect (hash, gunzip, count)": inspect,
    "cleaned: typed, rejects, source_row, accounted": cleaned,
    "lake: verify and publish": lake,
    "warehouse: DuckDB, replaced, counted, summed": warehouse,
}


def main() -> None:
    """Prepare a month, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_369_765)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        name, work = arguments.only
        _measure(name, Path(work))
        return
    with tempfile.TemporaryDirectory(prefix="taxi-bench-") as folder:
        work = Path(folder)
        prepare(work, arguments.rows)
        results: dict[str, list[dict[str, float]]] = {name: [] for name in MEASURED}
        for _ in range(arguments.rounds):
            for name in MEASURED:
                results[name].append(_in_a_process(name, work))
        _print(results, work, arguments.rows)


def prepare(work: Path, rows: int) -> None:
    """A source file, and a cleaned month and a lake of it, by the ways the platform itself takes."""
    project = Path(__file__).parent.parent
    (work / "dagster.yaml").write_text((project / "dagster.yaml").read_text())
    taxi = [sys.executable, "-c", "from taxi_platform.cli.main import main; main()"]
    subprocess.run(
        [*taxi, "load", "yellow", MONTH, "--source", f"sample://?rows={rows}"], cwd=work, check=True, stdout=sys.stderr
    )
    raw = _stores(work).raw.current("yellow_trips", MONTH)
    assert raw is not None
    with raw.path("source") as path:
        _source(work).hardlink_to(path)
    (work / "inspection.json").write_text(json.dumps(raw.facts["inspection"]))


def _in_a_process(name: str, work: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stages", "--only", name, str(work)],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _measure(name: str, work: Path) -> None:
    import duckdb  # noqa: F401 (imports are not what is measured)
    import pandas as pd  # noqa: F401

    import taxi_platform.definitions  # noqa: F401

    wall, cpu = time.perf_counter(), time.process_time()
    MEASURED[name](work)
    print(
        json.dumps(
            {
                "wall_s": time.perf_counter() - wall,
                "cpu_s": time.process_time() - cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def _print(results: dict[str, list[dict[str, float]]], work: Path, rows: int) -> None:
    size = _source(work).stat().st_size
    print(f"yellow {MONTH}, {rows:,} rows, csv.gz of {size / 1e6:.0f} MB; medians of {len(results[FLOOR])} rounds\n")
    floor = _median(results[FLOOR], "wall_s")
    print("| what | wall s | CPU s | peak MB | wall / bare DuckDB |")
    print("|---|---|---|---|---|")
    for name, runs in results.items():
        wall, cpu, peak = (_median(runs, figure) for figure in ("wall_s", "cpu_s", "peak_mb"))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {wall / floor:.2f} |")


def _median(runs: list[dict[str, float]], figure: str) -> float:
    return statistics.median(run[figure] for run in runs)


def _source(work: Path) -> Path:
    return work / f"yellow_tripdata_{MONTH}.csv.gz"


def _stores(work: Path) -> Stores:
    from taxi_platform.definitions import stores_of
    from taxi_platform.settings import Settings

    return stores_of(Settings.read({}, work))


if __name__ == "__main__":
    main()
