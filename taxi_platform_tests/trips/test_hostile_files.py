"""What a hostile file does: which of its rows are kept, which rejected and why, or with which sentence it is refused.

The list is meant to be read. Lines of 40 MB and of 1 GB are in test_memory.py, for what counts there is the memory;
Parquet of other kinds is in reading/test_parquet_records.py.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from taxi_platform.errors import LayoutError, SourceFileError, TaxiError
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform_tests.trips.files import (
    HEADER,
    clean_bytes,
    clean_path,
    csv_of,
    parquet_of,
    reading_by,
    row,
)

FLAG = "store_and_fwd_flag"


def trip(number: int, **changes: str) -> str:
    """A good trip whose fare is the number of its record, so that a value in the wrong row is seen."""
    return row(fare_amount=str(number), **changes)


def latin1(line: str) -> bytes:
    return line.encode("latin-1")


CRLF_ROWS = csv_of(trip(2), trip(3), header=trip(1), end="\r\n")
PACKED_PARTS = gzip.compress(csv_of(trip(1), trip(2))) + gzip.compress(f"{trip(3)}\n".encode())
MANY_FIELDS = ",".join(["1"] * 10_000)

Rejected = list[tuple[int, str]]

ACCOUNTED: dict[str, tuple[bytes, list[int], Rejected]] = {
    # what it is: the file, the numbers of the rows that are kept, the rows that are rejected
    "a year 3019": (csv_of(trip(1), trip(2, tpep_pickup_datetime="3019-02-01 00:00:00")), [1, 2], []),
    "a pickup in 2041": (csv_of(trip(1, tpep_pickup_datetime="2041-08-17 16:24:50"), trip(2)), [1, 2], []),
    "a byte order mark": (b"\xef\xbb\xbf" + csv_of(trip(1), trip(2)), [1, 2], []),
    "NUL bytes": (csv_of(trip(1), trip(2, VendorID="\0"), "\0\0", trip(4)), [1, 4], [(2, "nul_byte"), (3, "nul_byte")]),
    "latin-1 bytes": (csv_of(trip(1), latin1(trip(2, **{FLAG: "\xe9"})), trip(3)), [1, 3], [(2, "not_utf8")]),
    "half a surrogate": (
        csv_of(trip(1, **{FLAG: "a"}).encode().replace(b",a,", b",\xed\xa0\x80,")),
        [],
        [(1, "not_utf8")],
    ),
    "a header without rows": (HEADER.encode(), [], []),
    "a header without rows, with its line end": (csv_of(), [], []),
    "a header and a blank line": (csv_of(""), [], []),
    "a header that ends in LF and a CRLF line": (HEADER.encode() + b"\n\r\n", [], []),
    "a header among blank lines": (f"\n{HEADER}\r\n\r\n\n".encode(), [], []),
    "an unterminated quote in the middle": (
        csv_of(trip(1), trip(2, **{FLAG: '"N'}), trip(3), trip(4)),
        [1, 3, 4],
        [(2, "unterminated_quote")],
    ),
    "an unterminated quote and a stray one below": (
        csv_of(trip(1), trip(2, **{FLAG: '"N'}), trip(3), trip(4, **{FLAG: 'N"'}), trip(5)),
        [1, 3, 4, 5],
        [(2, "unterminated_quote")],
    ),
    "two gzips one after the other": (PACKED_PARTS, [1, 2, 3], []),
    "two gzips, each with a header": (
        gzip.compress(csv_of(trip(1))) + gzip.compress(csv_of(trip(3))),
        [1, 3],
        [(2, "unreadable_pickup_datetime")],
    ),
    "a gzip with zeros behind it": (gzip.compress(csv_of(trip(1))) + b"\0" * 512, [1], []),
    "LF after the header, CRLF after the rows": (HEADER.encode() + b"\n" + CRLF_ROWS, [1, 2, 3], []),
    "LF after the header, a blank line, CRLF after the rows": (HEADER.encode() + b"\n\r\n" + CRLF_ROWS, [1, 2, 3], []),
    "CRLF after the header, LF after the rows": (
        HEADER.encode() + b"\r\n" + csv_of(trip(2), trip(3), header=trip(1)),
        [1, 2, 3],
        [],
    ),
    "LF and CRLF by turns": (csv_of(trip(1) + "\r", trip(2), trip(3) + "\r", trip(4)), [1, 2, 3, 4], []),
    "rows that a CR alone ends": (
        csv_of(trip(1), trip(2) + "\r" + trip(3), trip(3)),
        [1, 3],
        [(2, "stray_carriage_return")],
    ),
    "quoted fields with commas and line ends": (
        csv_of(trip(1, **{FLAG: '"a,b"'}), trip(2, **{FLAG: '"a\nb\r\n\n,c"'}), trip(3)),
        [1, 2, 3],
        [],
    ),
    "a row of 10,000 columns": (csv_of(trip(1), MANY_FIELDS, trip(3)), [1, 3], [(2, "too_many_fields")]),
    "rows of 10,000 empty columns": (csv_of(trip(1) + "," * 10_000, trip(2) + "," * 10_000), [1, 2], []),
    "a row that lost a field in the middle, among rows with empty fields behind": (
        csv_of(trip(1) + ",,", trip(2).replace(",0.3,", ",") + ",,", trip(3), trip(4) + ",,", '"', trip(6) + ",,"),
        [1, 3, 4, 6],
        [(2, "too_few_fields"), (5, "unterminated_quote")],
    ),
    "a row with a comma too many, among rows with empty fields behind": (
        csv_of(
            trip(1) + ",,",
            trip(2, total_amount="1,000", congestion_surcharge="") + ",,",
            trip(3, **{FLAG: '"N"', "total_amount": "1,000", "congestion_surcharge": ""}) + ",,",
        ),
        [1],
        [(2, "too_many_fields"), (3, "too_many_fields")],
    ),
    "the header again": (csv_of(trip(1), HEADER, trip(3)), [1, 3], [(2, "unreadable_pickup_datetime")]),
    "a last line without an end": (csv_of(trip(1), trip(2)).removesuffix(b"\n"), [1, 2], []),
    "a last line of spaces": (csv_of(trip(1), "   "), [1], [(2, "too_few_fields")]),
    "a last line of spaces without an end": (csv_of(trip(1)) + b"   ", [1], [(2, "too_few_fields")]),
    "DOS's end of a text": (csv_of(trip(1)) + b"\x1a", [1], [(2, "too_few_fields")]),
    "numbers in other spellings": (
        csv_of(
            row(fare_amount="1e0"), row(fare_amount="+2"), row(fare_amount=" 3 "), row(fare_amount="4.0000000000001")
        ),
        [1, 2, 3, 4],
        [],
    ),
    "numbers that are none": (
        csv_of(
            *(row(fare_amount=text) for text in ('"1,000"', "\uff11", "\u0661", "1_0", "0x1", "$1", "(1)", "1" * 40))
        ),
        [],
        [(number, "unreadable_fare_amount") for number in range(1, 9)],
    ),
    "a thousands separator without quotes": (csv_of(row(fare_amount="1,000")), [], [(1, "too_many_fields")]),
    "times that are none": (
        csv_of(
            *(
                row(tpep_dropoff_datetime=text)
                for text in ("2021-02-30 00:00:00", "01/02/2021 00:30", "2021-01-01 00:00:00-05:00", "44197.02", "NaT")
            )
        ),
        [],
        [(number, "unreadable_dropoff_datetime") for number in range(1, 6)],
    ),
}

WAYS_OF_READING = {"at once": {}, "line by line": {"block": 1, "chunk": 1}, "in pieces": {"block": 300, "chunk": 64}}


@pytest.mark.parametrize("way", WAYS_OF_READING.values(), ids=WAYS_OF_READING.keys())
@pytest.mark.parametrize(("content", "kept", "rejected"), ACCOUNTED.values(), ids=ACCOUNTED.keys())
def test_every_row_of_a_hostile_file_is_accounted_for(
    content: bytes, kept: list[int], rejected: Rejected, way: dict[str, int]
) -> None:
    with reading_by(**way):
        outcome = clean_bytes(content)
    assert outcome.kept_rows == kept
    assert outcome.column("fare_amount") == kept  # each value in its own row
    assert outcome.reasons == rejected
    assert outcome.facts["rows_in"] == len(kept) + len(rejected)
    assert outcome.extras is None


@pytest.mark.parametrize("year", ["2041", "3019", "0001", "9999"])
def test_a_pickup_in_a_far_year_is_kept_and_counted(year: str) -> None:
    outcome = clean_bytes(csv_of(row(tpep_pickup_datetime=f"{year}-01-01 00:00:00")))
    assert [str(time) for time in outcome.column("pickup_datetime")] == [f"{year}-01-01 00:00:00"]
    assert outcome.facts["observed"]["pickup_outside_month"] == 1


EMPTY = {name: content for name, (content, kept, rejected) in ACCOUNTED.items() if not kept and not rejected}


@pytest.mark.parametrize("content", EMPTY.values(), ids=EMPTY.keys())
def test_a_month_without_rows_is_an_empty_month(content: bytes) -> None:
    outcome = clean_bytes(content)
    assert (outcome.facts["rows_in"], outcome.trips.num_rows, outcome.rejects) == (0, 0, [])
    assert outcome.facts["control_sums"] == {"total_amount": "0"}


def test_quoted_commas_and_line_ends_are_part_of_the_value() -> None:
    outcome = clean_bytes(csv_of(row(store_and_fwd_flag='"a,b"'), row(store_and_fwd_flag='"a\nb\r\n\n,c"')))
    assert outcome.column(FLAG) == ["a,b", "a\nb\r\n\n,c"]


# Refused as a whole

GOOD = csv_of(*[row()] * 40)
PACKED = gzip.compress(GOOD)
HTML = b"\n <!DOCTYPE html><html><body>403</body></html>"


def changed(content: bytes, at: int) -> bytes:
    """`content` with one byte (counted from the end) another."""
    return content[:at] + bytes([content[at] ^ 1]) + content[len(content) + at + 1 :]


NOT_A_MONTH: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\r\n\n", "there is no header, only blank lines"),
    "an empty gzip": (gzip.compress(b""), "there is no header, only blank lines"),
    "HTML": (HTML, "this is an HTML page"),
    "HTML in a gzip": (gzip.compress(HTML), "this is an HTML page"),
    "HTML after a byte order mark": (b"\xef\xbb\xbf" + HTML, "this is an HTML page"),
    "XML": (b"<?xml version='1.0'?><Error/>", "this is an XML answer"),
    "JSON": (b'{"error": "Not Found"}', "this is JSON"),
    "gzip cut short": (PACKED[:-20], "the gzip is cut short"),
    "gzip cut in its checksum": (PACKED[:-1], "the gzip is cut short"),
    "gzip of which only the magic came": (PACKED[:2], "the gzip is cut short"),
    "gzip with another CRC": (changed(PACKED, -6), "the gzip is damaged .*incorrect data check"),
    "gzip with another length": (changed(PACKED, -2), "the gzip is damaged .*incorrect length check"),
    "gzip with a damaged body": (changed(PACKED, -40), "the gzip is damaged|the gzip is cut short"),
    "gzip followed by something": (PACKED + b"garbage", "the gzip is damaged"),
    "gzip followed by half a member": (PACKED + PACKED[:30], "the gzip is cut short"),
    "a row cut short": (GOOD[:-30], "the file ends in the middle of row 40 .* it was cut short"),
    "the only row cut short": (csv_of(row())[:-30], "the file ends in the middle of row 1 "),
    "a row cut short in a gzip": (gzip.compress(GOOD[:-30]), "the file ends in the middle of row 40 "),
    "a quoted row cut short": (
        csv_of('"' + row().replace(",", '","') + '"')[:-30],
        "the file ends in the middle of row 1 ",
    ),
    "a header of a megabyte": (b"x" * (1 << 20) + b"\n1\n", "this is no header"),
    "a header that is no text": (b"\xff\xfeV\x00e\x00n\x00\n", "the first line cannot be read as a header"),
    "a header with an open quote": (b'"VendorID,x\n1,2\n', "the first line cannot be read as a header"),
    "lines that end in CR alone": (GOOD.replace(b"\n", b"\r"), "the first line cannot be read as a header"),
    "a gzip in a gzip": (gzip.compress(PACKED), "the first line cannot be read as a header"),
    "a zip": (b"PK\x03\x04" + bytes(30), "this is a zip archive"),
    "an encrypted Parquet": (b"PARE" + bytes(30) + b"PARE", "this is an encrypted Parquet file"),
    "Parquet cut short": (parquet_of()[:-100], "this is not a whole Parquet file"),
    "Parquet of which only the magic came": (b"PAR1", "this is not a whole Parquet file"),
    "Parquet with a name that is no text": (
        parquet_of().replace(b"trip_distance", b"\xfftrip_distanc"),
        "this is not a whole Parquet file",
    ),
}


def in_a_sentence(error: TaxiError, name: str) -> None:
    message = str(error)
    assert message.startswith(f"{name}: ")
    assert message.endswith((".", "?"))
    assert "\n" not in message
    assert len(message) < 1500


@pytest.mark.parametrize("chunks", [1, 10_000])
@pytest.mark.parametrize(("content", "sentence"), NOT_A_MONTH.values(), ids=NOT_A_MONTH.keys())
def test_what_is_no_month_is_refused(tmp_path: Path, content: bytes, sentence: str, chunks: int) -> None:
    path = tmp_path / "month"
    path.write_bytes(content)
    chunk = 1 + len(content) // chunks
    with reading_by(chunk=chunk), pytest.raises(SourceFileError, match=sentence) as refused:
        inspect_file(path, "yellow 2021-01")
    in_a_sentence(refused.value, "yellow 2021-01")


MANY = ",".join(f"column_{n}" for n in range(10_000))
STRANGE_HEADERS = {
    "10,000 unknown columns": (f"{HEADER},{MANY}", "10,000 columns belong to no layout"),
    "nothing but unknown columns": (MANY, "the header is none we know"),
    "a doubled name": (f"{HEADER},vendorid ", "the header names 'vendorid' more than once"),
    "a name a thousand times": (HEADER + ",VendorID" * 1000, "the header names 'vendorid' more than once"),
    "a missing column": (HEADER.replace("total_amount,", ""), "Nearest is yellow-csv-2019: missing total_amount;"),
    "another separator": (HEADER.replace(",", ";"), "the header is none we know"),
    "the trips of another service": ("hvfhs_license_num,dispatching_base_num", "the header is none we know"),
    "no names": (",,,", "the header is none we know"),
}


@pytest.mark.parametrize(("header", "sentence"), STRANGE_HEADERS.values(), ids=STRANGE_HEADERS.keys())
def test_a_strange_header_is_refused(header: str, sentence: str) -> None:
    with pytest.raises(LayoutError, match=sentence) as refused:
        clean_bytes(csv_of(row(), header=header), "month.csv")
    in_a_sentence(refused.value, "month.csv")


BAD = {
    "cloudfront_403_html.parquet": "this is an HTML page, not trips",
    "git_lfs_pointer.csv.gz": "this is a Git LFS pointer",
    "s3_access_denied_xml.parquet": "this is an XML answer",
    "truncated_download.parquet": "this is not a whole Parquet file",
    "yellow_tripdata_2021-01_cut_mid_row.csv": "the file ends in the middle of row",
}


def test_every_bad_download_we_have_is_expected_below(shared: Path) -> None:
    assert {path.name for path in (shared / "bad").iterdir()} == set(BAD)


@pytest.mark.parametrize(("name", "sentence"), BAD.items())
def test_a_bad_download_is_refused(shared: Path, name: str, sentence: str) -> None:
    with pytest.raises(SourceFileError, match=sentence) as refused:
        clean_path(shared / "bad" / name)
    in_a_sentence(refused.value, name)
