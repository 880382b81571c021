"""What only the real BigQuery can prove: `make test-gcp`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.io_managers.values import write_parquet
from taxi_platform.trips.month_file import TRIPS, DraftFile, MonthDraft
from taxi_platform_tests.io_managers import kits
from taxi_platform_tests.io_managers.bigquery_kit import BigQueryKit
from taxi_platform_tests.io_managers.months import JANUARY, TABLE, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, plain

pytestmark = pytest.mark.gcp


@pytest.fixture
def store(kit_of: Callable[..., kits.StoreKit]) -> BigQueryKit:
    return kit_of("bigquery-real")


def test_a_month_of_the_lake_on_gcs_is_loaded_from_there(store: BigQueryKit, tmp_path: Path) -> None:
    rows = month_rows(JANUARY).drop_columns(['tip "cash"', "größe; drop"])
    place = f"gs://{os.environ['TAXI_TEST_BUCKET']}/taxi_platform_tests/{uuid4().hex} ü#%"
    lake = MonthObjects(open_store(place, store.variables, tmp_path))
    bucket = store.storage().bucket(os.environ["TAXI_TEST_BUCKET"])
    try:
        with lake.spool() as spool:
            write_parquet(rows.to_reader(), spool / "trips", place)
            files = {TRIPS: DraftFile(spool / "trips", "parquet", rows.num_rows)}
            lake.publish(TABLE, MonthDraft(JANUARY, "a", FIRST, rows.num_rows, files, {}), "run")
        month = lake.current(TABLE, JANUARY)
        assert month is not None
        stored = store.warehouse.replace_month(TABLE, JANUARY, month, Stamp("a", FIRST, "run", rows=rows.num_rows))
        load = next(job_id for job_id in stored.facts["job_ids"] if job_id.startswith("taxi-load-"))
        assert store.client.get_job(load, location=stored.facts["dataset_location"]).source_uris
        assert store.rows_of(JANUARY) == plain(rows)
    finally:
        for blob in bucket.list_blobs(prefix=place.split("/", 3)[3]):
            blob.delete()


def test_a_table_has_the_types_that_were_asked_for(store: BigQueryKit) -> None:
    store.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    table = store.client.get_table(f"{store.address.project}.{store.address.dataset}.{TABLE}")
    kinds = {field.name: (field.field_type, field.precision, field.scale) for field in table.schema}
    assert kinds["pickup_datetime"] == ("DATETIME", None, None)
    assert kinds["total_amount"] == ("NUMERIC", 12, 2)
    assert table.time_partitioning.expiration_ms is None
    assert table.expires is None
