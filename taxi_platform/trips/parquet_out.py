"""Parquet as every file of this platform is written: zstd, even row groups, the next one encoded while we read on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 1 << 18


class ParquetOut:
    """Writes batches to a Parquet file; the file is whole only after the context ends without an error."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._waiting = 0
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
        self._waiting += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._running is not None:
            self._running.result()
        table = pa.Table.from_batches(self._batches, self._schema)
        self._batches, self._waiting = [], 0
        self._running = self._thread.submit(self._writer.write_table, table, ROW_GROUP_ROWS)

    def __enter__(self) -> ParquetOut:
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
