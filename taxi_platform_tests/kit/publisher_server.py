"""A web server that behaves as the publishers of trips do, and misbehaves as they do where it is told to.

It finds a file by its name alone, whatever folder the address has: `/trip-data/green_tripdata_2022-01.parquet` and
`/green/green_tripdata_2022-01.parquet` are the same. Faults wait in a queue a file; each spoils one request, then the
server is healthy again.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

XML_403 = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
HTML = b"<!DOCTYPE html><html><body>We will be back soon</body></html>"
SIGNATURE = "sig=SECRET-SIGNATURE"

Fault = Callable[["PublisherHandler", bytes], None]
"""Answers one request in the server's stead. It is given the bytes of the file."""


@dataclass(frozen=True)
class Asked:
    """One request as it came, and the status of its answer."""

    method: str
    path: str
    headers: dict[str, str]
    status: int

    def __str__(self) -> str:
        ranged = f" {self.headers['range']}" if "range" in self.headers else ""
        return f"{self.method}{ranged} {self.status}"


class PublisherServer:
    """Serves the months below `folder`, with ETag, Last-Modified, Range and If-Range.

    Attributes:
        absent: The status for what is not there: TLC says 403, GitHub 404.
        redirects: Whether it sends whoever asks to a signed address first, as GitHub does.
        requests: What was asked, in order.
        etags: ETags that are others than the hash of the bytes, by file name; empty for none at all.
        contents: Bytes that are others than those in the folder, by file name.
    """

    def __init__(self, folder: Path, *, absent: int = 403, redirects: bool = False) -> None:
        self.folder, self.absent, self.redirects = folder, absent, redirects
        self.requests: list[Asked] = []
        self.etags: dict[str, str] = {}
        self.contents: dict[str, bytes] = {}
        self.closing = threading.Event()
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def spoil(self, name: str, *faults: Fault) -> None:
        """Answer the next requests for the file so."""
        self._faults[name].extend(faults)

    def recover(self, name: str) -> None:
        """Answer for the file as a healthy server does."""
        self._faults[name].clear()

    def asked(self, name: str = "") -> list[str]:
        """The requests for a file (or all of them) as short words: `HEAD 200`, `GET bytes=100- 206`."""
        return [str(one) for one in self.requests if name in one.path]

    def next_fault(self, name: str) -> Fault | None:
        return self._faults[name].popleft() if self._faults[name] else None

    def content(self, name: str) -> bytes | None:
        if name in self.contents:
            return self.contents[name]
        path = self.folder / name.partition("_")[0] / name
        return path.read_bytes() if path.is_file() else None

    def etag(self, name: str, content: bytes) -> str:
        return self.etags.get(name, f'"{hashlib.md5(content).hexdigest()}"')

    def close(self) -> None:
        """End every connection and every thread."""
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """That status, with headers as in `Retry_After="5"`."""

    def fault(handler: PublisherHandler, _: bytes) -> None:
        handler.answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)

    return fault


def refuses() -> Fault:
    """403 as TLC's storage says it."""
    return answers(403, XML_403, Content_Type="application/xml")


def cut_after(count: int) -> Fault:
    """So many bytes of what was asked for, then the end of the connection."""

    def fault(handler: PublisherHandler, content: bytes) -> None:
        handler.serve(content, only=count)
        handler.hang_up()

    return fault


def wrong_length(more: int) -> Fault:
    """A Content-Length that is so much more than there is."""

    def fault(handler: PublisherHandler, content: bytes) -> None:
        handler.serve(content, more=more)
        handler.close_connection = True

    return fault


def stalls_after(count: int) -> Fault:
    """So many bytes, then silence until the server closes."""

    def fault(handler: PublisherHandler, content: bytes) -> None:
        handler.serve(content, only=count)
        handler.publisher.closing.wait()
        handler.close_connection = True

    return fault


def hangs_up() -> Fault:
    """The end of the connection in place of an answer."""
    return lambda handler, _: handler.hang_up()


def ignores_range() -> Fault:
    """The whole file, whatever part was asked for."""
    return lambda handler, content: handler.serve(content, whole=True)


def sends_other_range(first: int, last: int) -> Fault:
    """Another part than the one that was asked for."""

    def fault(handler: PublisherHandler, content: bytes) -> None:
        span = {"Content-Range": f"bytes {first}-{last}/{len(content)}", **handler.about(content)}
        handler.answer(206, span, content[first : last + 1])

    return fault


def without_length(count: int) -> Fault:
    """So many bytes of the file, and nothing that says how many it has."""

    def fault(handler: PublisherHandler, content: bytes) -> None:
        handler.answer(200, {**handler.about(content), "Connection": "close"}, content, only=count, more=None)

    return fault


def as_usual() -> Fault:
    """No fault: to spoil not the next request but one after it."""
    return lambda handler, content: handler.serve(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Wake the threads that wait for another request on a connection that was kept."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server's."""


class PublisherHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    publisher: PublisherServer
    name = ""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        self.name = place.path.rpartition("/")[2]
        if self.publisher.redirects and not place.path.startswith("/signed/"):
            self.answer(302, {"Location": f"{self.publisher.url}/signed/{self.name}?{SIGNATURE}"})
            return
        if self.publisher.redirects and parse_qs(place.query) != parse_qs(SIGNATURE):
            self.answer(401)
            return
        content = self.publisher.content(self.name)
        fault = self.publisher.next_fault(self.name)
        if fault is not None:
            fault(self, content or b"")
        elif content is None:
            body = XML_403 if self.publisher.absent == 403 else b"Not Found"
            self.answer(self.publisher.absent, {"Content-Type": "application/xml"}, body)
        else:
            self.serve(content)

    do_HEAD = do_GET

    def about(self, content: bytes) -> dict[str, str]:
        etag = self.publisher.etag(self.name, content)
        said = {"ETag": etag} if etag else {"Last-Modified": "Thu, 30 Jun 2022 12:00:00 GMT"}
        return {**said, "Accept-Ranges": "bytes", "Content-Type": "application/x-www-form-urlencoded"}

    def serve(self, content: bytes, *, whole: bool = False, only: int | None = None, more: int = 0) -> None:
        """The file, or the part that was asked for; of it `only` so many bytes, but called `more` bytes longer."""
        about = self.about(content)
        size = len(content)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if whole or wanted is None or condition not in (None, about.get("ETag")):
            self.answer(200, about, content, only=only, more=more)
            return
        first = int(wanted[1])
        last = min(int(wanted[2] or size), size - 1)
        if first >= size:
            self.answer(416, {"Content-Range": f"bytes */{size}"})
            return
        span = {"Content-Range": f"bytes {first}-{last}/{size}"}
        self.answer(206, {**about, **span}, content[first : last + 1], only=only, more=more)

    def answer(
        self,
        status: int,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        only: int | None = None,
        more: int | None = 0,
    ) -> None:
        asked = {name.lower(): value for name, value in self.headers.items()}
        self.publisher.requests.append(Asked(self.command, self.path, asked, status))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if more is not None:
            self.send_header("Content-Length", str(len(body) + more))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if only is None else body[:only])

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _handler_of(server: PublisherServer) -> type[PublisherHandler]:
    return type("Handler", (PublisherHandler,), {"publisher": server})
