"""The services whose trips TLC publishes, as data: first month, schema, layouts, rules, control columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from taxi_platform.errors import RequestError
from taxi_platform.trips import fhv, fhvhv, green, yellow
from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.months import Month, last_full_month
from taxi_platform.trips.schema import SOURCE_MONTH, SOURCE_ROW, Column

TIMEZONE = "America/New_York"


@dataclass(frozen=True)
class Service:
    """One service of the publisher.

    Attributes:
        first_month: The first month that the publisher has.
        columns: What a trip of this service holds, in the order of every table and file.
        layouts: The shapes its source files have had.
        control_columns: Money or distance columns whose sums must agree in every store.
        schema_version: Raised when a column changes its type (a new column alone does not need it).
        revenue_column: The control column that is what a trip brought in; empty where nothing is published of it.
    """

    name: str
    title: str
    first_month: Month
    columns: Sequence[Column]
    layouts: Sequence[Layout]
    control_columns: Sequence[str]
    schema_version: int
    revenue_column: str = ""

    @property
    def table(self) -> str:
        """The name of the service's trips in every store, path and asset key."""
        return f"{self.name}_trips"

    @property
    def stored_columns(self) -> Sequence[Column]:
        """`columns` and the two that say where a trip comes from."""
        return (*self.columns, SOURCE_MONTH, SOURCE_ROW)

    def file_stem(self, month: Month) -> str:
        """The publisher's name of a month's file, without its ending."""
        return f"{self.name}_tripdata_{month}"

    def check_month(self, month: Month, today: dt.date | None = None) -> None:
        """Refuse a month that this service cannot have.

        Raises:
            RequestError: `month` is before the service's first or not over yet.
        """
        last = last_full_month(today or new_york_today())
        if not self.first_month <= month <= last:
            raise RequestError(
                f"{self.name} has no month {month}: its months go from {self.first_month} to {last}, the last full one."
            )


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service(
            name="yellow",
            title="Yellow taxi",
            first_month=Month(2009, 1),
            columns=yellow.COLUMNS,
            layouts=yellow.LAYOUTS,
            control_columns=("total_amount",),
            schema_version=1,
            revenue_column="total_amount",
        ),
        Service(
            name="green",
            title="Green taxi",
            first_month=Month(2013, 8),
            columns=green.COLUMNS,
            layouts=green.LAYOUTS,
            control_columns=("total_amount",),
            schema_version=1,
            revenue_column="total_amount",
        ),
        Service(
            name="fhv",
            title="For-hire vehicles",
            first_month=Month(2015, 1),
            columns=fhv.COLUMNS,
            layouts=fhv.LAYOUTS,
            control_columns=("pickup_location_id",),
            schema_version=1,
        ),
        Service(
            name="fhvhv",
            title="High-volume for-hire services",
            first_month=Month(2019, 2),
            columns=fhvhv.COLUMNS,
            layouts=fhvhv.LAYOUTS,
            control_columns=("base_passenger_fare", "trip_miles"),
            schema_version=1,
            revenue_column="base_passenger_fare",
        ),
    )
}


def new_york_today() -> dt.date:
    """Today's date where the taxis drive."""
    return dt.datetime.now(ZoneInfo(TIMEZONE)).date()


def parse_services(text: str) -> list[Service]:
    """The services of `yellow`, `yellow,green` or `all`.

    Raises:
        RequestError: A name is no service.
    """
    names = [name.strip() for name in text.split(",")]
    if names == ["all"]:
        return list(SERVICES.values())
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise RequestError(
            f"There is no service {', '.join(repr(name) for name in unknown)}. "
            f"The services are {', '.join(SERVICES)}, or all of them: all."
        )
    return [SERVICES[name] for name in dict.fromkeys(names)]
