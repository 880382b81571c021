"""A column that is in no dictionary yet (`request_source`, 2026-06): it arrives, it is seen, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_platform.assets.stages import asset_key
from taxi_platform.automation.instance import open_instance
from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.assets.evaluations import evaluations
from taxi_platform_tests.conftest import Project

JUNE = Month(2026, 6)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A month of each taxi as the publisher will have it."""
    folder = tmp_path / "source"
    folder.mkdir()
    sample = SampleSource(rows=500)
    for service in ("yellow", "green"):
        file = sample.find(SERVICES[service], JUNE)
        sample.fetch(file, folder / file.name, lambda _: None)
    return folder


def the_one(folder: Path, pattern: str) -> pa.Table:
    (path,) = folder.rglob(pattern)
    return pq.read_table(path)


@pytest.mark.parametrize("service", ["yellow", "green"])
def test_an_unknown_column_is_kept_beside_the_trips_in_cleaned_and_lake_and_a_check_warns(
    project: Project, source: Path, service: str
) -> None:
    (month,) = project.load(service, JUNE.key, "--source", str(source))
    assert (month["status"], month["rows_in"]) == ("loaded", 500)
    published = the_one(source, f"{service}_*.parquet")["request_source"].to_pylist()
    kept = [row for (row,) in project.rows(f"select source_row from {service}_trips order by 1")]
    for store in ("cleaned", "lake"):
        extras = the_one(project.home / store, "*.extras.parquet").sort_by("source_row")
        assert extras["source_row"].to_pylist() == kept
        assert extras["request_source"].to_pylist() == [published[row - 1] for row in kept]
    assert ["request_source"] not in project.rows(f"select column_name from (describe {service}_trips)")
    with open_instance(project.folder) as instance:
        check = evaluations(instance, asset_key("cleaned", SERVICES[service]))["unknown_columns", JUNE.key]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["unknown_columns"].value == "request_source"


def test_who_wants_to_be_asked_first_is(project: Project, source: Path) -> None:
    project.settings["TAXI_UNKNOWN_COLUMNS"] = "fail"
    answer = project.taxi("load", "green", JUNE.key, "--source", str(source))
    assert answer.sentence == (
        f"green {JUNE} failed: green_tripdata_{JUNE}.parquet: columns that green does not have: request_source. "
        "Nothing was published. Set TAXI_UNKNOWN_COLUMNS=keep to keep them aside, in the extras."
    )
    assert not list((project.home / "cleaned").rglob("*.parquet"))
    del project.settings["TAXI_UNKNOWN_COLUMNS"]
    (month,) = project.load("green", JUNE.key, "--source", str(source))
    assert month["status"] == "loaded"
