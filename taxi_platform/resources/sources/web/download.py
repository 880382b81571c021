"""One file while it comes: what is there of it, and whether the rest can follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from taxi_platform.errors import SourceUnavailableError
from taxi_platform.resources.sources.source import Progress, SourceFile
from taxi_platform.resources.sources.web.client import Client
from taxi_platform.resources.sources.web.patience import TryAgainError
from taxi_platform.resources.sources.web.refusals import is_page, page_error

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True)
class Described:
    """What the headers of an answer say of the whole file.

    Attributes:
        etag: As it was sent, with its quotes; empty where there is none.
        start: The first byte that the answer brings.
    """

    etag: str
    modified: str
    size_bytes: int | None
    start: int = 0

    @classmethod
    def by(cls, response: BaseHTTPResponse) -> Described:
        headers = response.headers
        etag, modified = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
        if response.status == 206:
            match = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if match is None:
                return cls(etag, modified, None, start=-1)
            return cls(etag, modified, None if match[3] == "*" else int(match[3]), int(match[1]))
        length = headers.get("Content-Length", "")
        return cls(etag, modified, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None)

    @property
    def fingerprint(self) -> str:
        """The ETag without its quotes and its mark of weakness, else size and time of change; empty without either."""
        etag = self.etag.removeprefix("W/").strip('"')
        if etag:
            return etag
        return f"size={self.size_bytes} modified={self.modified}" if self.modified else ""

    @property
    def can_be_resumed(self) -> bool:
        """Only a strong ETag promises that the bytes are the same ones."""
        return self.etag.startswith('"')


class Download:
    """The bytes of `file` on their way into `target`."""

    def __init__(self, file: SourceFile, target: IO[bytes], progress: Progress) -> None:
        self.got_bytes = 0
        self.expected_bytes = file.size_bytes
        self._file, self._target, self._progress = file, target, progress
        self._etag = ""  # of what is there, where the rest may follow

    def headers(self) -> dict[str, str]:
        """What to ask for: the rest where some is there, under the condition that the file is still the same."""
        if not self._etag or not self.got_bytes:
            return {}
        return {"Range": f"bytes={self.got_bytes}-", "If-Range": self._etag}

    def receive(self, client: Client, response: BaseHTTPResponse) -> None:
        """Take what an answer of 200 or 206 brings, until the file is whole.

        Raises:
            TryAgainError: It is not whole yet.
            SourceFileError: It is a page.
            SourceUnavailableError: It is another file than the one that was found.
        """
        told = Described.by(response)
        if told.fingerprint and _is_known(self._file) and told.fingerprint != self._file.fingerprint:
            raise self._changed()
        if told.size_bytes is not None and self.expected_bytes is not None and told.size_bytes != self.expected_bytes:
            self.start_anew()
            raise TryAgainError(f"called the file {told.size_bytes:,} bytes long")
        if response.status == 206 and told.start != self.got_bytes:
            self.start_anew()
            raise TryAgainError("sent another part of the file than the one asked for")
        if response.status == 200:
            self._drop()
        self.expected_bytes = told.size_bytes if self.expected_bytes is None else self.expected_bytes
        self._etag = told.etag if told.can_be_resumed else ""
        for chunk in client.chunks(response):
            if not self.got_bytes and is_page(chunk):
                raise page_error(self._file.name, self._file.url)
            self._target.write(chunk)
            self.got_bytes += len(chunk)
            self._progress(len(chunk))
        if self.expected_bytes is not None and self.got_bytes != self.expected_bytes:
            self.start_anew()
            raise TryAgainError("ended the file there")

    def start_anew(self) -> None:
        """Ask for the whole file the next time. What is there stays until it comes."""
        self._etag = ""

    def _drop(self) -> None:
        self._progress(-self.got_bytes)
        self.got_bytes = 0
        self._target.seek(0)
        self._target.truncate()

    def _changed(self) -> SourceUnavailableError:
        return SourceUnavailableError(
            f"{self._file.name}: {self._file.url} is another file now than when it was looked at "
            f"({self.got_bytes:,} bytes had come). Nothing was kept. Run the month again."
        )


def _is_known(file: SourceFile) -> bool:
    return not file.fingerprint.startswith(UNKNOWN)


UNKNOWN = "unknown at "
"""How a fingerprint begins where the host tells neither ETag nor time of change: never the same twice."""
