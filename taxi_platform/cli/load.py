"""`taxi load`: months through the graph in this process, a bar a stage, a row a month."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from taxi_platform.cli.session import open_history, read_settings
from taxi_platform.cli.stopping import asked_to_stop
from taxi_platform.errors import RequestError
from taxi_platform.trips.months import Month, parse_months
from taxi_platform.trips.services import Service, parse_services

if TYPE_CHECKING:
    from taxi_platform.automation.loading import MonthResult

STOPPED = 130
"""The exit code of a command that was ended by Ctrl-C, as shells have it."""


def run_load(services: str, months: str, *, source: str | None, force: bool, as_json: bool) -> int:
    """Load the months, print what came of each, and return the exit code: 0, 1 where a month failed, or `STOPPED`.

    Raises:
        RequestError, SettingsError: Before anything is loaded.
    """
    wanted = wanted_months(services, months)
    settings = read_settings(source)

    from taxi_platform.automation.loading import load_month
    from taxi_platform.definitions import build_definitions
    from taxi_platform.resources.sources.opening import open_source

    open_source(settings.source)  # a source that is none is refused before a run is started
    results: list[MonthResult] = []
    with asked_to_stop() as was_asked_to_stop, open_history() as instance:
        definitions = build_definitions(settings)
        with contextlib.suppress(KeyboardInterrupt), _bars(show=not as_json) as month_begins:
            for service, month in wanted:
                if was_asked_to_stop():
                    break
                month_begins(f"{service.name} {month}")
                result = load_month(definitions, instance, service, month, force=force)
                if result.went_well or not was_asked_to_stop():
                    results.append(result)
    if as_json:
        click.echo(json.dumps({"months": [_as_json(result) for result in results]}, indent=1))
    elif results:
        _print_summary(results)
    if left := len(wanted) - len(results):
        kept = "what stood before still stands"
        click.echo(f"taxi: Stopped. {left} of {len(wanted)} months were not loaded; {kept}.", err=True)
        return STOPPED
    return 0 if all(result.went_well for result in results) else 1


def wanted_months(services: str, months: str) -> list[tuple[Service, Month]]:
    """The months asked for. Of `all` services, and of a year named as a whole, those that there are.

    Raises:
        RequestError: There are none, or a month was asked of a service by its name that has none.
    """
    years = {int(part) for part in re.split(r"[,\s]+", months) if re.fullmatch(r"\d{4}", part)}
    asked = parse_services(services)
    enough = 1 if services.strip() == "all" else len(asked)
    wanted: list[tuple[Service, Month]] = []
    for month in parse_months(months):
        refused: list[RequestError] = []
        for service in asked:
            try:
                service.check_month(month)
            except RequestError as error:
                refused.append(error)
            else:
                wanted.append((service, month))
        if len(asked) - len(refused) < enough and month.year not in years:
            raise refused[0]
    if not wanted:
        raise refused[-1]
    return sorted(wanted, key=lambda one: asked.index(one[0]))


def _as_json(result: MonthResult) -> dict[str, Any]:
    return dataclasses.asdict(result)


@contextlib.contextmanager
def _bars(*, show: bool) -> Iterator[Any]:
    """A bar a stage of the month at hand, on a terminal; nothing elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if not show or not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from taxi_platform.assets.progress import watched_by
    from taxi_platform.assets.stages import STAGES

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.percentage:>4.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {stage: progress.add_task(stage, total=None, visible=False) for stage in STAGES}

        def month_begins(title: str) -> None:
            for stage, task in tasks.items():
                progress.reset(task, total=None, description=f"{title} {stage}", visible=False, start=False)

        def moved(stage: str, done: int, total: int | None) -> None:
            for earlier in STAGES[: STAGES.index(stage)]:
                size = progress.tasks[tasks[earlier]].total or 1
                progress.update(tasks[earlier], total=size, completed=size)
            progress.start_task(tasks[stage])
            progress.update(tasks[stage], advance=done, total=total, visible=True)

        with watched_by(moved):
            yield month_begins


def _print_summary(results: Sequence[MonthResult]) -> None:
    from taxi_platform.cli.tables import print_table

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
    print_table(("service", "month", "status", "in", "kept", "rejected", "why", "seconds"), rows)
    for result in results:
        if result.message:
            click.echo(f"taxi: {result.service} {result.month} {result.status}: {result.message}", err=True)
    if all(result.status == "unchanged" for result in results):
        click.echo("Nothing had to move: every month is in the warehouse as the source has it.")


def _total(results: Sequence[MonthResult], name: str) -> int:
    return sum(getattr(result, name) or 0 for result in results)
