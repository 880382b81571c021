"""Where the project is: the folder whose `dagster.yaml` says where Dagster keeps its history."""

from __future__ import annotations

from pathlib import Path

PROJECT_FILE = "dagster.yaml"


def find_project(start: Path) -> Path | None:
    """The nearest folder with a `dagster.yaml`, from `start` upward."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return None
