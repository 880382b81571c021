"""The example of another project that keeps its months in a bucket by our IO manager."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.resources.google import GoogleCredentials
from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.doors import google

MONTHS = [f"2023-{month:02}" for month in range(1, 13)]


@pytest.mark.parametrize("place", ["gs://cab-months/shops", "{folder}/shops"], ids=["gcs", "folder"])
def test_the_example_keeps_months_days_and_whole_tables(tmp_path: Path, place: str) -> None:
    spec = importlib.util.spec_from_file_location("shops", ROOT / "examples" / "lake" / "definitions.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    with google(tmp_path) as door:
        url = door.variables["CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE"]
        who = GoogleCredentials(service_account_json=door.variables["GOOGLE_CREDENTIALS"], storage_url=url)
        definitions = example.build(place.format(folder=tmp_path), who)
        job = definitions.resolve_implicit_global_asset_job_def()

        def materialise(asset: dg.AssetsDefinition, key: str | None = None) -> dict:
            chosen = [asset.key]
            done = job.execute_in_process(partition_key=key, asset_selection=chosen)
            assert done.success
            (event,) = done.get_asset_materialization_events()
            return {name: value.value for name, value in event.materialization.metadata.items()}

        for month in MONTHS:
            assert materialise(example.sales, month)["outcome"] == "created"
        materialise(example.best_sellers, "2023-01")
        materialise(example.visitors, "2023-05-31")
        materialise(example.shops)
        assert materialise(example.sales, MONTHS[3])["outcome"] == "replaced"
        lake = definitions.resources["io_manager"].months
        best = lake.current("best_sellers", "2023-01").table_of(["article", "sold", "months"]).to_pylist()
        assert best == [
            {"article": "tea", "sold": 780, "months": 12},
            {"article": "cake", "sold": 162, "months": 12},
        ]
        assert lake.current("visitors", "2023-05-31").table_of(["people"]).to_pylist() == [{"people": 31}]
        assert lake.current("shops", None).table_of(["street"])["street"].to_pylist() == ["Ring 1", "Graben 2"]
        assert list(lake.partitions("sales")) == MONTHS
