"""Buckets behind servers that do something wrong when they are asked to."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.io_managers.objects.store import ObjectStore
from taxi_platform_tests.io_managers.kits import KITS
from taxi_platform_tests.kit.fault_proxy import FaultProxy, Look
from taxi_platform_tests.kit.faults import Fault, Faults
from taxi_platform_tests.kit.gcs_emulator import GcsEmulator, service_account

PUT, PART, LAST, GET, HEAD = "put", "part", "last", "get", "head"
ADDRESSES = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", "AWS_ENDPOINT_URL", "AZURE_STORAGE_ENDPOINT")
"""The variables that say where a cloud answers."""


@dataclass(frozen=True)
class Door:
    """A bucket behind a server that does as it is asked, and one that looks into the same bucket undisturbed.

    Attributes:
        lines: How the requests begin that put a small object, a part of a large one and the last of it, and that read
            one and ask for it.
    """

    scheme: str
    variables: Mapping[str, str]
    faults: Faults
    lines: Mapping[str, str]
    undisturbed: ObjectStore
    folder: Path
    words: Mapping[int, bytes] = field(default_factory=dict)

    def store(self, patience_s: float = 20.0, bucket: str = "cab-months", **variables: str) -> ObjectStore:
        location = f"{self.scheme}://{bucket}/{self.folder.name}"
        return open_store(location, {**self.variables, **variables}, self.folder / "spools", patience_s=patience_s)

    def fails(self, what: str, **how: object) -> Fault:
        """Ask the server to do something wrong with the next such request."""
        fault = Fault(self.lines[what], **how)  # type: ignore[arg-type]
        if fault.status is not None:
            fault.content = self.words.get(fault.status)
        return self.faults.add(fault)

    def file(self, size: int = 100_000) -> Path:
        path = self.folder / f"of {size}"
        path.write_bytes(os.urandom(size))
        return path

    def spooled(self) -> list[Path]:
        return [path for path in (self.folder / "spools").rglob("*") if path.is_file()]


@contextmanager
def google(folder: Path) -> Iterator[Door]:
    with GcsEmulator() as emulator:
        emulator.buckets.make("cab-months")
        variables = {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": emulator.url,
            "GOOGLE_CREDENTIALS": service_account(emulator.url),
        }
        lines = {
            PUT: r"^POST /upload/.*uploadType=multipart",
            PART: r"^PUT /upload/",
            LAST: r"^PUT /upload/",
            GET: r"^GET /download/",
            HEAD: r"^GET /storage/v1/b/[^/]+/o/",
        }
        undisturbed = open_store(f"gs://cab-months/{folder.name}", variables, folder / "spools", patience_s=1)
        yield Door("gs", variables, emulator.faults, lines, undisturbed, folder)


@contextmanager
def proxied(
    name: str,
    variable: str,
    folder: Path,
    lines: Mapping[str, str],
    words: Mapping[int, bytes],
    look: Look | None = None,
) -> Iterator[Door]:
    kit = KITS[name](folder)
    server = urlsplit(kit.variables[variable])
    with FaultProxy(kit.variables[variable], look) as proxy:
        variables = kit.variables | {variable: f"{proxy.url}{server.path}"}
        undisturbed = open_store(f"{kit.scheme}://cab-months/{folder.name}", kit.variables, folder / "spools")
        yield Door(kit.scheme, variables, proxy.faults, lines, undisturbed, folder, words)


@contextmanager
def amazon(folder: Path) -> Iterator[Door]:
    lines = {
        PUT: r"^PUT /cab-months/[^?]*$",
        PART: r"^PUT .*partNumber=",
        LAST: r"^POST .*\?uploadId=",
        GET: r"^GET /cab-months/[^?]*$",
        HEAD: r"^HEAD ",
    }
    codes = {
        301: "PermanentRedirect",
        403: "AccessDenied",
        401: "InvalidAccessKeyId",
        429: "SlowDown",
        500: "InternalError",
        503: "SlowDown",
    }
    words = {
        status: f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode() for status, code in codes.items()
    }
    with proxied("s3", "AWS_ENDPOINT_URL", folder, lines, words, bad_digest) as door:
        yield door


def bad_digest(headers: Mapping[str, str], body: bytes) -> bytes | None:
    """What S3 answers to bytes that are not those of their checksum; moto looks at none.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    stated = {name.lower(): value for name, value in headers.items()}.get("x-amz-checksum-sha256")
    if stated in (None, base64.b64encode(hashlib.sha256(body).digest()).decode()):
        return None
    return b"<Error><Code>BadDigest</Code><Message>The SHA256 you specified did not match.</Message></Error>"


@contextmanager
def microsoft(folder: Path) -> Iterator[Door]:
    if (reason := KITS["azure"].absent()) is not None:
        pytest.skip(reason)
    lines = {
        PUT: r"^PUT /cabs/cab-months/[^?]*$",
        PART: r"^PUT .*comp=block&",
        LAST: r"^PUT .*comp=blocklist",
        GET: r"^GET /cabs/cab-months/[^?]*$",
        HEAD: r"^HEAD ",
    }
    with proxied("azure", "AZURE_STORAGE_ENDPOINT", folder, lines, {}) as door:
        yield door


DOORS = {"gcs": google, "s3": amazon, "azure": microsoft}
