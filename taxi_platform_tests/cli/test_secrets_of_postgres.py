"""The password of a Postgres is nowhere: not in what is printed, kept, logged or recorded, whatever goes wrong."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import psycopg
import pytest

from taxi_platform.assets import stages
from taxi_platform_tests.cli.test_secrets import SECRET, assert_untold
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit.postgres_server import PASSWORD_IN_URL, PostgresServer


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "RETRIES", dg.RetryPolicy(max_retries=1, delay=0.01))


@pytest.fixture
def somebody(postgres18: PostgresServer) -> Iterator[PostgresServer]:
    """A server with a role that has the secret, and a database for a history."""
    postgres18.ask(f"CREATE ROLE somebody LOGIN PASSWORD '{SECRET}'")
    postgres18.ask("CREATE DATABASE secrets OWNER somebody")
    yield postgres18
    postgres18.ask("DROP DATABASE secrets WITH (FORCE)")
    postgres18.ask("DROP ROLE somebody")


def dump(server: PostgresServer, database: str) -> str:
    """Every value of every table of a database."""
    with psycopg.connect(re.sub(r"/postgres$", f"/{database}", server.url), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return "".join(
            _readable(value)
            for (table,) in tables
            for row in connection.execute(f"SELECT * FROM {table}").fetchall()
            for value in row
        )


def _readable(value: object) -> str:
    """A value as text; what Dagster compressed, as it was before."""
    if isinstance(value, bytes):
        with contextlib.suppress(zlib.error):
            value = zlib.decompress(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def with_warehouse(project: Project, url: str, **more: str) -> Project:
    return replace(project, settings={**project.settings, "TAXI_WAREHOUSE": url, **more})


def test_nobody_is_told_the_password_of_a_warehouse(project: Project, somebody: PostgresServer) -> None:
    project.settings["TAXI_SOURCE"] = "sample://?rows=200"
    where = f"127.0.0.1:{somebody.port}"
    url = f"postgresql://somebody:{SECRET}@{where}/secrets?schema=s"
    right = with_warehouse(project, url)
    load = ("load", "zones,green", "2024-01")
    answers = [right.taxi(*words) for words in (load, (*load, "--force", "--json"), ("status",), ("status", "--json"))]
    assert [answer.exit_code for answer in answers] == [0] * 4
    from_libpq = with_warehouse(project, f"postgresql://somebody@{where}/secrets", PGPASSWORD=SECRET)
    answers += [from_libpq.taxi("query", "select current_user"), right.taxi("query", "selec 1")]
    assert [answer.exit_code for answer in answers[-2:]] == [0, 2]
    wrong = [
        f"postgresql://postgres:{SECRET}@{where}/secrets",
        f"postgresql://nobody:{SECRET}@{where}/secrets",
        f"postgresql://somebody:{SECRET}@{where}/nowhere",
        f"postgresql://somebody:{SECRET}@127.0.0.1:1/secrets",
        f"postgresql://somebody:{SECRET}@nowhere.invalid/secrets",
        f"postgresql://somebody:{SECRET}@{where}/secrets?sslmode=require",
        f"postgresql://somebody@{where}/secrets?password={SECRET}&color=red",
    ]
    for number, one in enumerate(wrong, 2):
        command = ("status",) if number % 2 else ("load", "green", f"2024-{number:02}", "--json")
        answers.append(with_warehouse(project, one).taxi(*command))
        assert answers[-1].exit_code in (1, 2), one
        assert answers[-1].out + answers[-1].err != ""
    assert_untold(project, *answers)
    assert SECRET not in dump(somebody, "secrets")


def test_nobody_is_told_a_password_by_a_history_in_postgres(project: Project, somebody: PostgresServer) -> None:
    project.settings["TAXI_SOURCE"] = "sample://?rows=200"
    history = f"postgresql+psycopg2://postgres:{PASSWORD_IN_URL}@127.0.0.1:{somebody.port}/secrets"
    path = project.folder / "dagster.yaml"
    block = "storage:\n  postgres:\n    postgres_url: {env: DAGSTER_POSTGRES_URL}\n"
    path.write_text(re.sub(r"^storage:\n  sqlite:\n.*\n", block, path.read_text(), flags=re.MULTILINE))
    settings = {**project.settings, "DAGSTER_POSTGRES_URL": history}
    url = f"postgresql://somebody:{SECRET}@127.0.0.1:{{port}}/secrets?schema=s"
    right = replace(project, settings={**settings, "TAXI_WAREHOUSE": url.format(port=somebody.port)})
    wrong = replace(project, settings={**settings, "TAXI_WAREHOUSE": url.format(port=1)})
    loads = [one.run("load", "green", month) for one, month in ((right, "2024-01"), (wrong, "2024-02"))]
    assert [load.exit_code for load in loads] == [0, 1]
    assert "the server does not answer" in loads[1].err
    everything = dump(somebody, "secrets") + "".join(load.out + load.err for load in loads)
    assert "2024-02" in everything
    assert "warehouse_io_manager" in everything  # the snapshot of the job, which is kept compressed
    assert SECRET not in everything
    assert PASSWORD_IN_URL not in everything
