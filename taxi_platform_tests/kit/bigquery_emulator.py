"""BigQuery's REST API in a thread, as far as this project calls it: jobs by their ids, partition decorators, faults.

Written from Google's documentation (cloud.google.com/bigquery/docs/reference/rest), over DuckDB: no emulator on PyPI
that runs beside our own packages knows partition decorators. It has no access control, no quotas, no time travel, and
does one job at a time.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from taxi_platform_tests.kit.bigquery_jobs import Job, Jobs, ReadObject
from taxi_platform_tests.kit.bigquery_sql import Statement
from taxi_platform_tests.kit.bigquery_tables import Refused, Resource, Tables
from taxi_platform_tests.kit.faults import Fault, Faults

_PATH = re.compile(
    r"(?:/(upload))?/bigquery/v2/projects/([^/]+)/(datasets|jobs|queries)(?:/([^/]+))?(/tables)?(?:/([^/]+))?"
)
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class BigQueryEmulator:
    """The server. It ends with the context, or with the process."""

    def __init__(self, read_object: ReadObject) -> None:
        self.tables = Tables()
        self.jobs = Jobs(self.tables, read_object)
        self.faults = Faults()
        self.uploads: dict[str, tuple[Mapping[str, Any], bytearray]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"emulator": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    emulator: BigQueryEmulator
    fault: Fault | None

    def handle_any(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fault = fault = self.emulator.faults.meet(
            f"{self.command} {unquote(address.path)}?{address.query} {_kind(body)}"
        )
        try:
            if fault is not None:
                time.sleep(fault.stall_s)
                if fault.cut == "before":
                    return self._cut()
                if fault.status is not None:
                    return self._refuse(Refused(fault.status, fault.reason, fault.message))
            self._route(address.path, query, body)
        except Refused as refusal:
            self._refuse(refusal)
        except OSError:
            self.close_connection = True
        return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def _cut(self) -> None:
        """Hang up, so that the other side notices."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _route(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        match = _PATH.fullmatch(path)
        if match is None:
            raise Refused(501, "notImplemented", f"{self.command} {path} is not in this stand-in")
        upload, project, what, name, is_tables, below = (
            None if part is None else unquote(part) for part in match.groups()
        )
        if upload:
            self._upload(str(project), query, body)
        elif what == "jobs" and name is None:
            self._send(200, self.emulator.jobs.insert(str(project), json.loads(body)).resource)
        elif what == "jobs":
            self._send(200, self.emulator.jobs.get(str(project), str(name)).resource)
        elif what == "queries":
            self._send(200, _page(self.emulator.jobs.get(str(project), str(name)), query))
        elif is_tables:
            self._send(200, self._tables(str(project), str(name), below, body, query))
        else:
            self._send(200, self._datasets(str(project), name, body))

    def _datasets(self, project: str, name: str | None, body: bytes) -> Resource:
        tables = self.emulator.tables
        with tables.lock:
            if name is None:
                return tables.make_dataset(project, json.loads(body))
            if self.command == "DELETE":
                tables.drop_dataset(project, name)
                return {}
            return tables.dataset(project, name)

    def _tables(self, project: str, dataset: str, name: str | None, body: bytes, query: Mapping[str, str]) -> Resource:
        tables, place = self.emulator.tables, (project, dataset, name or "")
        with tables.lock:
            if name is None and self.command == "GET":
                return _some(tables.listing(project, dataset), query)
            given = json.loads(body) if body else {}
            view = given.get("view", {}).get("query")
            sql = None if view is None else Statement(view, project, None).sql
            if name is None:
                return tables.make(given, sql)
            if self.command == "PATCH":
                return tables.patch(place, given, self.headers.get("If-Match"), sql)
            if self.command == "DELETE":
                tables.drop(place)
                return {}
            return tables.table(place)

    def _upload(self, project: str, query: Mapping[str, str], body: bytes) -> None:
        """Begun, then part by part; the last begins the job: cloud.google.com/bigquery/docs/reference/api-uploads."""
        uploads, ticket = self.emulator.uploads, query.get("upload_id")
        if ticket is None:
            ticket = uuid.uuid4().hex
            uploads[ticket] = json.loads(body), bytearray()
            place = f"{self.emulator.url}/upload/bigquery/v2/projects/{project}/jobs"
            return self._send(200, b"", {"Location": f"{place}?uploadType=resumable&upload_id={ticket}"})
        if ticket not in uploads:
            raise Refused(404, "notFound", "The upload is gone.")
        told, data = uploads[ticket]
        match = _RANGE.fullmatch(self.headers.get("Content-Range") or "")
        assert match is not None
        if match[1] is not None:
            data[int(match[1]) :] = body
        if match[3] == "*" or len(data) < int(match[3]):
            headers = {"Range": f"bytes=0-{len(data) - 1}"} if data else {}
            return self._send(308, b"", headers)
        del uploads[ticket]
        return self._send(200, self.emulator.jobs.insert(project, told, bytes(data)).resource)

    def _refuse(self, refusal: Refused) -> None:
        error = {"code": refusal.code, "message": refusal.message, "errors": [refusal.resource]}
        self._send(refusal.code, {"error": error})

    def _send(self, code: int, content: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        fault = self.fault
        if fault is not None and fault.cut == "after":
            return self._cut()
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        return None


def _kind(body: bytes) -> str:
    """What a request wants to begin, for the patterns of faults."""
    text = body[:100_000].decode(errors="replace")
    found = re.search(r'"configuration":.*?"(load|copy|query)":', text, re.DOTALL)
    statement = re.search(r'"query": "(\w+)', text)
    return " ".join(match[1] for match in (found, statement) if match)


def _page(job: Job, query: Mapping[str, str]) -> Resource:
    job.done.wait(10)
    status = job.resource["status"]
    if "errorResult" in status:
        error = status["errorResult"]
        raise Refused(500 if error["reason"] == "backendError" else 400, error["reason"], error["message"])
    first = int(query.get("pageToken") or query.get("startIndex") or 0)
    size = int(query.get("maxResults") or 100_000)
    rows = job.answer.rows[first : first + size]
    page: Resource = {
        "kind": "bigquery#queryResponse",
        "jobComplete": True,
        "jobReference": job.resource["jobReference"],
        "schema": {"fields": job.answer.fields},
        "totalRows": str(len(job.answer.rows)),
    }
    if rows:
        page["rows"] = [{"f": [{"v": value} for value in row]} for row in rows]
    if job.answer.affected is not None:
        page["numDmlAffectedRows"] = str(job.answer.affected)
    if size and first + size < len(job.answer.rows):
        page["pageToken"] = str(first + size)
    return page


def _some(found: list[Resource], query: Mapping[str, str]) -> Resource:
    first, size = int(query.get("pageToken") or 0), int(query.get("maxResults") or 50)
    page: Resource = {"kind": "bigquery#tableList", "tables": found[first : first + size], "totalItems": len(found)}
    if first + size < len(found):
        page["nextPageToken"] = str(first + size)
    return page
