"""What really arrives when a download goes wrong: refused in a sentence, alone and in the middle of a range."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from taxi_platform_tests.conftest import Project

BAD = {
    "cloudfront_403_html.parquet": ("green_tripdata_2024-02.parquet", ["HTML"]),
    "s3_access_denied_xml.parquet": ("green_tripdata_2024-02.parquet", ["XML"]),
    "git_lfs_pointer.csv.gz": ("green_tripdata_2024-02.csv.gz", ["gzip"]),
    "truncated_download.parquet": ("green_tripdata_2024-02.parquet", []),
    "yellow_tripdata_2021-01_cut_mid_row.csv": ("green_tripdata_2024-02.csv", ["yellow"]),
}
"""Of each bad file, the name it goes by in the folder, and words that its sentence has."""


SUMS = "select source_month, count(*), sum(total_amount)::varchar from green_trips group by 1 order by 1"


def files_of(project: Project) -> set[str]:
    """Every file that the stages hold."""
    stages = [project.home / name for name in ("raw", "cleaned", "lake")]
    return {str(path) for stage in stages for path in stage.rglob("*") if path.is_file()}


def source_with(project: Project, shared: Path, bad: str) -> Path:
    """A publisher's folder whose 2024-02 is bad; the months beside it are real ones."""
    folder = project.folder / "publisher" / "green"
    folder.mkdir(parents=True)
    for month in ("2024-01", "2024-03"):
        shutil.copy(shared / "resaved/green/green_tripdata_2020-04.parquet", folder / f"green_tripdata_{month}.parquet")
    shutil.copy(shared / "bad" / bad, folder / BAD[bad][0])
    return folder.parent


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_is_refused_and_its_neighbours_are_loaded(project: Project, shared: Path, bad: str) -> None:
    source = source_with(project, shared, bad)
    alone = project.taxi("load", "green", "2024-02", "--source", str(source))
    assert alone.exit_code == 1
    assert alone.sentence.startswith(f"green 2024-02 failed: {BAD[bad][0]}: "), alone.sentence
    assert "nobody foresaw" not in alone.sentence
    assert not (project.home / "warehouse.duckdb").exists()

    months = project.load("green", "2024-01..2024-03", "--source", str(source))
    assert [month["status"] for month in months] == ["loaded", "failed", "loaded"], months
    assert f"green 2024-02 failed: {months[1]['message']}" == alone.sentence
    assert months[1]["rows_in"] is None
    rows = project.rows("select strftime(source_month, '%Y-%m'), count(*) from green_trips group by 1 order by 1")
    assert rows == [[month["month"], month["rows_kept"]] for month in (months[0], months[2])]
    assert {stage: project.states()[stage] for stage in project.states() if stage[1] == "2024-02"} == {}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_in_place_of_a_good_one_leaves_what_stood(project: Project, shared: Path, bad: str) -> None:
    source = source_with(project, shared, bad)
    name, _ = BAD[bad]
    spoilt = (source / "green" / name).read_bytes()
    (source / "green" / name).unlink()
    good = source / "green" / "green_tripdata_2024-02.parquet"
    shutil.copy(shared / "resaved/green/green_tripdata_2020-04.parquet", good)
    months = project.load("green", "2024-01..2024-03", "--source", str(source))
    assert {month["status"] for month in months} == {"loaded"}
    stood, files = project.rows(SUMS), files_of(project)

    good.unlink()
    (source / "green" / name).write_bytes(spoilt)
    months = project.load("green", "2024-01..2024-03", "--source", str(source))
    assert [month["status"] for month in months] == ["unchanged", "failed", "unchanged"]
    assert project.rows(SUMS) == stood
    assert files_of(project) == files  # nothing half-written anywhere, and nothing gone


def test_a_file_that_breaks_off_in_a_row_is_refused_with_the_number_of_the_row(project: Project, shared: Path) -> None:
    folder = project.folder / "publisher"
    folder.mkdir()
    shutil.copy(shared / "bad" / "yellow_tripdata_2021-01_cut_mid_row.csv", folder / "yellow_tripdata_2021-01.csv")
    sentence = project.taxi("load", "yellow", "2021-01", "--source", str(folder)).sentence
    lines = (folder / "yellow_tripdata_2021-01.csv").read_bytes().count(b"\n")  # one of them is the header
    assert f"in the middle of row {lines:,}" in sentence
    assert "Nothing was kept" in sentence


@pytest.mark.parametrize("damage", ["cut", "crc", "empty", "nothing"])
def test_a_gzip_that_is_not_whole_leaves_the_old_month(project: Project, publisher: Path, damage: str) -> None:
    folder = project.folder / "publisher"
    folder.mkdir()
    file = folder / "green_tripdata_2020-04.csv.gz"
    whole = (publisher / "green" / file.name).read_bytes()
    file.write_bytes(whole)
    project.load("green", "2020-04", "--source", str(folder))
    before = project.rows("select count(*), sum(total_amount) from green_trips")

    crc = whole[:-8] + bytes([whole[-8] ^ 0xFF]) + whole[-7:]
    file.write_bytes({"cut": whole[: len(whole) // 2], "crc": crc, "empty": gzip.compress(b""), "nothing": b""}[damage])
    answer = project.taxi("load", "green", "2020-04", "--source", str(folder))
    assert answer.sentence.startswith("green 2020-04 failed: green_tripdata_2020-04.csv.gz: ")
    assert "nobody foresaw" not in answer.sentence
    assert project.rows("select count(*), sum(total_amount) from green_trips") == before
    assert set(project.states().values()) == {"current"}
