"""BigQuery's jobs: each with an id that no other can have, done at once or not at all. No network here."""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from taxi_platform_tests.kit.bigquery_sql import Statement, values_of
from taxi_platform_tests.kit.bigquery_tables import Place, Refused, Resource, Tables, label, table_name
from taxi_platform_tests.kit.bigquery_types import field_of, quoted, require_names, require_parquet, written

ReadObject = Callable[[str, str], tuple[bytes, str]]
"""The bytes of an object on GCS, by bucket and name, and where its bucket is."""


@dataclass
class Answer:
    """What a query came to."""

    fields: list[Resource] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    affected: int | None = None


@dataclass
class Job:
    """A job, and what it came to."""

    resource: Resource
    data: bytes | None = None
    answer: Answer = field(default_factory=Answer)
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class JobFault:
    """The next `times` jobs of a kind are slow, and fail where there is a reason."""

    kind: str
    reason: str = ""
    message: str = "asked for"
    times: int = 1
    stall_s: float = 0.0

    def happen(self) -> None:
        self.times -= 1
        time.sleep(self.stall_s)
        if self.reason:
            raise Refused(400, self.reason, self.message)


class Jobs:
    """All jobs of all projects."""

    def __init__(self, tables: Tables, read_object: ReadObject) -> None:
        self.tables, self._read_object = tables, read_object
        self.jobs: dict[tuple[str, str], Job] = {}
        self.faults: list[JobFault] = []

    def insert(self, project: str, body: Mapping[str, Any], data: bytes | None = None) -> Job:
        """Begin a job, unless there is one of that id. What takes longer than a moment is seen at work."""
        configuration = dict(body["configuration"])
        given = body.get("jobReference") or {}
        job_id = given.get("jobId") or uuid.uuid4().hex
        kind = next(kind for kind in ("query", "load", "copy") if kind in configuration)
        if configuration.get("dryRun"):
            return self._dry_run(project, job_id, configuration)
        with self.tables.lock:
            if (project, job_id) in self.jobs:
                raise Refused(409, "duplicate", f"Already Exists: Job {project}:{job_id}")
            reference = {"projectId": project, "jobId": job_id, "location": given.get("location", "US")}
            resource = {
                "kind": "bigquery#job",
                "id": f"{project}:{reference['location']}.{job_id}",
                "jobReference": reference,
                "configuration": {**configuration, "jobType": kind.upper()},
                "status": {"state": "RUNNING"},
                "statistics": {"creationTime": str(int(time.time() * 1000))},
            }
            job = self.jobs[project, job_id] = Job(resource, data)
        threading.Thread(target=self._run, args=(job, kind), daemon=True).start()
        job.done.wait(0.05)
        return job

    def get(self, project: str, job_id: str) -> Job:
        found = self.jobs.get((project, job_id))
        if found is None:
            raise Refused(404, "notFound", f"Not found: Job {project}:{job_id}")
        return found

    def _dry_run(self, project: str, job_id: str, configuration: Mapping[str, Any]) -> Job:
        query = configuration["query"]
        with self.tables.lock:
            statement = Statement(query["query"], project, query.get("defaultDataset"))
            if statement.kind == "SELECT":
                for place in statement.tables:
                    self.tables.table(place)
                self._prepare(statement.sql)
        resource = {
            "jobReference": {"projectId": project, "jobId": job_id},
            "configuration": {**configuration, "jobType": "QUERY"},
            "status": {"state": "DONE"},
            "statistics": {"query": {"statementType": statement.kind, "totalBytesProcessed": "0"}},
        }
        return Job(resource)

    def _prepare(self, sql: str) -> None:
        try:
            self.tables.duckdb.execute(f"EXPLAIN {sql}")
        except duckdb.Error as error:
            raise Refused(400, "invalidQuery", _first_line(error)) from error

    def _run(self, job: Job, kind: str) -> None:
        configuration, status = job.resource["configuration"][kind], job.resource["status"]
        fault = next((one for one in self.faults if one.kind == kind and one.times > 0), None)
        try:
            if fault is not None:
                fault.happen()
            with self.tables.lock:
                {"query": self._query, "load": self._load, "copy": self._copy}[kind](job, configuration)
        except Refused as refusal:
            status["errorResult"], status["errors"] = refusal.resource, [refusal.resource]
        except duckdb.Error as error:
            status["errorResult"] = {"reason": "invalidQuery", "message": _first_line(error)}
        except Exception as error:  # noqa: BLE001 (a defect of the stand-in must not look like a job at work)
            status["errorResult"] = {"reason": "standInDefect", "message": repr(error)}
        finally:
            job.data = None
            status["state"] = "DONE"
            job.done.set()

    def _query(self, job: Job, configuration: Mapping[str, Any]) -> None:
        project = job.resource["jobReference"]["projectId"]
        statement = Statement(configuration["query"], project, configuration.get("defaultDataset"))
        for place in statement.tables:
            self.tables.table(place)
        values = values_of(configuration.get("queryParameters", []))
        used = {name: value for name, value in values.items() if f"${name}" in statement.sql}
        statistics = job.resource["statistics"]
        statistics["query"] = {
            "statementType": statement.kind,
            "totalBytesProcessed": "0",
            "totalBytesBilled": "0",
            "totalSlotMs": "1",
        }
        connection = self.tables.duckdb
        if statement.kind != "SELECT":
            counted = connection.execute(statement.sql, used).fetchall()
            job.answer.affected = counted[0][0] if counted else 0
            statistics["query"]["numDmlAffectedRows"] = str(job.answer.affected)
            return
        relation = f"({statement.sql})"
        described = connection.execute(f"DESCRIBE {relation}", used).fetchall()
        job.answer.fields = [field_of(row[0], row[1]) for row in described]
        if not described:
            return
        cells = ", ".join(written(one["name"], one) for one in job.answer.fields)
        job.answer.rows = connection.execute(f"SELECT {cells} FROM {relation}", used).fetchall()

    def _load(self, job: Job, configuration: Mapping[str, Any]) -> None:
        place, data = _place(configuration["destinationTable"]), job.data
        dataset = self.tables.dataset(*place[:2])
        if data is None:
            (uri,) = configuration["sourceUris"]
            bucket, _, name = uri.removeprefix("gs://").partition("/")
            data, location = self._read_object(bucket, name)
            if location != dataset["location"]:
                raise Refused(
                    400,
                    "invalid",
                    f"Cannot read and write in different locations: source: {location}, destination: "
                    f"{dataset['location']}",
                )
        table = self._destination(place, configuration)
        fields = configuration.get("schema", table["schema"])["fields"]
        try:
            rows = pq.read_table(io.BytesIO(data))
        except pa.ArrowException as error:
            raise Refused(400, "invalid", f"Error while reading data, error message: {error}") from error
        complaint = require_names(fields) or require_parquet(rows.schema, fields)
        if complaint is not None:
            raise Refused(400, "invalid", complaint)
        names = ", ".join(quoted(name) for name in rows.schema.names)
        connection = self.tables.duckdb
        connection.register("incoming", rows)
        try:
            connection.execute(f"INSERT INTO {table_name(place)} ({names}) SELECT {names} FROM incoming")
        finally:
            connection.unregister("incoming")
        self.tables.touched(place)
        job.resource["statistics"]["load"] = {
            "outputRows": str(rows.num_rows),
            "inputFiles": "1",
            "inputFileBytes": str(len(data)),
            "outputBytes": str(rows.nbytes),
        }

    def _destination(self, place: Place, configuration: Mapping[str, Any]) -> Resource:
        table = self.tables.table(place)
        if configuration.get("writeDisposition") == "WRITE_EMPTY" and not self.tables.is_empty(place):
            raise Refused(409, "duplicate", f"Already Exists: Table {label(place)}")
        if configuration.get("writeDisposition") == "WRITE_TRUNCATE":
            self.tables.duckdb.execute(f"DELETE FROM {table_name(place)} WHERE {self.tables.condition(place)}")
        return table

    def _copy(self, job: Job, configuration: Mapping[str, Any]) -> None:
        """https://cloud.google.com/bigquery/docs/managing-partitioned-tables#copy_a_single_partition"""
        source = _place(configuration.get("sourceTable") or configuration["sourceTables"][0])
        target = _place(configuration["destinationTable"])
        given, there = self.tables.table(source), self.tables.table(target)
        kinds = [{one["name"]: one["type"] for one in table["schema"]["fields"]} for table in (given, there)]
        if kinds[0] != kinds[1]:
            raise Refused(400, "invalid", f"Provided Schema does not match Table {label(target)}.")
        connection = self.tables.duckdb
        which = self.tables.condition(source)
        names = ", ".join(quoted(name) for name in kinds[0])
        connection.execute("BEGIN")
        try:
            self._destination(target, configuration)
            connection.execute(
                f"INSERT INTO {table_name(target)} ({names}) SELECT {names} FROM {table_name(source)} WHERE {which}"
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        self.tables.touched((*target[:2], target[2].partition("$")[0]))


def _place(reference: Mapping[str, str]) -> Place:
    return reference["projectId"], reference["datasetId"], reference["tableId"]


def _first_line(error: Exception) -> str:
    return " ".join(str(error).partition("\n\n")[0].split())
