"""Trips straight from the lake: the same numbers as in the warehouse, in every shape, and pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.compute as pc
import pytest

import taxi_platform
from taxi_platform.analysis.trips import Trips
from taxi_platform.errors import RequestError
from taxi_platform.settings import Settings
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.trips.files import HEADER, csv_of, row

SOURCE, OTHER = "sample://?rows=400", "sample://?rows=400&seed=9"
MONTHS = ("2020-12", "2021-01", "2021-02")


@pytest.fixture
def loaded(project: Project) -> Project:
    """Three months, of which one is empty of nothing."""
    found = project.load("green", ",".join(MONTHS), "--source", SOURCE)
    assert [month["status"] for month in found] == ["loaded"] * 3
    return project


def opened(project: Project, **more: Any) -> Trips:
    settings = Settings.read(project.settings, project.folder)
    return taxi_platform.open_trips("green", MONTHS[0], MONTHS[-1], settings=settings, **more)


def by_duckdb(trips: Trips) -> tuple[int, Any]:
    (found,) = trips.to_duckdb().aggregate("count(*), sum(total_amount)").fetchall()
    return found


def by_pandas(trips: Trips) -> tuple[int, Any]:
    frame = trips.to_pandas()
    return len(frame), frame.total_amount.sum()


def by_dataset(trips: Trips) -> tuple[int, Any]:
    table = trips.to_dataset().to_table(columns=["total_amount"])
    return table.num_rows, pc.sum(table["total_amount"]).as_py()


def by_arrow(trips: Trips) -> tuple[int, Any]:
    table = trips.to_arrow()
    return table.num_rows, pc.sum(table["total_amount"]).as_py()


def by_stream(trips: Trips) -> tuple[int, Any]:
    with trips.reader() as reader:
        totals = [(batch.num_rows, pc.sum(batch["total_amount"]).as_py()) for batch in reader]
    return sum(rows for rows, _ in totals), sum(total for _, total in totals)


def by_polars(trips: Trips) -> tuple[int, Any]:
    frame = trips.to_polars()
    return frame.height, frame["total_amount"].sum()


@pytest.mark.parametrize("look", [by_duckdb, by_pandas, by_dataset, by_arrow, by_stream, by_polars])
def test_every_way_to_look_shows_what_the_warehouse_has(
    loaded: Project, look: Callable[[Trips], tuple[int, Any]]
) -> None:
    ((rows, total),) = loaded.rows("select count(*), sum(total_amount)::varchar from green_trips")
    found_rows, found_total = look(opened(loaded))
    assert (found_rows, str(found_total)) == (rows, total)
    assert len(opened(loaded)) == rows


def test_what_was_opened_stays_what_it_is_while_months_are_loaded_again(loaded: Project) -> None:
    before = opened(loaded)
    rows = before.to_arrow()
    loaded.load("green", MONTHS[1], "--source", OTHER)
    assert before.to_arrow().equals(rows)
    now = opened(loaded)
    assert not now.to_arrow().equals(rows)
    assert opened(loaded, versions=before.versions).to_arrow().equals(rows)


def test_only_what_was_asked_for_is_there_in_that_order(loaded: Project) -> None:
    trips = opened(loaded, columns=["total_amount", "source_row"])
    assert trips.to_arrow().column_names == ["total_amount", "source_row"]
    assert trips.to_duckdb().columns == ["total_amount", "source_row"]


def test_a_relation_joins_what_its_connection_knows(loaded: Project) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE weights AS SELECT 2 AS factor")
        trips = opened(loaded).to_duckdb(connection)  # noqa: F841 (DuckDB finds it by its name)
        (doubled,) = connection.execute("SELECT count(*) * max(factor) FROM trips, weights").fetchone() or (0,)
    assert doubled == 2 * len(opened(loaded))


def test_rows_that_were_not_kept_are_at_hand(loaded: Project) -> None:
    rejects = opened(loaded).rejects()
    assert rejects.column_names == ["source_month", "source_row", "reason", "raw_line", "raw_bytes"]
    assert {f"{day:%Y-%m}" for day in rejects["source_month"].to_pylist()} == set(MONTHS)
    rejected = [month["rows_rejected"] for month in loaded.load("green", ",".join(MONTHS), "--source", SOURCE)]
    assert rejects.num_rows == sum(rejected)


def test_columns_that_nobody_knows_are_at_hand_also_where_the_months_have_other_ones(project: Project) -> None:
    folder = project.folder / "files"
    folder.mkdir()
    for month, column in (("2021-01", "mood"), ("2021-02", "weather")):
        text = csv_of(f"{row()},fine", header=f"{HEADER},{column}")
        (folder / f"yellow_tripdata_{month}.csv").write_bytes(text)
    project.load("yellow", "2021-01,2021-02", "--source", str(folder))
    settings = Settings.read(project.settings, project.folder)
    extras = taxi_platform.open_trips("yellow", "2021-01", "2021-02", settings=settings).extras().to_pylist()
    assert [(f"{one['source_month']:%Y-%m}", one["source_row"], one["mood"], one["weather"]) for one in extras] == [
        ("2021-01", 1, "fine", None),
        ("2021-02", 1, None, "fine"),
    ]


def test_a_notebook_is_shown_months_and_versions(loaded: Project) -> None:
    shown = opened(loaded)._repr_html_()
    assert all(month in shown and version in shown for month, version in opened(loaded).versions.items())


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("purple", "2021-01"), "There is no service 'purple'"),
        (("all", "2021-01"), "several services"),
        (("green", "January"), "is not a month"),
        (("green", "2021-02", "2021-01"), "runs backwards"),
        (
            ("green", "2021-02", "2021-04"),
            "has no green 2021-03, 2021-04. Load them first: taxi load green 2021-03,2021-04",
        ),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(loaded: Project, asked: tuple[str, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        taxi_platform.open_trips(*asked, settings=Settings.read(loaded.settings, loaded.folder))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"columns": ["fare_amount", "colour"]}, "green_trips has no column colour"),
        ({"versions": {"2021-01": "nothing"}}, "has no version 'nothing' of green 2021-01"),
        ({"versions": {"2020-01": "abc"}}, "A version was named for 2020-01"),
    ],
)
def test_a_column_or_a_version_that_is_none_is_a_sentence(loaded: Project, more: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        opened(loaded, **more)


def test_nothing_heavy_is_imported_before_it_is_asked_for() -> None:
    import subprocess
    import sys

    code = (
        "import sys, taxi_platform; print([m for m in ('pyarrow', 'pandas', 'dagster', 'duckdb') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
