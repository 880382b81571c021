"""The lookup of taxi zones: into the lake as the publisher has it now, and from there into the warehouse."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from taxi_platform.assets import stages
from taxi_platform.assets.raw import VERSION_LENGTH, unchanged
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.lookup_view import LookupView
from taxi_platform.io_managers.month_io import is_forced
from taxi_platform.io_managers.objects.folder import in_words
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.stored import Stored, utc_now
from taxi_platform.io_managers.values import write_parquet
from taxi_platform.resources.sources.opening import SourceResource
from taxi_platform.resources.sources.source import Source, SourceFile
from taxi_platform.trips import zones
from taxi_platform.trips.month_file import SOURCE, TRIPS, DraftFile, MonthDraft, MonthFile, sha256_of
from taxi_platform.trips.portrait import FIRST_ROWS
from taxi_platform.trips.services import SERVICES

ZONES_KEY = dg.AssetKey(["reference", zones.ZONES_TABLE])
WAREHOUSE_ZONES_KEY = dg.AssetKey(["warehouse", zones.ZONES_TABLE])


def zones_assets(*, lake: str, warehouse: str) -> Sequence[dg.AssetsDefinition]:
    """`reference/taxi_zones` and `warehouse/taxi_zones`; `lake` and `warehouse` say what these stores are made of."""

    @dg.asset(
        **stages.of_stage("lake", group="reference", kinds={lake, "parquet"}, code_version=zones.ZONES_VERSION),
        key=ZONES_KEY,
        description=(
            "Which zone of which borough a location id is: the publisher's lookup as Parquet in the lake, the file "
            "itself beside it. What is no lookup of zones is refused, and the old one stands."
        ),
        metadata={"dagster/column_schema": stages.column_schema(zones.COLUMNS)},
        dagster_type=dg.Any,
    )
    def reference(
        context: dg.AssetExecutionContext,
        source: SourceResource,
        lake_io_manager: dg.ResourceParam[MonthObjectsIOManager],
    ) -> Iterator[Any]:
        with as_failure():
            months = lake_io_manager.months
            held = months.current(zones.ZONES_TABLE, None)
            publisher = source.open(seen_before=lambda url: held is not None and held.facts["url"] == url)
            yield from _current_zones(publisher, months, force=is_forced(context.run.tags))

    @dg.asset(
        **stages.of_stage("warehouse", group="reference", kinds={warehouse}, code_version="1"),
        key=WAREHOUSE_ZONES_KEY,
        description=(
            f"The table {zones.ZONES_TABLE}, and for each service a view that joins it to the trips: "
            f"{', '.join(view.name for view in lookup_views())}."
        ),
        metadata={
            "dagster/column_schema": stages.column_schema(zones.COLUMNS),
            "dagster/table_name": zones.ZONES_TABLE,
        },
        ins={"taxi_zones": dg.AssetIn(key=ZONES_KEY)},
        dagster_type=dg.Any,
        pool=stages.pool_of(warehouse),
    )
    def in_warehouse(taxi_zones: MonthFile) -> Iterator[Any]:
        yield _output(taxi_zones)

    return [reference, in_warehouse]


def lookup_views() -> list[LookupView]:
    """For each service, its trips with the names of the zones where they begin and end."""
    return [
        LookupView(
            name=f"{service.table}_with_zones",
            table=service.table,
            lookup=zones.ZONES_TABLE,
            key=zones.KEY,
            details=zones.DETAILS,
            joined=dict(zones.ENDS),
        )
        for service in SERVICES.values()
    ]


def _current_zones(publisher: Source, months: MonthObjects, *, force: bool) -> Iterator[dg.Output[Any]]:
    file, seen_at = publisher.find_zones(), utc_now()
    held = None if force else unchanged(months, zones.ZONES_TABLE, None, file, seen_at)
    if held is not None and held.facts["zones_version"] == zones.ZONES_VERSION:
        yield _output(held)
        return
    with months.spool() as folder, in_words(months.store.location):
        path, parquet = folder / "source", folder / "zones.parquet"
        publisher.fetch(file, path, lambda _: None)
        table = zones.read_zones(path, file.name)
        rows = write_parquet(table.to_reader(), parquet, months.store.location)
        files = {TRIPS: DraftFile(parquet, "parquet", rows), SOURCE: DraftFile(path, "csv", rows)}
        yield _output(_draft(file, seen_at, rows, files, table.slice(0, FIRST_ROWS).to_pylist()))


def _draft(
    file: SourceFile, seen_at: str, rows: int, files: dict[str, DraftFile], first_rows: list[dict[str, Any]]
) -> MonthDraft:
    digest = sha256_of(files[SOURCE].path)
    version = f"{digest[:VERSION_LENGTH]}_{zones.ZONES_VERSION}"
    facts = {
        "name": file.name,
        "url": file.url,
        "fingerprint": file.fingerprint,
        "sha256": digest,
        "zones_version": zones.ZONES_VERSION,
        "source_size_bytes": files[SOURCE].path.stat().st_size,
        "first_rows": first_rows,
    }
    return MonthDraft(None, version, seen_at, rows, files, facts)


def _output(value: Stored | MonthDraft | MonthFile) -> dg.Output[Any]:
    facts = value.facts
    told: dict[str, Any] = {
        "zones": value.rows,
        "source_url": dg.MetadataValue.url(facts["url"]),
        "source_sha256": facts["sha256"],
    }
    if "first_rows" in facts:  # not of what an earlier release has put there
        told["source_size_bytes"] = facts["source_size_bytes"]
        told["first_rows"] = dg.MetadataValue.table([dg.TableRecord(row) for row in facts["first_rows"]])
    return stages.output(value, value.version, told)
