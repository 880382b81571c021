"""What every test can use: the real files where they are, and projects of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from taxi_platform_tests.kit.postgres_server import PostgresServer, found_by_others, postgres

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TAXI_SHARED") or ROOT.parent / "shared")
TAXI = (sys.executable, "-c", "from taxi_platform.cli.main import main; main()")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real trip records. They are TLC's, not ours to ship: absent from a plain clone."""
    if not (SHARED / "data" / "publisher").is_dir():
        pytest.skip(f"the real trip records are not at {SHARED} (set TAXI_SHARED to where they are)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def publisher(shared: Path) -> Path:
    """Real files, laid out as a publisher lays them out."""
    return shared / "publisher"


@pytest.fixture(scope="session")
def postgres18() -> Iterator[PostgresServer]:
    """A real Postgres, from a Python package; one a test process."""
    with postgres(18) as server, found_by_others(server, 18):
        yield server


@pytest.fixture(scope="session")
def postgres15() -> Iterator[PostgresServer]:
    """A real Postgres, from Debian's packages; one a test process."""
    with postgres(15) as server, found_by_others(server, 15):
        yield server


@dataclass(frozen=True)
class Answer:
    """What a command printed, and how it ended."""

    exit_code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on stderr with which a command stopped."""
        lines = self.err.splitlines()
        assert self.exit_code != 0, self
        assert len(lines) == 1, self.err
        assert lines[0].startswith("taxi: "), self.err
        assert "Traceback" not in self.out
        return lines[0].removeprefix("taxi: ")


@dataclass(frozen=True)
class Project:
    """A project's folder, and the commands typed in it.

    Attributes:
        settings: Environment variables of the processes that are started.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / ".taxi"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    def taxi(self, *words: str) -> Answer:
        """The command in this process: quick."""
        from click.testing import CliRunner

        from taxi_platform.cli.main import cli

        environment = {**dict.fromkeys(_foreign()), **self.settings}
        with contextlib.chdir(self.folder):
            result = CliRunner().invoke(cli, list(words), prog_name="taxi", env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def load(self, services: str, months: str, *options: str) -> list[dict[str, Any]]:
        """What `taxi load --json` says of each month."""
        return json.loads(self.taxi("load", services, months, *options, "--json").out)["months"]

    def states(self, *options: str) -> dict[tuple[str, str, str], str]:
        """What `taxi status --json` says, by service, month and stage."""
        cells = json.loads(self.taxi("status", *options, "--json").out)["cells"]
        return {(cell["service"], cell["month"], cell["stage"]): cell["state"] for cell in cells}

    def rows(self, sql: str) -> list[list[Any]]:
        """What `taxi query` answers."""
        answer = self.taxi("query", sql, "--format", "json")
        assert answer.exit_code == 0, answer.err
        return [list(row.values()) for row in json.loads(answer.out)]

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """The command in a process of its own. Whoever starts it ends it."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([*TAXI, *words], cwd=self.folder, env=self.environment(), text=True, **pipes)

    def run(self, *words: str) -> Answer:
        """The command in a process of its own, to its end."""
        return self.python(*TAXI[1:], *words)

    def python(self, *words: str) -> Answer:
        """This Python in a process of its own, to its end: with `-c CODE`, `-m MODULE` or a file."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _foreign()}
        return {**inherited, **self.settings}


def _foreign() -> list[str]:
    """The settings of this machine, which no test is to see."""
    return [name for name in os.environ if name.startswith(("TAXI_", "DAGSTER_"))]


def make_project(folder: Path) -> Project:
    """A project in `folder`, as somebody has it who just cloned this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    return Project(folder)


def on_postgres(project: Project, server: PostgresServer, schema: str) -> Project:
    """`project` with its warehouse in a schema of a Postgres."""
    warehouse = f"{server.url}?schema={quote(schema, safe='')}"
    return replace(project, settings={**project.settings, "TAXI_WAREHOUSE": warehouse})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, and a process in its folder that no setting of the machine reaches."""
    for name in _foreign():
        monkeypatch.delenv(name)
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made
