"""A month tells the same story at every stage, small enough for Dagster's history, and old manifests are still read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._serdes import serialize_value

from taxi_platform.assets.month_picture import INLINE
from taxi_platform.assets.stages import STAGES, asset_key
from taxi_platform.automation.alerts.findings import of_run
from taxi_platform.automation.instance import open_instance
from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.conftest import Project

ONE, OTHER = ("--source", "sample://?rows=500"), ("--source", "sample://?rows=520&seed=2")
MONTH = "2021-01"
AFTER_RAW = STAGES[1:]
LARGEST = 24_000
"""Characters of a materialisation in Dagster's history, which has it two or three times."""

NUMBERS = ("rows_in", "rows_kept", "rows_rejected")

Told = Mapping[str, Mapping[str, dg.MetadataValue[Any]]]


def told(project: Project, service: str = "yellow", month: str = MONTH) -> Told:
    """What the newest materialisation of a month says, by stage."""
    found = {}
    with open_instance(project.folder) as instance:
        for stage in STAGES:
            records = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key(stage, SERVICES[service]), asset_partitions=[month]), limit=1
            ).records
            assert records[0].asset_materialization is not None
            found[stage] = records[0].asset_materialization.metadata
    return found


def table(value: dg.MetadataValue[Any]) -> list[dict[str, Any]]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def test_a_run_says_what_it_loaded(project: Project) -> None:
    project.load("yellow", MONTH, *ONE)
    with open_instance(project.folder) as instance:
        (run,) = instance.get_runs()
    assert run.asset_selection == {asset_key(stage, SERVICES["yellow"]) for stage in STAGES}
    shown = {name: value for name, value in run.tags.items() if not name.startswith("dagster/")}
    assert shown == {"taxi/service": "yellow"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_stages_tell_the_same_numbers_in_the_same_words(project: Project, service: str) -> None:
    (month,) = project.load(service, MONTH, *ONE)
    stages = told(project, service)
    for stage in AFTER_RAW:
        said = stages[stage]
        assert [said[name].value for name in NUMBERS] == [month[name] for name in NUMBERS]
        reasons = table(said["rejected_by_reason"]) if month["rows_rejected"] else []
        assert {row["reason"]: row["rows"] for row in reasons} == month["rejected_by_reason"]
        assert said["dagster/partition_row_count"].value == month["rows_kept"]
        assert len(said["trips"].value) < INLINE
        assert "what_changed" not in said
    sizes = {
        stage: len(serialize_value(dg.AssetMaterialization("x", metadata=dict(stages[stage])))) for stage in STAGES
    }
    assert max(sizes.values()) < LARGEST, sizes
    shared = set.intersection(*(set(stages[stage]) for stage in STAGES))
    assert shared >= {"rows_in", "layout", "source_url", "source_sha256", "source_size_bytes", "first_rows", "outcome"}
    for name in shared & {"layout", "source_url", "source_sha256", "source_size_bytes"}:
        assert len({str(stages[stage][name].value) for stage in STAGES}) == 1
    assert all(stages[stage]["size_bytes"].value > 0 for stage in STAGES[:3])
    for stage in AFTER_RAW:
        assert all(f"sum_{name}" in stages[stage] for name in SERVICES[service].control_columns)


def test_a_replaced_month_says_at_every_stage_what_changed_and_is_news_once(project: Project) -> None:
    project.load("yellow", MONTH, *ONE)
    (month,) = project.load("yellow", MONTH, *OTHER)
    assert month["message"].startswith("it is not what it was: rows in 500 -> 520 (+20); ")
    for stage, said in told(project).items():
        version, *lines = table(said["what_changed"])
        assert version["what"] == "version"
        assert version["before"] == said["version_before"].value
        assert version["after"] == said["version"].value
        assert {"what": "rows in", "before": "500", "after": "520", "difference": "+20"} in lines, stage

    (month,) = project.load("yellow", MONTH, *OTHER, "--force")
    assert month["message"] == ""
    for said in told(project).values():
        assert "what_changed" in said
        assert "version_before" not in said
    with open_instance(project.folder) as instance:
        alerts = [
            [one.what for one in of_run(instance, run, "") if one.kind == "changes"] for run in instance.get_runs()
        ]
    assert alerts == [[], [f"yellow {MONTH} cleaned"], []]


def test_columns_can_be_followed_from_the_file_to_the_warehouse(project: Project) -> None:
    project.load("yellow", "2010-01", *ONE)
    stages = told(project, month="2010-01")
    above = {column.name for column in stages["raw"]["dagster/column_schema"].value.columns}
    for before, stage in zip(STAGES, AFTER_RAW, strict=False):
        lineage = stages[stage]["dagster/column_lineage"].value.deps_by_column
        for dep in (dep for deps in lineage.values() for dep in deps):
            assert dep.asset_key == asset_key(before, SERVICES["yellow"])
            assert dep.column_name in above
        above = {column.name for column in SERVICES["yellow"].stored_columns}
    lineage = stages["cleaned"]["dagster/column_lineage"].value.deps_by_column
    assert [dep.column_name for dep in lineage["vendor_id"]] == ["vendor_id"]
    assert [dep.column_name for dep in lineage["vendor_as_published"]] == ["vendor_id"]
    assert "source_row" not in lineage
    shown = {row["column"]: row for row in table(stages["warehouse"]["first_rows"])}
    assert {"vendor_id", "trip_distance_miles ← trip_distance", "source_row"} <= set(shown)
    first = project.rows("select fare_amount::varchar from yellow_trips order by source_row limit 3")
    assert [[shown["fare_amount"][f"row {number}"]] for number in (1, 2, 3)] == first
    published = [row["column"] for row in table(stages["raw"]["first_rows"])]
    assert {"vendor_id", "trip_distance → trip_distance_miles"} <= set(published)


def forget(folder: Path) -> None:
    """Have manifests say no more than those of the first release did."""
    for path in folder.rglob("manifest.json"):
        content = json.loads(path.read_text())
        for version in content["versions"]:
            for name in ("pickups", "first_rows", "read_from", "source_size_bytes"):
                version["facts"].pop(name, None)
        path.write_text(json.dumps(content))


def test_what_an_earlier_release_put_there_is_still_read(project: Project) -> None:
    (month,) = project.load("yellow", MONTH, *ONE)
    project.taxi("load", "zones", *ONE)
    rows = project.rows("select count(*), sum(total_amount)::varchar from yellow_trips")
    forget(project.home)
    project.warehouse.unlink()
    (again,) = project.load("yellow", MONTH, *ONE)
    assert (again["status"], again["rows_kept"]) == ("loaded", month["rows_kept"])
    assert project.rows("select count(*), sum(total_amount)::varchar from yellow_trips") == rows
    for stage, said in told(project).items():
        assert said["outcome"].value == ("created" if stage == "warehouse" else "unchanged")
        assert said["rows_in"].value == 500
        assert not set(said) & {"trips", "first_rows", "dagster/column_lineage"}
    assert project.taxi("load", "zones", *ONE).exit_code == 0
    project.load("yellow", MONTH, *ONE, "--force")
    assert all("first_rows" in said for said in told(project).values())


def test_a_file_that_has_no_known_layout_is_kept_and_said_to_have_none(project: Project) -> None:
    folder = project.folder / "publisher"
    folder.mkdir()
    (folder / f"yellow_tripdata_{MONTH}.csv").write_text("one, two,\n1,2,\n")
    (month,) = project.load("yellow", MONTH, "--source", str(folder))
    assert month["status"] == "failed"
    with open_instance(project.folder) as instance:
        event = instance.get_latest_materialization_event(asset_key("raw", SERVICES["yellow"]))
        assert event is not None
        assert event.asset_materialization is not None
        said = event.asset_materialization.metadata
    assert str(said["layout"].value).startswith("none that is known. ")
    assert said["oddities"].value == "the header has spaces around its names; the header has columns without a name"
    assert [row["row 1"] for row in table(said["first_rows"])] == ["1", "2"]


def test_every_asset_links_to_the_lines_that_make_it_and_says_where_it_lies(tmp_path: Path) -> None:
    settings = {"TAXI_WAREHOUSE": "postgresql://user:secret@host/db", "TAXI_LAKE": "gs://bucket/lake"}
    graph = build_definitions(Settings.read(settings, tmp_path)).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        metadata = graph.get(key).metadata
        first, *others = metadata["dagster/code_references"].code_references
        line = Path(first.file_path).read_text().splitlines()[first.line_number - 1]
        assert line.strip().startswith("@dg."), (key, line)
        assert all(Path(other.file_path).is_file() for other in others)
        assert "secret" not in str(metadata)
    lies = {key.to_user_string(): graph.get(key).metadata.get("dagster/uri") for key in graph.get_all_asset_keys()}
    assert lies["lake/green_trips"] == "gs://bucket/lake/green_trips"
    assert lies["reference/taxi_zones"] == "gs://bucket/lake/taxi_zones"
    assert lies["warehouse/green_trips"] == "postgresql://host/db"
    assert lies["raw/green_trips"] == str(tmp_path / ".taxi" / "raw" / "green_trips")
