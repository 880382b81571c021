"""The IO manager of months as files, for Dagster."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import dagster as dg

from taxi_platform.errors import DamagedStoreError, RequestError
from taxi_platform.io_managers import month_io
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.opening import open_store, parse_location
from taxi_platform.io_managers.stored import Stored, day_of, named, utc_now
from taxi_platform.io_managers.values import as_reader, chained, loaded_as, write_parquet
from taxi_platform.resources.credentials import Credentials, Variables
from taxi_platform.trips.month_file import TRIPS, DraftFile, MonthDraft, MonthFile, Partition


class MonthObjectsIOManager(month_io.MonthIOManager):
    """Keeps each partition of an asset as one immutable Parquet object a version, and swaps a manifest last.

    An asset without partitions is kept in the same way, whole.

    A failure at any point leaves the old version; a reader holds on to the one it opened. Takes a
    `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader`, `MonthDraft` or `MonthFile`; gives, by the
    annotation of the input, `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader`,
    `pyarrow.dataset.Dataset` or `MonthFile` (for several partitions a dict of them).

    Attributes:
        location: Where the files lie: a folder, `gs://bucket/prefix`, `s3://bucket/prefix`, `az://container/prefix`.
        partition_column: The date column that says which partition a row is of; added where it is missing.
        spools: A local folder through which files pass on their way to a bucket; a temporary one by default.
        credentials: `GoogleCredentials`, `S3Credentials`, `AzureCredentials` (or the usual variables of the bucket's
            cloud); by default what that cloud's client finds in this process's environment.
    """

    location: str
    partition_column: str = "source_month"
    spools: str = ""
    credentials: dg.ResourceDependency[Variables]  # Dagster reads it: no `from __future__ import annotations` here

    def __init__(
        self,
        location: str,
        partition_column: str = "source_month",
        spools: str = "",
        credentials: Credentials | Mapping[str, str] | Variables | None = None,
    ) -> None:
        if not isinstance(location, dg.EnvVar):  # what it says is not known yet
            parse_location(location)
        super().__init__(  # type: ignore[call-arg]
            location=location, partition_column=partition_column, spools=spools, credentials=Variables(credentials)
        )

    @property
    def months(self) -> MonthObjects:
        """The store itself, without Dagster."""
        spools = Path(self.spools) if self.spools else None
        return MonthObjects(open_store(self.location, self.credentials.read(), spools))

    def store_month(self, context: dg.OutputContext, obj: Any) -> Stored:
        table, partition = month_io.table_of(context), month_io.partition_of(context)
        force = month_io.force_of(context)
        if isinstance(obj, Stored):  # the asset found that nothing had to move
            return obj
        month_io.require_same_partition(obj, partition)
        if isinstance(obj, MonthDraft):
            return self.months.publish(table, obj, context.run_id, force=force)
        if isinstance(obj, MonthFile):
            return self.months.copy(table, obj, context.run_id, force=force)
        reader = as_reader(obj, self.partition_column, day_of(partition))
        months = self.months
        with months.spool() as folder:
            rows = write_parquet(reader, folder / "month.parquet", self.location)
            files = {TRIPS: DraftFile(folder / "month.parquet", "parquet", rows)}
            draft = MonthDraft(partition, context.run_id[:16], utc_now(), rows, files, {})
            return months.publish(table, draft, context.run_id, force=True)

    def load_months(self, context: dg.InputContext) -> Any:
        table, wanted = month_io.table_of(context), month_io.wanted_type(context)
        found = {key: self._current(table, key) for key in month_io.partitions_of(context)}
        if wanted is Any:
            return next(iter(found.values())) if len(found) == 1 else found
        if (get_origin(wanted), get_args(wanted)) == (dict, (str, MonthFile)):
            return found
        if wanted is MonthFile:
            if len(found) == 1:
                return next(iter(found.values()))
            raise RequestError(f"{table}: {len(found)} partitions are no one MonthFile. Annotate dict[str, MonthFile].")
        import pyarrow.dataset as ds  # here: whoever wants a MonthFile need not wait for it

        if wanted is ds.Dataset:
            return _united([month.dataset() for month in found.values()])
        return loaded_as(wanted, chained([month.reader for month in found.values()]))

    def _current(self, table: str, partition: Partition) -> MonthFile:
        month = self.months.current(table, partition)
        if month is None:
            raise DamagedStoreError(
                f"{self.location}: there is no {named(table, partition)}. Materialise it first, then what is built "
                "on it."
            )
        return month


def _united(datasets: list[Any]) -> Any:
    """Several datasets as one, which keeps hold of them: their files may be there only as long as they are."""
    import pyarrow.dataset as ds

    union = ds.dataset(datasets)
    weakref.finalize(union, datasets.clear)
    return union
