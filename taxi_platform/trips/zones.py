"""TLC's taxi zones: the lookup that tells which zone of which borough a location id is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taxi_platform.errors import SourceFileError
from taxi_platform.trips.schema import Column, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

ZONES_FILE = "taxi_zone_lookup.csv"
"""What the publisher calls the lookup."""

ZONES_TABLE = "taxi_zones"
ZONES_VERSION = "1"
"""Raise it with every change of what `read_zones` makes of the same file."""

COLUMNS = (
    Column("location_id", "id", "TLC taxi zone, as pickup_location_id and dropoff_location_id name it"),
    Column("borough", "text", "Borough of the zone; EWR is Newark Airport"),
    Column("zone", "text", "Name of the zone"),
    Column("service_zone", "text", "Which taxis may be hailed there: Yellow Zone, Boro Zone, Airports, EWR"),
)
KEY, *DETAILS = (column.name for column in COLUMNS)

ENDS: Mapping[str, str] = {"pickup": "pickup_location_id", "dropoff": "dropoff_location_id"}
"""The ends of a trip, and the columns of every service that say in which zone they are."""

UNKNOWN_ZONES = (264, 265)
"""Unknown, and outside of New York City. The zones of the city have the numbers before these."""

_HEADER = ("locationid", "borough", "zone", "service_zone")
_MAX_BYTES = 1 << 20
_MAX_ID = (1 << 15) - 1


def read_zones(path: Path, name: str) -> pa.Table:
    """The zones in the lookup at `path`, ordered by location id, each there once, as `COLUMNS` has them.

    Args:
        name: What errors call the file.

    Raises:
        SourceFileError: It is no lookup of zones, or one row of it is none. Nothing of it should be kept.
    """
    import pyarrow as pa

    if path.stat().st_size > _MAX_BYTES:
        raise _refused(name, f"it has {path.stat().st_size:,} bytes, a lookup of zones a few thousand")
    zones: dict[int, Sequence[str | None]] = {}
    for line, (number, *texts) in _records(path, name):
        if not re.fullmatch("[0-9]{1,5}", number) or not 0 < int(number) <= _MAX_ID:
            raise _refused(name, f"line {line} has {number[:40]!r} where a location id should be")
        if int(number) in zones:
            raise _refused(name, f"line {line} repeats the location id {number}")
        zones[int(number)] = [text.strip() or None for text in texts]
    if not zones:
        raise _refused(name, "it holds no zone")
    ordered = sorted(zones.items())
    arrays = [[zone for zone, _ in ordered], *([texts[n] for _, texts in ordered] for n in range(len(DETAILS)))]
    schema = arrow_schema(COLUMNS)
    return pa.table([pa.array(values, field.type) for values, field in zip(arrays, schema, strict=True)], schema=schema)


def _records(path: Path, name: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The records below the header with the lines they end on, in the order of `COLUMNS`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [column.strip().lower() for column in next(reader, [])]
            if sorted(header) != sorted(_HEADER):
                raise _refused(name, f"its header is {','.join(header)[:100]!r}, that of a lookup {','.join(_HEADER)}")
            order = [header.index(column) for column in _HEADER]
            for record in reader:
                if not record:
                    continue
                if len(record) != len(header):
                    raise _refused(name, f"line {reader.line_num} has {len(record)} fields, not {len(header)}")
                yield reader.line_num, [record[index] for index in order]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refused(name, f"it cannot be read as CSV in UTF-8 ({type(error).__name__})") from None


def _refused(name: str, why: str) -> SourceFileError:
    return SourceFileError(f"{name} is no lookup of taxi zones: {why}. Nothing was kept; the old zones stand.")
