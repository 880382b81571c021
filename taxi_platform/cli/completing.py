"""What a shell offers after TAB: services, months, versions, sources, profiles. What cannot be known is not offered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")


def script(group: click.Group, shell: str) -> str:
    """What a shell has to read to complete `taxi`."""
    found = get_completion_class(shell)
    assert found is not None
    return found(group, {}, "taxi", "_TAXI_COMPLETE").source()


def services(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The services, also after a comma; `all` and, where it can be loaded, `zones`."""
    from taxi_platform.trips.services import SERVICES

    more = ["zones"] if ctx.command.name in ("load", "prune") else []
    several = ["all"] if ctx.command.name != "versions" and "," not in incomplete else []
    return _after_comma(incomplete, [*SERVICES, *several, *more])


def months(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Years first, then the months of one that is typed; also after a comma, and after the dots of a range."""
    head, dots, last = incomplete.rpartition("..")
    if not dots:
        head, dots, last = incomplete.rpartition(",")
    found = _known_months(ctx.params.get("services") or ctx.params.get("service") or "all")
    names = [key for key in found if key.startswith(last)] if len(last) >= 4 else sorted({key[:4] for key in found})
    return _items(head + dots, [name for name in names if name.startswith(last)])


def versions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The versions of the month that the lake keeps."""
    from taxi_platform.cli.session import read_settings
    from taxi_platform.errors import TaxiError
    from taxi_platform.io_managers.objects.month_objects import MonthObjects
    from taxi_platform.io_managers.objects.opening import open_store
    from taxi_platform.trips.services import parse_services

    # The option lacks its value as yet, so that nothing before it was parsed either.
    words = [word for word in (ctx.parent.args if ctx.parent else ()) if not word.startswith("-")]
    with contextlib.suppress(TaxiError, OSError, ValueError):
        service_name, month = words[:2]
        settings = read_settings()
        lake = MonthObjects(open_store(str(settings.lake), settings.clouds, settings.home, patience_s=1))
        (service,) = parse_services(service_name)
        kept = lake.versions(service.table, month)
        return _items("", [one.version for one in kept if one.version.startswith(incomplete)])
    return []


def sources(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The sources that have a name, and folders."""
    from taxi_platform.resources.sources.web.publishers import PUBLISHERS

    named = _items("", [name for name in ("sample", *PUBLISHERS) if name.startswith(incomplete)])
    return [*named, CompletionItem(incomplete, type="dir")]


def profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles of which there is a file."""
    from taxi_platform.automation.project import find_project

    project = find_project(Path.cwd())
    names = sorted(path.name.removeprefix(".env.") for path in (project.glob(".env.*") if project else ()))
    return _items("", [name for name in names if name.startswith(incomplete) and not name.endswith(".example")])


def _known_months(asked: str) -> Sequence[str]:
    from taxi_platform.errors import RequestError
    from taxi_platform.trips.months import last_full_month
    from taxi_platform.trips.services import SERVICES, new_york_today, parse_services

    try:
        chosen = parse_services(asked)
    except RequestError:
        chosen = list(SERVICES.values())
    first = min(service.first_month for service in chosen)
    return [month.key for month in first.until(last_full_month(new_york_today()))]


def _after_comma(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    head, comma, last = incomplete.rpartition(",")
    used = head.split(",")
    return _items(head + comma, [name for name in names if name.startswith(last) and name not in used])


def _items(before: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(before + name) for name in names]
