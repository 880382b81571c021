"""What Dagster sees: the graph as the design has it, whatever the settings, and loaded without heavy libraries."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from taxi_platform.definitions import build_definitions
from taxi_platform.settings import Settings
from taxi_platform.trips.cleaning import CLEANING_VERSION
from taxi_platform.trips.months import last_full_month
from taxi_platform.trips.services import SERVICES, new_york_today
from taxi_platform_tests.conftest import Answer, Project

STAGES = ("raw", "cleaned", "lake", "warehouse")
FIRST = {"yellow": "2009-01", "green": "2013-08", "fhv": "2015-01", "fhvhv": "2019-02"}
HEAVY = (
    "pandas",
    "pyarrow",
    "duckdb",
    "numpy",
    "fsspec",
    "polars",
    "psycopg",
    "pgpq",
    "google.auth",
    "botocore",
    "azure.core",
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dg.AssetGraph:
    return graph_with(Settings.read({}, tmp_path_factory.mktemp("nowhere")))


def graph_with(settings: Settings) -> dg.AssetGraph:
    return build_definitions(settings).resolve_asset_graph()


def nodes(graph: dg.AssetGraph) -> dict[tuple[str, str], object]:
    return {(key.path[0], key.path[1]): graph.get(key) for key in graph.get_all_asset_keys()}


def trips(graph: dg.AssetGraph) -> dict[tuple[str, str], object]:
    return {key: node for key, node in nodes(graph).items() if key[1].endswith("_trips")}


def test_the_zones_flow_from_the_lake_into_the_warehouse(graph: dg.AssetGraph) -> None:
    lake, warehouse = (graph.get(dg.AssetKey([stage, "taxi_zones"])) for stage in ("reference", "warehouse"))
    assert (lake.parent_keys, warehouse.parent_keys) == (set(), {lake.key})
    assert (lake.kinds, warehouse.kinds) == ({"lake", "file", "parquet"}, {"warehouse", "duckdb"})
    for node in (lake, warehouse):
        assert node.owners == ["team:taxi-platform"]
        assert (node.group_name, node.partitions_def) == ("reference", None)
        assert node.description
    assert set(warehouse.pools) == {"duckdb"}


def test_every_service_has_four_assets_in_a_row(graph: dg.AssetGraph) -> None:
    for service in SERVICES:
        keys = [dg.AssetKey([stage, f"{service}_trips"]) for stage in STAGES]
        assert [graph.get(key).parent_keys for key in keys] == [set(), {keys[0]}, {keys[1]}, {keys[2]}]
        assert {graph.get(key).group_name for key in keys} == {service}
    assert {key.path[0] for key in graph.get_all_asset_keys()} >= set(STAGES)


def test_assets_say_what_they_are_made_of_who_owns_them_and_how_they_run(graph: dg.AssetGraph) -> None:
    kinds = {"raw": {"csv", "parquet"}, "cleaned": {"parquet"}, "lake": {"file", "parquet"}, "warehouse": {"duckdb"}}
    pools = {"raw": set(), "cleaned": set(), "lake": set(), "warehouse": {"duckdb"}}
    for (stage, table), node in trips(graph).items():
        assert set(node.kinds) == {stage, *kinds[stage]}, (stage, table)
        assert node.owners == ["team:taxi-platform"]
        assert set(node.pools or ()) == pools[stage]
        assert node.description.startswith(SERVICES[table.removesuffix("_trips")].title)
        assert node.backfill_policy.max_partitions_per_run == 1


def test_code_versions_follow_the_code_that_they_stand_for(graph: dg.AssetGraph) -> None:
    for (stage, table), node in trips(graph).items():
        if stage == "cleaned":
            schema_version = SERVICES[table.removesuffix("_trips")].schema_version
            assert node.code_version == f"{CLEANING_VERSION}.{schema_version}"
        else:
            assert node.code_version == "1"


def test_months_go_from_the_services_first_to_the_last_that_is_over_in_new_york(graph: dg.AssetGraph) -> None:
    last = last_full_month(new_york_today()).key
    for (_, table), node in trips(graph).items():
        keys = node.partitions_def.get_partition_keys()
        assert (keys[0], keys[-1]) == (FIRST[table.removesuffix("_trips")], last)
        assert node.partitions_def.timezone == "America/New_York"
    partitions = graph.get(dg.AssetKey(["raw", "green_trips"])).partitions_def
    midnight = dt.datetime(2026, 2, 1, 5, 0, tzinfo=dt.UTC)  # in New York
    assert partitions.get_partition_keys(current_time=midnight)[-1] == "2026-01"
    assert partitions.get_partition_keys(current_time=midnight - dt.timedelta(seconds=1))[-1] == "2025-12"


def test_the_accounting_blocks_and_the_oddities_warn(graph: dg.AssetGraph) -> None:
    for service in SERVICES:
        cleaned = dg.AssetKey(["cleaned", f"{service}_trips"])
        keys = {key.name: key for key in graph.get_check_keys_for_assets([cleaned])}
        assert set(keys) >= {
            "row_accounting",
            "unknown_columns",
            "published_row_count",
            "accepted_values",
            "plausible_values",
        }
        assert [name for name, key in keys.items() if graph.get(key).blocking] == ["row_accounting"]


@pytest.mark.parametrize(
    ("warehouse", "kind"), [("duckdb:////tmp/other.duckdb", "duckdb"), ("postgresql://u:pw@nowhere/db", "postgres")]
)
def test_the_keys_are_the_same_whatever_the_settings(
    graph: dg.AssetGraph, project: Project, warehouse: str, kind: str
) -> None:
    others = {
        "TAXI_HOME": "elsewhere",
        "TAXI_LAKE": "a/lake",
        "TAXI_WAREHOUSE": warehouse,
        "TAXI_SOURCE": "https://example.org/trips",
        "TAXI_RULES": "none",
        "TAXI_UNKNOWN_COLUMNS": "fail",
    }
    other = graph_with(Settings.read(others, project.folder))
    assert other.get_all_asset_keys() == graph.get_all_asset_keys()
    assert {node.code_version for node in nodes(other).values()} == {
        node.code_version for node in nodes(graph).values()
    }
    assert {name: node.parent_keys for name, node in nodes(other).items()} == {
        name: node.parent_keys for name, node in nodes(graph).items()
    }
    made_of = {frozenset(node.kinds) for (stage, _), node in nodes(other).items() if stage == "warehouse"}
    assert made_of == {frozenset({"warehouse", kind})}
    pools = {pool for (stage, _), node in nodes(other).items() if stage == "warehouse" for pool in node.pools or ()}
    assert pools == ({"duckdb"} if kind == "duckdb" else set())  # Postgres keeps writers apart itself


@pytest.mark.parametrize(
    ("lake", "kind"), [("gs://b/x", "gcs"), ("s3://b/x", "s3"), ("az://c/x", "azure"), ("abfs://c@a.dfs/x", "azure")]
)
def test_the_stages_are_the_same_in_buckets_and_say_what_they_are_made_of(
    graph: dg.AssetGraph, project: Project, lake: str, kind: str
) -> None:
    settings = {"TAXI_RAW": f"{lake}/raw", "TAXI_CLEANED": f"{lake}/cleaned", "TAXI_LAKE": f"{lake}/lake"}
    other = graph_with(Settings.read(settings, project.folder))
    assert {name: node.parent_keys for name, node in nodes(other).items()} == {
        name: node.parent_keys for name, node in nodes(graph).items()
    }
    in_lake = {frozenset(node.kinds) for (stage, _), node in nodes(other).items() if stage in ("lake", "reference")}
    assert in_lake == {frozenset({"lake", kind, "parquet"})}


def python(project: Project, code: str) -> str:
    done = project.python("-c", code)
    assert done.exit_code == 0, done.err
    return done.out


@pytest.mark.parametrize("warehouse", ["", "postgresql://u:pw@nowhere/db"])
def test_definitions_load_without_the_heavy_libraries(project: Project, warehouse: str) -> None:
    project.settings.update({"TAXI_WAREHOUSE": warehouse, "TAXI_RAW": "s3://b/x", "TAXI_LAKE": "gs://b/x"})
    code = (
        "import sys, dagster; before = set(sys.modules);"
        "from taxi_platform.definitions import defs; defs().resolve_asset_graph();"
        f"print(sorted(name for name in {HEAVY!r} if name in sys.modules and name not in before))"
    )
    assert python(project, code).strip() == "[]"


@pytest.mark.parametrize("words", [["--help"], ["load", "--help"], ["--version"]])
def test_help_is_shown_without_dagster(project: Project, words: list[str]) -> None:
    code = (
        "import sys; from taxi_platform.cli.main import cli;"
        f"cli({words!r}, prog_name='taxi', standalone_mode=False);"
        f"print([name for name in ('dagster', 'sqlalchemy', 'rich', *{HEAVY!r}) if name in sys.modules])"
    )
    assert python(project, code).splitlines()[-1] == "[]"


def test_a_query_needs_no_dagster(project: Project) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from taxi_platform.cli.main import cli;"
        "CliRunner().invoke(cli, ['query', 'select 1']); CliRunner().invoke(cli, ['load', 'purple', '2021-01']);"
        "print('dagster' in sys.modules)"
    )
    assert python(project, code).strip() == "False"


def dagster_validates(project: Project) -> Answer:
    return project.python("-m", "dagster", "definitions", "validate")


def test_dagster_finds_the_definitions_valid(project: Project) -> None:
    done = dagster_validates(project)
    assert done.exit_code == 0, done.out + done.err
    assert "Validation successful" in done.out + done.err


def test_dagster_shows_the_sentence_of_a_wrong_setting(project: Project) -> None:
    project.settings["TAXI_RULES"] = "colour"
    done = dagster_validates(project)
    assert done.exit_code != 0
    assert "TAXI_RULES: 'colour' is unknown. Known are passenger_count_zero" in done.out + done.err
