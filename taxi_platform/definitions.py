"""The door: everything that Dagster sees, listed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from taxi_platform.assets.coverage import Stores
from taxi_platform.assets.coverage_report import coverage_asset
from taxi_platform.assets.factory import service_assets
from taxi_platform.assets.marts import MARTS, mart_views
from taxi_platform.assets.whereabouts import with_whereabouts
from taxi_platform.assets.zones import lookup_views, zones_assets
from taxi_platform.automation.alerts.sensor import AlertsResource, alerts_sensor
from taxi_platform.automation.file_sensors import file_sensor
from taxi_platform.automation.jobs import month_job
from taxi_platform.automation.pools import PUBLISHER
from taxi_platform.automation.schedules import coverage_schedule, interval_sensor, monthly_schedule
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.bigquery.io_manager import BigQueryMonthIOManager
from taxi_platform.io_managers.duckdb.io_manager import DuckDBMonthIOManager
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.opening import Location, kind_of
from taxi_platform.io_managers.postgres.io_manager import PostgresMonthIOManager
from taxi_platform.io_managers.warehouse_io import WarehouseIOManager
from taxi_platform.resources.cleaning import CleaningResource
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.resources.postgres.resource import PostgresResource
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.resources.sources.web.uri import is_web_uri
from taxi_platform.settings import Settings
from taxi_platform.trips.services import SERVICES
from taxi_platform.trips.zones import ENDS


def build_definitions(settings: Settings) -> dg.Definitions:
    """The graph over the stores that `settings` names. The asset keys never change with them."""
    made_of = {"lake": kind_of(str(settings.lake)), "warehouse": warehouse_kind_of(settings)}
    plan = settings.plan
    return dg.Definitions(
        assets=with_whereabouts(
            [
                *(
                    asset
                    for service in SERVICES.values()
                    for asset in service_assets(service, **made_of, publisher=publisher_pool(settings))
                ),
                *zones_assets(**made_of),
                coverage_asset(settings.looks, plan.since),
            ],
            whereabouts(settings),
        ),
        jobs=[month_job(name, marts=plan.marts) for name in SERVICES],
        sensors=[
            *(
                file_sensor(
                    service, looks=settings.looks, since=plan.since, runs=bool(plan.sensors_run), marts=plan.marts
                )
                for service in SERVICES.values()
            ),
            interval_sensor(plan.every_s, marts=plan.marts),
            alerts_sensor(plan),
        ],
        schedules=[
            *(monthly_schedule(service, plan.cron, marts=plan.marts) for service in SERVICES.values()),
            coverage_schedule(runs=bool(plan.sensors_run)),
        ],
        resources={
            "source": SourceResource(settings.source, settings.clouds),
            "cleaning": cleaning_of(settings),
            "channels": AlertsResource(plan.alerts),
            "raw_io_manager": objects_of(settings, settings.raw),
            "cleaned_io_manager": objects_of(settings, settings.cleaned),
            "lake_io_manager": objects_of(settings, settings.lake),
            "warehouse_io_manager": warehouse_of(settings),
        },
        # A month's four steps take seconds: a process each would cost more than the work.
        executor=dg.in_process_executor,
    )


def objects_of(settings: Settings, location: Path | Location) -> MonthObjectsIOManager:
    """The IO manager of the months at a location."""
    return MonthObjectsIOManager(location=str(location), spools=str(settings.home), credentials=settings.clouds)


def warehouse_of(settings: Settings) -> WarehouseIOManager:
    """The IO manager of the warehouse."""
    where, views = settings.warehouse, [*lookup_views(), *mart_views()]
    if isinstance(where, PostgresAddress):
        postgres = PostgresResource(where.dsn)
        return PostgresMonthIOManager(postgres=postgres, lookup_views=views, unique_columns=["source_row"])
    if isinstance(where, BigQueryAddress):
        return BigQueryMonthIOManager(
            project=where.project,
            dataset=where.dataset,
            dataset_location=where.location or "",
            lookup_views=views,
            clustering=[ENDS["pickup"]],
            spools=str(settings.home),
            credentials=settings.clouds,
        )
    return DuckDBMonthIOManager(path=str(where), lookup_views=views)


def whereabouts(settings: Settings) -> Mapping[str, str]:
    """Where the stages lie, for people: without a user, without a password."""
    warehouse = str(settings.warehouse) if isinstance(settings.warehouse, Path) else settings.warehouse.shown
    return {
        "raw": str(settings.raw),
        "cleaned": str(settings.cleaned),
        "lake": str(settings.lake),
        "warehouse": warehouse,
        MARTS: warehouse,
    }


def warehouse_kind_of(settings: Settings) -> str:
    """What the warehouse is, as Dagster's UI calls it."""
    kinds = {PostgresAddress: "postgres", BigQueryAddress: "bigquery"}
    return kinds.get(type(settings.warehouse), "duckdb")


def publisher_pool(settings: Settings) -> str | None:
    """The pool of those who fetch from a publisher on the web; None where files need not be fetched from one."""
    return PUBLISHER if is_web_uri(settings.source) else None


def pool_sizes(settings: Settings) -> dict[str, int]:
    """How many steps may be in each pool at once."""
    warehouse = warehouse_kind_of(settings)
    return {PUBLISHER: settings.plan.readers, warehouse: 1 if warehouse == "duckdb" else settings.plan.writers}


def cleaning_of(settings: Settings) -> CleaningResource:
    """How months are cleaned with these settings."""
    return CleaningResource(rules=list(settings.rules), unknown_columns=settings.unknown_columns)


def stores_of(settings: Settings) -> Stores:
    """The stores of the four stages, for those who look without Dagster."""
    return stores_in(build_definitions(settings))


def stores_in(definitions: dg.Definitions) -> Stores:
    """The stores of the four stages, as the resources of `definitions` have them."""
    resources = definitions.resources or {}
    return Stores(
        raw=resources["raw_io_manager"].months,
        cleaned=resources["cleaned_io_manager"].months,
        lake=resources["lake_io_manager"].months,
        warehouse=resources["warehouse_io_manager"].warehouse,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` loads: the settings are read when the code location is, not when this module is."""
    return build_definitions(Settings.read())
