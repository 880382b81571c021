"""The rows of a month as a Parquet file that a load job can read: where it lies on GCS, or from this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from taxi_platform.errors import DamagedStoreError, SchemaError
from taxi_platform.io_managers.bigquery.arrow_types import arrow_type, as_loaded
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.values import one_line, write_parquet
from taxi_platform.resources.google import storage_client
from taxi_platform.trips.month_file import TRIPS, MonthFile

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

_FOOTER_BYTES = 1 << 18
_TIMEOUT: Any = (10.0, CALL_TIMEOUT_S)


class ParquetSource(Protocol):
    """A Parquet file that a load job is to read."""

    def begin(self, session: Session, table: Any, config: Any, job_id: str) -> Any:
        """Start the job."""
        ...


@dataclass(frozen=True)
class OnGcs:
    """A file that lies where BigQuery itself can read it: nothing of it comes to this machine."""

    uri: str

    def begin(self, session: Session, table: Any, config: Any, job_id: str) -> Any:
        return session.client.load_table_from_uri(
            self.uri,
            table,
            job_id=job_id,
            location=session.location,
            job_config=config,
            retry=session.retry,
            timeout=CALL_TIMEOUT_S,
        )


@dataclass(frozen=True)
class OnThisMachine:
    """A file that goes over in a resumable upload, part by part."""

    path: Path

    def begin(self, session: Session, table: Any, config: Any, job_id: str) -> Any:
        with self.path.open("rb") as file:
            # Without a size it is a resumable upload.
            return session.client.load_table_from_file(
                file, table, job_id=job_id, location=session.location, job_config=config, timeout=_TIMEOUT
            )


@dataclass(frozen=True)
class Rows:
    """What is to be stored, not moved yet.

    Attributes:
        uri: Where it lies on GCS as Parquet, if it does.
    """

    trips: MonthFile | pa.RecordBatchReader = field(repr=False)
    schema: pa.Schema
    uri: str | None = None

    @contextlib.contextmanager
    def as_parquet(self, columns: Sequence[bigquery.SchemaField], spools: Folder) -> Iterator[ParquetSource]:
        """The rows as Parquet, in types that a load job understands, for as long as the context lasts."""
        wanted = _wanted(self.schema, columns)
        if self.uri is not None and wanted == self.schema:
            yield OnGcs(self.uri)
            return
        with contextlib.ExitStack() as stack:
            if isinstance(self.trips, MonthFile) and wanted == self.schema:
                yield OnThisMachine(stack.enter_context(self.trips.path()))
                return
            path = stack.enter_context(spools.spool()) / "month.parquet"
            reader = stack.enter_context(self.trips.reader()) if isinstance(self.trips, MonthFile) else self.trips
            write_parquet(_cast(reader, wanted), path, spools.location)
            yield OnThisMachine(path)


def rows_of(session: Session, trips: MonthFile | pa.RecordBatchReader) -> Rows:
    """What a store was given, with its schema; of what lies on GCS only the end of the file is read.

    Raises:
        DamagedStoreError: It cannot be read as Parquet, or is gone.
    """
    import pyarrow as pa

    if not isinstance(trips, MonthFile):
        return Rows(trips, trips.schema)
    uri = f"{trips.location}/{trips.files[TRIPS].name}"
    on_gcs = uri.startswith("gs://") and "*" not in uri  # to a load job, that stands for many files
    try:
        if on_gcs:
            return Rows(trips, _footer(session, uri), uri)
        with trips.reader() as reader:
            return Rows(trips, reader.schema)
    except (pa.ArrowException, OSError) as error:
        raise DamagedStoreError(
            f"{uri}: this cannot be read as Parquet ({one_line(error)}). Nothing was changed. Load it again."
        ) from error


def _footer(session: Session, uri: str) -> pa.Schema:
    import pyarrow.parquet as pq
    from google.api_core.exceptions import NotFound

    bucket, _, name = uri.removeprefix("gs://").partition("/")
    client = storage_client(session.variables)
    try:
        # Opened by its generation: should somebody put another object there meanwhile, no half of each is read.
        blob = client.bucket(bucket).blob(name)
        blob.reload(timeout=CALL_TIMEOUT_S, retry=session.retry)
        with blob.open("rb", chunk_size=_FOOTER_BYTES) as file:
            return pq.read_schema(file)
    except NotFound as error:
        raise DamagedStoreError(
            f"{uri}: this is gone. The old month stands in the warehouse. Load the month again: it is put back."
        ) from error
    finally:
        client.close()


def _wanted(schema: pa.Schema, columns: Sequence[bigquery.SchemaField]) -> pa.Schema:
    """The schema in which the rows go over: where Arrow saw nothing but nulls, the table knows the type."""
    import pyarrow as pa

    known = {column.name: arrow_type(column) for column in columns}

    def kind(one: pa.Field) -> pa.DataType:
        return (known.get(one.name) or pa.string()) if pa.types.is_null(one.type) else as_loaded(one)

    return pa.schema([one.with_type(kind(one)) for one in schema], schema.metadata)


def _cast(reader: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            try:
                columns = [batch.column(one.name).cast(one.type) for one in schema]
            except pa.ArrowException as error:
                raise SchemaError(f"The rows cannot be stored: {one_line(error)}. Nothing was written.") from error
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
