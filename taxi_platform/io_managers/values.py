"""What assets may hand to an IO manager, and what they may ask of it: pandas, Arrow, datasets, our `MonthFile`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import RequestError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

OpenReader = Callable[[], AbstractContextManager["pa.RecordBatchReader"]]


def as_reader(value: Any, partition_column: str, day: dt.date) -> pa.RecordBatchReader:
    """`value` as a stream of batches that says in `partition_column` which partition it is.

    Args:
        value: A `pandas.DataFrame`, `pyarrow.Table`, `RecordBatch` or `RecordBatchReader`.

    Raises:
        SchemaError: It is none of these.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(value, pd.DataFrame):
        value = pa.Table.from_pandas(value, preserve_index=False)
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if isinstance(value, pa.Table):
        value = value.to_reader()
    if not isinstance(value, pa.RecordBatchReader):
        raise SchemaError(
            f"A {type(value).__name__} cannot be stored as a month. Return a pandas.DataFrame, a pyarrow.Table, a "
            "pyarrow.RecordBatchReader or a MonthFile. Nothing was written."
        )
    if partition_column in value.schema.names:
        return value
    schema = value.schema.append(pa.field(partition_column, pa.date32()))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in value:
            column = pa.repeat(pa.scalar(day, pa.date32()), batch.num_rows)
            yield pa.RecordBatch.from_arrays([*batch.columns, column], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def loaded_as(wanted: Any, open_reader: OpenReader) -> Any:
    """What an asset's annotation asks for, read from a stream that is opened only when it is needed.

    Raises:
        RequestError: The annotation asks for something else.
    """
    import pandas as pd
    import pyarrow as pa

    if wanted is pa.RecordBatchReader:
        return lazy_reader(open_reader)
    if wanted is pa.Table:
        with open_reader() as reader:
            return reader.read_all()
    if wanted is pd.DataFrame:
        with open_reader() as reader:
            return reader.read_pandas()
    raise RequestError(
        f"A month cannot be loaded as {getattr(wanted, '__name__', wanted)}. Annotate the input as pandas.DataFrame, "
        "pyarrow.Table, pyarrow.RecordBatchReader, pyarrow.dataset.Dataset or MonthFile."
    )


def lazy_reader(open_reader: OpenReader) -> pa.RecordBatchReader:
    """A stream that keeps what it reads from open until its last batch, and no longer."""
    import pyarrow as pa

    context = open_reader()
    reader = context.__enter__()

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        finally:
            context.__exit__(None, None, None)

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def chained(readers: Sequence[OpenReader]) -> OpenReader:
    """Several streams of one schema as one, each opened when the one before it is at its end."""
    import contextlib

    import pyarrow as pa

    @contextlib.contextmanager
    def open_all() -> Iterator[pa.RecordBatchReader]:
        with readers[0]() as first:
            schema = first.schema

            def batches() -> Iterator[pa.RecordBatch]:
                yield from first
                for open_next in readers[1:]:
                    with open_next() as reader:
                        yield from reader

            yield pa.RecordBatchReader.from_batches(schema, batches())

    return open_all if len(readers) > 1 else readers[0]
