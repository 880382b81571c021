"""The first look at a file that arrived: is it what it claims to be, and how many records has it?

This pass knows nothing of the parser. Its count is what the parser's rows are held against.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.ahead import ahead
from taxi_platform.trips.layouts import FileKind
from taxi_platform.trips.reading.bytes_in import CHUNKS_AHEAD, GZIP_MAGIC, PARQUET_MAGIC, file_chunks, gunzip
from taxi_platform.trips.reading.fields import split

if TYPE_CHECKING:
    import numpy as np

MAX_LINE_BYTES = 1 << 20
"""A longer line is not a trip: it is rejected, and never held in memory whole."""

_HEADER_LIMIT = MAX_LINE_BYTES
_NO_FIELD = b" \t\r\x1a"
"""What a last line may be made of and yet be no half row; 0x1A ends a text on DOS."""

_CR = 13
_LF = 10


@dataclass(frozen=True)
class Inspection:
    """What the bytes of a file say of themselves.

    Attributes:
        ending: `csv`, `csv.gz` or `parquet`: what the content is, whatever the name says.
        lines: Data records of a Parquet file by its footer; of a CSV the lines after the header, without
            blank ones.
        header: The names of the columns, as they are written.
        longest_line: Bytes of the longest line of a CSV.
        lone_crs: Carriage returns that end no line; None where an earlier build did not count them.
    """

    kind: FileKind
    ending: str
    size_bytes: int
    sha256: str
    lines: int
    header: tuple[str, ...]
    text_bytes: int = 0
    crlf_lines: int = 0
    lf_lines: int = 0
    blank_lines: int = 0
    nul_bytes: int = 0
    longest_line: int = 0
    lone_crs: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "header": list(self.header)}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Inspection:
        return cls(**{**facts, "header": tuple(facts["header"])})


def inspect_file(path: Path, name: str, progress: Callable[[int], None] | None = None) -> Inspection:
    """Read `path` once and tell what it is, how many records it has, and its SHA-256.

    Raises:
        SourceFileError: An error page, a pointer, an empty file, a broken gzip or Parquet, a CSV that ends
            in the middle of a row.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
    _refuse_strangers(head, name)
    digest = hashlib.sha256()

    def seen(chunk: bytes) -> None:
        digest.update(chunk)
        if progress is not None:
            progress(len(chunk))

    if head.startswith(PARQUET_MAGIC):
        for _ in file_chunks(path, seen):
            pass
        rows, header = _parquet_footer(path, name)
        return Inspection("parquet", "parquet", size, digest.hexdigest(), rows, header)
    compressed = head.startswith(GZIP_MAGIC)
    chunks = file_chunks(path, seen)
    counter = _LineCounter()
    with closing(ahead(gunzip(chunks, name) if compressed else chunks, CHUNKS_AHEAD)) as texts:
        for text in texts:
            counter.add(text)
    counter.finish()
    if counter.header is None:
        raise SourceFileError(f"{name}: there is no header, only blank lines. Nothing was kept.")
    _refuse_strangers(counter.header, name)
    header = csv_header(counter.header, name)
    _refuse_cut_row(counter, header, name)
    return Inspection(
        kind="csv",
        ending="csv.gz" if compressed else "csv",
        size_bytes=size,
        sha256=digest.hexdigest(),
        lines=counter.lines - 1,
        header=header,
        text_bytes=counter.text_bytes,
        crlf_lines=counter.crlf,
        lf_lines=counter.newlines - counter.crlf,
        blank_lines=counter.blank,
        nul_bytes=counter.nuls,
        longest_line=counter.longest,
        lone_crs=counter.crs - counter.crlf,
    )


def csv_header(line: bytes, name: str) -> tuple[str, ...]:
    """The names in a CSV's header line.

    Raises:
        SourceFileError: It is too long, or not text.
    """
    if len(line) >= _HEADER_LIMIT:
        raise SourceFileError(
            f"{name}: the first line is longer than {_HEADER_LIMIT:,} bytes: this is no header. Nothing was kept."
        )
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
        return tuple(next(csv.reader([text], strict=True)))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise SourceFileError(
            f"{name}: the first line cannot be read as a header ({error}). Nothing was kept."
        ) from error


def _refuse_strangers(head: bytes, name: str) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    what = ""
    if not head:
        what = "the file is empty"
    elif head.startswith(b"PARE"):
        what = "this is an encrypted Parquet file"
    elif head.startswith(b"PK\x03\x04"):
        what = "this is a zip archive, not the file in it"
    elif start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        what = "this is an HTML page, not trips: the publisher sent an error page"
    elif start.startswith((b"<?xml", b"<error")):
        what = "this is an XML answer, not trips: the publisher refused (not published, or asked too often)"
    elif start.startswith(b"version https://git-lfs"):
        what = "this is a Git LFS pointer, not the file itself"
    elif start.startswith((b"{", b"[")):
        what = "this is JSON, not trips"
    if what:
        raise SourceFileError(f"{name}: {what}. Nothing was kept. Fetch the month again from its publisher.")


