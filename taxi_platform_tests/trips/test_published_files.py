"""Real files: every row that an independent reader finds is kept or rejected, with the same values and sums."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from taxi_platform.errors import LayoutError
from taxi_platform.trips.months import Month
from taxi_platform_tests.trips.files import Outcome, clean_path

TRUTH = [
    # file, rows, of these with 0 passengers, with none entered, sum of total_amount over those not 0
    ("green/green_tripdata_2020-03.csv.gz", 223_406, 294, 47_119, "3729978.52"),
    ("green/green_tripdata_2020-04.csv.gz", 35_612, 132, 11_110, "699179.99"),
    ("green/green_tripdata_2020-05.csv.gz", 57_360, 152, 26_074, "1223505.14"),
    ("green/green_tripdata_2022-01.parquet", 62_495, 214, 6_295, "1090056.79"),
    ("green/green_tripdata_2023-02.parquet", 64_809, 370, 4_821, "1411071.45"),
    ("green/green_tripdata_2024-01.parquet", 56_551, 512, 3_415, "1255805.03"),
    ("green/green_tripdata_2025-11.parquet", 46_912, 612, 5_569, "1168623.20"),
    ("yellow/yellow_tripdata_2021-01.csv", 22_792, 489, 0, "393571.80"),
    ("yellow/yellow_tripdata_2025-02.parquet", 5_000, 24, 1_125, "124910.23"),
]
"""data/README.md, "Truth by an independent reader"."""

NOT_SUPPORTED_YET = [
    ("green/green_tripdata_2013-08.csv", "green"),
    ("yellow/yellow_tripdata_2015-01.csv", "yellow"),
    ("yellow/yellow_tripdata_2016-01.csv", "yellow"),
]


def clean_published(publisher: Path, file: str) -> Outcome:
    service, _, month = Path(file).name.partition("_tripdata_")
    return clean_path(publisher / file, service, Month.parse(month[:7]))


@pytest.mark.parametrize(("file", "rows", "zero", "missing", "total"), TRUTH)
def test_a_published_file_holds_what_an_independent_reader_found(
    publisher: Path, file: str, rows: int, zero: int, missing: int, total: str
) -> None:
    outcome = clean_published(publisher, file)
    assert outcome.facts["rows_in"] == rows
    assert outcome.facts["rejected_by_reason"] == {"passenger_count_zero": zero}
    assert outcome.facts["observed"]["passenger_count_missing"] == missing
    assert outcome.facts["control_sums"] == {"total_amount": total}
    assert outcome.facts["unknown_columns"] == []
    assert outcome.extras is None


@pytest.mark.parametrize(("file", "service"), NOT_SUPPORTED_YET)
def test_a_layout_that_is_not_supported_is_refused_in_a_sentence(
    publisher: Path, file: str, service: str
) -> None:
    known = f"Known layouts: {service}-csv-"
    with pytest.raises(LayoutError, match=rf"the header is none we know\. Nearest is .*{known}"):
        clean_published(publisher, file)


def as_text(outcome: Outcome, times: tuple[str, str]) -> pd.DataFrame:
    """Trips by the publisher's names, as plain Python values."""
    frame = outcome.trips.to_pandas(types_mapper=pd.ArrowDtype).set_index("source_row")
    names = {
        "vendor_id": "VendorID",
        "pickup_datetime": times[0],
        "dropoff_datetime": times[1],
        "trip_distance_miles": "trip_distance",
        "rate_code_id": "RatecodeID",
        "pickup_location_id": "PULocationID",
        "dropoff_location_id": "DOLocationID",
    }
    return frame.rename(columns=names).drop(columns="source_month")


def test_a_csv_agrees_with_pandas_row_by_row(publisher: Path) -> None:
    file = publisher / "yellow/yellow_tripdata_2021-01.csv"
    theirs = pd.read_csv(file, dtype=str, keep_default_na=False)
    theirs.index = pd.RangeIndex(1, len(theirs) + 1)
    theirs = theirs[theirs["passenger_count"] != "0"]
    ours = as_text(clean_path(file), ("tpep_pickup_datetime", "tpep_dropoff_datetime"))
    assert list(ours.index) == list(theirs.index)
    for name in theirs.columns:
        read = str if "datetime" in name or name == "store_and_fwd_flag" else Decimal
        expected = [None if value == "" else read(value) for value in theirs[name]]
        got = [None if pd.isna(value) else read(str(value)) for value in ours[name]]
        assert got == expected, name


@pytest.mark.parametrize(
    "file", ["green/green_tripdata_2020-04.csv.gz", "green/green_tripdata_2025-11.parquet"]
)
def test_a_file_agrees_with_duckdb_row_by_row(publisher: Path, tmp_path: Path, file: str) -> None:
    path = publisher / file
    if path.suffix == ".gz":  # DuckDB is to read it without our help
        (tmp_path / "month.csv").write_bytes(gzip.decompress(path.read_bytes()))
        scan = f"read_csv('{tmp_path / 'month.csv'}', header = true, all_varchar = true)"
    else:
        scan = f"read_parquet('{path}')"
    ours = clean_published(publisher, file).trips
    differences = duckdb.sql(f"""
        WITH theirs AS (
            SELECT row_number() OVER () AS source_row, *
            FROM (SELECT VendorID::DOUBLE AS vendor_id,
                         lpep_pickup_datetime::TIMESTAMP AS pickup_datetime,
                         lpep_dropoff_datetime::TIMESTAMP AS dropoff_datetime,
                         passenger_count::DOUBLE AS passenger_count,
                         trip_distance::DOUBLE AS trip_distance_miles,
                         RatecodeID::DOUBLE AS rate_code_id,
                         store_and_fwd_flag, PULocationID::INT AS pickup_location_id,
                         DOLocationID::INT AS dropoff_location_id,
                         payment_type::DOUBLE AS payment_type, trip_type::DOUBLE AS trip_type,
                         fare_amount::DECIMAL(12, 2) AS fare_amount, extra::DECIMAL(12, 2) AS extra,
                         mta_tax::DECIMAL(12, 2) AS mta_tax, tip_amount::DECIMAL(12, 2) AS tip_amount,
                         tolls_amount::DECIMAL(12, 2) AS tolls_amount, ehail_fee::DECIMAL(12, 2) AS ehail_fee,
                         improvement_surcharge::DECIMAL(12, 2) AS improvement_surcharge,
                         total_amount::DECIMAL(12, 2) AS total_amount,
                         congestion_surcharge::DECIMAL(12, 2) AS congestion_surcharge
                  FROM {scan})
        ), kept AS (SELECT * FROM theirs WHERE passenger_count IS DISTINCT FROM 0)
        (SELECT * FROM kept EXCEPT ALL SELECT COLUMNS(t -> t IN (SELECT column_name FROM (DESCRIBE kept)))
         FROM ours) LIMIT 5
    """) if False else compare(scan, ours)  # noqa: SIM210
    assert differences == []
