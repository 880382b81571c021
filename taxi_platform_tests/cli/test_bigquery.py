"""`taxi` with a lake on Google Cloud Storage and BigQuery as the warehouse: the same commands, the same numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform_tests.cli.test_load import SPRING_2020
from taxi_platform_tests.conftest import Project, make_project
from taxi_platform_tests.io_managers import kits
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit, bigquery
from taxi_platform_tests.io_managers.bucket_kits import BUCKET

NUMBERS = """
select source_month, count(*), round(sum(total_amount), 2), sum(passenger_count), min(pickup_datetime),
    count(distinct source_row) from green_trips group by 1 order by 1
"""
WITH_ZONES = """
select pickup_borough, dropoff_zone, count(*), sum(fare_amount) from green_trips_with_zones
where source_month = date '2024-01-01' group by 1, 2 order by 1, 2
"""
MONTHS = "2024-01,2024-02"


@pytest.fixture
def kit(tmp_path: Path) -> BigQueryKit:
    """A dataset of the test's own."""
    kits.KITS["gcs"].emulator()
    return BigQueryKit(tmp_path / "dataset")


def on_google(project: Project, kit: BigQueryKit) -> Project:
    lake = f"gs://{BUCKET}/lakes/{kit.address.dataset}"
    google = {"TAXI_LAKE": lake, "TAXI_WAREHOUSE": kit.address.shown, "TAXI_SOURCE": "sample://?rows=500"}
    return Project(project.folder, {**project.settings, **kit.variables, **google})


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, BigQueryKit]:
    """Two months of green and the zones, in every stage; for the tests that only look."""
    kits.KITS["gcs"].emulator()
    folder = tmp_path_factory.mktemp("on_google")
    kit = BigQueryKit(folder / "dataset")
    project = on_google(make_project(folder / "project"), kit)
    assert project.taxi("load", "zones,green", MONTHS).exit_code == 0
    return project, kit


def test_the_warehouse_answers_as_duckdb_does(loaded_once: tuple[Project, BigQueryKit], tmp_path: Path) -> None:
    project, _ = loaded_once
    with_duckdb = make_project(tmp_path / "duckdb")
    with_duckdb.settings["TAXI_SOURCE"] = project.settings["TAXI_SOURCE"]
    assert with_duckdb.taxi("load", "zones,green", MONTHS).exit_code == 0
    for sql in (NUMBERS, WITH_ZONES):
        found = project.rows(sql)
        assert len(found) > 1
        assert [[str(value).replace("T", " ") for value in row] for row in found] == [
            [str(value) for value in row] for row in with_duckdb.rows(sql)
        ]


def test_a_mart_is_made_beside_the_trips(loaded_once: tuple[Project, BigQueryKit]) -> None:
    project, _ = loaded_once
    (month,) = project.load("green", "2024-01", "--marts")
    assert (month["status"], month["message"]) == ("loaded", "")
    assert project.states()["green", "2024-01", "marts"] == "current"
    found = project.rows(
        "select pickup_date, pickup_location_id, trips, revenue from green_trips_by_zone_and_day order by 1, 2"
    )
    assert found == project.rows(
        "select cast(pickup_datetime as date), pickup_location_id, count(*), sum(total_amount) from green_trips "
        "where source_month = date '2024-01-01' group by 1, 2 order by 1, 2"
    )


def test_the_graph_and_its_keys_are_the_same(loaded_once: tuple[Project, BigQueryKit]) -> None:
    project, _ = loaded_once

    def keys(settings: dict[str, str]) -> set[str]:
        definitions = build_definitions(Settings.read(settings, project.folder))
        return {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}

    assert keys(project.settings) == keys({})
    definitions = build_definitions(Settings.read(project.settings, project.folder))
    graph = definitions.resolve_asset_graph()
    kinds = {key.to_user_string(): graph.get(key).kinds for key in graph.get_all_asset_keys()}
    assert kinds["warehouse/green_trips"] == {"warehouse", "bigquery"}
    assert kinds["lake/green_trips"] == {"lake", "gcs", "parquet"}


def test_nothing_of_a_month_in_the_lake_on_gcs_comes_back_to_be_loaded(project: Project, kit: BigQueryKit) -> None:
    bigquery().faults.clear()
    project = on_google(project, kit)
    assert [month["status"] for month in project.load("green", "2024-01")] == ["loaded"]
    requests = bigquery().faults.requests
    assert [line for line in requests if "/upload/" in line] == []
    assert [line for line in requests if line.endswith(" load")]


