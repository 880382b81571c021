"""What assets may hand to an IO manager, and what they may ask of it: pandas, Arrow, datasets, our `MonthFile`."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import DamagedStoreError, RequestError, SchemaError
from taxi_platform.io_managers.objects.folder import in_words
from taxi_platform.trips.parquet_out import ParquetOut

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OpenReader = Callable[[], AbstractContextManager["pa.RecordBatchReader"]]


def as_reader(value: Any, partition_column: str, day: dt.date | None) -> pa.RecordBatchReader:
    """`value` as a stream of batches that says in `partition_column` which partition it is.

    Args:
        value: A `pandas.DataFrame`, `pyarrow.Table`, `RecordBatch` or `RecordBatchReader`.
        day: Stands for the partition; without it (a whole table) nothing is said of one.

    Raises:
        SchemaError: It is none of these.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(value, pd.DataFrame):
        value = _from_pandas(value)
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if isinstance(value, pa.Table):
        value = value.to_reader()
    if not isinstance(value, pa.RecordBatchReader):
        raise SchemaError(
            f"A {type(value).__name__} cannot be stored as a month. Return a pandas.DataFrame, a pyarrow.Table, a "
            "pyarrow.RecordBatchReader or a MonthFile. Nothing was written."
        )
    names = value.schema.names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise SchemaError(f"There are several columns called {', '.join(repeated)}. Nothing was written. Rename them.")
    if day is None:
        return value
    field = pa.field(partition_column, pa.date32())
    index = value.schema.get_field_index(partition_column)
    schema = value.schema.append(field) if index < 0 else value.schema.set(index, field)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in value:
            columns = list(batch.columns)
            if index < 0:
                columns.append(pa.repeat(pa.scalar(day, pa.date32()), batch.num_rows))
            else:
                columns[index] = _all_of(batch.column(index), day, partition_column)
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _from_pandas(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise SchemaError(f"The pandas.DataFrame cannot be stored: {one_line(error)}. Nothing was written.") from error


def _all_of(days: pa.Array, day: dt.date, partition_column: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        days = days.cast(pa.date32())
    except pa.ArrowException as error:
        raise SchemaError(
            f"The column {partition_column} holds {days.type}, not dates ({one_line(error)}). Nothing was written."
        ) from error
    strays = len(days) - (pc.sum(pc.equal(days, day)).as_py() or 0)
    if strays:
        raise SchemaError(
            f"{strays:,} rows do not say {day} in {partition_column}. Nothing was written. Send the rows of one "
            "partition at a time."
        )
    return days


def write_parquet(reader: pa.RecordBatchReader, path: Path, where: str) -> int:
    """The rows of `reader` as a Parquet file, in bounded memory; `where` names its store in errors.

    Returns:
        How many there were.

    Raises:
        SchemaError: They cannot be put into Parquet.
        StoreFullError: No room.
    """
    import pyarrow as pa

    try:
        with in_words(where), ParquetOut(path, reader.schema) as out:
            for batch in reader:
                out.write(batch)
    except pa.ArrowException as error:
        raise SchemaError(f"The rows cannot be stored: {one_line(error)}. Nothing was written.") from error
    return out.rows


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def loaded_as(wanted: Any, open_reader: OpenReader) -> Any:
    """What an asset's annotation asks for, read from a stream that is opened only when it is needed.

    Raises:
        DamagedStoreError: What is stored cannot be read.
        RequestError: The annotation asks for something else.
    """
    import pandas as pd
    import pyarrow as pa

    if wanted is pa.RecordBatchReader:
        return lazy_reader(open_reader)
    if wanted in (pa.Table, pd.DataFrame):
        try:
            with open_reader() as reader:
                return reader.read_all() if wanted is pa.Table else reader.read_pandas()
        except (pa.ArrowException, OSError) as error:
            raise DamagedStoreError(
                f"What is stored cannot be read: {one_line(error)}. Load the month again."
            ) from error
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
    """Several streams as one, each opened when the one before it is at its end.

    Columns match by name. One that some of the streams do not have is null in their rows.

    Raises:
        SchemaError: A column has different types in them.
    """
    import pyarrow as pa

    @contextlib.contextmanager
    def open_all() -> Iterator[pa.RecordBatchReader]:
        schema = _one_schema(readers)

        def batches() -> Generator[pa.RecordBatch, None, None]:
            for open_next in readers:
                with open_next() as reader:
                    for batch in reader:
                        yield _fitted(batch, schema)

        with contextlib.closing(batches()) as all_batches:
            yield pa.RecordBatchReader.from_batches(schema, all_batches)

    return open_all if len(readers) > 1 else readers[0]


def _one_schema(readers: Sequence[OpenReader]) -> pa.Schema:
    import pyarrow as pa

    schemas = []
    for open_next in readers:
        with open_next() as reader:
            schemas.append(reader.schema.remove_metadata())
    try:
        return pa.unify_schemas(schemas)
    except pa.ArrowException as error:
        raise SchemaError(f"The partitions do not fit together: {one_line(error)}. Load them one by one.") from error


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    there = set(batch.schema.names)
    columns = [
        batch.column(field.name).cast(field.type) if field.name in there else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
