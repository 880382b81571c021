"""A gzip is opened in bounded memory, however hard it was pressed and however it arrives."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.reading.bytes_in import CHUNK_BYTES, gunzip


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=400), min_size=1, max_size=5),
    size=st.integers(1, 300),
    padding=st.integers(0, 600),
)
def test_members_and_padding_come_out_as_one_text(parts: list[bytes], size: int, padding: int) -> None:
    packed = b"".join(map(gzip.compress, parts)) + b"\0" * padding
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(gunzip(chunks, "a file")) == b"".join(parts)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(min_size=1, max_size=300), cut=st.integers(1, 300), size=st.integers(1, 100))
def test_a_cut_gzip_never_passes_for_a_whole_one(content: bytes, cut: int, size: int) -> None:
    packed = gzip.compress(content)[:-cut]
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    with pytest.raises(SourceFileError, match="the gzip is cut short"):
        list(gunzip(chunks, "a file"))


def test_a_bomb_is_opened_a_chunk_at_a_time() -> None:
    bomb = gzip.compress(bytes(100 * CHUNK_BYTES))
    assert len(bomb) < CHUNK_BYTES
    sizes = [len(part) for part in gunzip([bomb], "a bomb")]
    assert sum(sizes) == 100 * CHUNK_BYTES
    assert max(sizes) <= CHUNK_BYTES
