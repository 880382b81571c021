"""What `taxi load` is asked for: services and months as people write them."""

from __future__ import annotations

import re

from taxi_platform.errors import RequestError
from taxi_platform.trips.months import Month, parse_months
from taxi_platform.trips.services import Service, parse_services

ZONES = "zones"
"""What stands among the services for the lookup of zones, which has no months."""


def wanted_of(services: str, months: str | None) -> tuple[bool, list[tuple[Service, Month]]]:
    """Whether the zones are asked for, and the months that are.

    Raises:
        RequestError: A service has no such month, or is asked for without months.
    """
    names = [name for name in services.split(",") if name.strip() != ZONES]
    with_zones = len(names) < len(services.split(","))
    if months is None:
        if names:
            raise RequestError(f"Which months of {services}? Name them: taxi load {services} 2021-01")
        return with_zones, []
    if not names:
        raise RequestError("The zones have no months: taxi load zones, or taxi load zones,green 2021-01")
    return with_zones, wanted_months(",".join(names), months)


def wanted_months(services: str, months: str) -> list[tuple[Service, Month]]:
    """The months asked for. Of `all` services, and of a year named as a whole, those that there are.

    Raises:
        RequestError: There are none, or a month was asked of a service by its name that has none.
    """
    years = {int(part) for part in re.split(r"[,\s]+", months) if re.fullmatch(r"\d{4}", part)}
    asked = parse_services(services)
    enough = 1 if services.strip() == "all" else len(asked)
    wanted: list[tuple[Service, Month]] = []
    for month in parse_months(months):
        refused: list[RequestError] = []
        for service in asked:
            try:
                service.check_month(month)
            except RequestError as error:
                refused.append(error)
            else:
                wanted.append((service, month))
        if len(asked) - len(refused) < enough and month.year not in years:
            raise refused[0]
    if not wanted:
        raise refused[-1]
    return sorted(wanted, key=lambda one: asked.index(one[0]))
