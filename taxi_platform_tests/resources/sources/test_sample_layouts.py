"""Every format since 2009: the sample writes it as the publisher did, and cleaning takes it for what it is."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.resources.sources.sample.csv_text import write_csv
from taxi_platform.resources.sources.sample.draft import Plan
from taxi_platform.resources.sources.sample.eras import Era
from taxi_platform.resources.sources.sample.source import _soiled
from taxi_platform.resources.sources.sample.timeline import ERAS, FIRST_PARQUET, era_of
from taxi_platform.trips.layouts import FileKind, normalised
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.services import SERVICES, new_york_today
from taxi_platform_tests.trips.files import Outcome, clean_path, layout

NOT_THE_PUBLISHERS = "yellow-csv-saved-again"
ROWS = 400

Row = Mapping[str, Any]


def fetched(service: str, month: Month, folder: Path, rows: int = ROWS, kind: FileKind | None = None) -> Path:
    source = SampleSource(rows=rows, format=kind)
    file = source.find(SERVICES[service], month)
    source.fetch(file, folder / file.name, lambda _: None)
    return folder / file.name


def last_month(era: Era) -> Month:
    later = [one.first for one in ERAS if (one.service, one.kind) == (era.service, era.kind) and one.first > era.first]
    return min(later).plus(-1) if later else last_full_month(new_york_today())


ENDS_OF_ERAS = [
    pytest.param(era, month, id=f"{era.layout}-{month}")
    for era in ERAS
    for month in sorted({era.first, last_month(era)}, key=str)
]


def lines_of(content: bytes) -> list[list[str]]:
    """The fields of each data line, by a reader that is not ours; the header is the first of them."""
    return [line for line in csv.reader(io.StringIO(content.decode("ascii"), newline="")) if line]


def well_formed(path: Path, reasons: Counter[str]) -> Iterator[Row]:
    """The rows of a file by the names in its header, read without our code. Ragged ones are counted in `reasons`."""
    if path.suffix == ".parquet":
        for row in pq.read_table(path).to_pylist():
            yield {normalised(name): value for name, value in row.items()}
        return
    header, *lines = lines_of(gzip.decompress(path.read_bytes()))
    for line in lines:
        if len(line) < len(header):
            reasons["too_few_fields"] += 1
        elif any(line[len(header) :]):
            reasons["too_many_fields"] += 1
        else:
            yield dict(zip(map(normalised, header), line, strict=False))


# Cleaning


@pytest.mark.parametrize(("era", "month"), ENDS_OF_ERAS)
def test_a_file_of_every_era_is_cleaned_as_what_it_is(era: Era, month: Month, tmp_path: Path) -> None:
    path = fetched(era.service, month, tmp_path, kind=era.kind)
    outcome = clean_path(path, era.service, month)
    recognised = outcome.plan.recognised
    assert (recognised.layout.id, recognised.unknown) == (era.layout, unknown_columns(era, month))
    assert recognised.layout.was_used_in(month)
    assert set(outcome.plan.sources) | beyond_files(era) == {column.name for column in SERVICES[era.service].columns}

    planted: Counter[str] = Counter()
    kept = []
    for row in well_formed(path, planted):
        if str(row.get("passenger_count")) in ("0", "0.0"):
            planted["passenger_count_zero"] += 1
        else:
            kept.append(row)
    assert outcome.cleaned.rejected == planted
    assert (outcome.cleaned.rows_in, outcome.cleaned.kept) == (ROWS, len(kept))
    assert set(planted) == planted_kinds(era, month)
    assert outcome.cleaned.money_rounded == 0
    assert odd_words(outcome) == planted_words(era, month)
    assert outcome.extras is None or outcome.extras.num_rows == len(kept)
    dirt = outcome.cleaned.observed
    assert {name for name, count in dirt.items() if count} - MAY_BE == DIRT & set(dirt) - absent_dirt(era)
    if "total_amount" in outcome.trips.column_names:
        assert sum(outcome.column("total_amount")) == sum(cents(row) for row in kept)


def cents(row: Row) -> Decimal:
    total = next(value for name, value in row.items() if name in ("total_amount", "total_amt"))
    return Decimal(str(total)).quantize(Decimal("0.01"))


def unknown_columns(era: Era, month: Month) -> tuple[str, ...]:
    if era.kind == "csv":
        return ()
    if era.service == "yellow" and month in (Month(2010, 2), Month(2010, 3)):
        return ("__index_level_0__",)
    return ("request_source",) if era.service in ("yellow", "green") and month >= Month(2026, 6) else ()


def beyond_files(era: Era) -> set[str]:
    """Columns of the service that no column of this layout becomes."""
    header = {normalised(name) for name in layout(era.layout).header}
    return {column.name for column in SERVICES[era.service].columns if not header & set(column.sources)}


def planted_kinds(era: Era, month: Month) -> set[str]:
    kinds = {"passenger_count_zero"} if era.service in ("yellow", "green") else set()
    if (era.service, era.kind) == ("yellow", "csv") and month in (Month(2010, 2), Month(2010, 3)):
        kinds |= {"too_few_fields", "too_many_fields"}
    return kinds


def odd_words(outcome: Outcome) -> dict[str, set[str]]:
    names = [name for name in outcome.trips.column_names if name.endswith("_as_published")]
    found = {name: {word for word in outcome.column(name) if word is not None} for name in names}
    return {name: words for name, words in found.items() if words}


def planted_words(era: Era, month: Month) -> dict[str, set[str]]:
    if era.service != "yellow" or month > Month(2014, 12) or (era.kind == "parquet" and month > Month(2010, 12)):
        return {}
    return {"payment_as_published": {"Voucher" if month.year == 2009 else "VOU"}}


DIRT = {
    "passenger_count_missing",
    "fare_negative",
    "pickup_outside_month",
    "dropoff_before_pickup",
    "distance_impossible",
}
"""What every month of the sample has, as real months do; codes are in the dictionary."""

MAY_BE = {"duration_above_a_day", "store_and_fwd_flag_unknown"}
"""Of a stray, and of the asterisk that stood for a flag in 2009 and 2010."""


def absent_dirt(era: Era) -> set[str]:
    absent = {"fare_negative", "distance_impossible"} if era.service == "fhvhv" else set()
    absent |= set() if era.block_share else {"passenger_count_missing"}
    return absent | ({"dropoff_before_pickup"} if era.layout == "fhv-csv-2015" else set())


def test_every_layout_is_made_but_the_one_that_is_not_the_publishers() -> None:
    declared = {one.id for service in SERVICES.values() for one in service.layouts}
    assert {era.layout for era in ERAS} == declared - {NOT_THE_PUBLISHERS}


def test_a_layout_that_others_made_of_the_publishers_is_cleaned_as_well(tmp_path: Path) -> None:
    service, month = SERVICES["yellow"], Month(2019, 7)
    era = replace(era_of(service, month, "csv"), layout=NOT_THE_PUBLISHERS)
    path = tmp_path / "yellow_tripdata_2019-07.csv.gz"
    plan = Plan(service, month, era, ROWS, ("a key",))
    with path.open("wb") as out, closing(write_csv(plan, _soiled(plan), out)) as pieces:
        assert sum(pieces) == out.tell()
    outcome = clean_path(path, "yellow", month)
    assert (outcome.plan.recognised.layout.id, outcome.plan.recognised.unknown) == (NOT_THE_PUBLISHERS, ())
    assert outcome.cleaned.rejected.keys() == {"passenger_count_zero"}
    assert outcome.cleaned.rows_in == ROWS


def test_a_month_holds_the_same_trips_as_csv_and_as_parquet(tmp_path: Path) -> None:
    month = Month(2010, 1)
    as_csv, as_parquet = (clean_path(fetched("yellow", month, tmp_path, kind=kind), month=month) for kind in KINDS)
    assert as_csv.trips.to_pylist() == as_parquet.trips.to_pylist()


KINDS: tuple[FileKind, ...] = ("csv", "parquet")


# What was in the files


@pytest.mark.parametrize("service", SERVICES)
def test_csvs_begin_and_end_their_lines_as_the_real_ones_do(shared: Path, service: str, tmp_path: Path) -> None:
    for head in heads(shared, service):
        real = head.read_bytes()
        made = gzip.decompress(fetched(service, month_of(head), tmp_path).read_bytes())
        assert before_data(made) == before_data(real), head.name
        ends = {line[-2:] for line in made.removeprefix(before_data(made)).splitlines(keepends=True)}
        assert ends == {b"\r\n"}, head.name
        widths = Counter(map(len, lines_of(made)[1:]))
        assert widths.most_common(1)[0][0] == len(lines_of(real)[1]), head.name
        assert len(widths) == (3 if month_of(head) == Month(2010, 2) else 1), head.name
        quotes = [content.removeprefix(before_data(content)).splitlines()[0].count(b'"') for content in (made, real)]
        assert quotes[0] == quotes[1], head.name


@pytest.mark.parametrize("service", SERVICES)
def test_every_way_a_real_file_spells_a_field_is_in_ours(shared: Path, service: str, tmp_path: Path) -> None:
    for head in heads(shared, service):
        made = spellings(gzip.decompress(fetched(service, month_of(head), tmp_path, rows=2000).read_bytes()))
        for name, shapes in spellings(head.read_bytes()).items():
            assert shapes <= made[name], (head.name, name)


def heads(shared: Path, service: str) -> list[Path]:
    return sorted((shared / "heads" / service).glob("*.csv"))


def month_of(head: Path) -> Month:
    return Month.parse(head.stem.rpartition("_")[2])


def before_data(content: bytes) -> bytes:
    """The header, its end and the empty lines after it."""
    found = re.match(rb"[^\r\n]*[\r\n]+", content)
    assert found is not None
    return found[0]


def spellings(content: bytes) -> dict[str, set[str]]:
    """By column, the shapes of its fields: 9 for a number, and long where it has more than 10 decimals."""
    header, *lines = lines_of(content)
    whole = (line[: len(header)] for line in lines if len(line) >= len(header))
    different = zip(header, map(set, zip(*whole, strict=True)), strict=True)
    return {
        name: {re.sub(r"\d+", "9", re.sub(r"\.\d{11,}$", ".long", value)) for value in values}
        for name, values in different
    }


def test_words_differ_by_vendor_and_year(tmp_path: Path) -> None:
    def paid(month: Month) -> dict[str, set[str]]:
        words: dict[str, set[str]] = {}
        for row in well_formed(fetched("yellow", month, tmp_path, rows=6000), Counter()):
            by_vendor = words.setdefault(row.get("vendor_name", row.get("vendor_id")), set())
            by_vendor.add(row["payment_type"])
        return words

    assert {vendor: words & {"Cash", "CASH", "Credit", "CREDIT"} for vendor, words in paid(Month(2009, 4)).items()} == {
        "CMT": {"Cash", "Credit"},
        "VTS": {"CASH", "Credit"},
        "DDS": {"CASH", "CREDIT"},
    }
    assert {"Cre", "CAS", "No ", "NA "} <= paid(Month(2010, 5))["VTS"]
    of_2012 = {"CRD", "CSH", "NOC", "DIS", "UNK"}
    assert {vendor: words - {"VOU"} for vendor, words in paid(Month(2012, 5)).items()} == dict.fromkeys(
        ("CMT", "VTS"), of_2012
    )


def test_some_places_are_unknown_and_come_out_empty(tmp_path: Path) -> None:
    for month in (Month(2009, 1), Month(2014, 1), Month(2015, 7)):
        outcome = clean_path(fetched("yellow", month, tmp_path, rows=1000), month=month)
        for name in ("pickup", "dropoff"):
            longitudes, latitudes = outcome.column(f"{name}_longitude"), outcome.column(f"{name}_latitude")
            unknown = [value is None for value in longitudes]
            assert unknown == [value is None for value in latitudes]
            assert 3 < sum(unknown) < 50
            assert all(-74.1 < value < -73.7 for value in longitudes if value is not None)
            assert all(40.5 < value < 41.0 for value in latitudes if value is not None)


def test_the_base_of_2018_is_in_the_other_column(tmp_path: Path) -> None:
    path = fetched("fhv", Month(2018, 1), tmp_path)
    rows = list(well_formed(path, Counter()))
    assert {row["dispatching_base_num"] for row in rows} == {""}
    outcome = clean_path(path, "fhv", Month(2018, 1))
    assert outcome.column("dispatching_base_num") == [row["dispatching_base_number"] for row in rows]
    assert set(outcome.column("shared_ride_flag")) == {1, None}


@pytest.mark.parametrize("month", [Month(2019, 2), Month(2023, 1)], ids=str)
def test_for_hire_vehicles_lack_zones_and_end_in_3019(month: Month, tmp_path: Path) -> None:
    outcome = clean_path(fetched("fhv", month, tmp_path, rows=2000), "fhv", month)
    ends = [time.year for time in outcome.column("dropoff_datetime")]
    assert ends.count(3019) == 1
    assert 0 < outcome.column("pickup_location_id").count(None) < 2000
    assert outcome.cleaned.observed["pickup_outside_month"] == 2


@pytest.mark.parametrize("month", [Month(2020, 7), Month(2025, 1)], ids=str)
def test_high_volume_services_have_their_own_dirt(month: Month, tmp_path: Path) -> None:
    outcome = clean_path(fetched("fhvhv", month, tmp_path, rows=2000), "fhvhv", month)
    assert sum(pay < 0 for pay in outcome.column("driver_pay")) == 1
    assert outcome.column("trip_miles").count(0) == 2
    assert outcome.cleaned.observed["dropoff_before_pickup"] == 1
    for request, pickup in zip(outcome.column("request_datetime"), outcome.column("pickup_datetime"), strict=True):
        assert dt.timedelta() < pickup - request < dt.timedelta(hours=1)


# Parquet's types


@pytest.mark.parametrize(
    ("service", "month", "types"),
    [
        ("yellow", Month(2009, 1), {"Trip_Pickup_DateTime": "string", "store_and_forward": "double"}),
        ("yellow", Month(2010, 3), {"pickup_datetime": "string", "rate_code": "string", "__index_level_0__": "int64"}),
        ("yellow", Month(2011, 1), {"VendorID": "int64", "airport_fee": "null", "improvement_surcharge": "null"}),
        ("yellow", Month(2015, 1), {"congestion_surcharge": "null", "improvement_surcharge": "double"}),
        ("yellow", Month(2026, 6), {"Airport_fee": "double", "request_source": "large_string"}),
        ("green", Month(2014, 1), {"ehail_fee": "null", "trip_type": "null", "RatecodeID": "double"}),
        ("green", Month(2026, 6), {"cbd_congestion_fee": "double", "request_source": "large_string"}),
        ("fhv", Month(2016, 1), {"PUlocationID": "double", "DOlocationID": "double", "SR_Flag": "null"}),
        ("fhv", Month(2023, 1), {"dropOff_datetime": "timestamp[us]", "SR_Flag": "double"}),
        ("fhvhv", Month(2019, 2), {"PULocationID": "int64", "wav_match_flag": "null", "airport_fee": "null"}),
        ("fhvhv", Month(2022, 1), {"wav_match_flag": "string", "trip_time": "int64", "airport_fee": "double"}),
        ("fhvhv", Month(2025, 1), {"PULocationID": "int32", "shared_match_flag": "string", "driver_pay": "double"}),
    ],
    ids=str,
)
def test_parquet_has_the_types_of_its_time(service: str, month: Month, types: dict[str, str], tmp_path: Path) -> None:
    schema = pq.read_schema(fetched(service, month, tmp_path, kind="parquet"))
    assert {name: str(schema.field(name).type) for name in types} == types


def test_a_request_source_is_kept_aside(tmp_path: Path) -> None:
    for service in ("yellow", "green"):
        outcome = clean_path(fetched(service, Month(2026, 6), tmp_path), service, Month(2026, 6))
        assert outcome.extras is not None
        assert set(outcome.extras["request_source"].to_pylist()) == {"app", "street", None}
        assert outcome.extras.schema.field("request_source").type == pa.large_string()


# Which months


@pytest.mark.parametrize("service", SERVICES)
def test_csvs_give_way_to_parquet_in_one_month(service: str) -> None:
    kinds = {file.month: file.name.partition(".")[2] for file in SampleSource().published(SERVICES[service])}
    first, last = SERVICES[service].first_month, last_full_month(new_york_today())
    assert list(kinds) == list(first.until(last))
    assert kinds == {month: "csv.gz" if month < FIRST_PARQUET[service] else "parquet" for month in kinds}


@pytest.mark.parametrize("kind", KINDS)
def test_every_month_can_be_had_as_either_kind(kind: FileKind) -> None:
    source = SampleSource(format=kind)
    for service in SERVICES.values():
        files = list(source.published(service))
        assert {file.name.partition(".")[2] for file in files} == {{"csv": "csv.gz", "parquet": "parquet"}[kind]}
        assert {(file.url.rpartition("?")[2], file.fingerprint) for file in files} == {
            (f"rows=2000&seed=0&format={kind}", f"sample-v2-rows2000-seed0-{kind}")
        }
