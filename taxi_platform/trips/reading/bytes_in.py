"""The bytes of a published file, decompressed in bounded memory; the gzip's own checks are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from zlib_ng import zlib_ng

from taxi_platform.errors import SourceFileError

CHUNK_BYTES = 1 << 20
CHUNKS_AHEAD = 4
"""So many are read and decompressed while the ones before are worked on."""

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"

_GZIP = 16 + zlib_ng.MAX_WBITS


def file_chunks(path: Path, seen: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """The bytes of `path` in chunks; `seen` gets each of them first (a hash, a progress bar)."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if seen is not None:
                seen(chunk)
            yield chunk


def gunzip(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The decompressed bytes, at most a chunk at a time however hard they were pressed.

    Several members and zero padding are as gzip allows. CRC and length are checked.

    Raises:
        SourceFileError: The gzip is cut short, damaged, or followed by something else.
    """
    member = zlib_ng.decompressobj(_GZIP)
    started = False
    try:
        for chunk in chunks:
            pending = chunk
            while pending:
                if member.eof:
                    pending = pending.lstrip(b"\0")
                    if not pending:
                        break
                    member = zlib_ng.decompressobj(_GZIP)
                out = member.decompress(pending, CHUNK_BYTES)
                started = True
                if out:
                    yield out
                pending = member.unconsumed_tail or member.unused_data
            while not member.eof and (out := member.decompress(b"", CHUNK_BYTES)):
                yield out
    except zlib_ng.error as error:  # type: ignore[misc] # its stub has no base
        raise SourceFileError(
            f"{name}: the gzip is damaged ({error}). Nothing was kept. Fetch the month again."
        ) from error
    if not started or not member.eof:
        raise SourceFileError(f"{name}: the gzip is cut short. Nothing was kept. Fetch the month again.")


def text_chunks(path: Path, name: str, seen: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """The bytes of a CSV, decompressed where it is a gzip.

    Raises:
        SourceFileError: As `gunzip`.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    chunks = file_chunks(path, seen)
    return gunzip(chunks, name) if compressed else chunks
