"""Months in buckets, through the commands: the same numbers, the same repairs, no disk that stages must share."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES
from taxi_platform_tests.cli.test_load import SPRING_2020, numbers_of
from taxi_platform_tests.conftest import Project, make_project
from taxi_platform_tests.io_managers.kits import KITS

if TYPE_CHECKING:
    from taxi_platform_tests.io_managers.bucket_kits import BucketKit

S3, AZURE = (pytest.param(name, marks=pytest.mark.long) for name in ("s3", "azure"))
"""The stores' own suite is run over all of them every time; the commands over one, the others by `make test-long`."""

STAGES = ("raw", "cleaned", "lake")
MONTHS = "2024-01,2024-02"
NUMBERS = (
    "select strftime(source_month, '%Y-%m'), count(*), sum(total_amount), count(distinct source_row) "
    "from green_trips group by 1 order by 1"
)
SOURCE = "sample://?rows=500"

_numbers = itertools.count(1)

Machine = Callable[..., Project]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A new machine: an empty project of its own, whose stages lie where they are told to."""

    def make(places: dict[str, str], variables: dict[str, str], source: str = SOURCE) -> Project:
        project = make_project(tmp_path / f"machine {next(_numbers)}")
        stages = {f"TAXI_{stage.upper()}": place for stage, place in places.items()}
        project.settings.update(variables | stages | {"TAXI_SOURCE": source})
        return project

    return make


@pytest.fixture(params=["gcs", S3, AZURE])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> BucketKit:
    """Each kind of bucket, and a prefix of its own in it."""
    if (reason := KITS[request.param].absent()) is not None:
        pytest.skip(reason)
    root = tmp_path / "bucket"
    root.mkdir()
    return KITS[request.param](root)


def all_in(kit: BucketKit) -> dict[str, str]:
    return {stage: f"{kit.location}/{stage}" for stage in STAGES}


def statuses(project: Project, months: str = MONTHS, *options: str) -> list[str]:
    found = project.load("green", months, *options)
    assert [month["message"] for month in found if month["status"] == "failed"] == []
    return [month["status"] for month in found]


def local_files(project: Project) -> set[str]:
    """What of the months is on the machine's own disk."""
    return {
        str(path.relative_to(project.home))
        for path in project.home.rglob("*")
        if path.is_file() and "dagster" not in path.parts and path.name != "look.json"
    }


@pytest.mark.parametrize("kit", ["gcs", S3, AZURE], indirect=True)
def test_with_every_stage_in_a_bucket_another_machine_goes_on_where_the_first_one_stopped(
    kit: BucketKit, machine: Machine
) -> None:
    one, two = (machine(all_in(kit), kit.variables) for _ in range(2))
    assert statuses(one) == ["loaded", "loaded"]
    assert local_files(one) == {"warehouse.duckdb"}
    stored = kit.objects()
    assert statuses(one) == ["unchanged", "unchanged"]
    assert set(two.states().values()) == {"current", "missing"}  # only its own warehouse has nothing yet
    assert statuses(two) == ["loaded", "loaded"]
    assert two.rows(NUMBERS) == one.rows(NUMBERS)
    assert set(two.states().values()) == {"current"}
    assert kit.objects().keys() == stored.keys()
    assert data_of(kit.objects()) == data_of(stored)


def data_of(objects: dict[str, str]) -> dict[str, str]:
    return {key: mark for key, mark in objects.items() if not key.endswith("manifest.json")}


def test_two_machines_with_separate_histories_end_on_the_version_that_was_seen_last(
    kit: BucketKit, machine: Machine
) -> None:
    other = f"{SOURCE}&seed=7"
    one, two = machine(all_in(kit), kit.variables), machine(all_in(kit), kit.variables, other)
    for first, then in ((one, two), (two, one)):
        statuses(first, "2024-01")
        statuses(then, "2024-01")
        statuses(first, "2024-01", "--source", then.settings["TAXI_SOURCE"])
        assert first.rows(NUMBERS) == then.rows(NUMBERS)
        for machine_ in (first, then):
            assert set(machine_.states("--source", then.settings["TAXI_SOURCE"]).values()) == {"current"}


def test_the_source_may_lie_in_a_bucket_whose_credentials_only_the_env_file_knows(
    kit: BucketKit, machine: Machine, tmp_path: Path
) -> None:
    def publish(month: str, rows: int) -> None:
        source, path = SampleSource(rows=rows, format="csv"), tmp_path / "file"
        file = source.find(SERVICES["green"], Month.parse(month))
        source.fetch(file, path, lambda _: None)
        kit.overwrite(file.name, path.read_bytes())

    project = machine({}, {}, kit.location)
    lines = [f"{name}='{value}'\n" for name, value in kit.variables.items()]
    (project.folder / ".env").write_text("".join(lines))
    for month in MONTHS.split(","):
        publish(month, 500)
    assert statuses(project) == ["loaded", "loaded"]
    publish("2024-01", 600)
    assert statuses(project) == ["loaded", "unchanged"]
    assert statuses(project) == ["unchanged", "unchanged"]
    assert "secret" not in project.taxi("status", "--refresh").out


def test_the_zones_lie_in_the_bucket_too(kit: BucketKit, machine: Machine) -> None:
    one, two = (machine(all_in(kit), kit.variables) for _ in range(2))
    for project in (one, two):
        assert project.taxi("load", "zones").exit_code == 0
        assert project.rows("select count(*) > 200 from taxi_zones") == [[True]]
    assert "unchanged" in two.taxi("load", "zones").out


