"""Chunks as the lines of the publisher's CSVs, gzipped: byte for byte as it spells numbers and ends lines."""

from __future__ import annotations

import zlib
from functools import cache, partial
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taxi_platform.resources.sources.sample.places import COORDINATES
from taxi_platform.resources.sources.sample.texts import numbers, per_unit, times, words

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from taxi_platform.resources.sources.sample.draft import Draft, Plan
    from taxi_platform.trips.schema import Column

_GZIP = 31
"""zlib's word for a gzip frame. Its header has no file name and the time 0: nothing that varies."""

_FIELDS_CUT = 2
_FIELD_TOO_MANY = ",0"


def write_csv(plan: Plan, chunks: Iterator[Draft], out: BinaryIO) -> Generator[int, None, None]:
    """Write the whole file to `out`; yields the bytes just written."""
    gzip = zlib.compressobj(level=1, wbits=_GZIP)
    quote = '"' if plan.layout.quoted else ""
    header = ",".join(f"{quote}{field.name}{quote}" for field in plan.fields)
    yield out.write(gzip.compress((header + (plan.era.header_end or plan.layout.header_end)).encode()))
    for chunk in chunks:
        yield out.write(gzip.compress(_lines(chunk)))
    yield out.write(gzip.flush())


def _lines(chunk: Draft) -> memoryview | bytes:
    """The rows as text. Arrow joins them into one buffer, and that buffer is the file."""
    layout = chunk.plan.layout
    quote = '"' if layout.quoted else ""
    fields = [_spelled(chunk, field.column) for field in chunk.plan.fields]
    fields[-1] = _joined(fields[-1], quote + "," * layout.empty_fields + layout.line_end)
    if quote:
        fields[0] = _joined(quote, fields[0])
    if not isinstance(fields[-1], pa.Array):
        fields[-1] = pa.repeat(fields[-1], chunk.rows)
    lines = pc.binary_join_element_wise(*fields, f"{quote},{quote}")
    if len(chunk.ragged):
        return _torn(lines, chunk).encode()
    return memoryview(lines.buffers()[-1])


def _joined(one: pa.Array | pa.Scalar | str, other: pa.Array | pa.Scalar | str) -> pa.Array | pa.Scalar:
    return pc.binary_join_element_wise(one, other, "")


def _torn(lines: pa.Array, chunk: Draft) -> str:
    """The lines, but with the last fields gone in every even ragged row, and one too many in every odd one."""
    end = chunk.plan.layout.line_end
    texts = lines.to_pylist()
    for row in chunk.ragged.tolist():
        text = texts[row].removesuffix(end)
        texts[row] = (text + _FIELD_TOO_MANY if row % 2 else text.rsplit(",", _FIELDS_CUT)[0]) + end
    return "".join(texts)


def _spelled(chunk: Draft, column: Column | None) -> pa.Array | pa.Scalar:
    if column is None or column.name in chunk.nulls:
        return pa.scalar("")
    texts = words(chunk, column)
    if texts is None and column.type == "time":
        texts = times(chunk, column).cast(pa.string())
    if texts is None:
        texts = _each_once(numbers(chunk, column), _speller(column, has_long_floats=chunk.plan.era.long_floats))
    return texts.fill_null("") if texts.null_count else texts


def _each_once(values: pa.Array, spell: Callable[[int], str]) -> pa.Array:
    """`values` spelled; a chunk has few different ones, so each is spelled once."""
    encoded = values.dictionary_encode()
    spellings = pa.array([spell(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return spellings.take(encoded.indices)


def _speller(column: Column, *, has_long_floats: bool) -> Callable[[int], str]:
    if column.name in COORDINATES and not has_long_floats:
        return _single
    if column.type in ("money", "number", "miles") and has_long_floats:
        return partial(_long, per_unit=per_unit(column))
    if column.type == "number":
        return _miles
    return str if per_unit(column) == 1 else partial(_short, per_unit=per_unit(column))


@cache
def _single(millionths: int) -> str:
    """`-73.993896484375`: a float32 with all the digits of a float64. There are few different places."""
    return f"{float(np.float32(millionths / 1_000_000)):.17g}"


def _long(value: int, per_unit: int) -> str:
    """`9.4000000000000004`, `-73.991956999999999`, `5`: the 17 digits of a float64."""
    return f"{value / per_unit:.17g}"


def _short(value: int, per_unit: int) -> str:
    """`8`, `0.5`, `11.8`, `-3.75`: no zero that could be left out, but the one before the point."""
    whole, rest = divmod(abs(value), per_unit)
    digits = len(str(per_unit)) - 1
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def _miles(hundredths: int) -> str:
    """`2.10`, `.20`: always two decimals, and no zero before the point."""
    miles, rest = divmod(hundredths, 100)
    return f"{miles or ''}.{rest:02d}"
