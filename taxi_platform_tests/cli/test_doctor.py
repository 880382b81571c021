"""`taxi doctor`: a healthy project, and each thing that can be broken, with its sentence."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
import pytest

from taxi_platform.cli.checkup.finding import Finding, findings
from taxi_platform.errors import StoreError
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.io_managers import kits
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit
from taxi_platform_tests.io_managers.bucket_kits import BUCKET, gcs
from taxi_platform_tests.kit.gcs_objects import Buckets, Refusal
from taxi_platform_tests.kit.postgres_server import PostgresServer


class Usage(NamedTuple):
    """As `shutil.disk_usage` has it."""

    total: int
    used: int
    free: int


def doctor(project: Project) -> dict[str, list[tuple[str, str]]]:
    """State and sentence of every finding, by check; the exit code is 1 if one fails."""
    answer = project.taxi("doctor", "--json")
    document = json.loads(answer.out)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in document["checks"]:
        found.setdefault(one["check"], []).append((one["state"], one["message"]))
    assert answer.err == ""
    assert "s3cret" not in answer.out
    fails = any(state == "fail" for states in found.values() for state, _ in states)
    assert (answer.exit_code, document["ok"]) == (1 if fails else 0, not fails)
    return found


def says(found: dict[str, list[tuple[str, str]]], check: str, state: str, *parts: str) -> bool:
    """Whether a check came to that, in a sentence that has these parts; nothing else fails."""
    others = [one for name, of in found.items() for one in of if name not in (check, "disk", "packages")]
    assert state != "ok" or {one for one, _ in others} == {"ok"}, found
    return any(one == state and all(part in said for part in parts) for one, said in found[check])


def tree(project: Project) -> list[tuple[str, int]]:
    """All that lies in the project's folder."""
    return sorted(
        (str(path), path.stat().st_mtime_ns)
        for path in project.folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    )


def test_a_healthy_project_is_well_and_nothing_is_left_in_it(loaded: Project) -> None:
    before = tree(loaded)
    found = doctor(loaded)
    assert says(found, "warehouse", "ok", "warehouse.duckdb: 2 months")
    assert says(found, "history", "ok", str(loaded.folder / "dagster.yaml"), "with 2 runs")
    assert says(found, "settings", "ok", "TAXI_SOURCE from .env")
    assert says(found, "lake", "ok", "swapped and removed a probe")
    assert tree(loaded) == before
    shown = loaded.taxi("doctor")
    assert [line[:4].strip() for line in shown.out.splitlines() if " source " in line] == ["ok"]
    assert "\x1b" not in shown.out


def test_a_new_project_is_well_and_stays_empty(project: Project) -> None:
    before = tree(project)
    found = doctor(project)
    for check in ("history", "raw", "cleaned", "lake", "warehouse"):
        assert says(found, check, "ok", "not there yet")
    assert tree(project) == before


def test_with_a_wrong_setting_the_rest_is_looked_at_all_the_same(project: Project) -> None:
    project.settings.update(TAXI_FOO="s3cret", TAXI_LAKE="ftp://me:s3cret@host/lake")
    found = doctor(project)
    assert says(found, "settings", "fail", "Unknown settings: TAXI_FOO. Known are")
    assert set(found) >= {"python", "packages", "history"}


def test_without_a_project_it_says_so(project: Project) -> None:
    (project.folder / "dagster.yaml").unlink()
    assert says(doctor(project), "history", "fail", "There is no dagster.yaml in")


def test_a_profile_is_named_by_its_file(project: Project) -> None:
    (project.folder / ".env.prod").write_text("TAXI_SOURCE=sample\nPGPASSWORD=s3cret\n")
    project.settings["TAXI_PROFILE"] = "prod"
    assert says(doctor(project), "settings", "ok", "TAXI_SOURCE from .env.prod", "TAXI_PROFILE from the environment")
    project.settings["TAXI_PROFILE"] = "nobody"
    assert says(doctor(project), "settings", "fail", "there is no file")


def test_little_room_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**9, 10**9))
    assert says(doctor(project), "disk", "warn", "1.0 GB are free", "needs 6.5 GB", "taxi prune")


def test_packages_that_were_not_tested_are_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    asked = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: {"duckdb": "9.9"}.get(name) or asked(name))
    assert says(doctor(project), "packages", "warn", "duckdb 9.9 (tested: ", "make setup")
    monkeypatch.setattr(metadata, "version", lambda name: {"duckdb": "0.1"}.get(name) or asked(name))
    assert says(doctor(project), "packages", "fail", "duckdb 0.1 (needed: >=1.4)")


