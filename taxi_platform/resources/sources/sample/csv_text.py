"""Chunks as the lines of the publisher's CSVs, gzipped: byte for byte as it spells numbers and ends lines."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from taxi_platform.resources.sources.sample.columns import LABELS
from taxi_platform.resources.sources.sample.eras import header_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from taxi_platform.resources.sources.sample.draft import Draft, Plan
    from taxi_platform.resources.sources.sample.draws import IntArray
    from taxi_platform.trips.schema import Column

_GZIP = 31
"""zlib's word for a gzip frame. Its header has no file name and the time 0: nothing that varies."""


def write_csv(plan: Plan, chunks: Iterator[Draft], out: BinaryIO) -> Generator[int, None, None]:
    """Write the whole file to `out`; yields the bytes just written."""
    gzip = zlib.compressobj(level=1, wbits=_GZIP)
    end = plan.layout.line_end
    header = ",".join(header_of(plan.layout, plan.era)) + end
    yield out.write(gzip.compress(header.encode()))
    for chunk in chunks:
        yield out.write(gzip.compress(_lines(chunk, end)))
    yield out.write(gzip.flush())


def _lines(chunk: Draft, end: str) -> memoryview:
    """The rows as text. Arrow joins them into one buffer, and that buffer is the file."""
    fields = [_spelled(chunk, column) for column in chunk.plan.columns]
    fields[-1] = pc.binary_join_element_wise(fields[-1], end, "")
    if not isinstance(fields[-1], pa.Array):
        fields[-1] = pa.repeat(fields[-1], chunk.rows)
    lines = pc.binary_join_element_wise(*fields, ",")
    return memoryview(lines.buffers()[-1])


def _spelled(chunk: Draft, column: Column) -> pa.Array | pa.Scalar:
    if column.name in chunk.nulls:
        return pa.scalar("")
    values = chunk[column.name]
    match column.type:
        case "time":
            return pa.array(values, pa.int64()).cast(pa.timestamp("s")).cast(pa.string())
        case "text":
            return pa.array(LABELS[column.name]).take(pa.array(values))
        case "money":
            return _each_once(values, _money)
        case "number":
            return _each_once(values, _miles)
        case _:
            return _each_once(values, str)


def _each_once(values: IntArray, spell: Callable[[int], str]) -> pa.Array:
    """`values` spelled; a chunk has few different ones, so each is spelled once."""
    encoded = pa.array(values).dictionary_encode()
    words = pa.array([spell(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return words.take(encoded.indices)


def _money(cents: int) -> str:
    """`8`, `0.5`, `11.8`, `-3.75`: no zero that could be left out, but the one before the point."""
    dollars, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{dollars}.{rest:02d}".rstrip("0").rstrip(".")


def _miles(hundredths: int) -> str:
    """`2.10`, `.20`: always two decimals, and no zero before the point."""
    miles, rest = divmod(hundredths, 100)
    return f"{miles or ''}.{rest:02d}"
