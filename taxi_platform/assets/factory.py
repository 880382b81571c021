"""Four assets and a mart a service, from one factory. What differs between services is data, in `trips/`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import dagster as dg

from taxi_platform.assets.cleaned import cleaned_asset
from taxi_platform.assets.marts import mart_asset
from taxi_platform.assets.raw import raw_asset
from taxi_platform.assets.stored import lake_asset, warehouse_asset
from taxi_platform.trips.services import Service


def service_assets(
    service: Service, *, lake: str, warehouse: str, publisher: str | None = None
) -> Sequence[dg.AssetsDefinition]:
    """The stages raw, cleaned, lake, warehouse of `service`, and its mart.

    Args:
        lake, warehouse: What these two are made of.
        publisher: The pool of those who fetch at once; none where as many may as there are runs.
    """
    with warnings.catch_warnings():
        # One run a month (`backfill_policy`) and checks with a bar of months (`partitions_def`) are what we need, and
        # not declared stable in Dagster 1.13. A test of ours fails the day they change.
        warnings.filterwarnings("ignore", category=dg.BetaWarning)
        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        return [
            raw_asset(service, publisher),
            cleaned_asset(service),
            lake_asset(service, lake),
            warehouse_asset(service, warehouse),
            mart_asset(service, warehouse),
        ]
