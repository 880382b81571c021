"""The source: whether it answers. A look, never a download."""

from __future__ import annotations

from collections.abc import Iterator

from taxi_platform.cli.checkup.finding import Finding
from taxi_platform.resources.sources.folder import without_credentials
from taxi_platform.resources.sources.opening import open_source
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.settings import Settings
from taxi_platform.trips.months import Month
from taxi_platform.trips.published_counts import is_known_month
from taxi_platform.trips.services import SERVICES

ASKED_FOR = Month(2021, 1)
"""A month that every publisher has."""


def source(settings: Settings) -> Iterator[Finding]:
    """Ask the source for one month, or for what it has."""
    name = without_credentials(settings.source)
    patience = Patience(attempts=2, first_wait_s=0.5, longest_retry_after_s=1, connect_timeout_s=5, read_timeout_s=8)
    publisher = open_source(settings.source, settings.clouds, known_to_exist=is_known_month, patience=patience)
    service = SERVICES["green"]
    if not publisher.habits.lists:
        file = publisher.find(service, ASKED_FOR)
        yield Finding("source", "ok", f"{name}: it answers, and has {file.name}")
        return
    months = sum(1 for service in SERVICES.values() for _ in publisher.published(service))
    if months:
        yield Finding("source", "ok", f"{name}: {months:,} months are there")
    else:
        yield Finding("source", "warn", f"{name}: no month is there. Files are named green_tripdata_2021-01.parquet.")
