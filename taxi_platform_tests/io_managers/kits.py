"""The stores that keep the promises, each behind the same few handles. A new store is one more class here."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote
from uuid import uuid4

import duckdb
import psycopg
import pyarrow as pa

from taxi_platform.io_managers.duckdb.table_sql import quoted
from taxi_platform.io_managers.duckdb.warehouse import DuckDBWarehouse
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.manifest import MANIFEST
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import Stamp, Stored
from taxi_platform.io_managers.values import write_parquet
from taxi_platform.io_managers.warehouse import Warehouse
from taxi_platform.resources.postgres.address import parse_address
from taxi_platform.trips.month_file import TRIPS, DraftFile, MonthDraft, MonthFile, StoredFile, sha256_of
from taxi_platform_tests.io_managers.months import TABLE, in_order
from taxi_platform_tests.kit.postgres_server import absent, server_variable

if TYPE_CHECKING:
    from taxi_platform.io_managers.month_io import MonthIOManager


@dataclass(frozen=True)
class Claim:
    """What is said of the rows that are sent, if it is not the truth."""

    rows: int
    control_sums: Mapping[str, Decimal] = field(default_factory=dict)


class StoreKit(ABC):
    """One store, empty at first, and everything that the promises want to do to it.

    Attributes:
        fixtures: What pytest starts for it, by name.
        is_long: Whether its tests are left to `make test-long`.
        is_second_opinion: Whether it is another emulator of a store that has one here, and slow: then it is asked for
            the promises that one process can see kept, each once, and for nothing else.
        is_real: Whether it is somebody's, and costs money: then its tests are left to `make test-gcp`.
        unproven: What of the store itself a test over an emulator takes for granted, and why it has to.
        many: Rows of a month that takes a while to put down.
        long_stream: Rows of 108 bytes that are streamed in and out.
        long_stream_mib: So much memory a process may need for that, with all that it imports.
        is_warehouse: Whether a table has one schema for all of its months, which a month must fit.
        damages: What people delete by hand, by name: given the kit and a month.
    """

    name: ClassVar[str]
    fixtures: ClassVar[Sequence[str]] = ()
    is_long: ClassVar[bool] = False
    is_second_opinion: ClassVar[bool] = False
    is_real: ClassVar[bool] = False
    unproven: ClassVar[Mapping[str, str]] = {}
    many: ClassVar[int] = 100_000
    long_stream: ClassVar[int] = 12_000_000  # 1,300 MB
    long_stream_mib: ClassVar[int] = 1024
    is_warehouse: ClassVar[bool]
    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]]

    def __init__(self, root: Path) -> None:
        """A store in `root`, or one named after it. The same `root` is the same store, in another process too."""
        self.root = root

    @classmethod
    def absent(cls) -> str | None:
        """Why this store cannot be tested here, and how to start it; None where it can."""
        return None

    @abstractmethod
    def put(
        self,
        month: str,
        rows: pa.Table,
        version: str,
        as_of: str,
        *,
        force: bool = False,
        table: str = TABLE,
        claim: Claim | None = None,
    ) -> Stored:
        """Replace a month as the pipeline does."""

    @abstractmethod
    def table_of(self, month: str, table: str = TABLE) -> pa.Table | None:
        """All rows of a month, read from the store itself; None where there is no such month."""

    @abstractmethod
    def version_of(self, month: str, table: str = TABLE) -> tuple[str, str] | None:
        """Version and as_of that the store has written down."""

    @abstractmethod
    def trace_of(self, month: str) -> Any:
        """What would be another if the rows were moved again."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What lies in the store beside its months."""

    @abstractmethod
    def io_manager(self) -> MonthIOManager:
        """The IO manager of this store."""

    def end(self) -> None:  # noqa: B027 (most stores go with their folder)
        """The test is over: leave nothing."""

    def held_open(self) -> list[str]:
        """What this process holds open of the store."""
        return open_files(self.root)

    def rows_of(self, month: str, table: str = TABLE) -> list[dict[str, Any]] | None:
        found = self.table_of(month, table)
        return None if found is None else in_order(found).to_pylist()


