"""A watched folder, a project that watches it, and `taxi up` on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit.dagster_up import DagsterUp
from taxi_platform_tests.kit.postgres_server import PASSWORD_IN_URL, PostgresServer
from taxi_platform_tests.kit.webhook import Webhook

HISTORY_VARIABLE = "DAGSTER_POSTGRES_URL"


@dataclass(frozen=True)
class Drops:
    """A folder into which files are dropped."""

    folder: Path

    def content(self, service: str, month: str, rows: int = 300) -> tuple[str, bytes]:
        """A file of the sample: its name and its bytes."""
        source, path = SampleSource(rows=rows, format="csv"), self.folder / ".part"
        file = source.find(SERVICES[service], Month.parse(month))
        source.fetch(file, path, lambda _: None)
        content = path.read_bytes()
        path.unlink()
        return file.name, content

    def drop(self, service: str, month: str, rows: int = 300) -> Path:
        """The file, whole, in one move."""
        name, content = self.content(service, month, rows)
        part = self.folder / ".part"
        part.write_bytes(content)
        return part.rename(self.folder / name)


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    (folder := tmp_path / "drops").mkdir()
    return Drops(folder)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    yield webhook
    webhook.close()


@pytest.fixture
def start_up(project: Project, tmp_path: Path) -> Iterator[Callable[[], DagsterUp]]:
    """`taxi up` in the project, ended with the test."""
    started: list[DagsterUp] = []

    def start() -> DagsterUp:
        started.append(DagsterUp(project, tmp_path / "up.log"))
        return started[-1]

    yield start
    for up in started:
        up.stop()


def history_url(server: PostgresServer) -> str:
    return f"postgresql+psycopg2://postgres:{PASSWORD_IN_URL}@127.0.0.1:{server.port}/history"


def keep_history_in(project: Project, server: PostgresServer) -> None:
    """Have Dagster's history of a project lie in a new database `history`, by hand, as `dagster.yaml` says."""
    server.ask("CREATE DATABASE history")
    path = project.folder / "dagster.yaml"
    commented = re.search(r"^# (storage:)\n# (.*)\n# (.*)\n", path.read_text(), re.MULTILINE)
    assert commented is not None
    block = "\n".join(commented.groups())
    path.write_text(re.sub(r"^storage:\n  sqlite:\n.*\n", f"{block}\n", path.read_text(), flags=re.MULTILINE))
    (project.folder / ".env").write_text(f"{HISTORY_VARIABLE}={history_url(server)}\n")
