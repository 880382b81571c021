"""`taxi doctor`: what is wrong here, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import click

from taxi_platform.cli.checkup import history, machine, setup, source, stores, warehouse
from taxi_platform.cli.checkup.finding import Check, Finding, findings
from taxi_platform.cli.session import chosen_profile
from taxi_platform.cli.tables import COLOURS
from taxi_platform.errors import SettingsError
from taxi_platform.settings import Settings, dagster_variables, origins


def run_doctor(*, as_json: bool) -> int:
    """Look at everything, print a line each, and return the exit code: 1 where something fails."""
    found = []
    for one in _found(Path.cwd(), chosen_profile()):
        found.append(one)
        if not as_json:
            click.echo(f"{click.style(f'{one.state:<4}', fg=COLOURS[one.state])}  {one.check:<11}  {one.message}")
    failed = [one for one in found if one.state == "fail"]
    if as_json:
        click.echo(json.dumps({"ok": not failed, "checks": [one.__dict__ for one in found]}, indent=1))
    elif not failed:
        click.echo("All is well." if all(one.state == "ok" for one in found) else "It works; see what warns.")
    return 1 if failed else 0


def _found(folder: Path, profile: str | None) -> Iterator[Finding]:
    try:
        settings = Settings.read(folder=folder, profile=profile)
    except SettingsError as error:
        yield Finding("settings", "fail", f"{error} Until then the stores, the warehouse and the source are not known.")
        of_history = partial(history.history, folder, _dagster(folder, profile), {})
        yield from findings({"python": machine.python, "history": of_history})
        return
    yield from findings(_checks(settings, folder, profile))


def _dagster(folder: Path, profile: str | None) -> Mapping[str, str]:
    """What the settings say to Dagster, if they can be read at all."""
    try:
        return dagster_variables(folder, profile)
    except SettingsError:
        return {}


def _checks(settings: Settings, folder: Path, profile: str | None) -> dict[str, Check]:
    from taxi_platform.definitions import pool_sizes

    file = settings.warehouse if isinstance(settings.warehouse, Path) else None
    found = origins(folder, profile)
    of_stages: dict[str, Check] = {
        stage: partial(stores.store, stage, where, settings.clouds, settings.home)
        for stage, where in (("raw", settings.raw), ("cleaned", settings.cleaned), ("lake", settings.lake))
    }
    return {
        "python": machine.python,
        "settings": partial(setup.settings_found, found),
        "credentials": partial(setup.credentials, settings, found),
        "disk": partial(machine.room, settings.home, file),
        "history": partial(history.history, folder, dagster_variables(folder, profile), pool_sizes(settings)),
        **of_stages,
        "warehouse": partial(warehouse.warehouse, settings),
        "source": partial(source.source, settings),
    }
