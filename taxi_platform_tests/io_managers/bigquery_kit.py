"""BigQuery behind the handles of the promises: over the stand-in, over an emulator, over a real project."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.bigquery.warehouse import BigQueryWarehouse
from taxi_platform.io_managers.stored import Stored
from taxi_platform.resources.google import bigquery_client, storage_client
from taxi_platform_tests.io_managers.bucket_kits import gcs
from taxi_platform_tests.io_managers.kits import Claim, WarehouseKit, of_month, open_files
from taxi_platform_tests.io_managers.months import TABLE
from taxi_platform_tests.kit import google_cloud, local_bigquery_env
from taxi_platform_tests.kit.bigquery_emulator import BigQueryEmulator
from taxi_platform_tests.kit.gcs_objects import Refusal

if TYPE_CHECKING:
    from taxi_platform.io_managers.month_io import MonthIOManager

PROJECT = "cab-project"
PATIENCE_S = 10.0

_NAMES = {'tip "cash"': "tip 'cash'", "größe; drop": "größe# drop"}
"""Columns of the promises' rows that BigQuery cannot have (quotes, semicolons), and what they are called there."""


class BigQueryKit(WarehouseKit):
    """Months as partitions of a BigQuery table, each store in a dataset of its own.

    The server is started by the process that asks for it first; it and its children find it in their environment.
    """

    name = "bigquery"
    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]] = {
        "the table is dropped": lambda kit, _: kit.drop(TABLE),
        "the partition is deleted": lambda kit, month: kit.drop(f"{TABLE}${month.replace('-', '')}"),
        "one row is deleted": lambda kit, month: kit.ask(
            f"DELETE FROM {TABLE} WHERE {of_month(month)} AND source_row = 2"
        ),
        "one row is added": lambda kit, month: kit.ask(
            f"INSERT INTO {TABLE} (source_month, source_row) VALUES (DATE '{month}-01', -1)"
        ),
        "the ledger row is deleted": lambda kit, month: kit.ask(f"DELETE FROM _taxi_months WHERE {of_month(month)}"),
        "the ledger is dropped": lambda kit, _: kit.drop("_taxi_months"),
        "everything is dropped": lambda kit, _: [kit.drop(name) for name in kit.tables()],
    }
    many = 20_000  # its API hands out rows one by one, as JSON
    long_stream, long_stream_mib = 3_000_000, 500
    unproven: ClassVar[Mapping[str, str]] = {
        "a copy job swaps a partition in one step, also under load": "the stand-in does one job at a time",
        "two jobs of one id at once: one begins": "the stand-in says so since Google's documentation does",
        "a query sees one moment of all of its tables": "the stand-in does one job at a time",
        "two MERGE statements on the ledger at once wait or are repeated": "the stand-in does one job at a time",
        "Parquet's types become the columns' types": "the stand-in knows the types that this project writes",
        "rights, quotas, places and costs": "the stand-in has none: it answers what it is told to",
    }

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.variables = self.servers()
        self._of_others = self._connections()
        self.address = BigQueryAddress(self.project(), f"store_{hashlib.sha256(str(root).encode()).hexdigest()[:16]}")
        self.warehouse = BigQueryWarehouse(
            self.address,
            self.variables,
            clustering=["passenger_count"],
            spools=root / "spools",
            patience_s=PATIENCE_S,
        )
        self.make_dataset()

    @classmethod
    def project(cls) -> str:
        return PROJECT

    @classmethod
    def servers(cls) -> dict[str, str]:
        """The variables that lead to the servers."""
        name = f"KIT_{cls.name.upper().replace('-', '_')}"
        if name not in os.environ:
            os.environ[name] = json.dumps(cls.start())
        return dict(json.loads(os.environ[name]))

    @classmethod
    def start(cls) -> dict[str, str]:
        """Start them, until this process ends."""
        return {"BIGQUERY_EMULATOR_HOST": bigquery().url, "STORAGE_EMULATOR_HOST": gcs().url}

    @functools.cached_property
    def client(self) -> Any:
        return bigquery_client(self.variables, self.address.project)

    def make_dataset(self) -> None:
        from google.cloud.bigquery import Dataset

        dataset = Dataset(f"{self.address.project}.{self.address.dataset}")
        dataset.location = self.place()
        self.client.create_dataset(dataset, exists_ok=True)

    def place(self) -> str:
        """Where the dataset is to be: beside the bucket that it is loaded from."""
        return "EU"

    def end(self) -> None:
        self.client.delete_dataset(self.address.dataset, delete_contents=True, not_found_ok=True)
        self.client.close()

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
        named = rows.rename_columns([_NAMES.get(name, name) for name in rows.schema.names])
        return super().put(month, named, version, as_of, force=force, table=table, claim=claim)

    def table_of(self, month: str, table: str = TABLE) -> pa.Table | None:
        found, back = super().table_of(month, table), {there: here for here, there in _NAMES.items()}
        return None if found is None else found.rename_columns([back.get(name, name) for name in found.schema.names])

    def trace_of(self, month: str) -> Any:
        return self.ask(f"SELECT loaded_at, swap FROM _taxi_months WHERE {of_month(month)}")

    def tables(self) -> list[str]:
        return [table.table_id for table in self.client.list_tables(f"{self.address.project}.{self.address.dataset}")]

    def leftovers(self) -> list[str]:
        spooled = [str(path) for path in self.root.rglob("*") if path.is_file()]
        return sorted(spooled + [name for name in self.tables() if name not in (TABLE, "_taxi_months")])

    def held_open(self) -> list[str]:
        """The connections to BigQuery that were opened for this store, and its files."""
        self.client.close()
        return sorted(self._connections() - self._of_others) + open_files(self.root)

    def _connections(self) -> set[str]:
        """The connections to BigQuery that this process has, where the system tells (Linux)."""
        if not Path("/proc/self/net/tcp").exists():
            return set()
        url = urlsplit(self.variables.get("BIGQUERY_EMULATOR_HOST", "https://bigquery.googleapis.com"))
        port = url.port or 443
        sockets = {os.path.basename(path) for path in map(_link, Path("/proc/self/fd").iterdir()) if "socket:" in path}
        lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        mine = [line for line in lines if f"socket:[{line[9]}]" in sockets and line[3] == "01"]
        return {f"{local} -> {remote}" for _, local, remote, *_ in mine if int(remote.split(":")[1], 16) == port}

    def drop(self, name: str) -> None:
        self.client.delete_table(f"{self.address.project}.{self.address.dataset}.{name}")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What a person does in the console."""
        from google.cloud.bigquery import QueryJobConfig

        config = QueryJobConfig(default_dataset=f"{self.address.project}.{self.address.dataset}")
        return [tuple(row.values()) for row in self.client.query(sql, job_config=config).result()]

    def io_manager(self) -> MonthIOManager:
        from taxi_platform.io_managers.bigquery.io_manager import BigQueryMonthIOManager

        return BigQueryMonthIOManager(
            project=self.address.project,
            dataset=self.address.dataset,
            spools=str(self.root / "spools"),
            credentials=self.variables,
        )


class LocalBigQueryKit(BigQueryKit):
    """BigQuery as somebody else's emulator has it, which knows far more of its SQL, types and schemas."""

    name = "local-bigquery"
    is_long = is_second_opinion = True
    unproven: ClassVar[Mapping[str, str]] = {
        "a copy job swaps a partition in one step, also under load": "partition decorators are taught to it by us",
        "two jobs of one id at once: one begins": "it looks, then writes: a lock of ours is around that",
        "rights, quotas, places and costs": "it has none",
    }

    @classmethod
    def absent(cls) -> str | None:
        return local_bigquery_env.absent()

    @classmethod
    def start(cls) -> dict[str, str]:
        storage = gcs().url
        return {
            "BIGQUERY_EMULATOR_HOST": local_bigquery_env.local_bigquery(storage),
            "STORAGE_EMULATOR_HOST": storage,
        }