def test_loaded_again_nothing_moves_and_the_months_are_current(project: Project, kit: BigQueryKit) -> None:
    project = on_google(project, kit)
    project.load("green", MONTHS)
    before = kit.ask("SELECT source_month, loaded_at, swap FROM _taxi_months ORDER BY 1")
    assert [month["status"] for month in project.load("green", MONTHS)] == ["unchanged", "unchanged"]
    assert kit.ask("SELECT source_month, loaded_at, swap FROM _taxi_months ORDER BY 1") == before
    project.taxi("status", "--refresh")
    states = project.states()
    assert {states["green", month, "warehouse"] for month in MONTHS.split(",")} == {"current"}


def test_the_materialisation_says_where_and_what_it_took(project: Project, kit: BigQueryKit) -> None:
    import dagster as dg

    project = on_google(project, kit)
    project.load("green", "2024-01")
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["warehouse", "green_trips"]))
        assert event is not None
        assert event.asset_materialization is not None
        metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["dataset_location"] == "EU"
    assert metadata["location"] == f"{kit.address.shown}: green_trips"
    assert [job for job in metadata["job_ids"] if job.startswith("taxi-load-")]
    assert [job for job in metadata["job_ids"] if job.startswith("taxi-swap-")]
    assert {"bytes_processed", "slot_ms"} <= set(metadata)


def test_tables_say_what_they_hold(loaded_once: tuple[Project, BigQueryKit]) -> None:
    _, kit = loaded_once
    table = kit.client.get_table(f"{kit.address.project}.{kit.address.dataset}.green_trips")
    said = {field.name: field.description for field in table.schema}
    assert "meter was engaged" in said["pickup_datetime"]
    assert table.time_partitioning.type_ == "MONTH"
    assert table.time_partitioning.field == "source_month"
    assert table.clustering_fields == ["pickup_location_id"]
    assert table.labels == {"kept_by": "taxi_platform"}
    types = {field.name: field.field_type for field in table.schema}
    assert (types["pickup_datetime"], types["total_amount"], types["source_month"]) == ("DATETIME", "NUMERIC", "DATE")


# The real files


def test_three_real_months_have_the_numbers_that_others_made_and_move_once(
    project: Project, kit: BigQueryKit, publisher: Path
) -> None:
    project = on_google(project, kit)
    words = ("green", "2020-03..2020-05", "--source", str(publisher))
    months = project.load(*words)
    counted = {month["month"]: (month["rows_in"], month["rows_kept"], month["rows_rejected"]) for month in months}
    assert counted == {month: numbers[:3] for month, numbers in SPRING_2020.items()}
    sql = "select source_month, count(*), round(sum(total_amount),2) from green_trips group by 1 order by 1"
    truth = [f"{month}-01,{kept},{total}" for month, (_, kept, _, total) in SPRING_2020.items()]
    assert project.taxi("query", sql, "--format", "csv").out.splitlines()[1:] == truth
    before = kit.ask("SELECT source_month, loaded_at, swap FROM _taxi_months ORDER BY 1")
    assert {month["status"] for month in project.load(*words)} == {"unchanged"}
    assert kit.ask("SELECT source_month, loaded_at, swap FROM _taxi_months ORDER BY 1") == before


# Damaged by hand