class FolderKit(StoreKit):
    """Months as files in a folder."""

    name = "folder"
    is_warehouse = False
    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]] = {
        "the manifest is deleted": lambda kit, month: kit.manifest(month).unlink(),
        "the manifest is garbage": lambda kit, month: kit.manifest(month).write_bytes(b'{"format": 1, "versions": [{'),
        "the manifest is empty": lambda kit, month: kit.manifest(month).write_bytes(b""),
        "the manifest is a list": lambda kit, month: kit.manifest(month).write_bytes(b"[1, 2]"),
        "the data file is deleted": lambda kit, month: kit.data_file(month).unlink(),
        "the data file is cut short": lambda kit, month: os.truncate(kit.data_file(month), 100),
        "the data file is empty": lambda kit, month: os.truncate(kit.data_file(month), 0),
        "the folder of the month is deleted": lambda kit, month: shutil.rmtree(kit.folder(month)),
        "the whole store is deleted": lambda kit, month: shutil.rmtree(kit.root),
    }

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.months = MonthObjects(Folder(root))

    def put(
        self,
        month: str,
        rows: pa.Table,
        version: str,
        as_of: str,
        *,
        force: bool = False,
        table: str = TABLE,
        claim: Claim | None = None,
    ) -> Stored:
        with self.months.spool() as spool:
            written = write_parquet(rows.to_reader(), spool / "trips", str(self.root))
            said = written if claim is None else claim.rows
            files = {TRIPS: DraftFile(spool / "trips", "parquet", said)}
            draft = MonthDraft(month, version, as_of, said, files, {})
            return self.months.publish(table, draft, "run", force=force)

    def table_of(self, month: str, table: str = TABLE) -> pa.Table | None:
        found = self.months.current(table, month)
        return None if found is None else found.table_of()

    def version_of(self, month: str, table: str = TABLE) -> tuple[str, str] | None:
        found = self.months.current(table, month)
        return None if found is None else (found.version, found.as_of)

    def trace_of(self, month: str) -> Any:
        folder = self.folder(month)
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}

    def leftovers(self) -> list[str]:
        known = {
            self.root / TABLE / f"source_month={month}" / name
            for month in self.months.partitions(TABLE)
            for name in (MANIFEST, *self._files(month))
        }
        return sorted(str(path) for path in self.root.rglob("*") if path.is_file() and path not in known)

    def _files(self, month: str) -> Iterator[str]:
        for version in self.months.versions(TABLE, month):
            yield from (file.name for file in version.files.values())

    def folder(self, month: str) -> Path:
        return self.root / TABLE / f"source_month={month}"

    def manifest(self, month: str) -> Path:
        return self.folder(month) / MANIFEST

    def data_file(self, month: str) -> Path:
        found = self.months.current(TABLE, month)
        assert found is not None
        return self.folder(month) / found.files[TRIPS].name

    def io_manager(self) -> MonthIOManager:
        from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager

        return MonthObjectsIOManager(location=str(self.root))


class WarehouseKit(StoreKit):
    """Months as rows of a table, loaded from the files of a lake."""

    is_warehouse = True
    warehouse: Warehouse

    def put(
        self,
        month: str,
        rows: pa.Table,
        version: str,
        as_of: str,
        *,
        force: bool = False,
        table: str = TABLE,
        claim: Claim | None = None,
    ) -> Stored:
        claim = claim or Claim(rows.num_rows)
        stamp = Stamp(version, as_of, "run", rows=claim.rows, control_sums=claim.control_sums)
        with lake_file(self.root.parent, month, rows) as file:
            return self.warehouse.replace_month(table, month, file, stamp, force=force)

    def table_of(self, month: str, table: str = TABLE) -> pa.Table | None:
        if self.warehouse.month(table, month) is None:
            return None
        with self.warehouse.read_months(table, [month]) as reader:
            return reader.read_all()

    def version_of(self, month: str, table: str = TABLE) -> tuple[str, str] | None:
        row = self.warehouse.month(table, month)
        assert self.warehouse.version(table, month) == (row and row.version)
        return None if row is None else (row.version, row.as_of)


