"""local-bigquery in a process of its own, by the Python 3.13 that it needs."""

from __future__ import annotations

import atexit
import functools
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-bigquery" / "bin" / "python"
SERVER = Path(__file__).with_name("local_bigquery_server.py")


def absent() -> str | None:
    """Why it cannot be started here; None where it can."""
    if PYTHON.exists():
        return None
    return "local-bigquery is not here: install Python 3.13, then `make local-bigquery` (`make test-long` does it)"


@functools.cache
def local_bigquery(storage_url: str) -> str:
    """The address of the server of this process, which lasts until the process ends.

    Args:
        storage_url: Where its load jobs find `gs://`.
    """
    port, grpc_port = _free_port(), _free_port()
    data = tempfile.TemporaryDirectory(prefix="local_bigquery_")
    atexit.register(data.cleanup)
    options = {"host": "127.0.0.1", "port": port, "grpc-port": grpc_port, "data-dir": data.name}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen(
        [PYTHON, "-P", SERVER, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "STORAGE_EMULATOR_HOST": storage_url},
    )
    atexit.register(_stop, process)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/bigquery/v2/projects", timeout=5).close()
        except OSError:
            assert process.poll() is None, "local-bigquery did not start"
            time.sleep(0.1)
        else:
            return url
    raise RuntimeError("local-bigquery did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
