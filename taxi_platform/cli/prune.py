"""`taxi prune`: room made, of what nobody needs any more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import print_table, size_of
from taxi_platform.cli.wanted import ZONES
from taxi_platform.errors import RequestError
from taxi_platform.trips.months import parse_months
from taxi_platform.trips.services import parse_services

if TYPE_CHECKING:
    from taxi_platform.automation.pruning import Pruned

LEAST = "1d"


def run_prune(
    services: str | None, months: str | None, *, keep: int | None, older_than: str, dry_run: bool, as_json: bool
) -> int:
    """Prune, print what was freed, and return the exit code: 0, or 1 where something could not be looked at.

    Raises:
        RequestError, SettingsError: Before anything is removed.
    """
    from rich.console import Console

    from taxi_platform.automation.plan import seconds_of
    from taxi_platform.automation.pruning import Pruner
    from taxi_platform.definitions import cleaning_of, stores_of
    from taxi_platform.io_managers.objects.pruning import DAY_S

    older_than_s = seconds_of("--older-than", older_than)
    if older_than_s < DAY_S:
        raise RequestError(f"--older-than {older_than}: what is younger than a day is never removed. Write {LEAST}.")
    settings = read_settings()
    keeping = settings.keeping if keep is None else dataclasses.replace(settings.keeping, versions=keep)
    pruner = Pruner(stores_of(settings), cleaning_of(settings), keeping, older_than_s, dry_run)
    tables = None if services in (None, "all") and months is None else _tables(services or "all")
    keys = None if months is None else [month.key for month in parse_months(months)]
    with Console(stderr=True).status("Looking at what there is ...") as told:  # on a terminal only
        found = []
        for one in pruner.prune(tables, keys):
            told.update(f"Looking at what there is ... {one.table} {one.stage}")
            found += [one] if one.freed.files or one.trouble else []
    if as_json:
        click.echo(json.dumps(_document(found, dry_run=dry_run), indent=1))
    else:
        _print(found, dry_run=dry_run)
    for one in found:
        if one.trouble:
            click.echo(f"taxi: {one.trouble}", err=True)
    return 1 if any(one.trouble for one in found) else 0


def _tables(services: str) -> list[str]:
    """The tables of services, and of the zones where they are among them."""
    from taxi_platform.trips.zones import ZONES_TABLE

    names = [name.strip() for name in services.split(",")]
    zones = [ZONES_TABLE] if ZONES in names else []
    rest = ",".join(name for name in names if name != ZONES)
    return [*(service.table for service in parse_services(rest)), *zones] if rest else zones


def _document(found: Sequence[Pruned], *, dry_run: bool) -> dict[str, object]:
    freed = [
        {"table": one.table, "stage": one.stage, "files": one.freed.files, "size_bytes": one.freed.size_bytes}
        for one in found
        if one.freed.files
    ]
    return {"dry_run": dry_run, "freed": freed, "message": " ".join(one.trouble for one in found if one.trouble)}


def _print(found: Sequence[Pruned], *, dry_run: bool) -> None:
    rows = [(one.table, one.stage, one.freed.files, size_of(one.freed.size_bytes)) for one in found if one.freed.files]
    if not rows:
        click.echo("Nothing to prune: all that there is is needed, or too young.")
        return
    if len(rows) > 1:
        size = sum(one.freed.size_bytes for one in found)
        rows.append(("all", "", sum(one.freed.files for one in found), size_of(size)))
    print_table(("table", "stage", "files", "would be freed" if dry_run else "freed"), rows)
    if dry_run:
        click.echo("Nothing was removed: without --dry-run it is.")
