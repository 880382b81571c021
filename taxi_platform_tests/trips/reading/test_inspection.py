"""What is not the month it claims to be is refused in a sentence, before any row is read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from taxi_platform.errors import LayoutError, SourceFileError, TaxiError
from taxi_platform.trips.reading.inspection import Inspection, inspect_file
from taxi_platform_tests.trips.files import (
    HEADER,
    clean_bytes,
    clean_path,
    csv_of,
    parquet_of,
    reading_by,
    row,
)

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


WHOLE_WITHOUT_END = {
    "plain": [row()],
    "narrower than a row above, by empty fields": [row() + ",,", row()],
    "narrower than a row above, which has too many fields": [row() + ",x,y", row()],
    "quoted with commas": [row(store_and_fwd_flag='"a,b,c"'), row()],
    "the end of a record over several lines": [row(store_and_fwd_flag='"a\nb"')],
}


@pytest.mark.parametrize("rows", WHOLE_WITHOUT_END.values(), ids=WHOLE_WITHOUT_END.keys())
def test_a_whole_last_row_without_a_line_end_is_no_cut_row(rows: list[str]) -> None:
    content = csv_of(*rows, row(congestion_surcharge='"2.5"'))
    clean_bytes(content.removesuffix(b"\n")).same_as(clean_bytes(content))


@pytest.mark.parametrize("chunk", [1, 2, 7, 100, 1 << 20])
def test_the_first_look_counts_what_is_there(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(b"\n" + csv_of("\r", "a\0", "", "x" * 500 + "\r", "y") + b"last\r")
    with reading_by(chunk=chunk):
        seen = inspect_file(path, "month.csv")
    assert (seen.kind, seen.ending, seen.header) == ("csv", "csv", tuple(HEADER.split(",")))
    assert (seen.lines, seen.blank_lines, seen.crlf_lines, seen.lf_lines) == (4, 3, 2, 5)
    assert (seen.nul_bytes, seen.longest_line) == (1, 500)
    assert seen.text_bytes == seen.size_bytes == path.stat().st_size


def test_the_first_look_survives_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "month.parquet"
    path.write_bytes(parquet_of(3))
    seen = inspect_file(path, "month")
    assert (seen.kind, seen.ending, seen.lines) == ("parquet", "parquet", 3)
    assert Inspection.from_json(json.loads(json.dumps(seen.to_json()))) == seen


def test_the_ending_is_what_the_content_is(tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    path.write_bytes(PACKED)
    assert inspect_file(path, "month.csv").ending == "csv.gz"


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    path = tmp_path / "month.csv.gz"
    path.write_bytes(PACKED)
    read: list[int] = []
    with reading_by(chunk=100):
        inspect_file(path, "month", read.append)
    assert sum(read) == len(PACKED)
    assert len(read) > 1