class DuckDBKit(WarehouseKit):
    """Months as rows of a DuckDB table."""

    name = "duckdb"
    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]] = {
        "the table is dropped": lambda kit, _: kit.ask(f"DROP TABLE {TABLE}"),
        "the rows of the month are deleted": lambda kit, month: kit.ask(f"DELETE FROM {TABLE} WHERE {of_month(month)}"),
        "one row is deleted": lambda kit, month: kit.ask(
            f"DELETE FROM {TABLE} WHERE {of_month(month)} AND source_row = 2"
        ),
        "one row is doubled": lambda kit, month: kit.ask(
            f"INSERT INTO {TABLE} FROM {TABLE} WHERE {of_month(month)} LIMIT 1"
        ),
        "the ledger row is deleted": lambda kit, month: kit.ask(f"DELETE FROM _taxi_months WHERE {of_month(month)}"),
        "the ledger is dropped": lambda kit, _: kit.ask("DROP TABLE _taxi_months"),
        "the database is deleted": lambda kit, _: kit.path.unlink(),
    }

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.path = root / "warehouse.duckdb"
        self.warehouse = DuckDBWarehouse(self.path)

    def trace_of(self, month: str) -> Any:
        return self.ask(f"SELECT loaded_at FROM _taxi_months WHERE {of_month(month)}")

    def leftovers(self) -> list[str]:
        return sorted(str(path) for path in self.root.rglob("*") if path.is_file() and path != self.path)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What a person does in a DuckDB shell."""
        with duckdb.connect(self.path) as connection:
            return connection.execute(sql).fetchall()

    def io_manager(self) -> MonthIOManager:
        from taxi_platform.io_managers.duckdb.io_manager import DuckDBMonthIOManager

        return DuckDBMonthIOManager(path=str(self.path))


class PostgresKit(WarehouseKit):
    """Months as partitions of a Postgres table, each store in a schema of its own on a server that pytest starts."""

    major: ClassVar[int]
    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]] = {
        "the table is dropped": lambda kit, _: kit.ask(f"DROP TABLE {TABLE}"),
        "the partition is dropped": lambda kit, month: kit.ask(f"DROP TABLE {kit.partition(month)}"),
        "the partition is detached": lambda kit, month: kit.ask(
            f"ALTER TABLE {TABLE} DETACH PARTITION {kit.partition(month)}"
        ),
        "the partition is emptied": lambda kit, month: kit.ask(f"TRUNCATE {kit.partition(month)}"),
        "one row is deleted": lambda kit, month: kit.ask(
            f"DELETE FROM {TABLE} WHERE {of_month(month)} AND source_row = 2"
        ),
        "one row is added": lambda kit, month: kit.ask(
            f"INSERT INTO {TABLE} (source_month, source_row) VALUES (DATE '{month}-01', -1)"
        ),
        "the ledger row is deleted": lambda kit, month: kit.ask(f"DELETE FROM _taxi_months WHERE {of_month(month)}"),
        "the ledger is dropped": lambda kit, _: kit.ask("DROP TABLE _taxi_months"),
        "the schema is dropped": lambda kit, _: kit.ask(f"DROP SCHEMA {quoted(kit.schema)} CASCADE"),
    }

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        digest = hashlib.sha256(str(root).encode()).hexdigest()[:16]
        self.schema = f'a "store"; {digest}'
        self.program = f"kit_{digest}"
        server = os.environ[server_variable(self.major)]
        self.uri = f"{server}?schema={quote(self.schema)}&application_name={self.program}"
        self.warehouse = PostgresWarehouse(parse_address(self.uri), unique_columns=["source_row"])

    @classmethod
    def absent(cls) -> str | None:
        return absent(cls.major)

    def trace_of(self, month: str) -> Any:
        return self.ask(
            "SELECT loaded_at, c.oid, c.relfilenode, c.xmin::text FROM _taxi_months, pg_class c "
            f"WHERE {of_month(month)} AND c.oid = '{self.partition(month)}'::regclass"
        )

    def partition(self, month: str) -> str:
        """The table that holds a month."""
        rows = self.ask(
            f"SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = "
            f"'{TABLE}'::regclass AND pg_get_expr(relpartbound, c.oid) LIKE '%{month}-01%'"
        )
        return str(rows[0][0])

    def leftovers(self) -> list[str]:
        """Tables that are neither ours nor partitions of ours, locks, transactions, connections."""
        tables = self.ask(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN "
            f"('{TABLE}', '_taxi_months') AND relnamespace = "
            "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        )
        return [name for (name,) in tables] + self.held_open()

    def held_open(self) -> list[str]:
        """The connections of this store, of whatever process; one that was killed may take a moment to be noticed."""
        deadline = time.monotonic() + 2
        while True:
            found = self.ask(f"SELECT pid, query FROM pg_stat_activity WHERE application_name = '{self.program}'")
            if not found or time.monotonic() > deadline:
                return [f"{pid}: {query}" for pid, query in found]
            time.sleep(0.02)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What a person does in psql."""
        with psycopg.connect(os.environ[server_variable(self.major)], autocommit=True) as connection:
            connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [self.schema])
            answer = connection.execute(sql)
            return answer.fetchall() if answer.description else []

    def io_manager(self) -> MonthIOManager:
        from taxi_platform.io_managers.postgres.io_manager import PostgresMonthIOManager
        from taxi_platform.resources.postgres.resource import PostgresResource

        return PostgresMonthIOManager(postgres=PostgresResource(self.uri))


