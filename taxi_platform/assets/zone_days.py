"""A month of trips summed up by zone and day, in bounded memory, and what there is to tell of the sums."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.io_managers.duckdb.connecting import scratch
from taxi_platform.io_managers.values import write_parquet
from taxi_platform.trips import zones
from taxi_platform.trips.by_zone_and_day import mart_columns, mart_table, mart_totals, mart_version
from taxi_platform.trips.month_file import BATCH_ROWS, TRIPS, MonthFile, StoredFile, sha256_of
from taxi_platform.trips.schema import arrow_schema
from taxi_platform.trips.services import Service

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TOP = 10
"""So many zones are told of."""

_UNKNOWN = f"pickup_location_id IS NULL OR pickup_location_id IN {zones.UNKNOWN_ZONES}"

_SUMS = """
    CREATE TABLE sums AS
    SELECT source_month, CAST(pickup_datetime AS DATE) AS pickup_date, pickup_location_id,
        count(*) AS trips, CAST({revenue} AS DECIMAL(18, 2)) AS revenue
    FROM read_parquet(?, hive_partitioning = false)
    GROUP BY ALL ORDER BY ALL
"""

_NUMBERS = f"""
    SELECT coalesce(sum(trips), 0)::BIGINT, sum(revenue),
        count(DISTINCT pickup_location_id) FILTER (NOT ({_UNKNOWN})),
        coalesce(sum(trips) FILTER ({_UNKNOWN}), 0)::BIGINT
    FROM sums
"""  # noqa: S608 (numbers of ours)

_TOP = f"""
    SELECT pickup_location_id, zone, borough, sum(trips)::BIGINT, sum(revenue)
    FROM sums LEFT JOIN zones ON location_id = pickup_location_id
    GROUP BY ALL ORDER BY 4 DESC, 1 LIMIT {TOP}
"""  # noqa: S608


@dataclass(frozen=True)
class ZoneTotal:
    """What a zone comes to in a month. Without its names where nobody has loaded the lookup of zones."""

    location_id: int | None
    zone: str | None
    borough: str | None
    trips: int
    revenue: Decimal | None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.zone or ("no zone" if self.location_id is None else f"zone {self.location_id}")


@dataclass(frozen=True)
class ZoneDays:
    """A month summed up.

    Attributes:
        month: The sums as a month of the mart's table, readable as long as the context lasts in which they were made.
        zones: In how many zones of the city a trip began.
        trips_without_zone: Trips of which the file does not say where they began, or that it is not known.
        top: The zones of most trips.
    """

    month: MonthFile
    trips: int
    revenue: Decimal | None
    zones: int
    trips_without_zone: int
    top: list[ZoneTotal]


@contextlib.contextmanager
def summed(service: Service, month: MonthFile, lookup: MonthFile | None, folder: Path) -> Iterator[ZoneDays]:
    """The trips of `month` by zone and day.

    Args:
        lookup: The zones with their names, where they are loaded.
        folder: Where the sums, and what does not fit into memory, may lie meanwhile.
    """
    with scratch(folder) as connection:
        with month.path() as path:
            revenue = f"sum({service.revenue_column})" if service.revenue_column else "NULL"
            connection.execute(_SUMS.format(revenue=revenue), [str(path)])
        _name_zones(connection, lookup)
        parquet = folder / "sums.parquet"
        rows = write_parquet(_fitted(connection, service), parquet, str(folder))
        ((trips, total, known, unknown),) = connection.execute(_NUMBERS).fetchall()
        top = [ZoneTotal(*row) for row in connection.execute(_TOP).fetchall()]
    yield ZoneDays(_as_month(service, month, parquet, rows), trips, total, known, unknown, top)


def _name_zones(connection: duckdb.DuckDBPyConnection, lookup: MonthFile | None) -> None:
    columns = ", ".join((zones.KEY, *zones.DETAILS))
    connection.execute("CREATE TABLE zones (location_id SMALLINT, borough VARCHAR, zone VARCHAR, service_zone VARCHAR)")
    if lookup is not None:
        with lookup.path() as path:
            connection.execute(f"INSERT INTO zones BY NAME SELECT {columns} FROM read_parquet(?)", [str(path)])  # noqa: S608


def _fitted(connection: duckdb.DuckDBPyConnection, service: Service) -> pa.RecordBatchReader:
    """The sums in the types, and with the descriptions, of the mart's columns."""
    import pyarrow as pa

    schema = arrow_schema(mart_columns(service))
    rows = connection.sql("FROM sums").to_arrow_reader(BATCH_ROWS)
    return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in rows))


def _as_month(service: Service, month: MonthFile, path: Path, rows: int) -> MonthFile:
    @contextlib.contextmanager
    def fetch(_: StoredFile) -> Iterator[Path]:
        yield path

    facts: dict[str, Any] = {"control_sums": mart_totals(service, month), "schema_version": 1}
    return MonthFile(
        table=mart_table(service),
        partition=month.partition,
        version=mart_version(month.version),
        as_of=month.as_of,
        rows=rows,
        files={TRIPS: StoredFile(path.name, path.stat().st_size, sha256_of(path), rows)},
        facts=facts,
        location=str(path.parent),
        fetch=fetch,
    )
