"""Whatever trips a file holds and however it is written, they come out as they are, each under its own number."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxi_platform.trips.layouts import FileKind, Layout
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service
from taxi_platform_tests.trips import any_files
from taxi_platform_tests.trips.any_files import Line
from taxi_platform_tests.trips.any_trips import Trip, trips
from taxi_platform_tests.trips.files import Outcome, clean_bytes, reading_by

NO_RECORDS: dict[bytes, str] = {
    b"x": "too_few_fields",
    b"," * 40 + b"x": "too_many_fields",
    b"\xff,,,": "not_utf8",
    b"a\0": "nul_byte",
    b"a\rb": "stray_carriage_return",
}
"""Lines that are no record of any layout, and why."""


def layouts(service: Service, kind: FileKind) -> list[Layout]:
    return [layout for layout in service.layouts if layout.kind == kind]


@st.composite
def months(draw: st.DrawFn, layout: Layout) -> Month:
    """A month in which the publisher used the layout."""
    return draw(st.sampled_from(list(layout.first.until(layout.last or layout.first.plus(24)))))


def came_out(outcome: Outcome, records: list[Line], month: Month) -> None:
    """Assert that exactly `records` came out, and the exact rows of those that are kept."""
    reasons = [record.rejected if isinstance(record, Trip) else NO_RECORDS[record] for record in records]
    assert outcome.reasons == [(row, reason) for row, reason in enumerate(reasons, 1) if reason]
    assert outcome.facts["rows_in"] == len(records)
    expected = [
        record.means | {"source_month": month.first_day, "source_row": row}
        for row, (record, reason) in enumerate(zip(records, reasons, strict=True), 1)
        if isinstance(record, Trip) and not reason
    ]
    assert outcome.trips.to_pylist() == expected
    assert outcome.extras is None


def a_csv_comes_out(service: Service, data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(layouts(service, "csv")))
    quoted = layout.quoted or data.draw(st.integers(0, 4)) == 0
    records = data.draw(st.lists(trips(service, layout, quoted=quoted) | st.sampled_from(list(NO_RECORDS)), max_size=8))
    month, how = data.draw(months(layout)), Random(data.draw(st.integers(0, 2**32)))
    content = any_files.as_csv(layout, records, how, quoted=quoted)
    with reading_by(block=how.choice([1, 50, 1000, 4 << 20]), chunk=how.choice([7, 1 << 20])):
        came_out(clean_bytes(content, "month.csv", service=service.name, month=month), records, month)


def a_parquet_comes_out(service: Service, data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(service.layouts))  # a CSV that somebody saved as Parquet is one, too
    records: list[Any] = data.draw(st.lists(trips(service, layout, quoted=True), max_size=8))
    month, how = data.draw(months(layout)), Random(data.draw(st.integers(0, 2**32)))
    content = any_files.as_parquet(layout, records, how)
    came_out(clean_bytes(content, "month.parquet", service=service.name, month=month), records, month)


KINDS = {"csv": a_csv_comes_out, "parquet": a_parquet_comes_out}
EXPLORE = bool(os.environ.get("EXPLORE"))
"""The long test takes the same examples each time, so that a red run is no matter of luck; with this set, new ones."""

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize("comes_out", KINDS.values(), ids=KINDS)
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(data=st.data())
def test_random_trips_come_out_as_they_went_in(comes_out: Any, service: Service, data: st.DataObject) -> None:
    comes_out(service, data)


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
@pytest.mark.parametrize("comes_out", KINDS.values(), ids=KINDS)
@settings(max_examples=1500, deadline=None, derandomize=not EXPLORE, suppress_health_check=SLOW, print_blob=True)
@given(data=st.data())
def test_many_more_random_trips_come_out_as_they_went_in(comes_out: Any, service: Service, data: st.DataObject) -> None:
    comes_out(service, data)
