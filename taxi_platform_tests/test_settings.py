"""Settings: which file wins, what a path is relative to, and what is never shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform.automation.keeping import Keeping
from taxi_platform.automation.pruning import STAGES
from taxi_platform.errors import SettingsError
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.settings import KNOWN_SETTINGS, Settings
from taxi_platform_tests.conftest import ROOT, Project


def write(project: Project, name: str, *lines: str) -> None:
    (project.folder / name).write_text("\n".join(lines) + "\n")


def read(project: Project, **environment: str) -> Settings:
    return Settings.read(environment, project.folder)


def test_with_nothing_set_everything_lies_in_the_project(project: Project) -> None:
    settings = read(project)
    assert (settings.project, settings.home) == (project.folder, project.folder / ".taxi")
    assert [settings.raw, settings.cleaned, settings.lake, settings.warehouse] == [
        project.home / name for name in ("raw", "cleaned", "lake", "warehouse.duckdb")
    ]
    assert (settings.source, settings.rules, settings.unknown_columns) == ("sample", ("passenger_count_zero",), "keep")


def test_the_environment_wins_over_the_profile_and_the_profile_over_the_common_file(project: Project) -> None:
    write(project, ".env", "TAXI_HOME=common", "TAXI_RAW=raw_common", "TAXI_LAKE=lake_common")
    write(project, ".env.prod", "TAXI_HOME=of_profile", "TAXI_RAW=raw_of_profile")
    assert read(project).home == project.folder / "common"
    settings = read(project, TAXI_PROFILE="prod", TAXI_HOME="typed")
    assert settings.home == project.folder / "typed"
    assert settings.raw == project.folder / "raw_of_profile"
    assert settings.lake == project.folder / "lake_common"


def test_a_profile_may_be_chosen_in_the_common_file(project: Project) -> None:
    write(project, ".env", "TAXI_PROFILE=prod", "TAXI_HOME=common")
    write(project, ".env.prod", "TAXI_HOME=of_profile")
    write(project, ".env.test", "TAXI_HOME=of_test")
    assert read(project).home == project.folder / "of_profile"
    assert read(project, TAXI_PROFILE="test").home == project.folder / "of_test"


def test_dagster_and_taxi_find_the_same_home_although_dagster_reads_the_common_file_first(project: Project) -> None:
    """`dagster dev` puts `.env` into the environment before our code runs."""
    write(project, ".env", "TAXI_HOME=common", "TAXI_LAKE=lake_common")
    write(project, ".env.prod", "TAXI_HOME=of_profile")
    as_dagster_starts_us = {"TAXI_PROFILE": "prod", "TAXI_HOME": "common", "TAXI_LAKE": "lake_common"}
    assert read(project, **as_dagster_starts_us) == read(project, TAXI_PROFILE="prod")
    assert read(project, **as_dagster_starts_us).home == project.folder / "of_profile"


def test_an_empty_value_is_as_good_as_none(project: Project) -> None:
    assert read(project, **dict.fromkeys(KNOWN_SETTINGS, "")) == read(project)


def test_from_a_folder_below_the_project_its_settings_are_found(project: Project) -> None:
    write(project, ".env", "TAXI_HOME=data")
    below = project.folder / "a" / "b"
    below.mkdir(parents=True)
    assert Settings.read({}, below).home == project.folder / "data"


def test_paths_start_at_the_project_wherever_the_command_is_typed(project: Project, tmp_path: Path) -> None:
    (project.folder / "files").mkdir()
    settings = read(project, TAXI_HOME="data", TAXI_LAKE="../lake", TAXI_SOURCE="files", TAXI_RAW=f"file://{tmp_path}")
    assert settings.home == project.folder / "data"
    assert settings.lake == project.folder / "../lake"
    assert settings.source == str(project.folder / "files")
    assert settings.raw == tmp_path
    assert read(project, TAXI_HOME="~").home == Path.home()


@pytest.mark.parametrize("name", ["sample", "tlc", "datatalks", "tlc://?base=http://mirror/x", "https://host/x"])
def test_a_source_with_a_name_is_no_folder(project: Project, name: str) -> None:
    assert read(project, TAXI_SOURCE=name).source == name
    (project.folder / name.partition(":")[0]).mkdir()
    assert read(project, TAXI_SOURCE=name).source == name
    assert read(project, TAXI_SOURCE=f"./{name}").source == str(project.folder / name)
    assert f"Set is {name} (" in Project(project.folder, {"TAXI_SOURCE": name}).taxi("sources").out


def test_a_source_that_is_typed_starts_where_it_is_typed(project: Project, publisher: Path) -> None:
    typed_in = project.folder / "some where"
    (typed_in / "files: mine" / "green").mkdir(parents=True)
    name = "green_tripdata_2020-04.csv.gz"
    (typed_in / "files: mine" / "green" / name).symlink_to(publisher / "green" / name)
    here = Project(typed_in)
    (month,) = here.load("green", "2020-04", "--source", "./files: mine")
    assert (month["status"], month["rows_kept"]) == ("loaded", 35_480)
    assert project.warehouse.is_file()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("duckdb:///w.duckdb", "{project}/w.duckdb"),
        ("duckdb:///new/w.duckdb", "{project}/new/w.duckdb"),
        ("duckdb:////elsewhere/w.duckdb", "/elsewhere/w.duckdb"),
        ("duckdb://{project}/w.duckdb", "{project}/w.duckdb"),
        ("duckdb:///{project}/w.duckdb", "{project}/w.duckdb"),
        ("duckdb:///with #% in it.duckdb", "{project}/with #% in it.duckdb"),
    ],
)
def test_the_warehouse_lies_where_its_url_says(project: Project, value: str, path: str) -> None:
    setting = value.format(project=project.folder)
    assert read(project, TAXI_WAREHOUSE=setting).warehouse == Path(path.format(project=project.folder))


def test_a_warehouse_that_duckdb_could_not_write_to_is_refused(project: Project) -> None:
    for setting in ({"TAXI_HOME": "what?"}, {"TAXI_WAREHOUSE": "duckdb:///what?.duckdb"}):
        with pytest.raises(SettingsError, match="question mark"):
            read(project, **setting)


def test_a_warehouse_in_postgres_is_an_address_that_shows_no_password(project: Project) -> None:
    settings = read(project, TAXI_WAREHOUSE="postgresql://me:s3cretpw@db:5433/trips?schema=nyc&sslmode=require")
    assert isinstance(settings.warehouse, PostgresAddress)
    assert settings.warehouse.shown == "postgresql://db:5433/trips?schema=nyc"
    assert "s3cretpw" not in repr(settings)


def test_what_a_file_says_of_postgres_counts_as_what_the_environment_says(project: Project) -> None:
    write(project, ".env", "TAXI_WAREHOUSE=postgresql://", "PGHOST=db", "PGPASSWORD=s3cretpw", "PGUSER=me")
    address = read(project).warehouse
    assert isinstance(address, PostgresAddress)
    assert "password=s3cretpw" in address.uri
    assert address.shown == "postgresql://db/"
    typed = read(project, PGHOST="other", TAXI_WAREHOUSE="postgres://you@/trips").warehouse
    assert isinstance(typed, PostgresAddress)
    assert typed.shown == "postgresql://other/trips"
    assert "user=you" in typed.uri


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://me:s3cretpw@host:port/db",
        "postgresql://me:s3cretpw@more@host/db",
        "postgresql://me:s3cretpw/more@host/db",
        "postgresql:me:s3cretpw",
        "postgresql://me:s3cretpw@host/db?schema",
        "postgresql://me:s3cretpw@host/db?schema=" + "x" * 64,
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(project: Project, value: str) -> None:
    with pytest.raises(SettingsError, match="^TAXI_WAREHOUSE: ") as caught:
        read(project, TAXI_WAREHOUSE=value)
    assert "s3cretpw" not in str(caught.value)
    answer = Project(project.folder, {"TAXI_WAREHOUSE": value}).taxi("query", "select 1")
    assert answer.exit_code == 2
    assert "s3cretpw" not in answer.sentence


def test_rules_are_the_same_in_any_order_and_none_is_none(project: Project) -> None:
    twice = read(project, TAXI_RULES=" passenger_count_zero ,passenger_count_zero")
    assert twice.rules == ("passenger_count_zero",)
    assert read(project, TAXI_RULES="none").rules == ()


def test_a_file_that_is_no_text_is_refused_in_a_sentence(project: Project) -> None:
    (project.folder / ".env").write_bytes(b"\xff\xfe\x00T")
    with pytest.raises(SettingsError, match=r"\.env cannot be read .*UTF-8"):
        read(project)


def test_neither_the_settings_nor_what_is_made_of_them_show_a_password(project: Project) -> None:
    from taxi_platform.definitions import build_definitions

    warehouse = "postgresql://me:s3cretpw@db/trips"
    settings = read(project, TAXI_SOURCE="sftp://user:s3cretpw@host/x", TAXI_WAREHOUSE=warehouse)
    assert "s3cretpw" not in repr(settings)
    resources = build_definitions(settings).resources or {}
    assert "s3cretpw" not in repr(resources)
    assert "s3cretpw" not in repr(resources["source"].open())


def test_nothing_is_read_when_the_modules_are_imported(project: Project) -> None:
    code = "import taxi_platform.settings, taxi_platform.definitions, taxi_platform.cli.main"
    project.settings["TAXI_FOO"] = "no such setting"
    subprocess.run([sys.executable, "-c", code], check=True, env=project.environment(), cwd=project.folder, timeout=60)


@pytest.mark.parametrize("example", sorted(ROOT.glob(".env.*.example")), ids=lambda path: path.name)
def test_the_examples_of_settings_can_be_read(project: Project, example: Path) -> None:
    (project.folder / ".env").write_text(example.read_text())
    settings = read(project)
    assert example.read_text().splitlines()[0].startswith("# ")
    if example.name == ".env.local.example":
        (project.folder / ".env").unlink()
        assert settings == read(project)


EXAMPLES = {path.name: path.read_text() for path in sorted(ROOT.glob(".env.*.example"))}


def names_in(text: str) -> list[str]:
    """The settings of ours that an example sets, or shows how to."""
    return re.findall(r"^#?(TAXI_[A-Z_]+)=", text, re.MULTILINE)


def test_every_setting_is_once_in_the_example_of_all_settings_with_its_default(project: Project) -> None:
    shown = EXAMPLES[".env.local.example"]
    assert sorted(names_in(shown)) == sorted(KNOWN_SETTINGS)
    write(project, ".env", re.sub(r"^#(TAXI_[A-Z_]+=)", r"\1", shown, flags=re.MULTILINE))
    with_all = read(project)
    (project.folder / ".env").unlink()
    assert with_all == read(project)


def test_there_are_examples_of_local_dev_and_prod_and_of_what_they_are_made_of() -> None:
    assert set(EXAMPLES) == {f".env.{name}.example" for name in ("local", "dev", "prod", "postgres", "google")}
    assert {name for text in EXAMPLES.values() for name in names_in(text)} <= set(KNOWN_SETTINGS)


def test_what_is_tried_out_touches_nothing_that_is_in_earnest(project: Project) -> None:
    for name in ("dev", "prod"):
        write(project, f".env.{name}", EXAMPLES[f".env.{name}.example"])
    stores = {
        name: {getattr(read(project, TAXI_PROFILE=name), store) for store in ("home", *STAGES, "warehouse")}
        for name in ("dev", "prod", "")
    }
    assert stores["dev"].isdisjoint(stores["prod"] | stores[""])
    assert read(project, TAXI_PROFILE="dev").plan.sensors_run is False
    assert read(project, TAXI_PROFILE="prod").keeping == Keeping(3, 0, 0)
