"""Dagster's history in a Postgres, as `dagster.yaml` and `.env.postgres.example` say: loads at once, and dead runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.automation.instance import open_instance, reap_dead_runs
from taxi_platform.io_managers.run_process import PID_TAG, STARTED_TAG, process_tags
from taxi_platform.settings import Settings
from taxi_platform_tests.automation.conftest import HISTORY_VARIABLE, history_url, keep_history_in
from taxi_platform_tests.automation.test_dead_runs import POOL, run_with, status_of
from taxi_platform_tests.conftest import ROOT, Project, make_project, on_postgres
from taxi_platform_tests.kit.postgres_server import PostgresServer

SOURCE = ("--source", "sample://?rows=500", "--json")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, postgres18: PostgresServer) -> Iterator[Project]:
    """A project set up by hand as the comment in `dagster.yaml` says."""
    made = make_project(tmp_path_factory.mktemp("history") / "project")
    keep_history_in(made, postgres18)
    yield on_postgres(made, postgres18, "of_history")
    postgres18.ask("DROP SCHEMA IF EXISTS of_history CASCADE")
    postgres18.ask("DROP DATABASE history WITH (FORCE)")


@pytest.fixture
def instance(
    project: Project, postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(project.folder)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv(HISTORY_VARIABLE, history_url(postgres18))
    with open_instance(project.folder) as opened:
        yield opened


def test_two_loads_at_once_end_well_and_are_in_one_history(project: Project, instance: dg.DagsterInstance) -> None:
    loads = [project.start("load", "green", months, *SOURCE) for months in ("2019-01,2019-02", "2019-02,2019-03")]
    ended = [(*load.communicate(timeout=120), load.returncode) for load in loads]
    assert [code for _, _, code in ended] == [0, 0], ended
    statuses = [month["status"] for out, _, _ in ended for month in json.loads(out)["months"]]
    assert set(statuses) <= {"loaded", "unchanged"}
    assert len(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))) == 4
    materialized = instance.get_materialized_partitions(dg.AssetKey(["warehouse", "green_trips"]))
    assert materialized == {"2019-01", "2019-02", "2019-03"}
    counted = project.run("query", "select count(distinct source_month), count(*) from green_trips", "--format", "csv")
    months, rows = counted.out.splitlines()[1].split(",")
    assert (months, int(rows) > 1_400) == ("3", True)
    assert not (project.home / "dagster" / "history").exists()


def test_a_dead_run_is_failed_and_what_it_held_is_free(instance: dg.DagsterInstance) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = {**process_tags(), PID_TAG: str(process.pid), STARTED_TAG: "boot:1"}
    process.communicate(b"\n")
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 1)
    dead, living = run_with(instance, gone), run_with(instance, process_tags())
    assert storage.claim_concurrency_slot(POOL, dead, "warehouse").is_claimed
    assert not storage.claim_concurrency_slot(POOL, living, "warehouse").is_claimed
    assert reap_dead_runs(instance) == [dead]
    assert (status_of(instance, dead), status_of(instance, living)) == ("FAILURE", "STARTED")
    assert storage.claim_concurrency_slot(POOL, living, "warehouse").is_claimed
    storage.free_concurrency_slots_for_run(living)
    instance.report_run_failed(instance.get_run_by_id(living))


@pytest.mark.long
def test_a_load_that_is_killed_is_failed_by_the_next_one(project: Project, instance: dg.DagsterInstance) -> None:
    load = project.start("load", "green", "2019-05", "--source", "sample://?rows=200000", "--json")
    while not (started := instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))):
        assert load.poll() is None, load.communicate()
    load.kill()
    load.communicate()
    again = project.run("load", "green", "2019-05", *SOURCE)
    assert json.loads(again.out)["months"][0]["status"] == "loaded", again
    assert [status_of(instance, run.run_id) for run in started] == ["FAILURE"]


def test_a_history_that_cannot_be_reached_is_a_sentence_without_its_password(project: Project) -> None:
    wrong = {HISTORY_VARIABLE: "postgresql+psycopg2://postgres:s3cretpw@127.0.0.1:1/history"}
    answer = Project(project.folder, {**project.settings, **wrong}).run("load", "green", "2019-06", *SOURCE)
    assert answer.exit_code == 1
    assert "s3cretpw" not in answer.out + answer.err
    assert "Dagster's history cannot be used" in answer.sentence


def test_the_example_for_postgres_is_one_that_works(project: Project, tmp_path: Path) -> None:
    example = (ROOT / ".env.postgres.example").read_text()
    made = make_project(tmp_path / "from_example")
    (made.folder / ".env").write_text(example)
    settings = Settings.read({}, made.folder)
    assert settings.warehouse.shown == "postgresql://localhost:5432/taxi?schema=trips"
    assert "password=change-me" in settings.warehouse.uri
    assert re.search(rf"^{HISTORY_VARIABLE}=postgresql\+psycopg2://", example, re.MULTILINE)
