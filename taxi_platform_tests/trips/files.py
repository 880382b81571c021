"""Files as a publisher could have made them, and everything that cleaning says of one."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from taxi_platform.trips import cleaning
from taxi_platform.trips.cleaning import Cleaned, CleaningPlan, clean, plan_cleaning
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.month_file import EXTRAS, REJECTS, TRIPS
from taxi_platform.trips.months import Month
from taxi_platform.trips.reading import bytes_in, framing
from taxi_platform.trips.reading.csv_records import CsvReader
from taxi_platform.trips.reading.inspection import inspect_file
from taxi_platform.trips.services import SERVICES

YELLOW = SERVICES["yellow"]
JANUARY = Month(2021, 1)


def layout(layout_id: str) -> Layout:
    return next(one for service in SERVICES.values() for one in service.layouts if one.id == layout_id)


CSV = layout("yellow-csv-2019")
PARQUET = layout("yellow-parquet-2011")
HEADER = ",".join(CSV.header)

_GOOD_LINE = "1,2021-01-01 00:30:10,2021-01-01 00:36:12,1,2.10,1,N,142,43,2,8,3,0.5,0,0,0.3,11.8,2.5"
_GOOD = dict(zip(CSV.header, _GOOD_LINE.split(","), strict=True))


def row(**changes: str) -> str:
    """A line that is a good trip, but for the fields given by the publisher's names."""
    assert changes.keys() <= _GOOD.keys(), changes
    return ",".join((_GOOD | changes).values())


def csv_of(*rows: str | bytes, header: str = HEADER, end: str = "\n") -> bytes:
    """A CSV of `rows`, each of which gets the line end."""
    lines = (line if isinstance(line, bytes) else line.encode() for line in (header, *rows))
    return b"".join(line + end.encode() for line in lines)


def parquet_of(rows: int = 1, **columns: pa.Array) -> bytes:
    """A Parquet file of good trips, but for the columns given."""
    good = {name: _typed(name, _GOOD.get(name, "1.25"), rows) for name in PARQUET.header}
    return parquet_bytes(pa.table(good | columns))


def parquet_bytes(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def _typed(name: str, value: str, rows: int) -> pa.Array:
    kind = pa.timestamp("us") if name.endswith("datetime") else pa.string() if value == "N" else pa.float64()
    return pa.array([value] * rows).cast(kind)


@dataclass(frozen=True)
class Outcome:
    """What came out of a file."""

    plan: CleaningPlan
    cleaned: Cleaned
    trips: pa.Table
    rejects: list[dict[str, Any]]
    extras: pa.Table | None

    @property
    def kept_rows(self) -> list[int]:
        """The numbers of the records that were kept."""
        return self.trips["source_row"].to_pylist()

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """Each reject's number and reason."""
        return [(reject["source_row"], reject["reason"]) for reject in self.rejects]

    @property
    def raw_lines(self) -> list[bytes]:
        return [reject["raw_line"] for reject in self.rejects]

    def column(self, name: str) -> list[Any]:
        return self.trips[name].to_pylist()

    def same_as(self, other: Outcome) -> None:
        """Assert that both hold the same trips and rejects, and say the same of them."""
        assert self.rejects == other.rejects
        assert self.trips.to_pylist() == other.trips.to_pylist()
        assert self.facts == other.facts

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.cleaned.facts(self.plan)


def clean_path(path: Path, service: str = "yellow", month: Month = JANUARY, **options: Any) -> Outcome:
    """Clean a file as the platform does, with its output in a folder that is gone afterwards."""
    plan = plan_cleaning(SERVICES[service], month, path.name, inspect_file(path, path.name), **options)
    with tempfile.TemporaryDirectory() as folder:
        cleaned = clean(plan, path, Path(folder))
        tables = {role: pq.read_table(draft.path) for role, draft in cleaned.files.items()}
        assert {role: draft.rows for role, draft in cleaned.files.items()} == {
            role: table.num_rows for role, table in tables.items()
        }
    rejects = tables[REJECTS].to_pylist() if REJECTS in tables else []
    return Outcome(plan, cleaned, tables[TRIPS], rejects, tables.get(EXTRAS))


def clean_bytes(content: bytes, name: str = "yellow_tripdata_2021-01.csv", **options: Any) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return clean_path(path, **options)


def clean_rows(*rows: str | bytes, **options: Any) -> Outcome:
    """Clean a CSV that ends its lines in LF."""
    return clean_bytes(csv_of(*rows), **options)


@contextmanager
def reading_by(*, block: int = 4 << 20, chunk: int = 1 << 20, max_line: int = 1 << 20) -> Iterator[None]:
    """Files are read in blocks and chunks of these sizes, and a line may have so many bytes."""
    reader = functools.partial(CsvReader, max_line=max_line)
    with (
        mock.patch.object(framing, "BLOCK_BYTES", block),
        mock.patch.object(bytes_in, "CHUNK_BYTES", chunk),
        mock.patch.object(cleaning, "CsvReader", reader),
    ):
        yield


def without_positions(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Trips without the number of their record."""
    return [{name: value for name, value in one.items() if name != "source_row"} for one in rows]
