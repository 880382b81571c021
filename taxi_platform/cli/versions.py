"""`taxi versions`: what a month was before, and how to have it so again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import click

from taxi_platform.cli.session import open_history, read_settings
from taxi_platform.cli.tables import in_utc, print_table
from taxi_platform.errors import RequestError
from taxi_platform.trips.month_file import MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service, parse_services


def run_versions(service: str, month: str, *, restore: str | None, as_json: bool) -> int:
    """Print the versions of a month, after one was brought back, if that was asked for; the exit code.

    Raises:
        RequestError: There is no such service or month, or the lake has nothing of it.
    """
    (wanted, *others), key = parse_services(service), Month.parse(month)
    if others:
        raise RequestError("The versions of one service at a time: name one.")
    settings = read_settings()

    from taxi_platform.automation.loading import bring_back
    from taxi_platform.definitions import build_definitions, stores_in

    definitions = build_definitions(settings)
    lake = stores_in(definitions).lake
    message, code = "", 0
    if restore is not None:
        with open_history() as instance:
            result = bring_back(definitions, instance, wanted, key, restore, marts=settings.plan.marts)
        code = 0 if result.went_well else 1
        message = result.message or f"{wanted.name} {key} is version {restore} again, in lake and warehouse."
    kept = lake.versions(wanted.table, key.key)
    if not kept:
        raise RequestError(f"{lake.store.location} has no {wanted.name} {key}. Load it first.")
    found = list(_described(wanted, kept))
    if as_json:
        click.echo(json.dumps({"versions": found, "message": message}, indent=1))
    else:
        print_table(["version", "", "seen (UTC)", "rows", "rejected", "sums"], _lines(found))
        for before, one in pairwise(found):
            click.echo(f"\n{one['version']} against {before['version']}:")
            click.echo("\n".join(f"  {change}" for change in one["changes"] or ["nothing that is counted differs"]))
        if message:
            click.echo(message, err=bool(code))
    return code


def _described(service: Service, kept: Sequence[MonthFile]) -> Iterator[dict[str, Any]]:
    """Each version, oldest first by when it was seen last."""
    from taxi_platform.assets.changes import changes

    for before, one in zip([None, *kept[:-1]], kept, strict=True):
        yield {
            "version": one.version,
            "is_current": one is kept[-1],
            "seen": one.as_of.partition("/")[0],
            "rows": one.rows,
            "rejected": one.facts["rows_rejected"],
            "control_sums": {name: one.facts["control_sums"][name] for name in service.control_columns},
            "changes": [] if before is None else [str(change) for change in changes(before.facts, one.facts)],
        }


def _lines(found: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            one["version"],
            "current" if one["is_current"] else "",
            in_utc(one["seen"]),
            one["rows"],
            one["rejected"],
            ", ".join(f"{name} {Decimal(total):,}" for name, total in one["control_sums"].items()),
        )
        for one in found
    ]
