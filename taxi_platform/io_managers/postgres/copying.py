"""Rows in and out by COPY, batch by batch: never a whole month in memory."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from taxi_platform.errors import DamagedStoreError, SchemaError
from taxi_platform.io_managers.postgres.arrow_types import arrow_type, as_sent
from taxi_platform.io_managers.postgres.session import Session
from taxi_platform.io_managers.values import one_line
from taxi_platform.trips.ahead import ahead
from taxi_platform.trips.month_file import BATCH_ROWS

_PIECE_ROWS = BATCH_ROWS // 4
_PIECES_AHEAD = 4

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.postgres.catalogue import Column


def copy_in(
    session: Session, table: Identifier, fields: Sequence[pa.Field], rows: pa.RecordBatchReader, *, freeze: bool
) -> int:
    """Put the columns `fields` of `rows` into a table, in Postgres's own binary format.

    Args:
        freeze: Whether every transaction is to see the rows, also one that began before this one ends. The table
            must have been made in this transaction.

    Returns:
        Rows sent.

    Raises:
        SchemaError: A value has no place in the type of its column.
    """
    import pyarrow as pa
    from pgpq import ArrowToPostgresBinaryEncoder

    schema = pa.schema([pa.field(field.name, as_sent(field)) for field in fields])
    copy = SQL("COPY {} ({}) FROM STDIN (FORMAT binary{})").format(
        table, SQL(", ").join(map(Identifier, schema.names)), SQL(", FREEZE" if freeze else "")
    )
    encoder, sent = ArrowToPostgresBinaryEncoder(schema), 0
    encoded = ((encoder.write_batch(batch), batch.num_rows) for batch in _batches(rows, schema))
    # While Postgres is busy with what it has, the next rows are decoded and encoded.
    with (
        contextlib.closing(ahead(encoded, _PIECES_AHEAD)) as pieces,
        session.connection.cursor() as cursor,
        cursor.copy(copy) as stream,
    ):
        stream.write(encoder.write_header())
        for piece, number in pieces:
            stream.write(piece)
            sent += number
        stream.write(encoder.finish())
    return sent


def _batches(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in rows:
        for start in range(0, batch.num_rows, _PIECE_ROWS):
            part = batch.slice(start, _PIECE_ROWS)
            try:
                columns = [part.column(field.name).cast(field.type) for field in schema]
            except pa.ArrowException as error:
                raise SchemaError(f"The rows cannot be stored: {one_line(error)}. Nothing was written.") from error
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def copy_out(session: Session, query: Composed, columns: dict[str, Column]) -> pa.RecordBatchReader:
    """What `query` answers, as a stream. Its columns are `columns`, in this order.

    Close the batches, or read them to their end, before the connection is used for anything else.
    """
    import pyarrow as pa

    schema = pa.schema([pa.field(name, arrow_type(column.type)) for name, column in columns.items()])
    return pa.RecordBatchReader.from_batches(schema, _parsed(session, query, schema))


def _parsed(session: Session, query: Composed, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    copy = SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with session.connection.cursor() as cursor, cursor.copy(copy) as stream:
        while text := _some_of(stream):
            yield _as_batch(text, schema)


def _some_of(stream: psycopg.Copy) -> bytes:
    """So many whole records (Postgres sends them one by one)."""
    text = io.BytesIO()
    for _ in range(BATCH_ROWS):
        record = stream.read()
        if not record:
            break
        text.write(record)
    return text.getvalue()


def _as_batch(text: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """The records of Postgres's CSV, in which only what is not quoted can be NULL."""
    import pyarrow as pa
    import pyarrow.csv as pc

    names = [str(place) for place in range(len(schema))]
    types = [pa.string() if pa.types.is_binary(kind) else kind for kind in schema.types]
    try:
        table = pc.read_csv(
            pa.py_buffer(text),
            pc.ReadOptions(use_threads=False, column_names=names, block_size=max(len(text), 1)),
            pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            pc.ConvertOptions(
                column_types=dict(zip(names, types, strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowException as error:
        raise DamagedStoreError(f"What Postgres sent cannot be read: {one_line(error)}.") from error
    columns = [
        _from_hex(column) if pa.types.is_binary(kind) else column.combine_chunks()
        for column, kind in zip(table.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _from_hex(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if text is None else bytes.fromhex(text[2:]) for text in column.to_pylist()], pa.binary())