class Postgres18Kit(PostgresKit):
    """The newest Postgres that we promise to run on, which comes as a Python package."""

    name = "postgres"
    fixtures = ("postgres18",)
    major = 18


class Postgres15Kit(PostgresKit):
    """The oldest one, as Debian has it."""

    name = "postgres15"
    fixtures = ("postgres15",)
    is_long = True
    major = 15


def open_files(below: Path) -> list[str]:
    """The files below a folder that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(os.readlink(descriptor))
        except OSError:  # it was the one that listed them
            continue
    return [path for path in found if path.startswith(str(below))]


def of_month(month: str) -> str:
    return f"source_month = DATE '{month}-01'"


@contextmanager
def lake_file(folder: Path, month: str, rows: pa.Table) -> Iterator[MonthFile]:
    """A month as the lake hands it to a warehouse, gone when the context ends."""
    path = folder / f"lake-{uuid4().hex}.parquet"
    written = write_parquet(rows.to_reader(), path, str(folder))
    file = StoredFile(path.name, path.stat().st_size, sha256_of(path), written)

    @contextmanager
    def fetch(_: StoredFile) -> Iterator[Path]:
        yield path

    try:
        yield MonthFile(TABLE, month, "version", "as of", written, {TRIPS: file}, {}, str(folder), fetch)
    finally:
        path.unlink()


from taxi_platform_tests.io_managers.bigquery_kit import BIGQUERY_KITS  # noqa: E402 (they are made of what is above)
from taxi_platform_tests.io_managers.bucket_kits import BUCKET_KITS  # noqa: E402

KITS: Mapping[str, type[StoreKit]] = {
    kit.name: kit for kit in (FolderKit, *BUCKET_KITS, DuckDBKit, Postgres18Kit, Postgres15Kit, *BIGQUERY_KITS)
}
