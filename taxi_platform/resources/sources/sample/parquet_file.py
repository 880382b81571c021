"""Chunks as the publisher's Parquet: the Arrow types, codec and format version of each era."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from taxi_platform.resources.sources.sample.columns import LABELS
from taxi_platform.resources.sources.sample.eras import COUNTS, ParquetStyle, header_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from taxi_platform.resources.sources.sample.draft import Draft, Plan
    from taxi_platform.trips.schema import Column

_CHUNKS_PER_ROW_GROUP = 4
"""A row group of 262,144 rows. The publisher's are larger; these keep memory small."""

_TYPES = {
    "null": pa.null(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "large_string": pa.large_string(),
}


def write_parquet(plan: Plan, chunks: Iterator[Draft], out: BinaryIO) -> Generator[int, None, None]:
    """Write the whole file to `out`; yields the bytes just written."""
    style = plan.era.parquet
    assert style is not None, f"{plan.era.layout} has no Parquet style"
    names = header_of(plan.layout, plan.era)
    types = [_type(column, style) for column in plan.columns]
    schema = pa.schema(list(zip(names, types, strict=True)))
    writer = pq.ParquetWriter(
        out,
        schema,
        compression=style.compression,
        compression_level=1 if style.compression == "gzip" else None,
        version=style.format_version,
    )
    at = 0
    group: list[pa.RecordBatch] = []
    with writer:
        for chunk in chunks:
            arrays = [_array(chunk, column, t) for column, t in zip(plan.columns, types, strict=True)]
            group.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
            if len(group) == _CHUNKS_PER_ROW_GROUP:
                _write_group(writer, group)
                yield out.tell() - at
                at = out.tell()
        if group:
            _write_group(writer, group)
    yield out.tell() - at


def _write_group(writer: pq.ParquetWriter, group: list[pa.RecordBatch]) -> None:
    table = pa.Table.from_batches(group)
    writer.write_table(table, row_group_size=table.num_rows)
    group.clear()


def _type(column: Column, style: ParquetStyle) -> pa.DataType:
    if column.name in style.types:
        return _TYPES[style.types[column.name]]
    if column.name in COUNTS:
        return _TYPES[style.count_type]
    return {
        "id": _TYPES[style.id_type],
        "money": pa.float64(),
        "number": pa.float64(),
        "time": pa.timestamp("us"),
        "text": _TYPES[style.text_type],
    }[column.type]


def _array(chunk: Draft, column: Column, type_: pa.DataType) -> pa.Array:
    if column.name in chunk.nulls:
        return pa.nulls(chunk.rows, type_)
    values = chunk[column.name]
    match column.type:
        case "time":
            return pa.array(values * 1_000_000, pa.int64()).cast(type_)
        case "text":
            return pa.array(LABELS[column.name]).take(pa.array(values)).cast(type_)
        case "money" | "number":
            return pa.array(values / np.float64(100))
        case _:
            return pa.array(values).cast(type_)
