"""Many small months: what a month costs beside its work, in the terminal and through the daemon."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import OURS, Table, Took, in_a_process, measured_by
from benchmarks.projects import afresh, make_project, source_file
from taxi_platform.trips.months import Month
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit.dagster_up import DagsterUp

ROWS = 50_000
FIRST = Month(2017, 1)
COUNTS = (1, 12, 48)
STAGES = ("raw", "cleaned", "lake", "warehouse")


def in_the_terminal(work: Path, sources: Path, rounds: int) -> Table:
    """`taxi load` of 1, 12 and 48 months, of the same again, and the same work without Dagster."""
    table = Table(f"Many months of {ROWS:,} rows: green, CSV.gz, into DuckDB", ROWS)
    template = make_project(work / "template", {"TAXI_SOURCE": str(months_folder(sources))})
    for _ in range(rounds):
        for count in COUNTS:
            months = f"{FIRST}..{FIRST.plus(count - 1)}"
            project = str(afresh(template))
            for name, what in (("loaded", "load"), ("unchanged", "load")):
                took = in_a_process([*OURS, what, project, "green", months])
                measured_by(table, f"{count} months, {name}", took)
            took = in_a_process([*OURS, "without_dagster", str(afresh(template)), "green", months])
            measured_by(table, f"{count} months, the work alone", took)
    most = max(COUNTS)
    loaded, alone, unchanged = (
        table.median(f"{most} months, {name}") / most for name in ("loaded", "the work alone", "unchanged")
    )
    table.numbers = {
        "a month beyond the work, s": (loaded - alone, "<= 0.3"),
        "an unchanged month, s": (unchanged, "<= 0.1"),
    }
    return table


def through_the_daemon(work: Path, sources: Path, at_once: tuple[int, ...] = (1, 2)) -> Table:
    """A backfill of 48 months as the UI launches it, from the first start of a run to the last end."""
    count = max(COUNTS)
    table = Table(f"A backfill of {count} months of {ROWS:,} rows through webserver and daemon", ROWS)
    template = make_project(work / "daemon_template", {"TAXI_SOURCE": str(months_folder(sources))})
    for runs in at_once:
        folder = afresh(template)
        settings = (folder / "dagster.yaml").read_text()
        assert "max_concurrent_runs: 2" in settings
        (folder / "dagster.yaml").write_text(settings.replace("max_concurrent_runs: 2", f"max_concurrent_runs: {runs}"))
        with up(folder, work / "up.log") as dagster:
            months = [month.key for month in FIRST.until(FIRST.plus(count - 1))]
            backfill = dagster.backfill([f"{stage}/green_trips" for stage in STAGES], months)
            wait_for_backfill(dagster, backfill)
            mine = [run for run in dagster.runs() if run["tags"].get("dagster/backfill") == backfill]
        assert len(mine) == count
        took = max(run["endTime"] for run in mine) - min(run["startTime"] for run in mine)
        measured_by(table, f"{runs} at a time", Took(took, 0, 0, 0))
        wanted = "<= 3" if runs == max(at_once) else ""
        table.numbers[f"a month, {runs} at a time, s"] = (took / count, wanted)
    return table


def months_folder(sources: Path) -> Path:
    for month in FIRST.until(FIRST.plus(max(COUNTS) - 1)):
        folder = source_file(sources, "green", month.key, ROWS, "csv").parent
    return folder


def wait_for_backfill(dagster: DagsterUp, backfill: str) -> None:
    dagster.wait_for(lambda: dagster.backfill_status(backfill) != "REQUESTED", "the backfill", 3600)
    assert dagster.backfill_status(backfill) == "COMPLETED_SUCCESS"


@contextlib.contextmanager
def up(folder: Path, log: Path) -> Iterator[DagsterUp]:
    dagster = DagsterUp(Project(folder), log)
    try:
        yield dagster
    finally:
        dagster.stop()
