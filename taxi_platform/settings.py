"""The only place that reads settings, and turns them into stores. Nothing is read at import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from taxi_platform.automation.project import find_project
from taxi_platform.errors import SettingsError
from taxi_platform.trips.rules import DEFAULT_RULES, REJECTING

KNOWN_SETTINGS: Mapping[str, str] = {
    "TAXI_HOME": "where everything lies that has no place of its own; default: .taxi beside dagster.yaml",
    "TAXI_PROFILE": "read .env.{profile} before .env",
    "TAXI_SOURCE": "where the files come from: sample (default), a folder, a URL",
    "TAXI_RAW": "the folder of raw months; default: TAXI_HOME/raw",
    "TAXI_CLEANED": "the folder of cleaned months; default: TAXI_HOME/cleaned",
    "TAXI_LAKE": "the lake: a folder; default: TAXI_HOME/lake",
    "TAXI_WAREHOUSE": "the warehouse: duckdb:///path; default: TAXI_HOME/warehouse.duckdb",
    "TAXI_RULES": "the rules by which rows are rejected, joined by commas, or none; default: passenger_count_zero",
    "TAXI_UNKNOWN_COLUMNS": "keep (default) them in the extras, or fail",
}
"""Every setting, for the docs and for messages."""


@dataclass(frozen=True)
class Settings:
    """What was set, checked, with paths made absolute.

    Attributes:
        project: The folder of `dagster.yaml`: relative paths in settings start there.
        source: May hold credentials: never shown.
    """

    project: Path
    home: Path
    raw: Path
    cleaned: Path
    lake: Path
    warehouse: Path
    source: str = field(repr=False)
    rules: tuple[str, ...] = DEFAULT_RULES
    unknown_columns: str = "keep"

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
        """The settings of `environment` (the process's, by default), then of `.env.{TAXI_PROFILE}`, then of `.env`.

        Raises:
            SettingsError: A setting is unknown, or has a value nobody knows.
        """
        start = Path.cwd() if folder is None else folder
        project = find_project(start) or start
        values = _with_files(os.environ if environment is None else environment, project)
        _refuse_unknown(values)
        home = _folder("TAXI_HOME", values.get("TAXI_HOME") or str(project / ".taxi"), project)

        def folder_of(name: str, default: str) -> Path:
            return _folder(name, values.get(name) or str(home / default), project)

        return cls(
            project=project,
            home=home,
            raw=folder_of("TAXI_RAW", "raw"),
            cleaned=folder_of("TAXI_CLEANED", "cleaned"),
            lake=folder_of("TAXI_LAKE", "lake"),
            warehouse=_duckdb_path(values.get("TAXI_WAREHOUSE") or f"duckdb:///{home}/warehouse.duckdb", project),
            source=_source(values.get("TAXI_SOURCE") or "sample", project),
            rules=_rules(values.get("TAXI_RULES")),
            unknown_columns=_one_of(
                "TAXI_UNKNOWN_COLUMNS", values.get("TAXI_UNKNOWN_COLUMNS") or "keep", ("keep", "fail")
            ),
        )


def _with_files(environment: Mapping[str, str], project: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    profile = environment.get("TAXI_PROFILE", "")
    names = [".env"]
    if profile:
        names.append(f".env.{profile}")
        if "/" in profile or not (project / names[-1]).is_file():
            raise SettingsError(f"TAXI_PROFILE is {profile!r}, but there is no file {project / names[-1]}.")
    values: dict[str, str] = {}
    for name in names:
        values.update({key: value or "" for key, value in dotenv_values(project / name).items()})
    return {**values, **environment}


def _refuse_unknown(values: Mapping[str, str]) -> None:
    unknown = sorted(name for name in values if name.startswith("TAXI_") and name not in KNOWN_SETTINGS)
    unknown = [name for name in unknown if name != "TAXI_SHARED"]  # where the tests find real files
    if unknown:
        raise SettingsError(f"Unknown settings: {', '.join(unknown)}. Known are {', '.join(KNOWN_SETTINGS)}.")


def _folder(name: str, value: str, project: Path) -> Path:
    parts = urlsplit(value)
    if parts.scheme and parts.scheme != "file":
        raise SettingsError(
            f"{name}: nothing here keeps months at {parts.scheme}://. Known is a folder: a path, or file:///path."
        )
    path = project / Path(parts.path if parts.scheme else value).expanduser()
    if path.exists() and not path.is_dir():
        raise SettingsError(f"{name}: {path} is not a folder.")
    return path


def _duckdb_path(value: str, project: Path) -> Path:
    parts = urlsplit(value)
    if parts.scheme != "duckdb":
        raise SettingsError(
            f"TAXI_WAREHOUSE: {parts.scheme or value.split(':', maxsplit=1)[0]!r} is no warehouse. Known is duckdb:///path/to/file.duckdb."
        )
    path = value.removeprefix("duckdb:").removeprefix("//")
    if not path.startswith("/") or path.endswith("/"):
        raise SettingsError(
            "TAXI_WAREHOUSE: write three slashes and a file: duckdb:///relative.duckdb or duckdb:////absolute.duckdb."
        )
    # As in SQLAlchemy: three slashes are relative to the project, four are absolute; an absolute path after three
    # slashes is what people mean too.
    relative = path.removeprefix("/")
    absolute = Path(path)
    return Path(relative) if relative.startswith("/") else absolute if absolute.parent.is_dir() else project / relative


def _source(value: str, project: Path) -> str:
    if value == "sample" or urlsplit(value).scheme:
        return value
    return str(project / Path(value).expanduser())


def _rules(value: str | None) -> tuple[str, ...]:
    if value is None:
        return DEFAULT_RULES
    names = tuple(name.strip() for name in value.split(",") if name.strip() and name.strip() != "none")
    for name in names:
        _one_of("TAXI_RULES", name, (*REJECTING, "none"))
    return names


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SettingsError(f"{name}: {value!r} is unknown. Known are {', '.join(known)}.")
    return value
