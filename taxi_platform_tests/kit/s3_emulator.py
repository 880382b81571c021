"""moto as an S3 that takes one request at a time: it looks whether an object may be replaced, and then replaces it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable
from threading import Lock, Thread
from typing import Any


class S3Emulator:
    """An S3 in a thread of this process.

    Attributes:
        url: Its address.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = _OneAtATime(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> S3Emulator:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()


class _OneAtATime:
    """Requests are read side by side, and answered one after the other."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app, self._lock = app, Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if size := int(environ.get("CONTENT_LENGTH") or 0):
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
        with self._lock:
            return list(self._app(environ, start_response))
