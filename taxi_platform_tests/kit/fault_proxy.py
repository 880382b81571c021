"""A server of HTTP that hands everything on to another one, unless it is asked to do something wrong."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from taxi_platform_tests.kit.faults import Fault, Faults, garbled

Look = Callable[[Mapping[str, str], bytes], bytes | None]

_OF_THE_LINE = ("connection", "transfer-encoding", "content-length", "keep-alive")


class FaultProxy:
    """The server. It ends with the context.

    Attributes:
        look: Looks at what was sent (headers, bytes) as the real server would; what it answers is a refusal (400).
    """

    def __init__(self, upstream: str, look: Look | None = None) -> None:
        self.faults = Faults()
        self.look = look
        self.upstream = urlsplit(upstream)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultProxy

    def handle_any(self) -> None:
        fault = self.proxy.faults.meet(f"{self.command} {unquote(self.path)}") or Fault("")
        time.sleep(fault.stall_s)
        if fault.cut == "before":
            return self._cut()
        body = self._body()
        if fault.status is not None:
            return self._send(fault.status, fault.headers.items(), fault.content or b"", fault)
        upstream = self.proxy.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=60)
        told = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_LINE}
        sent = garbled(body) if fault.garble_sent else body
        if self.proxy.look is not None and (refusal := self.proxy.look(dict(self.headers), sent)) is not None:
            return self._send(400, (), refusal, fault)
        connection.request(self.command, self.path, sent, told | {"Content-Length": str(len(sent))})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if fault.cut == "after":
            return self._cut()
        if self.command == "HEAD":
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            return self.end_headers()
        return self._send(answer.status, answer.getheaders(), data[::-1] if fault.garble else data, fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # the trailers
            pass
        return body

    def _send(self, status: int, headers: Iterable[tuple[str, str]], data: bytes, fault: Fault) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_THE_LINE:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if isinstance(fault.cut, int):
            self.wfile.write(data[: fault.cut])
            self.wfile.flush()
            time.sleep(0.05)  # or what was written may be thrown away with the line
            return self._cut()
        self.wfile.write(data)
        return None

    def _cut(self) -> None:
        """Hang up, so that the other side notices."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
