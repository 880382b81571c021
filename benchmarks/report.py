"""What was measured, as Markdown, as JSON, and as a picture."""

from __future__ import annotations

import json
import operator
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import PROJECT, Table
from benchmarks.whole_month import THEIRS

_OURS = ("dagster", "duckdb", "pyarrow", "psycopg", "pgpq")
_THEIRS = ("dlt", "adbc-driver-postgresql", "pandas", "sqlalchemy", "psycopg2-binary", "duckdb", "pyarrow")
_LIMITS = {"<=": operator.le, ">=": operator.ge}


def save(tables: Sequence[Table], folder: Path) -> Path:
    """Write `{day}.json`, `{day}.md` and, where there is a month to draw, `{day}.svg`; the path of the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = about_this_machine()
    day = folder / str(machine["date"])
    document = {"machine": machine, "tables": [table.to_json() for table in tables]}
    day.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    day.with_suffix(".md").write_text(as_markdown(tables, machine))
    subprocess.run(
        [THEIRS, str(PROJECT / "benchmarks" / "contenders" / "plot.py"), day.with_suffix(".json")], check=True
    )
    return day.with_suffix(".md")


def about_this_machine() -> dict[str, Any]:
    theirs = subprocess.run(
        [THEIRS, "-c", f"from importlib.metadata import version\nfor n in {_THEIRS}: print(n, version(n))"],
        capture_output=True,
        text=True,
        check=True,
    )
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit.stdout.strip(),
        "system": f"{platform.system()} {platform.machine()}, {_processor()}",
        "python": platform.python_version(),
        "ours": {name: version(name) for name in _OURS},
        "theirs": dict(line.split() for line in theirs.stdout.splitlines()),
    }


def _processor() -> str:
    import os

    names = [
        line.split(":", 1)[1].strip()
        for line in (Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else [])
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} cores{f' of {names[0]}' if names else ''}"


def as_markdown(tables: Sequence[Table], machine: dict[str, Any]) -> str:
    lines = [
        f"# {machine['date']}, commit {machine['commit']}",
        "",
        (
            f"{machine['system']}, Python {machine['python']}. "
            f"Ours: {_listed(machine['ours'])}. The others': {_listed(machine['theirs'])}."
        ),
        "",
        (
            "Each line is a process of its own, without the start of the interpreter and the imports unless it says "
            "otherwise; rounds are interleaved; numbers are medians. CPU is the process's own, not the server's."
        ),
    ]
    for table in tables:
        lines += ["", f"## {table.title}", "", *_times(table)]
        if said := table.said():
            lines += ["", "| ratio or number | measured | asked for |", "|---|---|---|"]
            lines += [f"| {says} | {value:.2f} | {_judged(value, wanted)} |" for says, (value, wanted) in said.items()]
    return "\n".join(lines) + "\n"


def _times(table: Table) -> list[str]:
    lines = ["| what | rounds | wall s | CPU s | peak MB | written MB | leaves out |", "|---|---|---|---|---|---|---|"]
    for name, runs in table.took.items():
        wall, *others = (table.median(name, figure) for figure in ("wall_s", "cpu_s", "peak_mb", "written_mb"))
        cpu, peak, written = (f"{value:,.2f}" if value < 10 else f"{value:,.0f}" for value in others)
        more = f"{cpu} | {peak} | {written}" if any(others) else " | | "
        lines.append(f"| {name} | {len(runs)} | {wall:,.2f} | {more} | {table.leaves_out.get(name, '')} |")
    return lines


def _judged(value: float, wanted: str) -> str:
    if not wanted:
        return ""
    sign, limit = wanted.split()
    return f"{wanted}" if _LIMITS[sign](value, float(limit)) else f"{wanted}: **not reached**"


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
