"""The IO manager of months in DuckDB, for Dagster."""

from __future__ import annotations

from pathlib import Path

from taxi_platform.io_managers.duckdb.warehouse import DuckDBWarehouse
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager


class DuckDBMonthIOManager(WarehouseIOManager):
    """Keeps each partition of an asset as the rows of one date in a DuckDB table, replaced in one transaction.

    What goes in and what comes out: see `WarehouseIOManager`.

    Attributes:
        path: The DuckDB file. Not on a network file system.
    """

    path: str

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The store itself, without Dagster."""
        return DuckDBWarehouse(Path(self.path), self.partition_column, self.lookup_views)
