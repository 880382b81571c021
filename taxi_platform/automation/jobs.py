"""A job a service: its four assets, and its mart where marts are wanted, one month a run."""

from __future__ import annotations

from functools import cache
from typing import Any

import dagster as dg

from taxi_platform.assets.marts import mart_key
from taxi_platform.assets.stages import STAGES, asset_key
from taxi_platform.trips.services import SERVICES, Service

PRIORITY_TAG = "dagster/priority"
FRESH = "10"
"""A fresh month overtakes what a backfill has queued: that has priority 0."""

WHY_TAG = "taxi/why"


def job_name(service: Service) -> str:
    return f"load_{service.name}"


def month_keys(service: Service, *, marts: bool) -> list[dg.AssetKey]:
    """The assets of a month, in the order in which it flows."""
    return [*(asset_key(stage, service) for stage in STAGES), *([mart_key(service)] if marts else [])]


@cache
def month_job(name: str, *, marts: bool = False) -> Any:
    """The job that takes a month of a service through all stages: one object, for whoever starts it."""
    service = SERVICES[name]
    return dg.define_asset_job(
        job_name(service),
        selection=dg.AssetSelection.assets(*month_keys(service, marts=marts)),
        description=f"{service.title}: a month through raw, cleaned, lake and warehouse{', and its mart' * marts}.",
    )


def run_request(service: Service, month: str, key: str | None, why: str) -> dg.RunRequest:
    """A run for a month that nobody asked for by hand, before what waits in a backfill."""
    return dg.RunRequest(
        run_key=key,
        job_name=job_name(service),
        partition_key=month,
        tags={PRIORITY_TAG: FRESH, WHY_TAG: why},
    )
