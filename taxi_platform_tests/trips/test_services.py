"""Services and the months they can have."""

from __future__ import annotations

import datetime as dt

import pytest

from taxi_platform.errors import RequestError
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service, parse_services

TODAY = dt.date(2021, 3, 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("yellow", ["yellow"]),
        ("green, yellow", ["green", "yellow"]),
        ("green,green", ["green"]),
        (" all ", list(SERVICES)),
    ],
)
def test_services_come_as_asked_and_once(text: str, names: list[str]) -> None:
    assert [service.name for service in parse_services(text)] == names


@pytest.mark.parametrize("text", ["", "yelow", "yellow,", "all,yellow", "Yellow", "yellow green"])
def test_an_unknown_service_is_refused_with_the_known_ones(text: str) -> None:
    known = ", ".join(SERVICES)
    with pytest.raises(RequestError, match=rf"^There is no service '.*'\. The services are {known}, or all"):
        parse_services(text)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_a_service_has_its_months_from_the_first_to_the_last_full_one(service: Service) -> None:
    first, last = service.first_month, Month(2021, 2)
    for month in (first, last):
        service.check_month(month, TODAY)
    for month in (first.plus(-1), last.plus(1), Month(1, 1), Month(9999, 12)):
        with pytest.raises(RequestError, match=rf"^{service.name} has no month {month}: .* from {first} to {last}"):
            service.check_month(month, TODAY)


def test_a_month_is_full_when_it_is_over_in_new_york() -> None:
    with pytest.raises(RequestError):
        SERVICES["yellow"].check_month(Month.of(dt.datetime.now(dt.UTC).date()).plus(1))


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_a_service_is_called_the_same_everywhere(service: Service) -> None:
    assert service.table == f"{service.name}_trips"
    assert service.file_stem(Month(2021, 1)) == f"{service.name}_tripdata_2021-01"
    assert set(service.control_columns) <= {column.name for column in service.columns}
    names = [column.name for column in service.stored_columns]
    assert len(names) == len(set(names))
