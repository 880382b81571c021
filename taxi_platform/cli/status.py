"""`taxi status`: the months, stage by stage."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import COLOURS, in_utc, print_table
from taxi_platform.trips.months import Month, in_ranges

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
    if looked_at:
        click.echo(f"The source {name} was last looked at {in_utc(looked_at)} UTC.")
    else:
        click.echo(f"The source {name} has not been looked at yet: taxi status --refresh.")


def _print_months(cells: Sequence[Cell]) -> None:
    """The months of which anything is there, in one row where the same is true of them; of the others how many."""
    rows: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        rows[cell.service][cell.month][cell.stage] = cell.state
    lines, missing = [], []
    for service, months in rows.items():
        shown = {month: states for month, states in months.items() if set(states.values()) != {"missing"}}
        said = in_ranges((Month.parse(month), states) for month, states in shown.items())
        lines += [(service, span, *states.values()) for span, states in said]
        if absent := [month for month in months if month not in shown]:
            missing.append(f"{service}: {_not_loaded(absent)}")
    if lines:
        stages = list(dict.fromkeys(cell.stage for cell in cells))
        print_table(("service", "month", *stages), lines[-SHOWN:], COLOURS)
        if len(lines) > SHOWN:
            click.echo(f"... and {len(lines) - SHOWN} rows before these: --json shows all.")
    for sentence in missing:
        click.echo(sentence)


def _not_loaded(months: Sequence[str]) -> str:
    if len(months) == 1:
        return f"1 month is published and not loaded, {months[0]}."
    return f"{len(months)} months are published and not loaded, the first {months[0]}, the last {months[-1]}."
