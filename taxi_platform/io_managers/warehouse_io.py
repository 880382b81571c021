"""What the IO managers of all warehouses have in common, as Dagster sees them."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any

import dagster as dg

from taxi_platform.io_managers import month_io
from taxi_platform.io_managers.lookup_view import LookupView
from taxi_platform.io_managers.stored import Stamp, Stored, day_of, utc_now
from taxi_platform.io_managers.values import as_reader, loaded_as
from taxi_platform.io_managers.warehouse import Warehouse
from taxi_platform.trips.month_file import MonthFile


class WarehouseIOManager(month_io.MonthIOManager):
    """Keeps each partition of an asset as the rows of one date in a table, replaced whole with its row in a ledger.

    An asset without partitions is a table that is replaced whole. A failure at any point leaves the old rows. Takes a
    `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader` or `MonthFile`; gives, by the annotation of the
    input, `pandas.DataFrame`, `pyarrow.Table`, `pyarrow.RecordBatchReader` or `pyarrow.dataset.Dataset`, of one
    partition or of several.

    Attributes:
        partition_column: The date column that says which partition a row is of; added where it is missing.
        lookup_views: Views that join big tables with small ones; there as soon as both tables are.
    """

    partition_column: str = "source_month"
    lookup_views: list[LookupView] = []  # noqa: RUF012 (pydantic copies it)

    @property
    @abstractmethod
    def warehouse(self) -> Warehouse:
        """The store itself, without Dagster."""

    def store_month(self, context: dg.OutputContext, obj: Any) -> Stored:
        table, partition = month_io.table_of(context), month_io.partition_of(context)
        month_io.require_same_partition(obj, partition)
        if isinstance(obj, MonthFile):
            stamp = stamp_of(obj, context.run_id)
            return self.warehouse.replace_month(table, partition, obj, stamp, force=month_io.force_of(context))
        reader = as_reader(obj, self.partition_column, day_of(partition))
        stamp = Stamp(version=context.run_id[:16], as_of=utc_now(), run_id=context.run_id)
        return self.warehouse.replace_month(table, partition, reader, stamp, force=True)

    def load_months(self, context: dg.InputContext) -> Any:
        import pyarrow as pa
        import pyarrow.dataset as ds

        table, keys = month_io.table_of(context), month_io.partitions_of(context)
        wanted = month_io.wanted_type(context)
        as_dataset = wanted is ds.Dataset
        value = loaded_as(pa.Table if as_dataset else wanted, lambda: self.warehouse.read_months(table, keys))
        return ds.dataset(value) if as_dataset else value


def stamp_of(month: MonthFile, run_id: str) -> Stamp:
    """What a warehouse is to remember, and to check, of a month that comes as a file."""
    sums = {name: Decimal(total) for name, total in month.facts.get("control_sums", {}).items()}
    return Stamp(
        version=month.version,
        as_of=month.as_of,
        run_id=run_id,
        rows=month.rows,
        rejected=month.facts.get("rows_rejected", 0),
        control_sums=sums,
        schema_version=month.facts.get("schema_version", 1),
    )
