"""The only place that reads settings, and turns them into stores. Nothing is read at import."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from taxi_platform.automation import keeping
from taxi_platform.automation import plan as automation
from taxi_platform.automation.project import find_project
from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.bigquery import address as bigquery
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.objects.opening import VARIABLES, Location, parse_location
from taxi_platform.resources.postgres import address as postgres
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.resources.sources.web.publishers import PUBLISHERS
from taxi_platform.trips.rules import DEFAULT_RULES, REJECTING

KNOWN_SETTINGS: Mapping[str, str] = {
    "TAXI_HOME": "where everything lies that has no place of its own; default: .taxi beside dagster.yaml",
    "TAXI_PROFILE": "read .env.{profile} before .env",
    "TAXI_SOURCE": "where the files come from: sample (default), tlc, datatalks, a folder, a URL",
    "TAXI_RAW": "where raw months lie: a folder, gs://, s3://, az://; default: TAXI_HOME/raw",
    "TAXI_CLEANED": "where cleaned months lie, in the same way; default: TAXI_HOME/cleaned",
    "TAXI_LAKE": "the lake, in the same way; default: TAXI_HOME/lake",
    "TAXI_WAREHOUSE": "the warehouse: duckdb:///path (default: TAXI_HOME/warehouse.duckdb), postgresql://, bigquery://",
    "TAXI_RULES": "the rules by which rows are rejected, joined by commas, or none; default: passenger_count_zero",
    "TAXI_UNKNOWN_COLUMNS": "keep (default) them in the extras, or fail",
    **automation.SETTINGS,
    **keeping.SETTINGS,
}
"""Every setting, for the docs and for messages."""


@dataclass(frozen=True)
class Settings:
    """What was set, checked, with paths made absolute.

    Attributes:
        project: The folder of `dagster.yaml`: relative paths in settings start there.
        source: May hold credentials: never shown.
        clouds: The usual variables of Google, AWS and Azure, for the stores that lie there: never shown.
    """

    project: Path
    home: Path
    raw: Path | Location
    cleaned: Path | Location
    lake: Path | Location
    warehouse: Path | PostgresAddress | BigQueryAddress
    source: str = field(repr=False)
    rules: tuple[str, ...] = DEFAULT_RULES
    unknown_columns: str = "keep"
    clouds: Mapping[str, str] = field(default_factory=dict, repr=False)
    plan: automation.Plan = field(default_factory=automation.Plan)
    keeping: keeping.Keeping = field(default_factory=keeping.Keeping)

    @property
    def looks(self) -> Path:
        """The folder in which the last looks at sources are remembered."""
        return self.home / "looks"

    @classmethod
    def read(
        cls, environment: Mapping[str, str] | None = None, folder: Path | None = None, profile: str | None = None
    ) -> Settings:
        """The settings of `environment` (the process's, by default), then of `.env.{TAXI_PROFILE}`, then of `.env`.

        Args:
            profile: Instead of what TAXI_PROFILE says.

        Raises:
            SettingsError: A setting is unknown, or has a value nobody knows.
        """
        start = Path.cwd() if folder is None else folder
        project = find_project(start) or start
        values = _with_files(os.environ if environment is None else environment, project, profile)
        _refuse_unknown(values)
        home = _folder("TAXI_HOME", values.get("TAXI_HOME") or str(project / ".taxi"), project)

        def location_of(name: str, default: str) -> Path | Location:
            return _location(name, values.get(name) or str(home / default), project)

        return cls(
            project=project,
            home=home,
            raw=location_of("TAXI_RAW", "raw"),
            cleaned=location_of("TAXI_CLEANED", "cleaned"),
            lake=location_of("TAXI_LAKE", "lake"),
            warehouse=_warehouse(values.get("TAXI_WAREHOUSE") or f"duckdb:///{home}/warehouse.duckdb", project, values),
            source=_source(values.get("TAXI_SOURCE") or "sample", project),
            rules=_rules(values.get("TAXI_RULES")),
            unknown_columns=_one_of(
                "TAXI_UNKNOWN_COLUMNS", values.get("TAXI_UNKNOWN_COLUMNS") or "keep", ("keep", "fail")
            ),
            clouds={name: value for name, value in values.items() if value and name.startswith(VARIABLES)},
            plan=automation.Plan.of(values),
            keeping=keeping.Keeping.of(values),
        )


def dagster_variables(folder: Path, profile: str | None = None) -> Mapping[str, str]:
    """What the environment and the `.env` files say to Dagster itself: where its history is, say."""
    values = _with_files(os.environ, find_project(folder) or folder, profile)
    return {name: value for name, value in values.items() if name.startswith("DAGSTER_")}


def origins(folder: Path, profile: str | None = None) -> Mapping[str, str]:
    """Where each setting was found that has a value: `.env`, `.env.{profile}`, or the environment. Never the values.

    Raises:
        SettingsError: A file of settings cannot be read.
    """
    places = _places(os.environ, find_project(folder) or folder, profile)
    return {name: place for place, values in places.items() for name, value in values.items() if value}


def _with_files(environment: Mapping[str, str], project: Path, profile: str | None = None) -> dict[str, str]:
    places = _places(environment, project, profile)
    return {name: value for values in places.values() for name, value in values.items()}


def _places(environment: Mapping[str, str], project: Path, profile: str | None) -> dict[str, dict[str, str]]:
    """What each place says; a later one counts for more."""
    places = {".env": _file(project / ".env")}
    common = places[".env"]
    profile = profile or environment.get("TAXI_PROFILE") or common.get("TAXI_PROFILE") or ""
    if profile:
        path = project / f".env.{profile}"
        if "/" in profile or not path.is_file():
            raise SettingsError(f"TAXI_PROFILE is {profile!r}, but there is no file {path}. {_profiles(project)}")
        places[path.name] = _file(path)
    # `dagster dev` puts what `.env` says into the environment before it asks us: that still is what `.env` says.
    typed = {name: value for name, value in environment.items() if common.get(name) != value}
    return {**places, "the environment": typed}


def _profiles(project: Path) -> str:
    """Which profiles there are, and how to make one, for messages."""
    names = sorted(path.name.removeprefix(".env.") for path in project.glob(".env.*"))
    there = [name for name in names if not name.endswith(".example")]
    examples = [name for name in names if name.endswith(".example")]
    known = f"There are {', '.join(there)}." if there else "There is none yet."
    return f"{known} Copy an example: .env.{examples[0]}." if examples else known


def _file(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {name: value or "" for name, value in dotenv_values(path).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}). Write it as UTF-8 text.") from None


def _refuse_unknown(values: Mapping[str, str]) -> None:
    unknown = sorted(name for name in values if name.startswith("TAXI_") and name not in KNOWN_SETTINGS)
    unknown = [name for name in unknown if name not in ("TAXI_SHARED", "TAXI_TEST_BUCKET")]  # for tests
    if unknown:
        raise SettingsError(f"Unknown settings: {', '.join(unknown)}. Known are {', '.join(KNOWN_SETTINGS)}.")


def _location(name: str, value: str, project: Path) -> Path | Location:
    if scheme_of(value) in ("", "file"):
        return _folder(name, value, project)
    try:
        return parse_location(value)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _folder(name: str, value: str, project: Path) -> Path:
    scheme = scheme_of(value)
    if scheme not in ("", "file"):
        raise SettingsError(
            f"{name}: nothing here keeps months at {scheme}://. Known is a folder: a path, or file:///path."
        )
    path = absolute_path(urlsplit(value).path if scheme else value, project)
    if path.exists() and not path.is_dir():
        raise SettingsError(f"{name}: {path} is not a folder.")
    return path


def _warehouse(value: str, project: Path, values: Mapping[str, str]) -> Path | PostgresAddress | BigQueryAddress:
    scheme = scheme_of(value)
    if scheme == "duckdb":
        return _duckdb_path(value, project)
    try:
        if scheme in postgres.SCHEMES:
            return postgres.parse_address(value, values)
        if scheme == bigquery.SCHEME:
            return bigquery.parse_address(value)
    except SettingsError as error:
        raise SettingsError(f"TAXI_WAREHOUSE: {error}") from None
    raise SettingsError(
        f"TAXI_WAREHOUSE: {scheme or value.partition(':')[0]!r} is no warehouse. Known are "
        f"duckdb:///path/to/file.duckdb, {postgres.EXAMPLE} and {bigquery.EXAMPLE}."
    )


def _duckdb_path(value: str, project: Path) -> Path:
    path = value.removeprefix("duckdb:").removeprefix("//")
    if not path.startswith("/") or path.endswith("/"):
        raise SettingsError(
            "TAXI_WAREHOUSE: write three slashes and a file: duckdb:///relative.duckdb or duckdb:////absolute.duckdb."
        )
    # As in SQLAlchemy: three slashes are relative to the project, four are absolute. An absolute path after three
    # slashes is what people mean too, where only its folder is there.
    relative = path.removeprefix("/")
    if "?" in path:
        raise SettingsError(f"TAXI_WAREHOUSE: {path}: DuckDB keeps no database in a path with a question mark.")
    if not relative.startswith("/") and not (project / relative).parent.is_dir() and Path(path).parent.is_dir():
        return Path(path)
    return project / relative


def _source(value: str, project: Path) -> str:
    return str(absolute_path(value, project)) if is_path(value) else value


def is_path(source: str) -> bool:
    """Whether a source is a folder of this machine: no name that we know, and no URL."""
    return source not in ("sample", *PUBLISHERS) and not scheme_of(source)


def scheme_of(value: str) -> str:
    """What stands before the `:` of a URL, in lower case; empty where `value` is a path."""
    match = re.match(r"([a-z][a-z0-9+.-]*):", value, re.IGNORECASE)
    return match[1].lower() if match else ""


def absolute_path(value: str, start: Path) -> Path:
    """The path that somebody in `start` means by `value`.

    Raises:
        SettingsError: It begins with the `~` of nobody.
    """
    try:
        return start / Path(value).expanduser()
    except RuntimeError:
        raise SettingsError(f"{value}: there is no such home directory.") from None


def _rules(value: str | None) -> tuple[str, ...]:
    if not value:
        return DEFAULT_RULES
    names = {name.strip() for name in value.split(",")} - {"", "none"}
    for name in sorted(names):
        _one_of("TAXI_RULES", name, (*REJECTING, "none"))
    return tuple(sorted(names))


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SettingsError(f"{name}: {value!r} is unknown. Known are {', '.join(known)}.")
    return value
