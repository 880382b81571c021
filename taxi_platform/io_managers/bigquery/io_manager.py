"""The IO manager of months in BigQuery, for Dagster."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.resources.credentials import Credentials, Variables

if TYPE_CHECKING:
    from taxi_platform.io_managers.bigquery.warehouse import BigQueryWarehouse


class BigQueryMonthIOManager(WarehouseIOManager):
    """Keeps each partition of an asset as a partition of a BigQuery table, swapped by one copy job.

    What goes in and what comes out: see `WarehouseIOManager`. Several partitions may load at once, readers go on. Keys
    of months (`2021-01`) make partitions of months, keys of days partitions of days.

    Attributes:
        project: It has the dataset, and pays for the jobs.
        dataset: It has to be there.
        dataset_location: Where it is said to be; empty to take it as it is.
        clustering: Where a new table has all of these columns, rows that agree in them lie together.
        spools: A local folder through which rows pass that do not lie on GCS; a temporary one by default.
        credentials: `GoogleCredentials` (or Google's usual variables); by default what Google's own rules find.
    """

    project: str
    dataset: str
    dataset_location: str = ""
    clustering: list[str] = []  # noqa: RUF012 (pydantic copies it)
    spools: str = ""
    credentials: dg.ResourceDependency[Variables]  # Dagster reads it: no `from __future__ import annotations` here

    def __init__(self, credentials: Credentials | Mapping[str, str] | Variables | None = None, **fields: Any) -> None:
        super().__init__(credentials=Variables(credentials), **fields)  # type: ignore[call-arg]

    @property
    def address(self) -> BigQueryAddress:
        return BigQueryAddress(self.project, self.dataset, self.dataset_location or None)

    @property
    def warehouse(self) -> "BigQueryWarehouse":
        """The store itself, without Dagster."""
        from taxi_platform.io_managers.bigquery.warehouse import BigQueryWarehouse

        return BigQueryWarehouse(
            self.address,
            self.credentials,
            self.partition_column,
            self.lookup_views,
            clustering=self.clustering,
            spools=Path(self.spools) if self.spools else None,
        )
