"""How long a person waits before anything happens: help, definitions, the status of everything that was loaded."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import OURS, Table, Took, answer_of, in_a_process, measured_by
from benchmarks.projects import make_project
from taxi_platform.trips.months import last_full_month
from taxi_platform.trips.services import SERVICES, new_york_today

TAXI = [str(Path(sys.executable).parent / "taxi")]
DEFINITIONS = "definitions, beyond `import dagster`"
_BEYOND_DAGSTER = """
import json, time
import dagster
started, cpu = time.perf_counter(), time.process_time()
from taxi_platform.definitions import defs
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType
loaded = defs(DefinitionsLoadContext(DefinitionsLoadType.INITIALIZATION))
loaded.get_repository_def()
took = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu, "peak_mb": 0, "written_mb": 0}
print(json.dumps(took))
"""


def starting(work: Path, rounds: int) -> Table:
    """Whole processes, with the start of the interpreter."""
    project = make_project(work / "everything", {"TAXI_SOURCE": "sample://?rows=100"})
    months = 0
    for service in SERVICES.values():
        every = list(service.first_month.until(last_full_month(new_york_today())))
        in_a_process([*OURS, "without_dagster", str(project), service.name, f"{every[0]}..{every[-1]}"])
        months += len(every)
    status = f"taxi status, {months} months loaded, all stages"
    table = Table("Before anything happens", 100)
    for _ in range(rounds):
        measured_by(table, "python -c pass", whole([sys.executable, "-c", "pass"], project))
        measured_by(table, "taxi --help", whole([*TAXI, "--help"], project))
        measured_by(table, DEFINITIONS, Took(**answer_of([sys.executable, "-c", _BEYOND_DAGSTER])))
        measured_by(table, status, whole([*TAXI, "status", "--json"], project))
    table.numbers = {
        "taxi --help, s": (table.median("taxi --help"), "<= 0.3"),
        "definitions beyond `import dagster`, s": (table.median(DEFINITIONS), "<= 0.5"),
        "taxi status of 800 months in all stages, s": (table.median(status) * 800 / months, "<= 2"),
    }
    return table


def whole(command: Sequence[str], folder: Path) -> Took:
    """A process from its start to its end."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return Took(time.perf_counter() - started, 0, 0, 0)
