"""The stages of a month are compared by what they hold, not by what they say."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from taxi_platform.assets.stages import asset_key
from taxi_platform.automation.instance import open_instance
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.assets.evaluations import evaluations
from taxi_platform_tests.conftest import Project

MONTH = "2024-01"
SAMPLE = ("--source", "sample")


def said(project: Project, service: str = "green") -> tuple[bool, list[dict[str, object]]]:
    """Whether the stages agree, by the newest check, and what each of them was found to hold."""
    with open_instance(project.folder) as instance:
        found = evaluations(instance, asset_key("warehouse", SERVICES[service]))
    check = found["stages_agree", MONTH]
    assert check.severity == dg.AssetCheckSeverity.ERROR
    stages = check.metadata["stages"]
    assert isinstance(stages, dg.TableMetadataValue)
    return check.passed, [dict(record.data) for record in stages.records]


@pytest.mark.parametrize("service", SERVICES)
def test_after_every_load_the_stages_hold_the_same_rows_and_sums(project: Project, service: str) -> None:
    columns = SERVICES[service].control_columns
    for _ in range(2):
        (month,) = project.load(service, MONTH, *SAMPLE)
        passed, stages = said(project, service)
        assert passed
        assert [stage["stage"] for stage in stages] == ["cleaned", "lake", "warehouse"]
        assert {stage["rows"] for stage in stages} == {month["rows_kept"]}
        (asked,) = project.rows(f"select {', '.join(f'sum({name})::varchar' for name in columns)} from {service}_trips")
        for stage in stages:
            assert [Decimal(str(stage[f"sum of {name}"])) for name in columns] == list(map(Decimal, asked))
            assert all(Decimal(str(stage[f"sum of {name}"])) > 0 for name in columns)


def test_money_that_was_changed_by_hand_is_noticed_and_forced_back(project: Project) -> None:
    project.load("green", MONTH, *SAMPLE)
    total = project.rows("select sum(total_amount)::varchar from green_trips")
    with duckdb.connect(project.warehouse) as connection:
        connection.execute("update green_trips set total_amount = total_amount + 0.01 where source_row = 1")
    answer = project.taxi("load", "green", MONTH, *SAMPLE)
    assert answer.exit_code == 1
    assert answer.sentence == (
        f"green {MONTH} failed: what is stored does not agree (warehouse/green_trips: stages_agree). "
        "Load it again with --force: it is written anew."
    )
    passed, (cleaned, lake, warehouse) = said(project)
    assert not passed
    name = "sum of total_amount"
    assert cleaned[name] == lake[name] == total[0][0]
    assert Decimal(str(warehouse[name])) - Decimal(str(lake[name])) == Decimal("0.01")

    (month,) = project.load("green", MONTH, *SAMPLE, "--force")
    assert month["status"] == "loaded"
    assert project.rows("select sum(total_amount)::varchar from green_trips") == total
    assert said(project)[0]


def test_the_check_can_be_run_alone_from_the_ui(project: Project) -> None:
    from taxi_platform.definitions import build_definitions
    from taxi_platform.settings import Settings

    project.load("green", MONTH, *SAMPLE)
    with duckdb.connect(project.warehouse) as connection:
        connection.execute("delete from green_trips where source_row = 1")
    key = dg.AssetCheckKey(asset_key("warehouse", SERVICES["green"]), "stages_agree")
    definitions = build_definitions(Settings.read({"TAXI_SOURCE": "sample"}, project.folder))
    with open_instance(project.folder) as instance:
        result = dg.materialize(
            list(definitions.assets or ()),
            selection=dg.AssetSelection.checks(key),
            tags={"dagster/partition": MONTH},  # as the UI starts it
            instance=instance,
            resources=definitions.resources,
        )
    assert result.get_asset_materialization_events() == []
    (check,) = result.get_asset_check_evaluations()
    rows = [record.data["rows"] for record in check.metadata["stages"].records]
    assert not check.passed
    assert rows[0] == rows[1] == rows[2] + 1