def _refuse_cut_row(counter: _LineCounter, header: Sequence[str], name: str) -> None:
    """A last line without an end and without all its fields is half a row: half a file."""
    if counter.ends_in_newline or counter.lines < 2 or not counter.last_line.strip(_NO_FIELD):
        return
    width = max((at for at, column in enumerate(header, 1) if column.strip()), default=0)
    flaw = split(counter.last_line, width)[1]
    # Odd quotes: the line ends a record that began above it.
    is_whole = flaw != "too_few_fields" or counter.last_line.count(b'"') % 2
    if flaw == "unterminated_quote" or not is_whole:
        raise SourceFileError(
            f"{name}: the file ends in the middle of row {counter.lines - 1:,} "
            f"({counter.last_line[:60].decode(errors='replace')!r}): it was cut short. Nothing was kept. "
            "Fetch the month again."
        )


def _parquet_footer(path: Path, name: str) -> tuple[int, tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.metadata.num_rows, tuple(file.schema_arrow.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last one: a broken name
        reason = str(error).split("\n", 1)[0]
        raise SourceFileError(
            f"{name}: this is not a whole Parquet file ({reason}). Nothing was kept. Fetch the month again."
        ) from error


def _count(byte: bytes, chunk: bytes) -> int:
    """How often `byte` is there: most files have none, and to look for one is ten times as fast as to count."""
    return chunk.count(byte) if byte in chunk else 0


class _LineCounter:
    """Counts lines in a stream of chunks, wherever the chunks are cut."""

    def __init__(self) -> None:
        self.text_bytes = self.newlines = self.crs = self.crlf = self.blank = self.nuls = 0
        self.lines = self.longest = 0
        self.header: bytes | None = None
        self.last_line = b""
        self.ends_in_newline = True
        self._open = b""  # the line that is not over yet; only its first bytes where it is long
        self._open_bytes = 0

    def add(self, chunk: bytes) -> None:
        import numpy as np

        self.text_bytes += len(chunk)
        self.nuls += _count(b"\0", chunk)
        self.crs += _count(b"\r", chunk)
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LF)
        if not len(ends):
            self._extend(chunk)
            return
        first, last = int(ends[0]), int(ends[-1])
        self._extend(chunk[:first])
        self._close()
        position = first + 1
        while self.header is None and position <= last:
            end = chunk.index(b"\n", position)
            self._extend(chunk[position:end])
            self._close()
            position = end + 1
        self._count_lines(chunk, ends[ends >= position], position)
        self._extend(chunk[last + 1 :])

    def finish(self) -> None:
        self.ends_in_newline = self._open_bytes == 0
        if not self.ends_in_newline:
            self.last_line = self._open
            self._close(newline=False)

    def _count_lines(self, chunk: bytes, ends: np.ndarray, start: int) -> None:
        """Count the whole lines of `chunk` from `start` on, of which `ends` are the line feeds."""
        import numpy as np

        if not len(ends):
            return
        data = np.frombuffer(chunk, np.uint8)
        starts = np.empty_like(ends)
        starts[0], starts[1:] = start, ends[:-1] + 1
        lengths = ends - starts
        has_cr = (data[np.maximum(ends - 1, 0)] == _CR) & (lengths > 0)
        lengths = lengths - has_cr
        blank = int(np.count_nonzero(lengths == 0))
        self.newlines += len(ends)
        self.crlf += int(np.count_nonzero(has_cr))
        self.blank += blank
        self.lines += len(ends) - blank
        self.longest = max(self.longest, int(lengths.max()))

    def _extend(self, part: bytes) -> None:
        self._open_bytes += len(part)
        if len(self._open) < _HEADER_LIMIT:
            self._open += part[: _HEADER_LIMIT - len(self._open)]

    def _close(self, *, newline: bool = True) -> None:
        line, length = self._open, self._open_bytes
        self._open, self._open_bytes = b"", 0
        self.newlines += newline
        # Of a line longer than the limit the end is not kept: whether a CR ends it does not matter then.
        if line.endswith(b"\r") and length == len(line):
            self.crlf += newline
            line, length = line[:-1], length - 1
        if not length:
            self.blank += 1
            return
        self.lines += 1
        self.longest = max(self.longest, length)
        if self.header is None:
            self.header = line