def test_a_folder_in_which_nothing_may_be_made_is_named(project: Project, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    project.settings["TAXI_LAKE"] = str(closed / "lake")
    assert says(doctor(project), "lake", "fail", f"nothing can be made in {closed}")


@pytest.fixture
def in_bucket(project: Project) -> Project:
    """A project whose lake is a bucket of the emulator."""
    project.settings.update(kits.KITS["gcs"].emulator(), TAXI_LAKE=f"gs://{BUCKET}/doctor")
    return project


def test_a_bucket_is_tried_and_left_as_it_was(in_bucket: Project) -> None:
    before = set(gcs().buckets.objects(BUCKET))
    found = doctor(in_bucket)
    assert says(found, "lake", "ok", f"gs://{BUCKET}/doctor", "removed a probe")
    assert says(found, "credentials", "ok", "Google: ", "STORAGE_EMULATOR_HOST from the environment")
    assert set(gcs().buckets.objects(BUCKET)) == before


def test_a_bucket_that_is_not_there_is_named(in_bucket: Project) -> None:
    in_bucket.settings["TAXI_LAKE"] = "gs://nobodys-bucket/lake"
    assert says(doctor(in_bucket), "lake", "fail", "there is no bucket called nobodys-bucket (404)")


def test_a_store_that_honours_no_conditions_is_found_out(in_bucket: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Buckets, "_require", staticmethod(lambda *_: None))
    assert says(doctor(in_bucket), "lake", "warn", "overwrites what was to be created once (If-None-Match)")


def test_who_may_not_delete_learns_it_and_leaves_nothing(in_bucket: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refusal(403, "no storage.objects.delete", "forbidden")

    before = set(gcs().buckets.objects(BUCKET))
    monkeypatch.setattr(Buckets, "delete", refuse)
    assert says(doctor(in_bucket), "lake", "warn", "`taxi prune` cannot work")
    assert set(gcs().buckets.objects(BUCKET)) == before


def test_a_key_of_google_that_is_none_is_named_by_its_file(project: Project) -> None:
    project.settings.update(TAXI_LAKE="gs://somewhere/lake", GOOGLE_APPLICATION_CREDENTIALS="/nowhere/key.json")
    found = doctor(project)
    assert says(found, "lake", "fail", "/nowhere/key.json is no file of a service account's key")


def test_who_has_the_warehouse_open_is_named(loaded: Project) -> None:
    code = f"import duckdb, sys; c = duckdb.connect({str(loaded.warehouse)!r}); print(1, flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout
        holder.stdout.readline()
        assert says(doctor(loaded), "warehouse", "warn", f"process {holder.pid}", "has it open")
    finally:
        holder.communicate()


def test_a_warehouse_that_is_no_database_is_named(loaded: Project) -> None:
    loaded.warehouse.write_bytes(b"This was a database once. " * 1000)
    assert says(doctor(loaded), "warehouse", "fail", "this is no DuckDB database")


@pytest.fixture
def role(postgres18: PostgresServer) -> Iterator[str]:
    """A user who may do nothing, and databases that are no good."""
    with psycopg.connect(postgres18.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE poor LOGIN PASSWORD 's3cret'")
        connection.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        yield "poor"
        connection.execute("DROP DATABASE ascii")
        connection.execute("DROP ROLE poor")


def test_postgres_is_looked_at_with_the_rights_and_the_encoding_that_a_load_needs(
    project: Project, postgres18: PostgresServer, role: str
) -> None:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(postgres18.url)

    def at(user: str | None = None, database: str | None = None, more: str = "") -> dict[str, list[tuple[str, str]]]:
        netloc = parts.netloc if user is None else f"{quote(user)}:s3cret@{parts.netloc.rpartition('@')[2]}"
        path = parts.path if database is None else f"/{database}"
        project.settings["TAXI_WAREHOUSE"] = urlunsplit((parts.scheme, netloc, path, parts.query, "")) + more
        return doctor(project)

    assert says(at(), "warehouse", "ok", "Postgres 18, 0 months")
    poor = at(role)
    assert says(poor, "warehouse", "fail", "this user may not make tables in the schema public", "GRANT USAGE, CREATE")
    assert says(at(role, more="?schema=new"), "warehouse", "fail", "in the schema new. GRANT CREATE ON DATABASE")
    assert says(at(database="ascii"), "warehouse", "fail", "the database is in SQL_ASCII")
    assert says(at(database="nowhere"), "warehouse", "fail", "nowhere", "does not exist")
    project.settings["TAXI_WAREHOUSE"] = "postgresql://me:s3cret@127.0.0.1:1/trips"
    assert says(doctor(project), "warehouse", "fail", "the server does not answer")


def test_bigquery_is_looked_at_and_a_dataset_that_is_not_there_is_named(project: Project, tmp_path: Path) -> None:
    kit = BigQueryKit(tmp_path / "dataset")
    project.settings.update(kit.variables, TAXI_WAREHOUSE=kit.address.shown)
    assert says(doctor(project), "warehouse", "ok", "the dataset is in ", "no ledger yet")
    project.settings["TAXI_WAREHOUSE"] = f"bigquery://{kit.address.project}/nowhere"
    assert says(doctor(project), "warehouse", "fail", "nowhere")


def test_a_history_of_another_schema_is_told(loaded: Project) -> None:
    with sqlite3.connect(loaded.home / "dagster" / "history" / "runs.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '16689497301f'")
    assert says(doctor(loaded), "history", "fail", "dagster instance migrate")


def test_a_history_that_is_no_database_is_told(loaded: Project) -> None:
    path = loaded.home / "dagster" / "history" / "runs.db"
    path.write_bytes(b"This was a database once. " * 1000)
    assert says(doctor(loaded), "history", "fail", "history")


def test_dead_runs_and_the_slots_of_runs_that_have_ended_are_told(loaded: Project) -> None:
    from taxi_platform.automation.instance import open_instance
    from taxi_platform.io_managers.run_process import PID_TAG, STARTED_TAG, process_tags
    from taxi_platform_tests.automation.test_dead_runs import run_with

    with open_instance(loaded.folder) as instance:
        dead = run_with(instance, {**process_tags(), PID_TAG: "1", STARTED_TAG: "boot:1"})
        storage = instance.event_log_storage
        storage.set_concurrency_slots("duckdb", 2)
        ended = instance.get_runs()[-1]
        assert ended.is_finished
        storage.claim_concurrency_slot("duckdb", ended.run_id, "step")
        found = doctor(loaded)
        assert says(found, "history", "warn", "1 runs have not ended and their process is gone")
        assert says(found, "pools", "warn", "the pool duckdb lets 2 in at once, 1 is set")
        assert says(found, "pools", "warn", f"held by a run that has ended ({ended.run_id[:8]})")
        assert not instance.get_run_by_id(getattr(dead, "run_id", dead)).is_finished


def test_a_source_that_does_not_answer_or_is_empty_is_told(project: Project, tmp_path: Path) -> None:
    project.settings["TAXI_SOURCE"] = "tlc://?base=http://127.0.0.1:1/trips"
    assert says(doctor(project), "source", "fail", "127.0.0.1")
    (tmp_path / "files").mkdir()
    project.settings["TAXI_SOURCE"] = str(tmp_path / "files")
    assert says(doctor(project), "source", "warn", "no month is there")
    project.settings["TAXI_SOURCE"] = str(tmp_path / "nothing")
    assert says(doctor(project), "source", "fail", "nothing")


def test_alerts_without_what_sends_them_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from taxi_platform.cli.checkup import setup

    monkeypatch.setattr(setup, "find_spec", lambda _: None)
    project.settings["TAXI_ALERTS"] = "json://me:s3cret@host"
    assert says(doctor(project), "alerts", "fail", "taxi-platform[alerts]")


def test_checks_that_break_or_hang_are_contained_and_all_look_at_once() -> None:
    def breaks() -> Iterator[Finding]:
        yield Finding("breaks", "ok", "so far")
        raise RuntimeError("s3cret")

    def refuses() -> Iterator[Finding]:
        raise StoreError("There is no bucket.")
        yield

    forever = threading.Event()

    def hangs() -> Iterator[Finding]:
        forever.wait()
        yield Finding("hangs", "ok", "at last")

    def slow() -> Iterator[Finding]:
        time.sleep(0.3)
        yield Finding("slow", "ok", "late")

    started = time.monotonic()
    found = list(findings({"hangs": hangs, "slow": slow, "breaks": breaks, "refuses": refuses}, timeout_s=0.5))
    assert time.monotonic() - started < 1.5
    forever.set()
    assert [(one.check, one.state) for one in found] == [
        ("hangs", "fail"),
        ("slow", "ok"),
        ("breaks", "ok"),
        ("breaks", "fail"),
        ("refuses", "fail"),
    ]
    assert "no answer within" in found[0].message
    assert found[3].message == "this check itself failed (RuntimeError). Please report it."
    assert found[4].message == "There is no bucket."
