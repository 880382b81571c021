"""What is to happen by itself, and when, as it was set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from taxi_platform.errors import RequestError, SettingsError
from taxi_platform.trips.months import Month

SETTINGS: Mapping[str, str] = {
    "TAXI_MARTS": "on: a load makes the marts of its months too, by hand and by itself; off (default)",
    "TAXI_SENSORS": "on: the sensors run from the start, as under `taxi up`; off (default): when switched on in the UI",
    "TAXI_SINCE": "2020-01: the sensors load what a publisher has since then; default: only what comes from now on",
    "TAXI_CRON": "when the schedule asks for what has come, New York time; default: 0 6 18 * * (monthly, at 6 o'clock)",
    "TAXI_EVERY": "how often the interval asks for what has come: 90m, 6h (default), 2d",
    "TAXI_READERS": "so many months are fetched from a publisher on the web at once; default: 2",
    "TAXI_WRITERS": "so many months are written to Postgres or BigQuery at once; default: 2 (to DuckDB always one)",
    "TAXI_ALERTS": "where alerts go: URLs of apprise joined by spaces (slack://..., mailto://..., json://...); secret",
    "TAXI_ALERTS_ON": "what alerts are sent of: failed, checks, warnings, late, drift, changes, sensors; default: all "
    "but warnings",
    "TAXI_ALERTS_EVERY": "so long after a message of alerts the next one is sent at the earliest; default: 5m",
    "TAXI_UI": "the address of Dagster's UI as links in alerts have it; default: http://127.0.0.1:3000",
}

ALERTS = ("failed", "checks", "warnings", "late", "drift", "changes", "sensors")
"""What there can be alerts of: runs that failed, checks that failed, checks that only warn, months that are late,
columns that nobody knows, months that were published again, sensors that keep failing."""

_EVERY = re.compile(r"([1-9]\d{0,4})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Plan:
    """What was set of all this.

    Attributes:
        marts: Whether what loads a month makes its marts too.
        sensors_run: Whether the sensors run before anybody switches them on; None where nothing was set.
        alerts: URLs that hold tokens and passwords: never shown.
    """

    marts: bool = False
    sensors_run: bool | None = None
    since: Month | None = None
    cron: str = "0 6 18 * *"
    every_s: int = 6 * 3600
    readers: int = 2
    writers: int = 2
    alerts: str = field(default="", repr=False)
    alerts_on: tuple[str, ...] = tuple(name for name in ALERTS if name != "warnings")
    alerts_every_s: int = 300
    ui: str = "http://127.0.0.1:3000"

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Plan:
        """The plan that settings make.

        Raises:
            SettingsError: One of them has a value nobody knows.
        """
        given = {name: values[name].strip() for name in SETTINGS if values.get(name, "").strip()}
        return cls(
            marts=_switch("TAXI_MARTS", given.get("TAXI_MARTS", "off")),
            sensors_run=_switch("TAXI_SENSORS", given["TAXI_SENSORS"]) if "TAXI_SENSORS" in given else None,
            since=_month("TAXI_SINCE", given["TAXI_SINCE"]) if "TAXI_SINCE" in given else None,
            cron=_cron(given["TAXI_CRON"]) if "TAXI_CRON" in given else cls.cron,
            every_s=seconds_of("TAXI_EVERY", given.get("TAXI_EVERY", "6h")),
            readers=_a_few("TAXI_READERS", given.get("TAXI_READERS", str(cls.readers))),
            writers=_a_few("TAXI_WRITERS", given.get("TAXI_WRITERS", str(cls.writers))),
            alerts=given.get("TAXI_ALERTS", ""),
            alerts_on=_kinds(given["TAXI_ALERTS_ON"]) if "TAXI_ALERTS_ON" in given else cls.alerts_on,
            alerts_every_s=seconds_of("TAXI_ALERTS_EVERY", given.get("TAXI_ALERTS_EVERY", "5m")),
            ui=given.get("TAXI_UI", cls.ui).rstrip("/"),
        )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SettingsError(f"{name}: {value!r} is unknown. Known are {', '.join(known)}.")
    return value


def _switch(name: str, value: str) -> bool:
    return _one_of(name, value, ("on", "off")) == "on"


def _month(name: str, value: str) -> Month:
    try:
        return Month.parse(value)
    except RequestError as error:
        raise SettingsError(f"{name}: {error}") from None


def _cron(value: str) -> str:
    import dagster as dg

    try:
        dg.ScheduleDefinition(job_name="any", cron_schedule=value)
    except dg.DagsterInvalidDefinitionError:
        raise SettingsError(
            f"TAXI_CRON: {value!r} is no cron expression. Write it as 0 6 18 * * (at 6:00 of each 18th)."
        ) from None
    return value


def seconds_of(name: str, value: str) -> int:
    """The seconds of a span of time as people write it.

    Raises:
        SettingsError: It is none; `name` says where it was written.
    """
    match = _EVERY.fullmatch(value)
    if match is None:
        raise SettingsError(f"{name}: {value!r} is no span of time. Write it as 90m, 6h or 2d.")
    return int(match[1]) * _SECONDS[match[2]]


def _a_few(name: str, value: str) -> int:
    if not re.fullmatch(r"[1-8]", value):
        raise SettingsError(f"{name}: {value!r} is not a number from 1 to 8. Who asks for more at once is slowed down.")
    return int(value)


def _kinds(value: str) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",")]
    return () if names == ["none"] else tuple(_one_of("TAXI_ALERTS_ON", name, ALERTS) for name in names)
