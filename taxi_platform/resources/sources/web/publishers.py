"""Who publishes months on the web, as data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service


@dataclass(frozen=True)
class Publisher:
    """One publisher: where its files lie, and how it answers.

    Attributes:
        base: The folder of its files; a mirror has another one.
        path: Of a month's file below `base`, with `{service}` and `{month}`.
        zones: Of the lookup of zones, seen from `base`.
        hides_absence: It answers 403 where a file is not there. It does so too to who asks too often.
        lag_days: How many days after a month's end the month comes, at the least and at the most so far; None where
            nothing new comes any more.
        first, last: Its months, where they are not those of the service. Only a listing is bounded by them.
        min_interval_s: Between two requests to one of its hosts.
    """

    name: str
    title: str
    base: str
    path: str
    zones: str
    hides_absence: bool = False
    lag_days: tuple[int, int] | None = None
    first: Month | None = None
    last: Month | None = None
    min_interval_s: float = 0.2

    def url(self, service: Service, month: Month, base: str = "") -> str:
        return f"{base or self.base}/{self.path.format(service=service.name, month=month)}"

    def zones_url(self, base: str = "") -> str:
        return urljoin(f"{base or self.base}/", self.zones)

    def may_be_to_come(self, month: Month, today: dt.date) -> bool:
        """Whether `month` ended so lately that it need not be out."""
        if self.lag_days is None:
            return False
        return today <= month.plus(1).first_day + dt.timedelta(days=self.lag_days[1] - 1)


PUBLISHERS: Mapping[str, Publisher] = {
    publisher.name: publisher
    for publisher in (
        Publisher(
            name="tlc",
            title="TLC itself: the Parquet of every month since the service's first",
            base="https://d37ci6vzurychx.cloudfront.net/trip-data",
            path="{service}_tripdata_{month}.parquet",
            zones="../misc/taxi_zone_lookup.csv",
            hides_absence=True,
            lag_days=(48, 106),  # 24 months were measured: 47.6 to 105.6
        ),
        Publisher(
            name="datatalks",
            title="DataTalksClub's copy of TLC's old CSV (gzip), 2019-01 to 2021-07",
            base="https://github.com/DataTalksClub/nyc-tlc-data/releases/download",
            path="{service}/{service}_tripdata_{month}.csv.gz",
            zones="misc/taxi_zone_lookup.csv",
            first=Month(2019, 1),
            last=Month(2021, 7),
        ),
    )
}