class RealBigQueryKit(BigQueryKit):
    """BigQuery itself, in datasets of the tests' own, which are deleted afterwards."""

    name = "bigquery-real"
    is_real = True
    unproven: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def absent(cls) -> str | None:
        return google_cloud.absent()

    @classmethod
    def project(cls) -> str:
        return os.environ["GOOGLE_CLOUD_PROJECT"]

    @classmethod
    def start(cls) -> dict[str, str]:
        return google_cloud.variables()

    def storage(self) -> Any:
        """A client of Cloud Storage."""
        return storage_client(self.variables)

    def place(self) -> str:
        return str(self.storage().get_bucket(os.environ["TAXI_TEST_BUCKET"]).location)


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:  # it was the one that listed them
        return ""


@functools.cache
def bigquery() -> BigQueryEmulator:
    """The stand-in of this process; load jobs read from its emulator of Cloud Storage."""

    def read_object(bucket: str, name: str) -> tuple[bytes, str]:
        try:
            return gcs().buckets.get(bucket, name, {}).data, "US" if bucket.startswith("us-") else "EU"
        except Refusal as refusal:
            from taxi_platform_tests.kit.bigquery_tables import Refused

            raise Refused(404, "notFound", f"Not found: URI gs://{bucket}/{name}") from refusal

    emulator = BigQueryEmulator(read_object).start()
    atexit.register(emulator.stop)
    return emulator


BIGQUERY_KITS = (BigQueryKit, LocalBigQueryKit, RealBigQueryKit)
