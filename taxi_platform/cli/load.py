"""`taxi load`: months through the graph in this process, a bar a stage, a row a month."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from taxi_platform.cli.bars import bars
from taxi_platform.cli.session import open_history, read_settings
from taxi_platform.cli.stopping import asked_to_stop
from taxi_platform.cli.wanted import wanted_of

if TYPE_CHECKING:
    from taxi_platform.automation.loading import MonthResult, ZonesResult

STOPPED = 130
"""The exit code of a command that was ended by Ctrl-C, as shells have it."""


def run_load(
    services: str, months: str | None, *, source: str | None, force: bool, as_json: bool, marts: bool = False
) -> int:
    """Load what is asked for, print what came of it, and return the exit code: 0, 1 (something failed) or `STOPPED`.

    Raises:
        RequestError, SettingsError: Before anything is loaded.
    """
    with_zones, wanted = wanted_of(services, months)
    settings = read_settings(source)
    marts = marts or settings.plan.marts

    from taxi_platform.assets.looks import handed_over
    from taxi_platform.automation.current import CurrentMonths
    from taxi_platform.automation.loading import load_month, load_zones
    from taxi_platform.automation.quick_sqlite import quick_sqlite
    from taxi_platform.definitions import build_definitions, cleaning_of, stores_in
    from taxi_platform.resources.sources.opening import open_source

    open_source(settings.source, settings.clouds)  # a source that is none is refused before a run is started
    results: list[MonthResult] = []
    zones: ZonesResult | None = None
    with asked_to_stop() as was_asked_to_stop, quick_sqlite(), open_history() as instance, handed_over():
        definitions = build_definitions(settings)
        current = CurrentMonths(
            lambda: stores_in(definitions),
            (definitions.resources or {})["source"],
            cleaning_of(settings),
            instance,
            marts,
        )
        with contextlib.suppress(KeyboardInterrupt), bars(len(wanted), show=not as_json) as month_begins:
            if with_zones:
                zones = load_zones(definitions, instance, force=force)
            for service, month in wanted:
                if was_asked_to_stop():
                    break
                month_begins(f"{service.name} {month}")
                result = (None if force else current.confirm(service, month)) or load_month(
                    definitions, instance, service, month, force=force, marts=marts
                )
                if result.went_well or not was_asked_to_stop():
                    results.append(result)
    if as_json:
        of_zones = {} if zones is None else {"zones": dataclasses.asdict(zones)}
        click.echo(json.dumps({"months": [dataclasses.asdict(result) for result in results], **of_zones}, indent=1))
    else:
        _print_zones(zones)
        if results:
            _print_summary(results)
    if left := len(wanted) - len(results):
        kept = "what stood before still stands"
        click.echo(f"taxi: Stopped. {left} of {len(wanted)} months were not loaded; {kept}.", err=True)
        return STOPPED
    outcomes: list[MonthResult | ZonesResult] = [*results, *([zones] if zones is not None else [])]
    return 0 if all(result.went_well for result in outcomes) else 1


def _print_summary(results: Sequence[MonthResult]) -> None:
    from taxi_platform.cli.tables import COLOURS, print_table

    rows: list[tuple[Any, ...]] = [
        (
            result.service,
            result.month,
            result.status,
            result.rows_in,
            result.rows_kept,
            result.rows_rejected,
            ", ".join(f"{reason} {count:,}" for reason, count in result.rejected_by_reason.items()),
            f"{sum(result.seconds.values()):.1f}" if result.seconds else None,
        )
        for result in results
    ]
    if len(rows) > 1:
        rows.append(
            (
                "all",
                f"{len(rows)} months",
                "",
                *(_total(results, name) for name in ("rows_in", "rows_kept", "rows_rejected")),
                "",
                f"{sum(sum(result.seconds.values()) for result in results):.1f}",
            )
        )
    print_table(("service", "month", "status", "in", "kept", "rejected", "why", "seconds"), rows, COLOURS)
    for result in results:
        if result.message:
            click.echo(f"taxi: {result.service} {result.month} {result.status}: {result.message}", err=True)
    if all(result.status == "unchanged" for result in results):
        click.echo("Nothing had to move: every month is in the warehouse as the source has it.")


def _print_zones(zones: ZonesResult | None) -> None:
    if zones is None:
        return
    if zones.went_well:
        click.echo(f"{zones.rows:,} zones {zones.status}.")
    else:
        click.echo(f"taxi: zones {zones.status}: {zones.message}", err=True)


def _total(results: Sequence[MonthResult], name: str) -> int:
    return sum(getattr(result, name) or 0 for result in results)
