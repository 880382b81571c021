"""The example of another project that keeps its tables in BigQuery by our IO manager."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest

from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers import kits
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit

MONTHS = [f"2023-{month:02}" for month in range(1, 13)]


@pytest.fixture
def rivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BigQueryKit:
    """An empty dataset, and what the example reads of its environment."""
    kit = kits.KITS["bigquery"](tmp_path / "rivers")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", kit.address.project)
    monkeypatch.setenv("RIVERS_DATASET", kit.address.dataset)
    return kit


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rivers", ROOT / "examples" / "bigquery" / "definitions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_keeps_months_days_and_tables_in_bigquery(rivers: BigQueryKit, example: ModuleType) -> None:
    definitions = example.build(rivers.variables)
    instance = dg.DagsterInstance.ephemeral()

    def materialise(asset: dg.AssetsDefinition, key: str | None = None) -> None:
        chosen = [asset.key]
        job = definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, partition_key=key, asset_selection=chosen).success

    for month in MONTHS:
        materialise(example.river_levels, month)
    materialise(example.yearly_peaks, "2023-01")
    materialise(example.gauge_checks, "2023-05-31")
    materialise(example.gauges)
    assert rivers.ask("SELECT COUNT(*), COUNT(DISTINCT month) FROM river_levels") == [(12 * 28, 12)]
    peaks = "SELECT gauge, level_metres, months, year FROM yearly_peaks ORDER BY gauge"
    assert rivers.ask(peaks) == [("Köln", 3.47, 12, 2023), ("Wien", 3.48, 12, 2023)]
    checks = rivers.client.get_table(f"{rivers.address.project}.{rivers.address.dataset}.gauge_checks")
    assert (checks.time_partitioning.type_, checks.time_partitioning.field) == ("DAY", "month")
    rivers_of = "SELECT river, COUNT(*) FROM river_levels JOIN gauges USING (gauge) GROUP BY 1 ORDER BY 1"
    assert rivers.ask(rivers_of) == [("Donau", 12 * 14), ("Rhein", 12 * 14)]
    materialise(example.river_levels, MONTHS[3])
    assert rivers.ask("SELECT COUNT(*) FROM river_levels") == [(12 * 28,)]
    rivers.end()
