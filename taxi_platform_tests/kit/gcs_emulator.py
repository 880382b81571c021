"""Google Cloud Storage's JSON API in a thread: preconditions on every call, resumable uploads, checksums, faults.

Written from Google's documentation (cloud.google.com/storage/docs/json_api, .../performing-resumable-uploads), since
the emulators on PyPI let twelve of twelve writers win a race that one may win. It has no access control and no
versions of an object but the last.
"""

from __future__ import annotations

import email
import functools
import json
import re
import socket
import struct
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from taxi_platform_tests.kit.faults import Fault, Faults, garbled
from taxi_platform_tests.kit.gcs_objects import Buckets, Object, Query, Refusal, Upload

_PATH = re.compile(r"(?:/(upload|download|resumable/upload))?/storage/v1/b(?:/([^/]+)(?:/o(?:/([^/]+))?)?)?/?")
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")

TOKEN = "ya29.a-token-for-tests"


class GcsEmulator:
    """The server. It ends with the context, or with the process."""

    def __init__(self) -> None:
        self.buckets = Buckets()
        self.faults = Faults()
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
    emulator: GcsEmulator
    fault: Fault | None

    def handle_any(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        self.fault = fault = self.emulator.faults.meet(f"{self.command} {unquote(address.path)}?{address.query}")
        try:
            if fault is not None:
                time.sleep(fault.stall_s)
                if fault.cut == "before":
                    return self._cut()
            body = self._body()
            if fault is not None and fault.status is not None:
                return self._refuse(fault)
            if fault is not None and fault.garble_sent:
                body = garbled(body)
            self._route(address.path, query, body)
        except Refusal as refusal:
            self._send(refusal.code, refusal.content)
        except OSError:
            self.close_connection = True
        return None

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _cut(self) -> None:
        """Hang up, so that the other side notices."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _route(self, path: str, query: Query, body: bytes) -> None:
        if path == "/token":  # Google's sign-in: whoever asks is somebody
            return self._send(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
        match = _PATH.fullmatch(path)
        if match is None:
            raise Refusal(501, f"{self.command} {path} is not in this emulator", "notImplemented")
        kind, bucket, name = match[1], unquote(match[2] or ""), unquote(match[3] or "")
        buckets = self.emulator.buckets
        if kind is not None and "upload" in kind:
            return self._upload(bucket, query, body)
        if not bucket:
            buckets.make(json.loads(body)["name"])
            return self._send(200, {"kind": "storage#bucket", "name": json.loads(body)["name"]})
        if not name and not path.rstrip("/").endswith("/o"):
            buckets.objects(bucket)
            return self._send(200, {"kind": "storage#bucket", "name": bucket, "id": bucket})
        if not name:
            page = buckets.listing(bucket, query)
            page["items"] = [found.resource(self.emulator.url, bucket) for found in page["items"]]
            return self._send(200, {"kind": "storage#objects", **page})
        if self.command == "DELETE":
            buckets.delete(bucket, name, query)
            return self._send(204)
        found = buckets.get(bucket, name, query)
        if kind == "download" or query.get("alt") == "media":
            return self._media(found)
        return self._send(200, found.resource(self.emulator.url, bucket))

    def _media(self, found: Object) -> None:
        data, code, size = found.data, 200, len(found.data)
        headers = {
            "Content-Type": found.meta.get("contentType") or "application/octet-stream",
            "x-goog-generation": str(found.generation),
            "x-goog-metageneration": "1",
            "x-goog-hash": f"crc32c={found.crc32c},md5={found.md5}",
            "x-goog-stored-content-length": str(size),
        }
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(match[1]), min(int(match[2] or size), size - 1)
            if first >= size:
                raise Refusal(416, "The requested range cannot be satisfied.", "requestedRangeNotSatisfiable")
            data, code = data[first : last + 1], 206
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._send(code, data, headers)

    def _upload(self, bucket: str, query: Query, body: bytes) -> None:
        buckets, kind = self.emulator.buckets, query.get("uploadType")
        if "upload_id" in query:
            return self._part(query["upload_id"], body)
        buckets.objects(bucket)
        if kind == "resumable":
            meta = json.loads(body or b"{}")
            if "X-Upload-Content-Type" in self.headers:
                meta.setdefault("contentType", self.headers["X-Upload-Content-Type"])
            ticket = uuid.uuid4().hex
            buckets.uploads[ticket] = Upload(bucket, query.get("name") or meta["name"], meta, query)
            place = f"{self.emulator.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={ticket}"
            return self._send(200, b"", {"Location": place})
        if kind == "multipart":
            (told, data) = _parts(self.headers["Content-Type"], body)
            meta = json.loads(told)
            new = buckets.put(bucket, query.get("name") or meta["name"], data, meta, query)
        else:
            new = buckets.put(bucket, query["name"], body, {"contentType": self.headers.get("Content-Type")}, query)
        return self._send(200, new.resource(self.emulator.url, bucket))

    def _part(self, ticket: str, body: bytes) -> None:
        """One part of a resumable upload, or the question how far it is."""
        buckets = self.emulator.buckets
        with buckets.lock:
            upload = buckets.uploads.get(ticket)
            if upload is None:
                raise Refusal(410, "The upload is gone.", "gone")
            match = _RANGE.fullmatch(self.headers.get("Content-Range") or f"bytes 0-{len(body) - 1}/{len(body)}")
            assert match is not None
            if upload.done is None and match[1] is not None:
                if int(match[1]) > len(upload.data):
                    raise Refusal(503, "A part is missing in between.", "backendError")
                upload.data[int(match[1]) :] = body
            if upload.done is None and match[3] != "*" and len(upload.data) == int(match[3]):
                for name, value in re.findall(r"(crc32c|md5)=([\w+/=]+)", self.headers.get("X-Goog-Hash") or ""):
                    upload.meta[{"md5": "md5Hash"}.get(name, name)] = value
                try:
                    data = bytes(upload.data)
                    upload.done = buckets.put(upload.bucket, upload.name, data, upload.meta, upload.query)
                except Refusal:
                    del buckets.uploads[ticket]
                    raise
                upload.data.clear()
        if upload.done is not None:
            return self._send(200, upload.done.resource(self.emulator.url, upload.bucket))
        headers = {"Range": f"bytes=0-{len(upload.data) - 1}"} if upload.data else {}
        return self._send(308, b"", headers)

    def _refuse(self, fault: Fault) -> None:
        assert fault.status is not None
        content = fault.content or Refusal(fault.status, "asked for", "asked for").content
        self._send(fault.status, content, dict(fault.headers))

    def _send(self, code: int, content: Any = b"", headers: dict[str, str] | None = None) -> None:
        fault = self.fault
        if fault is not None and fault.cut == "after":
            return self._cut()
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault is not None and fault.garble:
            data = data[::-1]
        if fault is not None and isinstance(fault.cut, int):
            self.wfile.write(data[: fault.cut])
            self.wfile.flush()
            time.sleep(0.05)  # or what was written may be thrown away with the line
            return self._cut()
        if code not in (204, 304):
            self.wfile.write(data)
        return None


def _parts(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """The two parts of a multipart upload, as they were sent: what it is, and its bytes."""
    boundary = email.message_from_string(f"Content-Type: {content_type}").get_boundary()
    assert boundary is not None
    mark = b"--" + boundary.encode()
    _, told, data = body.split(mark, 3)[:3] if body.count(mark) == 3 else _outer_parts(body, mark)
    return told.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"), data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def _outer_parts(body: bytes, mark: bytes) -> list[bytes]:
    """The same where the bytes themselves hold the mark."""
    before, told, rest = body.split(mark, 2)
    return [before, told, rest[: rest.rindex(mark)]]


def service_account(url: str) -> str:
    """The key of a service account, as Google hands it out, whose sign-in is the emulator at `url`."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "cabs",
            "private_key_id": "1",
            "private_key": _private_key(),
            "client_email": "taxi@cabs.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{url}/token",
        }
    )


@functools.cache
def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