DAMAGES: dict[str, Callable[[BigQueryKit], Any]] = {
    "the table was dropped": lambda kit: kit.drop("green_trips"),
    "a partition was deleted": lambda kit: kit.drop("green_trips$202401"),
    "rows were deleted": lambda kit: kit.ask("DELETE FROM green_trips WHERE source_row < 9"),
    "the ledger was dropped": lambda kit: kit.drop("_taxi_months"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_load_puts_back_what_was_deleted(project: Project, kit: BigQueryKit, damage: str) -> None:
    project = on_google(project, kit)
    project.load("green", "2024-01")
    before = project.rows(NUMBERS)
    DAMAGES[damage](kit)
    assert [month["status"] for month in project.load("green", "2024-01")] == ["loaded"]
    assert project.rows(NUMBERS) == before


# Questions


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM green_trips WHERE true",
        "DROP TABLE green_trips",
        "TRUNCATE TABLE green_trips",
        "CREATE TABLE x (a INT64)",
        "UPDATE green_trips SET source_row = 1 WHERE true",
        "MERGE green_trips t USING (SELECT 1 AS a) s ON FALSE WHEN NOT MATCHED THEN INSERT (source_row) VALUES (s.a)",
        "SELECT 1; DROP TABLE green_trips",
        "EXPORT DATA OPTIONS (uri='gs://x/*', format='CSV') AS SELECT 1",
    ],
)
def test_what_is_no_question_is_refused_and_changes_nothing(loaded_once: tuple[Project, BigQueryKit], sql: str) -> None:
    project, _ = loaded_once
    before = project.rows(NUMBERS)
    assert "The warehouse can only be asked" in project.taxi("query", sql).sentence
    assert project.rows(NUMBERS) == before


def test_a_question_that_cannot_be_answered_is_one_sentence(loaded_once: tuple[Project, BigQueryKit]) -> None:
    project, _ = loaded_once
    assert "Syntax error" in project.taxi("query", "SELEC 1").sentence
    assert "it is empty" in project.taxi("query", " ").sentence
    assert "nowhere" in project.taxi("query", "SELECT * FROM nowhere").sentence


def test_a_question_may_cost_no_more_than_was_said(loaded_once: tuple[Project, BigQueryKit]) -> None:
    project, kit = loaded_once
    limited = Project(project.folder, dict(project.settings))
    limited.settings["TAXI_WAREHOUSE"] = f"{kit.address.shown}?maximum_bytes_billed=1234"
    limited.rows("SELECT 1")
    jobs = list(bigquery().jobs.jobs.values())
    assert jobs[-1].resource["configuration"]["query"]["maximumBytesBilled"] == "1234"


# Wrong addresses


@pytest.mark.parametrize(
    "address",
    [
        "bigquery://",
        "bigquery://project",
        "bigquery://project/",
        "bigquery://project/data`set",
        "bigquery://project/dätaset",
        "bigquery://project/data-set",
        "bigquery://project/dataset'; DROP TABLE x; --",
        "bigquery://Pro`ject/dataset",
        "bigquery://project/dataset?location=E'U",
        "bigquery://project/dataset?key=secret",
        f"bigquery://project/{'x' * 1025}",
        "bigquery://user:secret@project/dataset",
    ],
)
def test_an_address_that_can_be_none_is_refused_in_a_sentence(project: Project, address: str) -> None:
    project.settings["TAXI_WAREHOUSE"] = address
    sentence = project.taxi("status").sentence
    assert sentence.startswith("TAXI_WAREHOUSE: ")
    assert "bigquery://project/dataset?location=EU" in sentence
    assert "secret" not in sentence
    assert len(sentence) < 400


def test_a_dataset_that_is_not_there_is_one_sentence(project: Project, kit: BigQueryKit) -> None:
    project = on_google(project, kit)
    project.settings["TAXI_WAREHOUSE"] = f"bigquery://{kit.address.project}/nowhere"
    answer = project.taxi("load", "green", "2024-01")
    assert answer.exit_code != 0
    assert "Not found: Dataset cab-project:nowhere. Nothing was changed. Make the dataset" in answer.out + answer.err
    assert "Traceback" not in answer.out + answer.err


def test_a_dataset_that_is_somewhere_else_is_one_sentence(project: Project, kit: BigQueryKit) -> None:
    project = on_google(project, kit)
    project.settings["TAXI_WAREHOUSE"] += "?location=US"
    assert "is in EU, not in US" in project.taxi("query", "SELECT 1").sentence


def test_a_copy_of_the_project_on_another_machine_finds_the_months_as_they_are(
    project: Project, kit: BigQueryKit, tmp_path: Path
) -> None:
    project = on_google(project, kit)
    project.load("green", "2024-01")
    other = on_google(make_project(tmp_path / "other machine"), kit)
    shutil.copytree(project.home / "raw", other.home / "raw")
    before = kit.ask("SELECT loaded_at, swap FROM _taxi_months")
    other.load("green", "2024-01")
    assert kit.ask("SELECT loaded_at, swap FROM _taxi_months") == before
    assert other.rows(NUMBERS) == project.rows(NUMBERS)
