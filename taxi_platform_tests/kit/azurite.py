"""Azurite, Microsoft's own emulator of Azure's storage: a program of npm, in a process of its own."""

from __future__ import annotations

import atexit
import base64
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".azurite" / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT = "cabs"
_OPTIONS = ("--disableTelemetry", "--skipApiVersionCheck")  # the client is newer than what it knows
KEY = base64.b64encode(b"a key of an account that is nobody's").decode()


def absent() -> str | None:
    """Why Azurite cannot be started here; None where it can."""
    if PROGRAM.exists() and shutil.which("node"):
        return None
    return "Azurite is not here: install Node.js with npm, then `make azurite` (`make test-long` does it)"


@functools.cache
def azurite() -> Mapping[str, str]:
    """The variables that lead to the server of this process, which lasts until the process ends."""
    process = subprocess.Popen(
        [PROGRAM, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0", *_OPTIONS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
    )
    atexit.register(_stop, process)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"successfully listens on (http\S+)", line):
            break
    else:
        raise RuntimeError("Azurite did not start")
    # What it logs of each request must go somewhere, or it waits for ever.
    drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
    atexit.register(_stop, drain)
    return {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_ENDPOINT": f"{found[1]}/{ACCOUNT}",
    }


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait()
