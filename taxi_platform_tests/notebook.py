"""`python -m taxi_platform_tests.notebook`: run examples/analysis/trips.ipynb, and keep in it what its cells print."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from taxi_platform_tests.conftest import ROOT, Project, make_project

NOTEBOOK = ROOT / "examples" / "analysis" / "trips.ipynb"
MONTHS = ("yellow", "2024-01..2024-03", "--source", "sample")
"""What the notebook says is to be loaded."""


def load(folder: Path) -> Project:
    """A project with these months."""
    project = make_project(folder)
    assert {month["status"] for month in project.load(*MONTHS)} == {"loaded"}
    return project


def read() -> dict[str, Any]:
    return json.loads(NOTEBOOK.read_text("utf-8"))


def run(notebook: dict[str, Any], project: Project) -> list[str]:
    """What each cell of code prints, run in order in the project's folder."""
    made: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    with contextlib.chdir(project.folder):
        for number, cell in enumerate(code_cells(notebook)):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile("".join(cell["source"]), f"cell {number + 1}", "exec", dont_inherit=True), made)
            printed.append(out.getvalue())
    return printed


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def main() -> None:
    notebook = read()
    with tempfile.TemporaryDirectory() as folder:
        printed = run(notebook, load(Path(folder) / "project"))
    for number, (cell, text) in enumerate(zip(code_cells(notebook), printed, strict=True)):
        cell["execution_count"] = number + 1
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}]
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
