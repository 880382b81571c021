"""The IO manager of months in Postgres, for Dagster."""

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.postgres.address import PostgresAddress, parse_address
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager

if TYPE_CHECKING:
    from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse


class PostgresMonthIOManager(WarehouseIOManager):
    """Keeps each partition of an asset as a partition of a Postgres table, swapped in one transaction.

    What goes in and what comes out: see `WarehouseIOManager`. Several partitions may load at once, readers go on.

    Attributes:
        dsn: `postgresql://user:password@host:5432/database?schema=name`, with any other parameter of libpq behind the
            question mark (`sslmode=verify-full`). What it does not say, libpq's variables do (`PGPASSWORD`). No field
            but a dependency: Dagster writes the fields of resources into its history with every run.
        unique_columns: Where a new table has all of them, no two rows of a partition may agree in them.
    """

    dsn: dg.ResourceDependency[SecretStr]  # Dagster reads it: this file has no `from __future__ import annotations`
    unique_columns: list[str] = []  # noqa: RUF012 (pydantic copies it)

    def __init__(self, dsn: str | SecretStr, **fields: Any) -> None:
        if isinstance(dsn, dg.EnvVar):
            name, dsn = dsn.env_var_name, dsn.get_value() or ""
            if not dsn:
                raise SettingsError(f"The environment variable {name} is not set: it is to say where Postgres is.")
        super().__init__(dsn=dsn if isinstance(dsn, SecretStr) else SecretStr(dsn), **fields)  # type: ignore[call-arg]

    @property
    def address(self) -> PostgresAddress:
        return parse_address(self.dsn.get_secret_value())

    @property
    def warehouse(self) -> "PostgresWarehouse":
        """The store itself, without Dagster."""
        from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse

        return PostgresWarehouse(self.address, self.partition_column, self.lookup_views, self.unique_columns)
