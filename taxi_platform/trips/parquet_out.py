"""Parquet as every file here is written: zstd, even row groups, one encoded while the next is gathered."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 1 << 17
ROW_GROUP_BYTES = 1 << 27
"""A row group ends earlier where rows are this big: raw lines of rejects can have 64 KiB each."""


class ParquetOut:
    """Writes batches to a Parquet file; the file is whole only after the context ends without an error."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0
        # source_row never repeats, and times hardly do: a dictionary would only cost.
        plain = {"source_row"}
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            store_decimal_as_integer=True,
            use_dictionary=[name for name in schema.names if name not in plain],
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parquet-out")
        self._running: Future[None] | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS or self._waiting_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._running is not None:
            self._running.result()
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches, self._waiting_rows, self._waiting_bytes = [], 0, 0
        self._running = self._thread.submit(self._writer.write_table, table, ROW_GROUP_ROWS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                if self._batches:
                    self._flush()
                if self._running is not None:
                    self._running.result()
        finally:
            self._thread.shutdown()
            self._writer.close()
