"""The IO manager of months as files, for Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

import dagster as dg

from taxi_platform.errors import DamagedStoreError, RequestError
from taxi_platform.io_managers import month_io
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import Stored, day_of, named, utc_now
from taxi_platform.io_managers.values import as_reader, chained, loaded_as, write_parquet
from taxi_platform.trips.month_file import TRIPS, DraftFile, MonthDraft, MonthFile, Partition


class MonthObjectsIOManager(month_io.MonthIOManager):
    """Keeps each partition of an asset as one immutable Parquet object a version, and swaps a manifest last.

    An asset without partitions is kept in the same way, whole.

    A failure at any point leaves the old version; a reader holds on to the one it opened. Takes a
    `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader`, `MonthDraft` or `MonthFile`; gives, by the
    annotation of the input, `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader`,
    `pyarrow.dataset.Dataset` or `MonthFile` (for several partitions a dict of them).

    Attributes:
        folder: Where the files lie.
        partition_column: The date column that says which partition a row is of; added where it is missing.
    """

    folder: str
    partition_column: str = "source_month"

    @property
    def months(self) -> MonthObjects:
        """The store itself, without Dagster."""
        return MonthObjects(Folder(Path(self.folder)))

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
            rows = write_parquet(reader, folder / "month.parquet", self.folder)
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
            return ds.dataset([month.dataset() for month in found.values()])
        return loaded_as(wanted, chained([month.reader for month in found.values()]))

    def _current(self, table: str, partition: Partition) -> MonthFile:
        month = self.months.current(table, partition)
        if month is None:
            raise DamagedStoreError(
                f"{self.folder}: there is no {named(table, partition)}. Materialise it first, then what is built on it."
            )
        return month
