"""The sample publishes what TLC publishes: its formats, its dirt, and the same rows every time."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from taxi_platform.errors import NotPublishedError, SettingsError
from taxi_platform.resources.sources.sample import SampleSource, parse_sample_uri
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import SERVICES, new_york_today

REPOSITORY = Path(__file__).resolve().parents[3]

CSV_MONTHS = [("yellow", "2019-01"), ("yellow", "2020-04"), ("green", "2019-01"), ("green", "2021-07")]
PARQUET_MONTHS = [
    ("yellow", "2021-08"),
    ("yellow", "2024-01"),
    ("yellow", "2025-02"),
    ("green", "2022-01"),
    ("green", "2023-02"),
    ("green", "2025-03"),
]

Row = dict[str, str]


def fetched(source: SampleSource, service: str, month: str, folder: Path) -> Path:
    file = source.find(SERVICES[service], Month.parse(month))
    source.fetch(file, folder / file.name, lambda _: None)
    return folder / file.name


def csv_text(source: SampleSource, service: str, month: str, folder: Path) -> str:
    return gzip.decompress(fetched(source, service, month, folder).read_bytes()).decode("ascii")


def csv_rows(source: SampleSource, service: str, month: str, folder: Path) -> list[Row]:
    text = csv_text(source, service, month, folder)
    return [
        {name.lower(): value for name, value in row.items()} for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def any_rows(source: SampleSource, service: str, month: str, folder: Path) -> list[Row]:
    """The rows of either kind of file as the texts of the CSV, times without `tpep_` and `lpep_`."""
    if month < "2021-08":
        rows = csv_rows(source, service, month, folder)
    else:
        table = pq.read_table(fetched(source, service, month, folder))
        rows = [
            {name.lower(): "" if value is None else str(value) for name, value in row.items()}
            for row in table.to_pylist()
        ]
    return [{name.removeprefix("tpep_").removeprefix("lpep_"): v for name, v in row.items()} for row in rows]


def run_python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "random"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# The same bytes


@pytest.mark.parametrize(
    ("service", "month"), [("yellow", "2020-01"), ("green", "2024-01"), ("yellow", "2012-02"), ("fhv", "2018-01")]
)
def test_another_process_writes_the_same_bytes(service: str, month: str, tmp_path: Path) -> None:
    here = fetched(SampleSource(rows=70_000, seed=3), service, month, tmp_path).read_bytes()
    there = run_python(
        "import hashlib, sys, tempfile, pathlib\n"
        "from taxi_platform.resources.sources.sample import SampleSource\n"
        "from taxi_platform.trips.months import Month\n"
        "from taxi_platform.trips.services import SERVICES\n"
        "source = SampleSource(rows=70_000, seed=3)\n"
        f"file = source.find(SERVICES[{service!r}], Month.parse({month!r}))\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    to = pathlib.Path(folder, 'of another name')\n"
        "    source.fetch(file, to, lambda _: None)\n"
        "    print(hashlib.sha256(to.read_bytes()).hexdigest())\n"
    )
    assert there == hashlib.sha256(here).hexdigest()


def test_another_month_seed_or_service_has_other_rows(tmp_path: Path) -> None:
    def rows(seed: int, service: str, month: str) -> list[tuple[str, str]]:
        made = csv_rows(SampleSource(rows=300, seed=seed), service, month, tmp_path)
        return [(row["pulocationid"], row["total_amount"]) for row in made]

    assert rows(0, "yellow", "2020-01") == rows(0, "yellow", "2020-01")
    different = [
        rows(0, "yellow", "2020-01"),
        rows(1, "yellow", "2020-01"),
        rows(0, "yellow", "2020-02"),
        rows(0, "green", "2020-01"),
    ]
    assert len({tuple(made) for made in different}) == 4


def test_a_gzip_says_neither_when_nor_under_which_name_it_was_made(tmp_path: Path) -> None:
    data = fetched(SampleSource(rows=100), "yellow", "2020-01", tmp_path).read_bytes()
    magic, flags, time = data[:3], data[3], data[4:8]
    assert (magic, flags, time) == (b"\x1f\x8b\x08", 0, b"\0\0\0\0")


# The publisher's format


@pytest.mark.parametrize("service", ["yellow", "green"])
def test_fields_are_spelled_as_in_the_real_files(shared: Path, service: str, tmp_path: Path) -> None:
    """Each field, with 9 for every digit, has a shape that the real files use for that column."""
    distance, money = (
        ("9.99", ".99", "99.99"),
        ("9", "99", "9.9", "9.99", "99.9", "99.99", "999", "999.9", "999.99"),
    )
    shapes = {"trip_distance": {*distance, "999.99", "9999.99", "99999.99", "999999.99"}}
    real_shapes: dict[str, set[str]] = {}
    for head in [*(shared / "heads" / service).glob("*_2019-*"), *(shared / "heads" / service).glob("*_2020-*")]:
        for row in csv.DictReader(head.read_text().splitlines()):
            for name, value in row.items():
                real_shapes.setdefault(name.lower(), set()).add(_shape(value))
    assert real_shapes["trip_distance"] <= shapes["trip_distance"]
    for row in csv_rows(SampleSource(rows=3000), service, "2020-01", tmp_path):
        for name, value in row.items():
            if name == "trip_distance":
                assert _shape(value) in shapes[name], (name, value)
            elif name.endswith(("datetime", "flag")):
                assert _shape(value) in real_shapes[name] | {"", "Y"}, (name, value)
            elif "amount" in name or "surcharge" in name or name in ("extra", "mta_tax"):
                assert _shape(value).removeprefix("-") in {*money, ""}, (name, value)
                assert not (("." in value) and value.endswith("0")), (name, value)
            else:
                assert value.isdecimal() or value == "", (name, value)


def _shape(value: str) -> str:
    return "".join("9" if char.isdigit() else char for char in value)


@pytest.mark.parametrize(("service", "month"), CSV_MONTHS)
def test_every_line_has_as_many_fields_as_the_header(service: str, month: str, tmp_path: Path) -> None:
    lines = csv_text(SampleSource(rows=1500), service, month, tmp_path).removesuffix("\r\n").split("\r\n")
    assert len(lines) == 1501
    assert {line.count(",") for line in lines} == {lines[0].count(",")}


def test_congestion_is_empty_until_it_was_charged(tmp_path: Path) -> None:
    before = csv_rows(SampleSource(rows=200), "yellow", "2019-01", tmp_path)
    after = csv_rows(SampleSource(rows=200), "yellow", "2019-02", tmp_path)
    assert {row["congestion_surcharge"] for row in before} == {""}
    assert {"0", "2.5"} <= {row["congestion_surcharge"] for row in after}


@pytest.mark.parametrize(
    ("month", "vendor", "passengers", "flag", "fee"),
    [
        ("2021-08", pa.int64(), pa.float64(), pa.string(), ["airport_fee"]),
        ("2023-01", pa.int64(), pa.float64(), pa.string(), ["airport_fee"]),
        ("2023-02", pa.int32(), pa.int64(), pa.large_string(), ["Airport_fee"]),
        ("2024-12", pa.int32(), pa.int64(), pa.large_string(), ["Airport_fee"]),
        ("2025-01", pa.int32(), pa.int64(), pa.large_string(), ["Airport_fee", "cbd_congestion_fee"]),
    ],
)
def test_yellow_parquet_has_the_types_of_its_time(
    month: str,
    vendor: pa.DataType,
    passengers: pa.DataType,
    flag: pa.DataType,
    fee: list[str],
    tmp_path: Path,
) -> None:
    schema = pq.read_schema(fetched(SampleSource(rows=100), "yellow", month, tmp_path))
    types = {field.name: field.type for field in schema}
    ids = [types[name] for name in ("VendorID", "PULocationID", "DOLocationID")]
    counts = [types[name] for name in ("passenger_count", "RatecodeID")]
    assert (ids, counts, types["store_and_fwd_flag"]) == ([vendor] * 3, [passengers] * 2, flag)
    assert (types["payment_type"], types["tpep_pickup_datetime"]) == (pa.int64(), pa.timestamp("us"))
    assert schema.names[18:] == fee


@pytest.mark.parametrize("month", ["2022-01", "2023-02", "2024-01"])
def test_green_parquet_has_the_schema_of_the_real_file(publisher: Path, month: str, tmp_path: Path) -> None:
    real = publisher / "green" / f"green_tripdata_{month}.parquet"
    made = fetched(SampleSource(rows=100), "green", month, tmp_path)
    assert pq.read_schema(made).remove_metadata() == pq.read_schema(real).remove_metadata()
    codec = [pq.ParquetFile(path).metadata.row_group(0).column(0).compression for path in (made, real)]
    assert codec[0] == codec[1]


# The dirt


@pytest.mark.parametrize(("service", "month"), CSV_MONTHS + PARQUET_MONTHS)
@pytest.mark.parametrize("rows", [100, 4000])
def test_every_kind_of_dirt_is_in_every_file(service: str, month: str, rows: int, tmp_path: Path) -> None:
    made = any_rows(SampleSource(rows=rows), service, month, tmp_path)
    fares = [Decimal(row["fare_amount"]) for row in made]
    days = [dt.date.fromisoformat(row["pickup_datetime"][:10]) for row in made]
    trips = Counter(tuple(row.values()) for row in made)
    found = {
        "passenger_count null": sum(row["passenger_count"] == "" for row in made),
        "passenger_count 0": sum(row["passenger_count"] in ("0", "0.0") for row in made),
        "fare < 0": sum(fare < 0 for fare in fares),
        "fare 0": sum(fare == 0 for fare in fares),
        "2008": sum(day == dt.date(2008, 12, 31) for day in days),
        "2041": sum(day.year == 2041 for day in days),
        "month before": sum(Month.of(day) == Month.parse(month).plus(-1) for day in days),
        "ends first": sum(row["dropoff_datetime"] < row["pickup_datetime"] for row in made),
        "too far": sum(float(row["trip_distance"]) > 100 for row in made),
        "longest": sum(float(row["trip_distance"]) == 259_777.57 for row in made),
        "twice": sum(count - 1 for count in trips.values()),
    }
    assert [name for name, count in found.items() if count == 0] == []
    assert sum(found.values()) - found["passenger_count null"] < 0.03 * rows + 16, found


def test_a_refund_is_the_trip_once_more_with_every_amount_negated(tmp_path: Path) -> None:
    made = csv_rows(SampleSource(rows=5000), "green", "2020-03", tmp_path)
    refunds = [i for i, row in enumerate(made) if row["fare_amount"].startswith("-")]
    money = [name for name in made[0] if "amount" in name or "surcharge" in name or name in ("extra", "mta_tax")]
    same = [
        *("vendorid", "lpep_pickup_datetime", "lpep_dropoff_datetime", "pulocationid", "dolocationid"),
        "trip_distance",
    ]
    for i in refunds:
        refund, trip = made[i], made[i + 1]
        assert [refund[name] for name in same] == [trip[name] for name in same]
        assert [Decimal(refund[name] or 0) for name in money] == [-Decimal(trip[name] or 0) for name in money]
    assert len(refunds) >= 9


@pytest.mark.parametrize(
    ("service", "month", "empty"),
    [
        (
            "yellow",
            "2020-04",
            {"vendorid", "passenger_count", "ratecodeid", "store_and_fwd_flag", "payment_type"},
        ),
        (
            "yellow",
            "2024-01",
            {"passenger_count", "ratecodeid", "store_and_fwd_flag", "congestion_surcharge"},
        ),
        (
            "green",
            "2020-03",
            {"vendorid", "passenger_count", "payment_type", "trip_type", "congestion_surcharge"},
        ),
        ("green", "2022-01", {"passenger_count", "payment_type", "trip_type", "congestion_surcharge"}),
    ],
)
def test_rows_without_a_passenger_count_are_one_block_at_the_end(
    service: str, month: str, empty: set[str], tmp_path: Path
) -> None:
    made = any_rows(SampleSource(rows=2000), service, month, tmp_path)
    lacking = [i for i, row in enumerate(made) if row["passenger_count"] == ""]
    assert lacking == list(range(lacking[0], 2000))
    for row in made[lacking[0] :]:
        assert {name for name in empty if row[name] != ""} == set()
        assert row["pickup_datetime"].endswith(":00")
    if month == "2024-01":
        assert {row["payment_type"] for row in made[lacking[0] :]} == {"0"}


# The trips


@pytest.mark.parametrize(("service", "month"), [("yellow", "2020-04"), ("green", "2019-01"), ("yellow", "2025-02")])
def test_the_total_is_the_exact_sum_of_its_parts(service: str, month: str, tmp_path: Path) -> None:
    for row in any_rows(SampleSource(rows=2000), service, month, tmp_path):
        parts = [
            Decimal(row[name] or 0)
            for name in row
            if name in ("fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "airport_fee")
            or "surcharge" in name
            or name in ("ehail_fee", "cbd_congestion_fee")
        ]
        assert Decimal(row["total_amount"]) == sum(parts), row


def test_trips_follow_the_day_the_meter_and_the_card(tmp_path: Path) -> None:
    table = pq.read_table(fetched(SampleSource(rows=20_000), "yellow", "2024-01", tmp_path))
    hours = Counter(time.hour for time in table["tpep_pickup_datetime"].to_pylist())
    assert hours[18] > 4 * hours[4]
    zones = table["PULocationID"].to_pylist()
    assert set(zones) <= set(range(1, 265))
    assert Counter(zones)[237] > 20 * Counter(zones)[110]
    near = table.filter(pc.less(table["trip_distance"], 1))
    far = table.filter(pc.and_(pc.greater(table["trip_distance"], 5), pc.less(table["trip_distance"], 100)))
    assert pc.mean(far["fare_amount"]).as_py() > 2 * pc.mean(near["fare_amount"]).as_py()
    cash = table.filter(pc.equal(table["payment_type"], 2))
    card = table.filter(pc.equal(table["payment_type"], 1))
    assert pc.max(cash["tip_amount"]).as_py() == 0
    assert 2 < pc.mean(card["tip_amount"]).as_py() < 5


def test_pickups_are_sorted_to_the_hour(tmp_path: Path) -> None:
    made = csv_rows(SampleSource(rows=3000), "green", "2020-03", tmp_path)
    hours = [
        row["lpep_pickup_datetime"][:13]
        for row in made
        if row["passenger_count"] != "" and row["lpep_pickup_datetime"].startswith("2020-03")
    ]
    assert hours == sorted(hours)
    assert (hours[0], hours[-1]) == ("2020-03-01 00", "2020-03-31 23")


# The counts


@pytest.mark.parametrize("rows", [100, 101, 2000, 65_536, 140_001])
def test_a_file_has_exactly_the_rows_that_were_asked_for(rows: int, tmp_path: Path) -> None:
    source = SampleSource(rows=rows)
    text = csv_text(source, "yellow", "2020-01", tmp_path)
    table = pq.read_table(fetched(source, "green", "2024-01", tmp_path))
    assert (text.count("\r\n") - 1, table.num_rows) == (rows, rows)
    assert source.rows_of(SERVICES["yellow"], Month(2020, 1)) == rows


def test_months_differ_in_length_when_asked_to(tmp_path: Path) -> None:
    source = SampleSource(rows=2000, vary_percent=10)
    service = SERVICES["yellow"]
    months = list(Month(2020, 1).until(Month(2020, 3)))
    told = [source.rows_of(service, month) for month in months]
    written = [len(csv_rows(source, "yellow", month.key, tmp_path)) for month in months]
    assert written == told
    assert len(set(told)) == 3
    assert all(1800 <= rows <= 2000 for rows in told)


def test_a_million_rows_need_little_memory() -> None:
    peak_mb = run_python(
        "import pathlib, tempfile\n"
        "from taxi_platform_tests.peak_memory import peak_mib\n"
        "from taxi_platform.resources.sources.sample import SampleSource\n"
        "from taxi_platform.trips.months import Month\n"
        "from taxi_platform.trips.services import SERVICES\n"
        "source = SampleSource(rows=1_000_000)\n"
        "for name, month in (('yellow', Month(2009, 1)), ('fhvhv', Month(2025, 1))):\n"
        "    file = source.find(SERVICES[name], month)\n"
        "    with tempfile.TemporaryDirectory() as folder:\n"
        "        source.fetch(file, pathlib.Path(folder, file.name), lambda _: None)\n"
        "print(peak_mib())\n"
    )
    assert 0 < int(peak_mb) < 400


# What is there, and getting it


def test_months_go_from_the_services_first_to_the_last_full_one() -> None:
    for service in SERVICES.values():
        files = list(SampleSource().published(service))
        last = last_full_month(new_york_today())
        assert [file.month for file in files] == list(service.first_month.until(last))
        assert files[0].name == f"{service.name}_tripdata_{service.first_month}.csv.gz"
        assert files[-1].name == f"{service.name}_tripdata_{last}.parquet"


@pytest.mark.parametrize("month", [Month(2008, 12), Month.of(new_york_today())], ids=["too old", "not over"])
def test_other_months_are_refused_with_the_months_there_are(month: Month) -> None:
    with pytest.raises(NotPublishedError, match=rf"no yellow {month}: its months go from 2009-01 to 20"):
        SampleSource().find(SERVICES["yellow"], month)


def test_a_file_tells_how_it_is_made() -> None:
    file = SampleSource(rows=500, seed=7).find(SERVICES["green"], Month(2020, 3))
    assert file.url == "sample://green/green_tripdata_2020-03.csv.gz?rows=500&seed=7"
    assert (file.size_bytes, file.fingerprint) == (None, "sample-v2-rows500-seed7")


def test_progress_adds_up_to_the_file(tmp_path: Path) -> None:
    source = SampleSource(rows=70_000)
    for month in (Month(2020, 3), Month(2024, 1)):
        file = source.find(SERVICES["green"], month)
        moved: list[int] = []
        source.fetch(file, tmp_path / file.name, moved.append)
        assert sum(moved) == (tmp_path / file.name).stat().st_size


@pytest.mark.parametrize("month", [Month(2020, 3), Month(2024, 1)])
def test_a_fetch_that_is_broken_off_leaves_no_file(month: Month, tmp_path: Path) -> None:
    source = SampleSource(rows=300_000)
    file = source.find(SERVICES["green"], month)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.fetch(file, tmp_path / file.name, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_sample_is_not_passed_off_as_this_one(tmp_path: Path) -> None:
    file = SampleSource(rows=500).find(SERVICES["green"], Month(2020, 3))
    with pytest.raises(NotPublishedError, match="sample-v2-rows600-seed0 makes another file"):
        SampleSource(rows=600).fetch(file, tmp_path / file.name, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_knowing_the_months_loads_neither_numpy_nor_pyarrow() -> None:
    loaded = run_python(
        "import sys\n"
        "from taxi_platform.resources.sources.sample import SampleSource\n"
        "from taxi_platform.trips.services import SERVICES\n"
        "list(SampleSource().published(SERVICES['yellow']))\n"
        "print([name for name in ('numpy', 'pyarrow', 'pandas') if name in sys.modules])\n"
    )
    assert loaded == "[]"


# The address


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("sample", SampleSource()),
        ("sample://", SampleSource()),
        ("sample://?", SampleSource()),
        ("sample://?rows=1000000&seed=7", SampleSource(rows=1_000_000, seed=7)),
        ("sample://?seed=7", SampleSource(seed=7)),
        ("sample://?format=parquet", SampleSource(format="parquet")),
        ("sample://?rows=20000000&vary_percent=10", SampleSource(rows=20_000_000, vary_percent=10)),
    ],
)
def test_an_address_names_the_sample(uri: str, source: SampleSource) -> None:
    assert parse_sample_uri(uri) == source


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("sample://?row=100", "has no parameter 'row'"),
        ("sample://?rows=99", "Bad value for the sample's rows: 99"),
        ("sample://?rows=20000001", "Bad value for the sample's rows: 20,000,001"),
        ("sample://?rows=1e6", "bad value for rows: '1e6' is not a whole number"),
        ("sample://?rows=-100", "bad value for rows: '-100'"),
        ("sample://?rows=", "bad value for rows: ''"),
        ("sample://?rows", "bad value for rows: ''"),
        ("sample://?seed=" + "9" * 5000, "is not a whole number"),
        ("sample://?rows=100&rows=200", "rows is there twice"),
        ("sample://?vary_percent=11", "Bad value for the sample's vary_percent: 11"),
        ("sample://?format=orc", "Bad value for the sample's format: 'orc'. It is csv or parquet."),
        ("sample://?format=", "Bad value for the sample's format: ''"),
        ("sample://yellow?rows=100", "is not the sample"),
        ("samples", "is not the sample"),
        ("", "is not the sample"),
    ],
)
def test_a_bad_address_is_refused_with_what_is_known(uri: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_sample_uri(uri)
    message = str(refused.value)
    assert complaint in message
    assert "Known are rows (100 to 20,000,000), seed" in message
