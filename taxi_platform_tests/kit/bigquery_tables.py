"""What BigQuery keeps: datasets and tables, their resources with etags, their rows in DuckDB. No network here."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import duckdb

from taxi_platform_tests.kit.bigquery_types import duckdb_type, quoted, require_names

Resource = dict[str, Any]
Place = tuple[str, str, str]
"""Project, dataset, table."""


class Refused(Exception):
    """An answer that is none of success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    @property
    def resource(self) -> Resource:
        return {"reason": self.reason, "message": self.message}


class Tables:
    """All datasets of all projects. One thing happens at a time, whole or not at all."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.duckdb = duckdb.connect(config={"threads": 2})
        self.duckdb.execute("SET TimeZone = 'UTC'")
        self.datasets: dict[tuple[str, str], Resource] = {}
        self.tables: dict[Place, Resource] = {}

    def make_dataset(self, project: str, body: Mapping[str, Any]) -> Resource:
        name = body["datasetReference"]["datasetId"]
        if (project, name) in self.datasets:
            raise Refused(409, "duplicate", f"Already Exists: Dataset {project}:{name}")
        made = {"location": "US", **body, "id": f"{project}:{name}", "etag": uuid.uuid4().hex}
        made["datasetReference"] = {"projectId": project, "datasetId": name}
        self.datasets[project, name] = made
        self.duckdb.execute(f"CREATE SCHEMA {schema_name(project, name)}")
        return made

    def dataset(self, project: str, name: str) -> Resource:
        found = self.datasets.get((project, name))
        if found is None:
            raise Refused(404, "notFound", f"Not found: Dataset {project}:{name}")
        return found

    def drop_dataset(self, project: str, name: str) -> None:
        self.dataset(project, name)
        del self.datasets[project, name]
        self.duckdb.execute(f"DROP SCHEMA {schema_name(project, name)} CASCADE")
        for place in [place for place in self.tables if place[:2] == (project, name)]:
            del self.tables[place]

    def listing(self, project: str, dataset: str) -> list[Resource]:
        self.dataset(project, dataset)
        self._expire()
        found = [table for place, table in self.tables.items() if place[:2] == (project, dataset)]
        return [{name: table[name] for name in ("kind", "id", "tableReference", "type")} for table in found]

    def table(self, place: Place) -> Resource:
        self.dataset(*place[:2])
        self._expire()
        found = self.tables.get((*place[:2], place[2].partition("$")[0]))
        if found is None:
            raise Refused(404, "notFound", f"Not found: Table {label(place)}")
        return found

    def _expire(self) -> None:
        now = time.time() * 1000
        for place, table in list(self.tables.items()):
            if int(table.get("expirationTime") or now + 1) < now:
                self.drop(place)

    def make(self, body: Mapping[str, Any], view_sql: str | None = None) -> Resource:
        """A table, or a view by its query in DuckDB's words."""
        given = body["tableReference"]
        place = (given["projectId"], given["datasetId"], given["tableId"])
        dataset = self.dataset(*place[:2])
        self._expire()
        if place in self.tables:
            raise Refused(409, "duplicate", f"Already Exists: Table {label(place)}")
        fields = body.get("schema", {}).get("fields", [])
        if (complaint := require_names(fields)) is not None:
            raise Refused(400, "invalid", complaint)
        made = {
            **body,
            "kind": "bigquery#table",
            "id": label(place),
            "type": "TABLE" if view_sql is None else "VIEW",
            "location": dataset["location"],
            "creationTime": str(int(time.time() * 1000)),
        }
        if "defaultTableExpirationMs" in dataset and "expirationTime" not in body:
            made["expirationTime"] = str(int(time.time() * 1000) + int(dataset["defaultTableExpirationMs"]))
        if "timePartitioning" in made and "defaultPartitionExpirationMs" in dataset:
            made["timePartitioning"] = {
                "expirationMs": dataset["defaultPartitionExpirationMs"],
                **made["timePartitioning"],
            }
        if view_sql is None:
            columns = ", ".join(f"{quoted(field['name'])} {duckdb_type(field)}" for field in fields)
            self.duckdb.execute(f"CREATE TABLE {table_name(place)} ({columns})")
        else:
            self.duckdb.execute(f"CREATE OR REPLACE VIEW {table_name(place)} AS {view_sql}")
        self.tables[place] = made
        return self.touched(place)

    def touched(self, place: Place) -> Resource:
        """The table after a change: it has another etag."""
        table = self.tables[place]
        table["etag"], table["lastModifiedTime"] = uuid.uuid4().hex, str(int(time.time() * 1000))
        return table

    def patch(self, place: Place, body: Mapping[str, Any], etag: str | None, view_sql: str | None = None) -> Resource:
        table = self.table(place)
        if etag not in (None, table["etag"]):
            raise Refused(412, "conditionNotMet", "Precondition Failed")
        if "schema" in body:
            self._widen(place, table, body["schema"]["fields"])
        if view_sql is not None:
            self.duckdb.execute(f"CREATE OR REPLACE VIEW {table_name(place)} AS {view_sql}")
        for name, value in body.items():
            if value is None:
                table.pop(name, None)
            elif name != "tableReference":
                table[name] = value
        return self.touched(place)

    def _widen(self, place: Place, table: Resource, fields: list[Resource]) -> None:
        """https://cloud.google.com/bigquery/docs/managing-table-schemas: columns can be added, never changed."""
        there = {field["name"]: duckdb_type(field) for field in table.get("schema", {}).get("fields", [])}
        given = {field["name"]: duckdb_type(field) for field in fields}
        complaint = require_names(fields)
        if complaint is not None or any(given.get(name) != kind for name, kind in there.items()):
            raise Refused(400, "invalid", complaint or f"Provided Schema does not match Table {label(place)}.")
        for name in given.keys() - there.keys():
            self.duckdb.execute(f"ALTER TABLE {table_name(place)} ADD COLUMN {quoted(name)} {given[name]}")

    def drop(self, place: Place) -> None:
        """A table; with a decorator, one of its partitions."""
        table = self.table(place)
        if "$" in place[2]:
            self.duckdb.execute(f"DELETE FROM {table_name(place)} WHERE {self.condition(place)}")
            return
        kind = "VIEW" if table["type"] == "VIEW" else "TABLE"
        self.duckdb.execute(f"DROP {kind} {table_name(place)}")
        del self.tables[place]

    def condition(self, place: Place) -> str:
        """What picks the rows that a decorator means; without one, all."""
        _, _, partition = place[2].partition("$")
        if not partition:
            return "true"
        by = self.table(place).get("timePartitioning") or {}
        length = {"YEAR": 4, "MONTH": 6, "DAY": 8}.get(by.get("type", ""), 0)
        if "field" not in by or not re.fullmatch(rf"\d{{{length}}}", partition):
            raise Refused(400, "invalid", f"Invalid partition decorator ${partition} for table {label(place)}")
        first = date(int(partition[:4]), int(partition[4:6] or 1), int(partition[6:8] or 1))
        after = first + timedelta(days={4: 366, 6: 31, 8: 1}[length])
        after = after.replace(day=1) if length < 8 else after
        after = after.replace(month=1) if length < 6 else after
        column = quoted(by["field"])
        return f"({column} >= DATE '{first}' AND {column} < DATE '{after}')"

    def is_empty(self, place: Place) -> bool:
        query = f"SELECT 1 FROM {table_name(place)} WHERE {self.condition(place)} LIMIT 1"
        return not self.duckdb.execute(query).fetchall()


def schema_name(project: str, dataset: str) -> str:
    return quoted(f"{project}.{dataset}")


def table_name(place: Place) -> str:
    """In DuckDB; what a decorator means is no part of it."""
    return f"{schema_name(*place[:2])}.{quoted(place[2].partition('$')[0])}"


def label(place: Place) -> str:
    return f"{place[0]}:{place[1]}.{place[2]}"
