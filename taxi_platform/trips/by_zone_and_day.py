"""The mart of a service as data: its trips and what they brought in, by zone and day of the pickup."""

from __future__ import annotations

from collections.abc import Sequence

from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.schema import SOURCE_MONTH, Column
from taxi_platform.trips.services import Service

MART_VERSION = "1"
"""Raise it with every change of what is made of the same month."""

PICKUP_DATE = Column(
    "pickup_date", "date", "Day of the pickup. A few are of other months than the file; empty where no time is known"
)
PICKUP_LOCATION_ID = Column(
    "pickup_location_id",
    "id",
    "TLC taxi zone of the pickup; 264 and 265 unknown; empty where the file names none, as those with coordinates",
)
TRIPS = Column("trips", "count", "Trips that began there on that day")
REVENUE = "revenue"


def mart_table(service: Service) -> str:
    """The name of the mart in the warehouse: a row of it is a zone on a day."""
    return f"{service.table}_by_zone_and_day"


def mart_columns(service: Service) -> Sequence[Column]:
    """The same for all services, so that they can be put below one another."""
    if service.revenue_column:
        meaning = f"Sum of {service.revenue_column} of these trips, refunds subtracted; empty where no trip has one"
    else:
        meaning = "Empty: nothing is published of what these trips cost"
    return (SOURCE_MONTH, PICKUP_DATE, PICKUP_LOCATION_ID, TRIPS, Column(REVENUE, "total", meaning, unit="US dollars"))


def mart_version(month_version: str) -> str:
    """The version of what is made of a month of that version: of another month, or by other code, it is another."""
    return f"{month_version}_{MART_VERSION}"


def mart_totals(service: Service, month: MonthFile) -> dict[str, str]:
    """What the columns of the mart must sum up to: the rows of the month, and its own sum, made when it was cleaned."""
    totals = {TRIPS.name: str(month.rows)}
    if service.revenue_column:
        totals[REVENUE] = str(month.facts["control_sums"][service.revenue_column])
    return totals
