"""The four stages that a month flows through, and what the assets of all of them have in common."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from taxi_platform.errors import RequestError
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import TIMEZONE, Service

SERVICE_TAG = "taxi/service"
"""Of assets and of runs: whose trips they are."""

STAGES = ("raw", "cleaned", "lake", "warehouse")
OWNERS = ("team:taxi-platform",)

RETRIES = dg.RetryPolicy(max_retries=3, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Only errors that say that a retry can help are retried."""


def asset_key(stage: str, service: Service) -> dg.AssetKey:
    return dg.AssetKey([stage, service.table])


def monthly_partitions(service: Service) -> dg.MonthlyPartitionsDefinition:
    """Every month from the service's first to the last full one, New York time."""
    return dg.MonthlyPartitionsDefinition(start_date=service.first_month.key, fmt="%Y-%m", timezone=TIMEZONE)


def of_stage(stage: str, *, group: str, kinds: set[str], code_version: str) -> dict[str, Any]:
    """The arguments that every asset in the store of a stage has in common."""
    return {
        "group_name": group,
        "owners": list(OWNERS),
        "kinds": {stage, *kinds},  # the graph names its nodes by the last part of their keys: the stage is not in it
        "code_version": code_version,
        "tags": {"taxi/stage": stage},
        "io_manager_key": io_manager_key(stage),
        "retry_policy": RETRIES,
    }


def common(service: Service, stage: str, *, kinds: set[str], code_version: str) -> dict[str, Any]:
    """The arguments that every asset of a service has in common."""
    return of_stage(stage, group=service.name, kinds=kinds, code_version=code_version) | {
        "key": asset_key(stage, service),
        "partitions_def": monthly_partitions(service),
        "tags": {SERVICE_TAG: service.name, "taxi/stage": stage},
        # One run a month, also where the UI is asked for a single run over a range: a month is replaced on its own.
        "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    }


def month_of(context: dg.AssetExecutionContext) -> Month:
    """The month that a run is for.

    Raises:
        RequestError: It is for a range: somebody launched it as a single run.
    """
    keys = context.partition_keys
    if len(keys) != 1:
        raise RequestError(
            f"This run is for {len(keys)} months, from {keys[0]} to {keys[-1]}. A month is replaced on its own: launch "
            "a backfill with a run per partition."
        )
    return Month.parse(keys[0])


def io_manager_key(stage: str) -> str:
    return f"{stage}_io_manager"


def pool_of(warehouse: str) -> str | None:
    """The pool of those who write to a warehouse of this kind; None where the warehouse keeps them apart itself.

    DuckDB lets one process in at a time. Postgres locks the month and nothing else: several months load at once, as
    many as there are runs.
    """
    return warehouse if warehouse == "duckdb" else None


def column_schema(columns: Sequence[Column]) -> dg.TableSchema:
    """The columns with their types and descriptions, for the UI."""
    types = {
        "id": "smallint",
        "money": "decimal(12,2)",
        "miles": "decimal(12,3)",
        "seconds": "integer",
        "number": "double",
        "time": "timestamp",
        "text": "varchar",
        "date": "date",
        "row": "bigint",
        "count": "bigint",
        "total": "decimal(18,2)",
    }
    return dg.TableSchema([dg.TableColumn(column.name, types[column.type], column.description) for column in columns])


def output(
    value: Any, version: str, metadata: Mapping[str, Any] | None = None, *, output_name: str = "result"
) -> dg.Output[Any]:
    """`value` with the month's version as Dagster's data version, so that the UI shows what is out of date."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.BetaWarning)  # data versions, in Dagster 1.13
        return dg.Output(value, output_name=output_name, metadata=metadata, data_version=dg.DataVersion(version))


def reasons_table(
    by_reason: Mapping[str, int], meaning: Mapping[str, str], title: str = "reason"
) -> dg.TableMetadataValue:
    """Counts by reason as a table of the UI."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord({title: reason, "rows": count, "meaning": meaning.get(reason, "the row could not be read")})
            for reason, count in by_reason.items()
        ],
        dg.TableSchema(
            [
                dg.TableColumn(title, "string"),
                dg.TableColumn("rows", "int"),
                dg.TableColumn("meaning", "string"),
            ]
        ),
    )
