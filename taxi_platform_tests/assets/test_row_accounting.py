"""Rows in are rows kept and rows rejected, or nothing is published and the check says so."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from taxi_platform.assets.stages import asset_key
from taxi_platform.automation.instance import open_instance
from taxi_platform.trips import cleaning
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.assets.evaluations import evaluations
from taxi_platform_tests.conftest import Project

OLD, NEW = "sample://?rows=500", "sample://?rows=500&seed=2"
CLEANED = asset_key("cleaned", SERVICES["green"])


@pytest.fixture
def loaded(project: Project) -> Project:
    assert project.load("green", "2024-01", "--source", OLD)[0]["status"] == "loaded"
    return project


@pytest.fixture
def instance(loaded: Project) -> Iterator[dg.DagsterInstance]:
    with open_instance(loaded.folder) as opened:
        yield opened


def lose_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning with a defect: the last row of each batch is gone, and nobody counts it."""
    keep = cleaning._Sink._keep
    monkeypatch.setattr(cleaning._Sink, "_keep", lambda sink, trips: keep(sink, trips.slice(0, trips.num_rows - 1)))


def numbers(evaluation: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_a_row_that_cleaning_loses_stops_the_month_and_the_old_one_stands(
    loaded: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = loaded.rows("select count(*), sum(total_amount) from green_trips")
    runs_before = instance.get_runs_count()
    lose_a_row(monkeypatch)
    answer = loaded.taxi("load", "green", "2024-01", "--source", NEW)
    assert answer.exit_code == 1
    assert "500 rows in, but " in answer.sentence
    assert "Nothing was published; the old month stands." in answer.sentence

    (run,) = instance.get_runs(limit=1)
    assert instance.get_runs_count() == runs_before + 1
    logs = instance.all_logs(run.run_id)
    started = {log.step_key for log in logs if log.dagster_event and log.dagster_event.is_step_start}
    assert started == {"raw__green_trips", "cleaned__green_trips"}
    published = [log for log in logs if log.dagster_event and log.dagster_event.is_step_materialization]
    assert [log.dagster_event.asset_key.path[0] for log in published if log.dagster_event] == ["raw"]

    accounting = evaluations(instance, CLEANED)["row_accounting", "2024-01"]
    assert not accounting.passed
    assert accounting.blocking
    counted = numbers(accounting)
    assert counted["rows_in"] == 500
    assert counted["rows_kept"] + counted["rows_rejected"] < 500
    assert loaded.rows("select count(*), sum(total_amount) from green_trips") == before

    monkeypatch.undo()
    (month,) = loaded.load("green", "2024-01", "--source", NEW)
    assert (month["status"], month["rows_in"]) == ("loaded", 500)
    assert evaluations(instance, CLEANED)["row_accounting", "2024-01"].passed


def test_every_check_is_recorded_with_its_month_and_its_counts(loaded: Project, instance: dg.DagsterInstance) -> None:
    (month,) = loaded.load("green", "2024-02", "--source", OLD)
    found = evaluations(instance, CLEANED)
    assert {partition for _, partition in found} == {"2024-01", "2024-02"}
    names = {name for name, _ in found}
    assert names >= {"row_accounting", "unknown_columns", "accepted_values", "plausible_values"}
    for name in names:
        assert (name, "2024-01") in found
        assert (name, "2024-02") in found
    assert numbers(found["row_accounting", "2024-02"]) == {
        "rows_in": 500,
        "rows_kept": month["rows_kept"],
        "rows_rejected": month["rows_rejected"],
    }
    odd = found["plausible_values", "2024-02"]
    sql = (
        "select count(*) from green_trips "
        "where source_month = '2024-02-01' and date_trunc('month', pickup_datetime) <> source_month"
    )
    assert [[numbers(odd)["pickup_outside_month"]]] == loaded.rows(sql)
    sql = "select count(*) from green_trips where source_month = '2024-02-01' and dropoff_datetime < pickup_datetime"
    assert [[numbers(odd)["dropoff_before_pickup"]]] == loaded.rows(sql)
    assert odd.severity == dg.AssetCheckSeverity.WARN
    assert not odd.blocking
    unexpected, common = str(odd.description).split(" Common, and not warned of: ")
    assert (unexpected == "In more than 0.1% of the rows: none.") is odd.passed
    assert f"fare_negative {numbers(odd)['fare_negative'] / month['rows_kept']:.2%}" in common


def test_a_code_that_no_dictionary_has_is_told_with_its_count(project: Project) -> None:
    folder = project.folder / "publisher"
    folder.mkdir()
    name = "green_tripdata_2020-06.csv"
    header = (
        "VendorID,lpep_pickup_datetime,lpep_dropoff_datetime,store_and_fwd_flag,RatecodeID,PULocationID,DOLocationID,"
        "passenger_count,trip_distance,fare_amount,extra,mta_tax,tip_amount,tolls_amount,ehail_fee,"
        "improvement_surcharge,total_amount,payment_type,trip_type,congestion_surcharge\r\n"
    )
    times = "2020-06-05 10:00:00,2020-06-05 10:10:00"
    rows = [
        f"{vendor},{times},N,1,74,{zone},1,1.5,8,0,0.5,0,0,,0.3,8.8,2,1,0\r\n"
        for vendor, zone in ((1, 41), (2, 41), (9, 41), (2, 300), (9, 0))
    ]
    (folder / name).write_text(header + "".join(rows), newline="")
    assert project.load("green", "2020-06", "--source", str(folder))[0]["rows_kept"] == 5
    with open_instance(project.folder) as instance:
        check = evaluations(instance, CLEANED)["accepted_values", "2020-06"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    said = numbers(check)
    assert {name: count for name, count in said.items() if name.endswith("_unknown") and count} == {
        "vendor_id_unknown": 2,
        "location_id_unknown": 2,
    }
    assert said["more_than_expected"] == "location_id_unknown, vendor_id_unknown"
    assert check.description == "In more than 0.1% of the rows: location_id_unknown 40.00%, vendor_id_unknown 40.00%."
    assert project.rows("select vendor_id from green_trips order by source_row") == [[1], [2], [9], [2], [9]]


def test_checks_that_warn_leave_the_month_loaded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxi_platform.assets.checks.EXPECTED_ODDITIES", -1.0)
    (month,) = project.load("green", "2024-01", "--source", OLD)
    assert month["status"] == "loaded"
    with open_instance(project.folder) as instance:
        warned = [e for (name, _), e in evaluations(instance, CLEANED).items() if not e.passed]
    assert len(warned) >= 2
    assert {evaluation.severity for evaluation in warned} == {dg.AssetCheckSeverity.WARN}


def test_an_error_that_nobody_foresaw_is_said_once_and_not_tried_again(
    loaded: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def broken(*_: object) -> None:
        tried.append(1)
        raise RuntimeError("the moon is full")

    before = loaded.rows("select count(*), sum(total_amount) from green_trips")
    monkeypatch.setattr("taxi_platform.assets.cleaned.clean", broken)
    answer = loaded.taxi("load", "green", "2024-01", "--source", NEW)
    assert tried == [1]
    assert "An error that nobody foresaw, RuntimeError: the moon is full." in answer.sentence
    assert "What stood before still stands." in answer.sentence
    assert loaded.rows("select count(*), sum(total_amount) from green_trips") == before
    (run,) = instance.get_runs(limit=1)
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_an_error_that_a_retry_can_help_is_tried_again(loaded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from taxi_platform.assets import stages
    from taxi_platform.errors import SourceUnavailableError
    from taxi_platform.resources.sources.sample import SampleSource

    fetch, tried = SampleSource.fetch, []

    def shaky(self: SampleSource, *arguments: object) -> None:
        tried.append(1)
        if len(tried) < 3:
            raise SourceUnavailableError("The line is dead. Nothing was kept. Try again.")
        fetch(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "RETRIES", dg.RetryPolicy(max_retries=3, delay=0.01))
    monkeypatch.setattr(SampleSource, "fetch", shaky)
    (month,) = loaded.load("green", "2024-01", "--source", NEW)
    assert (month["status"], len(tried)) == ("loaded", 3)
