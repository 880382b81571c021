"""Which runs are failed when a command starts: those of this host whose process is gone, and no others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping

import dagster as dg
import pytest

from taxi_platform.automation.instance import open_instance, reap_dead_runs
from taxi_platform.io_managers.run_process import HOST_TAG, PID_TAG, STARTED_TAG, is_alive, process_tags
from taxi_platform_tests.conftest import Project

UNFINISHED = ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"]
FINISHED = ["SUCCESS", "FAILURE", "CANCELED"]
POOL = "duckdb"


@pytest.fixture
def instance(project: Project) -> Iterator[dg.DagsterInstance]:
    with open_instance(project.folder) as opened:
        yield opened


@pytest.fixture
def gone() -> Mapping[str, str]:
    """The tags of a process that was here and has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tags = {**process_tags(), PID_TAG: str(process.pid), STARTED_TAG: "boot:1"}
    process.communicate(b"\n")
    return tags


def run_with(
    instance: dg.DagsterInstance, tags: Mapping[str, str], status: str = "STARTED", parent: str | None = None
) -> str:
    run_id = str(uuid.uuid4())
    instance.add_run(
        dg.DagsterRun(
            job_name="a_load",
            run_id=run_id,
            tags=dict(tags),
            status=dg.DagsterRunStatus[status],
            parent_run_id=parent,
            root_run_id=parent,
        )
    )
    return run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


@pytest.mark.parametrize("status", UNFINISHED)
def test_a_run_whose_process_is_gone_is_failed_and_says_why(
    instance: dg.DagsterInstance, gone: Mapping[str, str], status: str
) -> None:
    run_id = run_with(instance, gone, status)
    assert reap_dead_runs(instance) == [run_id]
    assert status_of(instance, run_id) == "FAILURE"
    (event,) = [log for log in instance.all_logs(run_id) if log.is_dagster_event]
    assert f"Its process ({gone[PID_TAG]}) is gone" in (event.message or event.user_message)
    assert reap_dead_runs(instance) == []


def test_a_run_that_begins_again_what_another_began_is_not_dead_by_the_tags_that_it_inherited(
    instance: dg.DagsterInstance, gone: Mapping[str, str]
) -> None:
    first = run_with(instance, gone, "FAILURE")
    again = run_with(instance, gone, "STARTING", parent=first)
    assert reap_dead_runs(instance) == []
    instance.add_run_tags(again, {**gone, PID_TAG: "0"})  # it had a process of its own, and that is gone as well
    assert reap_dead_runs(instance) == [again]


def test_what_a_dead_run_held_is_free_for_the_next(instance: dg.DagsterInstance, gone: Mapping[str, str]) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 1)
    dead = run_with(instance, gone)
    assert storage.claim_concurrency_slot(POOL, dead, "warehouse").is_claimed
    living = run_with(instance, process_tags())
    assert not storage.claim_concurrency_slot(POOL, living, "warehouse").is_claimed
    reap_dead_runs(instance)
    assert storage.claim_concurrency_slot(POOL, living, "warehouse").is_claimed


def test_who_is_killed_while_reaping_leaves_a_run_that_is_found_again(
    instance: dg.DagsterInstance, gone: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 1)
    dead = run_with(instance, gone)
    storage.claim_concurrency_slot(POOL, dead, "warehouse")
    for place in ("event_log_storage.free_concurrency_slots_for_run", "report_run_failed"):
        owner: object = instance
        *owners, name = place.split(".")
        for attribute in owners:
            owner = getattr(owner, attribute)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, _killed)
            with pytest.raises(KeyboardInterrupt):
                reap_dead_runs(instance)
        assert status_of(instance, dead) == "STARTED"
    assert reap_dead_runs(instance) == [dead]
    assert storage.get_concurrency_info(POOL).active_slot_count == 0


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_the_run_of_a_living_process_is_left_alone(instance: dg.DagsterInstance) -> None:
    code = (
        "import json, sys; from taxi_platform.io_managers.run_process import process_tags; "
        "print(json.dumps(process_tags()), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        tags = __import__("json").loads(other.stdout.readline())
        assert tags[PID_TAG] == str(other.pid)
        mine, theirs = run_with(instance, process_tags()), run_with(instance, tags)
        assert reap_dead_runs(instance) == []
        assert (status_of(instance, mine), status_of(instance, theirs)) == ("STARTED", "STARTED")
        other.communicate()
    assert reap_dead_runs(instance) == [theirs]


def test_another_process_with_the_same_number_is_not_taken_for_it(instance: dg.DagsterInstance) -> None:
    mine = process_tags()
    before_me = run_with(instance, {**mine, STARTED_TAG: f"{mine[STARTED_TAG]}0"})
    before_the_restart = run_with(instance, {**mine, STARTED_TAG: "another-boot:1"})
    assert sorted(reap_dead_runs(instance)) == sorted([before_me, before_the_restart])


def test_a_process_that_ended_and_was_not_waited_for_is_gone(instance: dg.DagsterInstance) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, but still in the table of processes
    try:
        assert not is_alive({PID_TAG: str(process.pid), STARTED_TAG: "anything"})
    finally:
        process.wait()


def test_runs_of_other_hosts_and_of_the_ui_are_left_alone(
    instance: dg.DagsterInstance, gone: Mapping[str, str]
) -> None:
    elsewhere = run_with(instance, {**gone, HOST_TAG: f"not-{socket.gethostname()}"})
    of_the_ui = run_with(instance, {})
    assert reap_dead_runs(instance) == []
    assert (status_of(instance, elsewhere), status_of(instance, of_the_ui)) == ("STARTED", "STARTED")


@pytest.mark.parametrize("status", FINISHED)
def test_a_run_that_ended_stays_what_it_is(instance: dg.DagsterInstance, gone: Mapping[str, str], status: str) -> None:
    run_id = run_with(instance, gone, status)
    assert reap_dead_runs(instance) == []
    assert status_of(instance, run_id) == status


@pytest.mark.parametrize("pid", ["", "x", "-1", "0", "99999999999999999999"])
def test_a_number_that_no_process_can_have_is_of_a_dead_one(
    instance: dg.DagsterInstance, gone: Mapping[str, str], pid: str
) -> None:
    assert reap_dead_runs(instance) == []
    run_id = run_with(instance, {**gone, PID_TAG: pid})
    assert reap_dead_runs(instance) == [run_id]
