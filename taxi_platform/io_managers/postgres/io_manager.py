"""The IO manager of months in Postgres, for Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.resources.postgres.resource import PostgresResource

if TYPE_CHECKING:
    from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse


class PostgresMonthIOManager(WarehouseIOManager):
    """Keeps each partition of an asset as a partition of a Postgres table, swapped in one transaction.

    What goes in and what comes out: see `WarehouseIOManager`. Several partitions may load at once, readers go on.

    Attributes:
        postgres: Where the tables are, and who may enter.
        unique_columns: Where a new table has all of them, no two rows of a partition may agree in them.
    """

    postgres: PostgresResource
    unique_columns: list[str] = []  # noqa: RUF012 (pydantic copies it)

    @property
    def warehouse(self) -> PostgresWarehouse:
        """The store itself, without Dagster."""
        from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse

        return PostgresWarehouse(self.postgres.address, self.partition_column, self.lookup_views, self.unique_columns)