@pytest.mark.parametrize(
    "in_bucket",
    [
        ("lake",),
        *(pytest.param(stages, marks=pytest.mark.long) for stages in (("raw",), ("cleaned",), ("raw", "lake"))),
    ],
    ids="+".join,
)
def test_any_stage_may_lie_in_a_bucket_and_any_other_in_a_folder(
    kit: BucketKit, machine: Machine, in_bucket: tuple[str, ...]
) -> None:
    project = machine({stage: place for stage, place in all_in(kit).items() if stage in in_bucket}, kit.variables)
    assert statuses(project, "2024-01") == ["loaded"]
    assert statuses(project, "2024-01") == ["unchanged"]
    assert {key.partition("/")[0] for key in kit.objects()} == set(in_bucket)
    assert {path.partition("/")[0] for path in local_files(project)} == {*STAGES, "warehouse.duckdb"} - set(in_bucket)
    assert set(project.states().values()) == {"current"}


def test_stages_may_lie_in_the_buckets_of_different_clouds(tmp_path: Path, machine: Machine) -> None:
    (tmp_path / "a").mkdir()
    gcs, s3 = KITS["gcs"](tmp_path / "a"), KITS["s3"](tmp_path / "a")
    places = {"raw": f"{s3.location}/raw", "cleaned": f"{gcs.location}/cleaned", "lake": f"{gcs.location}/lake"}
    project = machine(places, gcs.variables | s3.variables)
    assert statuses(project) == ["loaded", "loaded"]
    assert statuses(project) == ["unchanged", "unchanged"]
    assert {key.partition("/")[0] for key in gcs.objects()} == {"cleaned", "lake"}
    assert {key.partition("/")[0] for key in s3.objects()} == {"raw"}


def of(stage: str, ending: str) -> Callable[[BucketKit], list[str]]:
    where = f"{stage}/green_trips/source_month=2024-01/"

    def keys(kit: BucketKit) -> list[str]:
        found = [key for key in kit.objects() if key.startswith(where) and key.endswith(ending)]
        assert found
        return found

    return keys


DAMAGES = {
    "lake object deleted": ("deleted", of("lake", ".parquet")),
    "lake object cut": ("cut", of("lake", ".parquet")),
    "lake manifest deleted": ("deleted", of("lake", "manifest.json")),
    "lake manifest garbled": ("cut", of("lake", "manifest.json")),
    "cleaned object deleted": ("deleted", of("cleaned", ".parquet")),
    "cleaned manifest deleted": ("deleted", of("cleaned", "manifest.json")),
    "raw object deleted": ("deleted", of("raw", ".parquet")),
    "all of it deleted": ("deleted", lambda kit: list(kit.objects())),
}


OFTEN = ("lake object deleted", "cleaned manifest deleted")


@pytest.mark.parametrize(
    "damage", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.long) for name in DAMAGES]
)
def test_the_next_load_puts_back_what_was_damaged_in_a_bucket(kit: BucketKit, machine: Machine, damage: str) -> None:
    project = machine(all_in(kit), kit.variables)
    statuses(project)
    before = project.rows(NUMBERS)
    how, keys = DAMAGES[damage]
    for key in keys(kit):
        if how == "deleted":
            kit.delete(key)
        else:
            kit.overwrite(key, b"PAR1")
    assert {state for (_, month, _), state in project.states().items() if month == "2024-01"} != {"current"}
    assert statuses(project, "2024-01") == ["loaded"]
    statuses(project, "2024-02")
    assert project.rows(NUMBERS) == before
    assert set(project.states().values()) == {"current"}
    assert statuses(project) == ["unchanged", "unchanged"]


def test_bytes_that_changed_in_the_bucket_are_noticed_before_they_reach_the_warehouse(
    kit: BucketKit, machine: Machine
) -> None:
    project = machine(all_in(kit), kit.variables)
    statuses(project, "2024-01")
    before = project.rows(NUMBERS)
    (key,) = [key for key in of("lake", ".parquet")(kit) if "rejects" not in key]
    size = kit.months.store.size(key)
    assert size
    kit.overwrite(key, b"x" * size)
    shutil.rmtree(project.home)  # the warehouse wants it again
    (month,) = project.load("green", "2024-01")
    assert month["status"] == "failed"
    assert "its bytes are not those that were published" in month["message"]
    assert statuses(project, "2024-01", "--force") == ["loaded"]
    assert project.rows(NUMBERS) == before


def test_a_bucket_that_is_not_there_is_one_sentence_a_month(kit: BucketKit, machine: Machine) -> None:
    places = {"lake": kit.location.replace("cab-months", "no-such-bucket")}
    answer = machine(places, kit.variables).taxi("load", "green", "2024-01")
    assert answer.exit_code == 1
    assert "called no-such-bucket (404). Nothing was changed. Make it, or name another one." in answer.sentence


def test_three_real_months_through_buckets_have_the_numbers_that_others_counted(
    kit: BucketKit, machine: Machine, publisher: Path
) -> None:
    project = machine(all_in(kit), kit.variables, str(publisher))
    first = project.load("green", "2020-03..2020-05")
    assert {month["message"] for month in first} == {""}
    counted = {month["month"]: (month["rows_in"], month["rows_kept"], month["rows_rejected"]) for month in first}
    assert counted == {month: numbers[:3] for month, numbers in SPRING_2020.items()}
    sql = "select source_month, count(*), round(sum(total_amount),2) from green_trips group by 1 order by 1"
    lines = project.taxi("query", sql, "--format", "csv").out.splitlines()
    assert lines[1:] == [f"{month}-01,{kept},{total}" for month, (_, kept, _, total) in SPRING_2020.items()]
    before = data_of(kit.objects())
    again = project.load("green", "2020-03..2020-05")
    assert {month["status"] for month in again} == {"unchanged"}
    assert numbers_of(again) == numbers_of(first)
    assert data_of(kit.objects()) == before
