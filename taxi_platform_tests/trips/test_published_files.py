"""Real files: every row that an independent reader finds is kept or rejected, with the same values."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from taxi_platform.trips.months import Month
from taxi_platform_tests.trips.files import Outcome, clean_path

TRUTH = [
    # file, rows, of these with 0 passengers, with none entered, sum of total_amount over those not 0
    ("green/green_tripdata_2013-08.csv", 7_623, 3, 0, "121625.67"),
    ("yellow/yellow_tripdata_2015-01.csv", 1_999, 2, 0, "30772.89"),
    ("yellow/yellow_tripdata_2016-01.csv", 1_999, 0, 0, "29537.67"),
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


def clean_published(publisher: Path, file: str) -> Outcome:
    service, _, month = Path(file).name.partition("_tripdata_")
    return clean_path(publisher / file, service, Month.parse(month[:7]))


@pytest.mark.parametrize(("file", "rows", "zero", "missing", "total"), TRUTH)
def test_a_published_file_holds_what_an_independent_reader_found(
    publisher: Path, file: str, rows: int, zero: int, missing: int, total: str
) -> None:
    outcome = clean_published(publisher, file)
    assert outcome.facts["rows_in"] == rows
    assert outcome.facts["rejected_by_reason"] == ({"passenger_count_zero": zero} if zero else {})
    assert outcome.facts["observed"]["passenger_count_missing"] == missing
    assert outcome.facts["control_sums"] == {"total_amount": total}
    assert outcome.facts["unknown_columns"] == []
    assert outcome.extras is None


RENAMED = {
    "pickup_datetime": "{}pep_pickup_datetime",
    "dropoff_datetime": "{}pep_dropoff_datetime",
    "vendor_id": "VendorID",
    "rate_code_id": "RatecodeID",
    "trip_distance_miles": "trip_distance",
    "pickup_location_id": "PULocationID",
    "dropoff_location_id": "DOLocationID",
}
"""What the publisher calls a column (t or l before pep: yellow or green) where we do not."""

OURS = {"source_row", "source_month", "vendor_as_published", "payment_as_published"}
UNTIL_2016 = {"pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude"}


def published_name(name: str, letter: str) -> str:
    return RENAMED.get(name, name).format(letter)


def test_a_csv_agrees_with_pandas_row_by_row(publisher: Path) -> None:
    file = publisher / "yellow/yellow_tripdata_2021-01.csv"
    theirs = pd.read_csv(file, dtype=str, keep_default_na=False)
    theirs.index = pd.RangeIndex(1, len(theirs) + 1)
    theirs = theirs[theirs["passenger_count"] != "0"]
    trips = clean_path(file).trips
    assert trips["source_row"].to_pylist() == list(theirs.index)
    for name in set(trips.column_names) - OURS - UNTIL_2016 - {"airport_fee", "cbd_congestion_fee"}:
        read = str if "datetime" in name or "flag" in name else Decimal
        expected = [read(value) if value else None for value in theirs[published_name(name, "t")]]
        assert [None if v is None else read(str(v)) for v in trips[name].to_pylist()] == expected, name


@pytest.mark.parametrize("file", ["green/green_tripdata_2020-04.csv.gz", "green/green_tripdata_2025-11.parquet"])
def test_a_file_agrees_with_duckdb_row_by_row(publisher: Path, file: str) -> None:
    path = publisher / file
    scan = f"read_parquet('{path}')"
    if path.suffix == ".gz":
        scan = f"read_csv('{path}', header = true, all_varchar = true)"
    ours = clean_published(publisher, file).trips
    ours = ours.drop_columns(list((OURS | UNTIL_2016) - {"source_row"}))
    has_fee = "2025" in file
    columns = ", ".join(
        f"CAST({published_name(name, 'l')} AS {duckdb_type(ours.schema.field(name).type)}) AS {name}"
        if has_fee or name != "cbd_congestion_fee"
        else f"NULL AS {name}"
        for name in ours.column_names
        if name != "source_row"
    )
    with duckdb.connect() as duck:
        theirs = duck.sql(f"""
            SELECT *, row_number() OVER () AS source_row FROM (SELECT {columns} FROM {scan})
            QUALIFY passenger_count IS DISTINCT FROM 0
        """)
        theirs.create("theirs")
        assert duck.sql("FROM ours EXCEPT ALL FROM theirs LIMIT 5").fetchall() == []
        assert duck.sql("FROM theirs EXCEPT ALL FROM ours LIMIT 5").fetchall() == []


def duckdb_type(kind: pa.DataType) -> str:
    """Ids go by way of DOUBLE: text may say 1.0."""
    if pa.types.is_decimal(kind):
        return "DECIMAL(12, 2)"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    return "VARCHAR" if pa.types.is_string(kind) else "DOUBLE"
