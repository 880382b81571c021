"""One BigQuery, empty, and what goes wrong with it when it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from taxi_platform_tests.io_managers import kits
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit, bigquery
from taxi_platform_tests.kit.bigquery_emulator import BigQueryEmulator


@pytest.fixture
def store(kit_of: Callable[..., kits.StoreKit]) -> BigQueryKit:
    """A dataset of the test's own."""
    return kit_of("bigquery")


@pytest.fixture
def server(store: BigQueryKit) -> Iterator[BigQueryEmulator]:
    """The stand-in; what was asked to go wrong ends with the test."""
    bigquery().faults.clear()
    yield bigquery()
    bigquery().faults.clear()
    bigquery().jobs.faults.clear()
