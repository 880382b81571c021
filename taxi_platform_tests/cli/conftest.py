"""A project in which two small months are loaded: made once, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from taxi_platform_tests.conftest import Project, make_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("template"))
    (project.folder / ".env").write_text("TAXI_SOURCE=sample://?rows=500\n")
    assert [month["status"] for month in project.load("green", "2024-01,2024-02")] == ["loaded", "loaded"]
    return project


@pytest.fixture
def loaded(template: Project, tmp_path: Path) -> Project:
    """Green 2024-01 and 2024-02, in every stage."""
    return Project(shutil.copytree(template.folder, tmp_path / "loaded"))
