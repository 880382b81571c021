"""What BigQuery has of its own: places on GCS, partitions of days and none, types, names, descriptions, ids of jobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from taxi_platform.errors import DamagedStoreError, SchemaError, StoreError, SupersededError
from taxi_platform.io_managers.lookup_view import LookupView
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.trips.month_file import MonthFile, StoredFile
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit
from taxi_platform_tests.io_managers.bucket_kits import BUCKET, gcs
from taxi_platform_tests.io_managers.kits import KITS, lake_file
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, empty_month, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain
from taxi_platform_tests.kit.bigquery_emulator import BigQueryEmulator

NUMBERS = pa.table({"n": [1, 2, 3], "source_month": [dt.date(2021, 1, 1)] * 3})


def put(store: BigQueryKit, rows: pa.Table, partition: str | None, version: str = "a", as_of: str = FIRST) -> Any:
    stamp = Stamp(version, as_of, "run", rows=rows.num_rows)
    return store.warehouse.replace_month("numbers", partition, rows.to_reader(), stamp)


def read(store: BigQueryKit, *partitions: str | None) -> pa.Table:
    with store.warehouse.read_months("numbers", partitions) as reader:
        return reader.read_all()


def table_of(store: BigQueryKit, name: str = "numbers") -> Any:
    return store.client.get_table(f"{store.address.project}.{store.address.dataset}.{name}")


# From Google Cloud Storage


@contextmanager
def on_gcs(folder: Path, rows: pa.Table, bucket: str = BUCKET) -> Iterator[MonthFile]:
    """A month as a lake on GCS hands it over; its file cannot be fetched."""
    KITS["gcs"].emulator()
    gcs().buckets.make(bucket)
    with lake_file(folder, JANUARY, rows) as file:
        stored = file.files["trips"]
        prefix = f"lake {folder.name} ü#%/{TABLE}"
        with file.path() as path:
            gcs().buckets.put(bucket, f"{prefix}/{stored.name}", path.read_bytes(), {}, {})

        def fetch(_: StoredFile) -> Any:
            raise AssertionError("the file was fetched")

        yield replace(file, location=f"gs://{bucket}/{prefix}", fetch=fetch)


def test_what_lies_on_gcs_is_loaded_from_there(store: BigQueryKit, server: BigQueryEmulator, tmp_path: Path) -> None:
    rows = month_rows(JANUARY).drop_columns(['tip "cash"', "größe; drop"])
    with on_gcs(tmp_path, rows) as file:
        stored = store.warehouse.replace_month(TABLE, JANUARY, file, Stamp("a", FIRST, "run", rows=6))
    assert stored.outcome == "created"
    assert store.rows_of(JANUARY) == plain(rows)
    assert [line for line in server.faults.requests if "/upload/" in line] == []
    load = next(job_id for job_id in stored.facts["job_ids"] if job_id.startswith("taxi-load-"))
    (uri,) = store.client.get_job(load).source_uris
    assert uri.startswith(f"gs://{BUCKET}/lake {tmp_path.name} ü#%/{TABLE}/lake-")


def test_a_lake_object_that_is_gone_is_an_error_of_the_lake(store: BigQueryKit, tmp_path: Path) -> None:
    rows = month_rows(JANUARY).drop_columns(['tip "cash"', "größe; drop"])
    with on_gcs(tmp_path, rows) as file:
        gone = replace(file, location=f"{file.location}/elsewhere")
        with pytest.raises(DamagedStoreError, match=r"elsewhere/lake-\w+\.parquet: this is gone"):
            store.warehouse.replace_month(TABLE, JANUARY, gone, Stamp("a", FIRST, "run"))
    assert store.leftovers() == []


def test_a_bucket_and_a_dataset_in_two_places_are_one_sentence(store: BigQueryKit, tmp_path: Path) -> None:
    rows = month_rows(JANUARY).drop_columns(['tip "cash"', "größe; drop"])
    with (
        on_gcs(tmp_path, rows, bucket="us-months") as file,
        pytest.raises(StoreError, match="source: US, destination: EU. Nothing was changed. A dataset and the bucket"),
    ):
        store.warehouse.replace_month(TABLE, JANUARY, file, Stamp("a", FIRST, "run"))
    assert store.leftovers() == []


# Partitions


def test_days_are_partitions_of_days(store: BigQueryKit) -> None:
    days = ["2021-01-30", "2021-01-31", "2021-02-01"]
    for number, day in enumerate(days):
        rows = pa.table({"n": [number], "source_month": [dt.date.fromisoformat(day)]})
        put(store, rows, day)
    assert table_of(store).time_partitioning.type_ == "DAY"
    put(store, pa.table({"n": [7, 8], "source_month": [dt.date(2021, 1, 31)] * 2}), days[1], "b", SECOND)
    assert sorted(read(store, *days)["n"].to_pylist()) == [0, 2, 7, 8]
    empty = pa.table({"n": pa.array([], pa.int64()), "source_month": pa.array([], pa.date32())})
    put(store, empty, days[0], "b", SECOND)
    assert sorted(read(store, *days)["n"].to_pylist()) == [2, 7, 8]
    assert [(row.partition, row.holds) for row in store.warehouse.months()] == [
        (dt.date.fromisoformat(day), True) for day in days
    ]


def test_a_table_without_partitions_is_replaced_whole(store: BigQueryKit) -> None:
    rows = NUMBERS.drop_columns(["source_month"])
    assert put(store, rows, None).outcome == "created"
    assert put(store, rows.slice(1), None, "b", SECOND).outcome == "replaced"
    assert sorted(read(store, None)["n"].to_pylist()) == [2, 3]
    assert put(store, rows.slice(0, 0), None, "c", SECOND + "x").rows == 0
    assert read(store, None).num_rows == 0
    assert table_of(store).expires is None
    with pytest.raises(SupersededError):
        put(store, rows, None, "d", FIRST)


def test_a_table_of_another_shape_is_not_touched(store: BigQueryKit) -> None:
    put(store, NUMBERS, JANUARY)
    with pytest.raises(SchemaError, match="no table partitioned by DAY of source_month"):
        put(store, NUMBERS, "2021-01-01", "b", SECOND)
    store.ask("SELECT 1")
    with pytest.raises(SchemaError, match="no table without partitions"):
        put(store, NUMBERS, None, "b", SECOND)
    assert read(store, JANUARY).num_rows == 3


def test_an_empty_month_empties_its_partition_and_no_other(store: BigQueryKit) -> None:
    for month in (JANUARY, FEBRUARY):
        store.put(month, month_rows(month), "a", FIRST)
    store.put(JANUARY, empty_month(), "b", SECOND)
    assert store.ask(f"SELECT source_month, COUNT(*) FROM {TABLE} GROUP BY 1") == [(dt.date(2021, 2, 1), 6)]


# What is said of tables and jobs


def test_descriptions_become_those_of_columns_and_labels_are_on_tables_and_jobs(
    store: BigQueryKit, server: BigQueryEmulator
) -> None:
    stored = store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    table = table_of(store, TABLE)
    said = {field.name: field.description for field in table.schema}
    assert said["pickup_datetime"] == "When the meter's clock started"
    assert said["passenger_count"] == "[int16]"
    assert table.labels == {"kept_by": "taxi_platform"}
    assert table.clustering_fields == ["passenger_count"]
    mine = [store.client.get_job(job_id) for job_id in stored.facts["job_ids"] if job_id.startswith("taxi-")]
    assert {job.job_type for job in mine} == {"load", "copy"}
    for job in mine:
        assert job.labels["month"] == JANUARY
        assert job.labels["run"] == "run"
        assert job.labels["stage"].startswith("_taxi_new_")


def test_the_id_of_a_job_says_what_it_is_about_and_is_one_that_bigquery_can_have(store: BigQueryKit) -> None:
    version = "v/" + "ü" * 2000
    stored = store.put(JANUARY, month_rows(JANUARY), version, FIRST, table="größe_旅行")
    for job_id in stored.facts["job_ids"]:
        assert len(job_id) <= 1024
        assert set(job_id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    load = next(job_id for job_id in stored.facts["job_ids"] if job_id.startswith("taxi-load-"))
    assert "2021_01" in load


def test_the_same_version_forced_twice_in_one_run_has_two_jobs(store: BigQueryKit, server: BigQueryEmulator) -> None:
    jobs = [store.put(JANUARY, month_rows(JANUARY, seed), "a", FIRST, force=True).facts["job_ids"] for seed in (0, 1)]
    loads = [next(job for job in found if job.startswith("taxi-load-")) for found in jobs]
    assert len(set(loads)) == 2
    assert store.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_a_view_shows_what_ids_mean_and_follows_new_columns(store: BigQueryKit) -> None:
    view = LookupView(
        name="numbers_named", table="numbers", lookup="names", key="id", details=["name"], joined={"its": "n"}
    )
    store.warehouse.lookup_views = [view]
    put(store, NUMBERS, JANUARY)
    names = pa.table({"id": [1, 2], "name": ["one", "two"]})
    store.warehouse.replace_month("names", None, names.to_reader(), Stamp("a", FIRST, "run"))
    assert sorted(store.ask("SELECT n, its_name FROM numbers_named ORDER BY n")) == [(1, "one"), (2, "two"), (3, None)]
    put(store, NUMBERS.append_column("more", [[1, 2, 3]]), JANUARY, "b", SECOND)
    assert store.ask("SELECT SUM(more) FROM numbers_named") == [(6,)]
    assert table_of(store, "numbers_named").description == view.comment


def test_no_two_rows_of_the_ledger_are_of_one_month(store: BigQueryKit) -> None:
    put(store, NUMBERS, JANUARY)
    store.ask("INSERT INTO _taxi_months SELECT * FROM _taxi_months")  # as two first loads at once may leave it
    assert [row.holds for row in store.warehouse.months()] == [True]
    put(store, NUMBERS.slice(1), JANUARY, "b", SECOND)
    rows = store.ask("SELECT version, `rows` FROM _taxi_months")
    assert set(rows) == {("b", 2)}
    assert store.warehouse.month("numbers", JANUARY).holds
