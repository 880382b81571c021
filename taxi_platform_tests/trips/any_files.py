"""Trips written down in one of the many ways in which somebody may write a layout's file."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taxi_platform.trips.layouts import Layout
from taxi_platform_tests.trips.any_trips import Trip

Line = Trip | bytes
"""A record of a CSV: a trip, or bytes that are none."""


def as_csv(layout: Layout, records: Sequence[Line], how: Random, *, quoted: bool) -> bytes:
    """A CSV of `records`: any order of columns, any spelling of the header, any line ends, a gzip or not."""
    order = how.sample(list(layout.header), len(layout.header))
    behind = how.choice([0, layout.empty_fields, 2])
    if any(isinstance(record, Trip) and _is_over_lines(record) for record in records):
        behind = (
            0  # with those, each line of such a text may pass for a whole row: a test of its own says what comes out
        )
    end = how.choice([lambda: "\n", lambda: "\r\n", lambda: how.choice(["\n", "\r\n"])])
    names = [*map(_respelled(how), order), *[""] * how.choice([0, behind])]
    header = ",".join(f'"{name}"' if quoted and how.random() < 0.8 else name for name in names)
    text = how.choice(["", "\ufeff"]) + header + how.choice([layout.header_end, "\n", "\r\n"])
    content = text.encode()
    for record in records:
        if isinstance(record, bytes):
            content += record
        else:
            fields = [_text(record.said[name], how) for name in order] + [""] * behind
            content += ",".join(_field(field, how, quoted=quoted) for field in fields).encode()
        content += end().encode() + how.choice([b"", b"", b"\n", b"\r\n"])
    if records and isinstance(records[-1], Trip) and how.random() < 0.3:
        # Where a text ends in the last line, the line alone passes for half a row, and the file is refused.
        content = content if _is_over_lines(records[-1]) else content.rstrip(b"\r\n")
    return how.choice([bytes, gzip.compress, _members])(content)


def _is_over_lines(trip: Trip) -> bool:
    return any("\n" in str(value) for value in trip.said.values())


def _members(content: bytes) -> bytes:
    middle = len(content) // 2
    return gzip.compress(content[:middle]) + gzip.compress(content[middle:])


def _respelled(how: Random) -> Any:
    case = how.choice([str, str.upper, str.lower, str.title])
    space = how.choice(["{}", " {}", "{} ", "\t{} "])
    return lambda name: space.format(case(name.strip()))


def _field(text: str, how: Random, *, quoted: bool) -> str:
    if any(mark in text for mark in ',"\r\n') and (quoted or text.startswith('"')):
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if quoted and how.random() < 0.9 else text


def _text(value: Any, how: Random) -> str:
    """A value as the publisher has written it in one year or another."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return how.choice(_texts_of(value))
    if isinstance(value, Decimal):
        noisy = f"{float(value):.17g}"  # 9.4 is 9.4000000000000004
        return how.choice([str(value), f"{value:f}", f"{value.normalize():e}", noisy, f" {value}", f"{value}000"])
    if isinstance(value, int):
        return how.choice([str(value), f"{value}.0", f" {value} ", f"{value}.", f"{value}e0"])
    return how.choice([repr(value), f"{value!r} "]) if isinstance(value, float) else str(value)


def _texts_of(time: dt.datetime) -> list[str]:
    text = time.isoformat()  # with microseconds where there are some
    texts = [text, text.replace("T", " "), f" {text}"]
    if time.microsecond:
        texts.append(f"{text}999")  # nanoseconds
    elif time.time() == dt.time():
        texts.append(time.date().isoformat())
    return texts


# Parquet


def as_parquet(layout: Layout, trips: Sequence[Trip], how: Random) -> bytes:
    """A Parquet file of `trips`: any order of columns, any type that can hold them, any size of row groups."""
    order = how.sample(list(layout.header), len(layout.header))
    spelled = _respelled(how)
    table = pa.table([_array([trip.said[name] for trip in trips], how) for name in order], [*map(spelled, order)])
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        row_group_size=how.choice([1, 3, 1000]),
        compression=how.choice(["none", "snappy", "gzip", "zstd"]),
        use_dictionary=how.choice([True, False]),
        data_page_version=how.choice(["1.0", "2.0"]),
        store_schema=how.choice([True, False]),
        write_page_checksum=how.choice([True, False]),
        use_deprecated_int96_timestamps=how.choice([True, False]),
    )
    return out.getvalue()


def _array(values: list[Any], how: Random) -> pa.Array:
    """`values` as one of the types in which somebody may have saved them."""
    some = [value for value in values if value is not None]
    if not some:
        return how.choice([pa.nulls(len(values)), pa.array(values, pa.string()), pa.array(values, pa.float64())])
    kinds = {dt.datetime: _times, Decimal: _decimals, int: _integers, float: _floats, str: _strings}
    array = how.choice(kinds[type(some[0])](values, some, how))
    return array.dictionary_encode() if how.random() < 0.2 else array


def _strings(values: list[Any], _: Any, how: Random) -> list[pa.Array]:
    texts = [None if value is None else _text(value, how) for value in values]
    return [pa.array(texts, kind) for kind in (pa.string(), pa.large_string())]


def _integers(values: list[Any], some: list[Any], how: Random) -> list[pa.Array]:
    kinds = [pa.int32(), pa.int64(), pa.float64(), pa.decimal128(19, 0)]
    kinds += [pa.int16(), pa.float32()] if all(-(2**15) <= value < 2**15 for value in some) else []
    kinds += [pa.uint64()] if min(some) >= 0 else []
    return [*(pa.array(values, pa.int64()).cast(kind) for kind in kinds), *_strings(values, some, how)]


def _floats(values: list[Any], some: list[Any], how: Random) -> list[pa.Array]:
    missing = pa.array([float("nan") if value is None else value for value in values])
    return [pa.array(values), missing, *_strings(values, some, how)]


def _decimals(values: list[Any], some: list[Any], how: Random) -> list[pa.Array]:
    kinds = [pa.decimal128(15, 3), pa.decimal128(38, 9), pa.decimal256(60, 20)]
    arrays = [*(pa.array(values, kind) for kind in kinds), pa.array(values, pa.decimal128(15, 3)).cast(pa.float64())]
    if all(abs(value) < 1000 for value in some):
        arrays.append(pa.array(values, pa.decimal128(15, 3)).cast(pa.float32()))
    return [*arrays, *_strings(values, some, how)]


def _times(values: list[Any], some: list[Any], how: Random) -> list[pa.Array]:
    exact = pa.array(values, pa.timestamp("us"))
    arrays = [exact, *_strings(values, some, how)]
    if all(dt.datetime(1678, 1, 1) < value < dt.datetime(2262, 1, 1) for value in some):
        arrays.append(exact.cast(pa.timestamp("ns")))
    if not any(value.microsecond for value in some):
        arrays += [exact.cast(pa.timestamp(unit)) for unit in ("s", "ms")]
    if not any(value.time() != dt.time() for value in some):
        arrays.append(exact.cast(pa.date32()))
    return arrays
