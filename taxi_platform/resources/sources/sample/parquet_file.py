"""Chunks as the publisher's Parquet: the Arrow types, codec and format version of each era."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from taxi_platform.resources.sources.sample.eras import COUNTS
from taxi_platform.resources.sources.sample.texts import numbers, per_unit, times, words

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
    schema = pa.schema([(field.name, _type(plan, field.column)) for field in plan.fields])
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
            arrays = [_array(chunk, field.column, schema.field(field.name).type) for field in plan.fields]
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


def _type(plan: Plan, column: Column | None) -> pa.DataType:
    style = plan.era.parquet
    assert style is not None
    if column is None or (style.has_null_type and column.name in plan.nulls):
        return pa.null()
    if column.name in style.types:
        return _TYPES[style.types[column.name]]
    if column.name in COUNTS:
        return _TYPES[style.count_type]
    return {
        "id": _TYPES[style.id_type],
        "seconds": pa.int64(),
        "row": pa.int64(),
        "money": pa.float64(),
        "miles": pa.float64(),
        "number": pa.float64(),
        "time": pa.timestamp("us"),
        "text": _TYPES[style.text_type],
    }[column.type]


def _array(chunk: Draft, column: Column | None, type_: pa.DataType) -> pa.Array:
    if column is None or column.name in chunk.nulls:
        return pa.nulls(chunk.rows, type_)
    texts = words(chunk, column)
    if texts is not None:
        return texts.cast(type_)
    if column.type == "time":
        return times(chunk, column).cast(type_)
    values = numbers(chunk, column)
    if per_unit(column) > 1:
        return pc.divide(values.cast(pa.float64()), float(per_unit(column)))
    return values.cast(type_)
