"""The settings: whether they can be read, and where each one was found. Values are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from taxi_platform.cli.checkup.finding import Finding
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.objects.opening import Location, parse_location
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.settings import Settings, scheme_of

CLOUDS = {
    "gcs": ("Google", ("GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST")),
    "s3": ("S3", ("AWS_",)),
    "azure": ("Azure", ("AZURE_",)),
}
_SCHEMES = {"gs": "gcs", "gcs": "gcs", "s3": "s3", "s3a": "s3", "az": "azure", "abfs": "azure", "abfss": "azure"}


def settings_found(found: Mapping[str, str]) -> Iterator[Finding]:
    """Which settings there are, by the place where they were found."""
    by_place: dict[str, list[str]] = {}
    for name, place in found.items():
        if name.startswith("TAXI_"):
            by_place.setdefault(place, []).append(name)
    said = "; ".join(f"{', '.join(sorted(names))} from {place}" for place, names in by_place.items())
    yield Finding("settings", "ok", said or "none: everything is as it is by default")


def credentials(settings: Settings, found: Mapping[str, str]) -> Iterator[Finding]:
    """For each cloud that is used: what there is to sign in with, by name. Whether it is let in, its stores tell."""
    for kind in sorted(_clouds_of(settings)):
        name, beginnings = CLOUDS[kind]
        places = [f"{one} from {where}" for one, where in sorted(found.items()) if one.startswith(beginnings)]
        said = ", ".join(places) or "none set: its own rules find them (a login, a role of this machine)"
        yield Finding("credentials", "ok", f"{name}: {said}")
    if isinstance(settings.warehouse, PostgresAddress):
        places = [f"{one} from {where}" for one, where in sorted(found.items()) if one.startswith("PG")]
        yield Finding("credentials", "ok", f"Postgres: {', '.join(places) or 'as TAXI_WAREHOUSE says'}")
    if settings.plan.alerts and find_spec("apprise") is None:
        message = "TAXI_ALERTS is set, and apprise is not installed. pip install 'taxi-platform[alerts]'."
        yield Finding("alerts", "fail", message)


def _clouds_of(settings: Settings) -> set[str]:
    stores = (settings.raw, settings.cleaned, settings.lake)
    kinds = {parse_location(str(where)).kind for where in stores if isinstance(where, Location)}
    if isinstance(settings.warehouse, BigQueryAddress):
        kinds.add("gcs")
    return (kinds | {_SCHEMES.get(scheme_of(settings.source), "")}) & set(CLOUDS)
