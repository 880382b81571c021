"""A month between two stages: which version it is, what it holds, how to read it without loading it whole."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import DamagedStoreError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

TRIPS = "trips"
REJECTS = "rejects"
EXTRAS = "extras"
SOURCE = "source"
"""The roles that a file of a version can have. Raw has a source; cleaned and lake have the other three."""

BATCH_ROWS = 1 << 16

Partition = str | None
"""The key of a partition, `2021-01`; None where a table has none: then all of it is one."""


@dataclass(frozen=True)
class StoredFile:
    """One immutable file of a version, as the manifest has it."""

    name: str
    size_bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class DraftFile:
    """A file that is written but not published yet."""

    path: Path
    ending: str
    rows: int


@dataclass(frozen=True)
class MonthDraft:
    """A version of a month on its way into a store.

    Attributes:
        as_of: What decides which of two versions is the newer: when the source was seen to hold it, then when
            it was cleaned. Two of them compare as text.
        facts: What is to be remembered of it: counts, sums, layout, source. JSON.
    """

    partition: Partition
    version: str
    as_of: str
    rows: int
    files: Mapping[str, DraftFile]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class MonthFile:
    """A published version of a month. It stays what it is while it is read, whatever is published meanwhile.

    Attributes:
        table: What it is a month of, `yellow_trips`.
        partition: The month, `2021-01`; None of a table without months.
        rows: Rows of its trips (of raw: records in the source file).
        location: Where its files lie, for people.
        fetch: Gives a local path of one of its files, for as long as the context lasts.
        is_pruned: Whether its files were removed because nobody needs them any more: what is known of it stays.
    """

    table: str
    partition: Partition
    version: str
    as_of: str
    rows: int
    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any]
    location: str
    fetch: Callable[[StoredFile], AbstractContextManager[Path]] = field(repr=False, compare=False)
    is_pruned: bool = False

    @contextmanager
    def path(self, role: str = TRIPS) -> Iterator[Path]:
        """A local path of the file with `role`.

        Raises:
            DamagedStoreError: It is not there (any more), or has another size than it was published with.
        """
        file = self.files[role]
        if self.is_pruned:
            raise DamagedStoreError(
                f"{self.location}/{file.name} was pruned. Load the month again with --force: it is fetched again."
            )
        with self.fetch(file) as path:
            size = path.stat().st_size if path.exists() else None
            if size != file.size_bytes:
                raise DamagedStoreError(
                    f"{self.location}/{file.name}: expected {file.size_bytes:,} bytes, found "
                    f"{'nothing' if size is None else f'{size:,}'}. Load the month again: it is put back."
                )
            yield path

    @contextmanager
    def reader(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatchReader]:
        """The trips as a stream of Arrow batches, in bounded memory."""
        with self._opened() as file:
            yield _stream(file, columns)

    @contextmanager
    def reader_and_gaps(self) -> Iterator[tuple[pa.RecordBatchReader, frozenset[str]]]:
        """The same, and the names of those columns in which, as the file says of itself, not one value is."""
        with self._opened() as file:
            yield _stream(file, None), _gaps(file)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        import pyarrow.parquet as pq

        with self.path() as path, pq.ParquetFile(path) as file:
            yield file

    def table_of(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The trips, whole, in memory."""
        with self.reader(columns) as reader:
            return reader.read_all()

    def dataset(self) -> ds.Dataset:
        """The trips as a dataset over the file where it lies; a file that was fetched goes when the dataset does."""
        import pyarrow.dataset as ds

        with ExitStack() as stack:
            dataset = ds.dataset(stack.enter_context(self.path()), format="parquet")
            weakref.finalize(dataset, stack.pop_all().close)
            return dataset


def _stream(file: pq.ParquetFile, columns: Sequence[str] | None) -> pa.RecordBatchReader:
    import pyarrow as pa

    schema = file.schema_arrow
    if columns is not None:
        schema = pa.schema([schema.field(name) for name in columns])
    batches = file.iter_batches(BATCH_ROWS, columns=columns)
    return pa.RecordBatchReader.from_batches(schema, (b.select(schema.names) for b in batches))


def _gaps(file: pq.ParquetFile) -> frozenset[str]:
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]

    def is_gap(place: int) -> bool:
        chunks = [(group.column(place).statistics, group.num_rows) for group in groups]
        return bool(chunks) and all(said is not None and said.null_count == rows for said, rows in chunks)

    if len(file.schema_arrow.names) != file.metadata.num_columns:  # nested ones: places are not names
        return frozenset()
    return frozenset(name for place, name in enumerate(file.schema_arrow.names) if is_gap(place))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
