"""`taxi status`: the months, stage by stage."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import COLOURS, print_table

if TYPE_CHECKING:
    from taxi_platform.assets.coverage import Cell
    from taxi_platform.resources.sources.source import MonthSource

SHOWN = 60
"""Rows of the table on screen; --json has them all."""


@contextlib.contextmanager
def _told(name: str) -> Iterator[Callable[[MonthSource], object]]:
    """Where the look is, on a terminal: a publisher on the web is asked some hundred times, at its pace."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(f"Looking at {name} ...") as status:
        yield lambda file: status.update(f"Looking at {name} ... {file.service} {file.month}")


def run_status(*, refresh: bool, source: str | None, as_json: bool) -> None:
    """Print what is loaded of each month, held against the last look at the source."""
    settings = read_settings(source)

    from taxi_platform.assets.coverage import coverage
    from taxi_platform.assets.late import in_words, late_by_service
    from taxi_platform.definitions import cleaning_of, stores_of
    from taxi_platform.io_managers.stored import utc_now
    from taxi_platform.resources.sources.folder import without_credentials
    from taxi_platform.resources.sources.look import last_looks, save_look, take_looks
    from taxi_platform.resources.sources.opening import open_source
    from taxi_platform.trips.services import SERVICES, new_york_today

    publisher = open_source(settings.source, settings.clouds)
    name = without_credentials(settings.source)  # not publisher.name: two samples may go by one
    if refresh:
        with _told(name) as seen:
            taken = take_looks(publisher, SERVICES.values(), utc_now(), name, seen)
        for look in taken:
            save_look(look, settings.looks)
    looks = last_looks(name, settings.looks)
    cells = coverage(stores_of(settings), list(SERVICES.values()), cleaning_of(settings), looks)
    late = late_by_service(cells, publisher.habits, looks, new_york_today(), settings.plan.since)
    looked_at = min((look.looked_at for look in looks.values()), default=None)
    if as_json:
        document = {
            "source": name,
            "looked_at": looked_at,
            "late": {service: [one.month.key for one in months] for service, months in late.items()},
            "cells": [cell.__dict__ for cell in cells],
        }
        click.echo(json.dumps(document, indent=1))
        return
    _print_months(cells)
    for service, months in late.items():
        if months:
            click.echo(f"{service} is late: {in_words(months)}.")
    if not cells:
        click.echo("Nothing is loaded yet. Begin with: taxi load green 2021-01")
    when = f"was last looked at {looked_at}" if looked_at else "has not been looked at yet: taxi status --refresh"
    click.echo(f"The source {name} {when}.")


def _print_months(cells: Sequence[Cell]) -> None:
    """A row for each month of which anything is there; of the others how many there are."""
    rows: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for cell in cells:
        rows[cell.service, cell.month][cell.stage] = cell.state
    shown = {key: states for key, states in rows.items() if set(states.values()) != {"missing"}}
    if shown:
        stages = list(next(iter(shown.values())))
        lines = [(*key, *states.values()) for key, states in shown.items()]
        print_table(("service", "month", *stages), lines[-SHOWN:], COLOURS)
        if len(lines) > SHOWN:
            click.echo(f"... and {len(lines) - SHOWN} months before these: --json shows all.")
    missing: dict[str, list[str]] = defaultdict(list)
    for service, month in rows:
        if (service, month) not in shown:
            missing[service].append(month)
    for service, months in missing.items():
        span = f"{months[0]} to {months[-1]}"
        click.echo(f"{service}: {len(months)} months are published and not loaded, {span}.")
