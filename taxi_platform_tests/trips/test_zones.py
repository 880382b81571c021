"""The lookup of zones: what is read of it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.schema import arrow_schema
from taxi_platform.trips.zones import COLUMNS, ZONES_FILE, read_zones

HEADER = '"LocationID","Borough","Zone","service_zone"\r\n'
EWR = {"location_id": 1, "borough": "EWR", "zone": "Newark Airport", "service_zone": "EWR"}
BAY = {"location_id": 2, "borough": "Queens", "zone": "Jamaica Bay, the", "service_zone": None}


def zones_of(path: Path, text: str | bytes) -> list[dict[str, object]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    table = read_zones(path, ZONES_FILE)
    assert table.schema == arrow_schema(COLUMNS)
    return table.to_pylist()


def test_the_publishers_own_lookup_has_265_zones(shared: Path) -> None:
    zones = read_zones(shared / "zones" / ZONES_FILE, ZONES_FILE).to_pylist()
    assert [zone["location_id"] for zone in zones] == list(range(1, 266))
    assert zones[0] == EWR
    assert zones[131] == {
        "location_id": 132,
        "borough": "Queens",
        "zone": "JFK Airport",
        "service_zone": "Airports",
    }
    assert [zone["zone"] for zone in zones[263:]] == ["NV", "NA"]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + '1,"EWR","Newark Airport","EWR"\r\n2,"Queens","Jamaica Bay, the",""\r\n',
        HEADER + '2,Queens,"Jamaica Bay, the",\r\n\r\n1,EWR,Newark Airport,EWR\r\n',
        'locationid,borough,ZONE, service_zone \n1,EWR,Newark Airport,EWR\n2, Queens ,"Jamaica Bay, the",',
        '\ufeffZone,LocationID,service_zone,Borough\nNewark Airport,1,EWR,EWR\n"Jamaica Bay, the",2,,Queens\n',
    ],
    ids=["as published", "in another order, a blank line", "spaces and case", "other columns first, a BOM"],
)
def test_order_case_quotes_and_line_ends_do_not_matter(tmp_path: Path, text: str) -> None:
    assert zones_of(tmp_path / "zones", text) == [EWR, BAY]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "its header is ''"),
        ("<!DOCTYPE html><html></html>", "its header is '<!doctype html>"),
        ("LocationID,Borough,Zone\n1,EWR,Newark\n", "that of a lookup locationid,borough,zone,service_zone"),
        (HEADER, "it holds no zone"),
        (HEADER + "\r\n", "it holds no zone"),
        (HEADER + "1,EWR,Newark\r\n", "line 2 has 3 fields, not 4"),
        (HEADER + "1,EWR,Newark,a,b\r\n", "line 2 has 5 fields, not 4"),
        (HEADER + "1,a,b,c\r\n1.5,a,b,c\r\n", "line 3 has '1.5' where a location id should be"),
        (HEADER + ",a,b,c\r\n", "line 2 has '' where"),
        (HEADER + "-1,a,b,c\r\n", "line 2 has '-1' where"),
        (HEADER + "40000,a,b,c\r\n", "line 2 has '40000' where"),
        (HEADER + "9" * 5000 + ",a,b,c\r\n", "line 2 has '9999"),
        (HEADER + "\u0661,a,b,c\r\n", "where a location id should be"),
        (HEADER + "1,a,b,c\r\n2,a,b,c\r\n1,d,e,f\r\n", "line 4 repeats the location id 1"),
        (HEADER + '1,a,b,"c\r\n', "it cannot be read as CSV"),
        (HEADER.encode() + b"1,Caf\xe9,b,c\r\n", "it cannot be read as CSV in UTF-8"),
        ("x" * (1 << 20) + "y", "it has 1,048,577 bytes"),
    ],
)
def test_what_is_no_lookup_is_refused_in_a_sentence(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(SourceFileError) as caught:
        zones_of(tmp_path / "zones", text)
    said = str(caught.value)
    assert said.startswith(f"{ZONES_FILE} is no lookup of taxi zones: ")
    assert why in said
    assert said.endswith("Nothing was kept; the old zones stand.")
    assert len(said) < 400
