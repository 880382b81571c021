"""`taxi up` as people start it, and what its UI would ask it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from taxi_platform_tests.conftest import Project

T = TypeVar("T")

_RUNS = "{runsOrError{... on Runs{results{runId status jobName startTime endTime tags{key value}}}}}"
_LAUNCH = """mutation($p: ExecutionParams!){ launchPipelineExecution(executionParams:$p){ __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } ... on InvalidSubsetError { message } } }"""
_AGAIN = """mutation($p: ReexecutionParams!){ launchRunReexecution(reexecutionParams:$p){ __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_BACKFILL_AGAIN = """mutation($p: ReexecutionParams){ reexecutePartitionBackfill(reexecutionParams:$p){ __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_EVENTS = """query($r:ID!){ logsForRun(runId:$r){ ... on EventConnection { events { __typename
    ... on ExecutionStepStartEvent { stepKey }
    ... on ExecutionStepSuccessEvent { stepKey }
    ... on ExecutionStepFailureEvent { stepKey error { message } failureMetadata { description } } } } } }"""
_BACKFILL = """mutation($p: LaunchBackfillParams!){ launchPartitionBackfill(backfillParams:$p){ __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
    ... on PartitionKeysNotFoundError { message } } }"""
_BACKFILL_STATUS = """query($b:String!){ partitionBackfillOrError(backfillId:$b){
    ... on PartitionBackfill { status runs(limit:500){ runId status } } ... on PythonError { message } } }"""
_TICKS = """query($s: SensorSelector!){ sensorOrError(sensorSelector:$s){
    ... on Sensor { sensorState { status ticks(limit:50){ status runIds skipReason error { message } } } } } }"""
_PLACE = {"repositoryLocationName": "taxi_platform", "repositoryName": "__repository__"}


class DagsterUp:
    """The webserver, the daemon and the code server of a project, started by `taxi up`."""

    def __init__(self, project: Project, log: Path) -> None:
        self.project, self.log = project, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = self.project.start(
                "up", "--port", str(self.port), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.wait_for(self._answers, "the UI to answer", 120)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/server_info", timeout=5),
        ):
            return True
        return False

    def ask(self, query: str, **variables: Any) -> Any:
        """What GraphQL answers, as the UI's own questions are answered."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        assert "errors" not in answer, answer["errors"]
        (result,) = answer["data"].values()
        return result

    def runs(self) -> list[dict[str, Any]]:
        """All runs, oldest first, each with its month and its job."""
        found = []
        for run in reversed(self.ask(_RUNS)["results"]):
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            month = tags.get("dagster/partition") or tags.get("dagster/asset_partition_range_start", "")
            found.append(run | {"tags": tags, "month": month})
        return found

    def ended(self) -> list[tuple[str, str, str]]:
        """Job, month and end of the runs that are over, oldest first."""
        over = ("SUCCESS", "FAILURE", "CANCELED")
        return [(run["jobName"], run["month"], run["status"]) for run in self.runs() if run["status"] in over]

    def materialize(self, keys: Iterable[str], month: str, tags: Mapping[str, str] | None = None) -> str:
        """Launch a run of assets (`raw/green_trips`) as the UI's button does; its id."""
        partition = {"dagster/partition": month} if month else {}
        selection = [{"path": key.split("/")} for key in keys]
        launched = self.ask(
            _LAUNCH,
            p={
                "selector": _PLACE | {"pipelineName": "__ASSET_JOB", "assetSelection": selection},
                "executionMetadata": {
                    "tags": [{"key": k, "value": v} for k, v in (partition | dict(tags or {})).items()]
                },
            },
        )
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def run_again_from_failure(self, run_id: str) -> str:
        """The UI's "re-execute from failure"; the new run's id."""
        launched = self.ask(_AGAIN, p={"parentRunId": run_id, "strategy": "FROM_FAILURE"})
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def backfill(self, keys: Iterable[str], months: Iterable[str], tags: Mapping[str, str] | None = None) -> str:
        """Launch a backfill as the UI's dialog does; its id."""
        launched = self.ask(
            _BACKFILL,
            p={
                "assetSelection": [{"path": key.split("/")} for key in keys],
                "partitionNames": list(months),
                "tags": [{"key": k, "value": v} for k, v in (tags or {}).items()],
            },
        )
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        return str(self.ask(_BACKFILL_STATUS, b=backfill_id)["status"])

    def backfill_again_from_failure(self, backfill_id: str) -> str:
        """The UI's "re-execute from failure" of a backfill; the new one's id."""
        launched = self.ask(_BACKFILL_AGAIN, p={"parentRunId": backfill_id, "strategy": "FROM_FAILURE"})
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def steps(self, run_id: str) -> list[str]:
        """The steps that a run started."""
        events = self.ask(_EVENTS, r=run_id)["events"]
        return [event["stepKey"] for event in events if event["__typename"] == "ExecutionStepStartEvent"]

    def steps_done(self, run_id: str) -> list[str]:
        """The steps of a run that ended well."""
        events = self.ask(_EVENTS, r=run_id)["events"]
        return [event["stepKey"] for event in events if event["__typename"] == "ExecutionStepSuccessEvent"]

    def failure(self, run_id: str) -> str:
        """What the first step that failed said."""
        for event in self.ask(_EVENTS, r=run_id)["events"]:
            if event["__typename"] == "ExecutionStepFailureEvent":
                described = (event["failureMetadata"] or {}).get("description")
                return str(described or event["error"]["message"])
        return ""

    def ticks(self, sensor: str) -> list[dict[str, Any]]:
        """What a sensor did lately, newest first."""
        return list(self.ask(_TICKS, s=_PLACE | {"sensorName": sensor})["sensorState"]["ticks"])

    def wait_for(self, what: Callable[[], T], words: str, seconds: float = 60) -> T:
        """What `what` gives as soon as it gives anything."""
        until = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < until, f"waited {seconds:g} s for {words}\n{self.log.read_text()[-5000:]}"
            time.sleep(0.5)
        return found

    def wait_for_run(self, run_id: str, seconds: float = 120) -> str:
        """How a run ended."""

        def over() -> str:
            (status,) = [run["status"] for run in self.runs() if run["runId"] == run_id]
            return str(status) if status in ("SUCCESS", "FAILURE", "CANCELED") else ""

        return self.wait_for(over, f"the run {run_id}", seconds)

    def processes(self) -> dict[int, str]:
        """Every process of it and what was typed to start it."""
        found = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if os.getsid(int(folder.name)) == self.process.pid:
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def kill(self) -> None:
        """kill -9 of everything at once: as if the machine had died."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ctrl-C, and what is left after a while is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.kill()
