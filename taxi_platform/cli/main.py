"""The commands and their options. What they do is imported when they run: `taxi --help` must be quick."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

from taxi_platform import __version__
from taxi_platform.cli import completing
from taxi_platform.cli.teaching import Group
from taxi_platform.errors import RequestError, SettingsError, TaxiError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
WRONG = "the request or a setting cannot be: nothing was done"
STOPPED = "stopped by Ctrl-C: what was done stays done"
SERVICES_AND_MONTHS = {
    "SERVICES": "yellow, green, fhv, fhvhv, several joined by commas, or all; zones: TLC's lookup, without months",
    "MONTHS": "2021-01, 2020-03..2020-05, 2021, or several of these joined by commas",
}
STATES = {
    "current": "as the stage before it has it",
    "stale": "behind the stage before it, or cleaned by other rules",
    "changed": "the source has another file now",
    "damaged": "not all of it is there: load it again",
    "missing": "not loaded",
    "unpublished": "the source has no such month",
}


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples={
        "taxi load green 2020-03..2020-05": "load three months",
        "taxi load all 2021": "every service, a whole year",
        "taxi status": "what is loaded, what is stale",
        'taxi query "select count(*) from green_trips"': "ask the warehouse",
        "taxi doctor": "what is wrong, what to do",
        "taxi up": "Dagster's UI (once Dagit)",
        "taxi load --help": "more of a command",
    },
    exit_codes={0: "all went well", 1: "something failed: a sentence says what", 2: WRONG, 130: STOPPED},
)
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=completing.profiles,
    help="Read the settings of .env.NAME too. Default: TAXI_PROFILE.",
)
@click.version_option(__version__, prog_name="taxi")
@click.pass_context
def cli(context: click.Context, profile: str | None) -> None:  # noqa: ARG001 (session.py asks the context for it)
    """New York's taxi trips, month by month: source -> raw -> cleaned -> lake -> warehouse."""
    if os.getenv("NO_COLOR"):
        context.color = False


def in_sentences(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print a user's mistake as one sentence, without a traceback."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except (SettingsError, RequestError) as error:
            _stop(error, 2)
        except TaxiError as error:
            _stop(error, 1)
        except OSError as error:
            if error.errno == errno.EPIPE:  # who read what we print has gone: click knows how to end then
                raise
            _stop(error, 1)

    return run


def _stop(error: Exception, code: int) -> NoReturn:
    click.echo(f"taxi: {error}", err=True)
    sys.exit(code)


@cli.command(
    words=("What to load", SERVICES_AND_MONTHS),
    examples=[
        "taxi load green 2020-03..2020-05",
        "taxi load yellow,green 2021-01,2021-02 --source tlc",
        "taxi load zones,all 2021 --source ~/taxi-files",
        "taxi load green 2021-01 --force",
        "taxi load green 2021-01 --marts",
    ],
    exit_codes={0: "every month is loaded", 1: "one failed, or is not published", 2: WRONG, 130: STOPPED},
)
@click.argument("services", shell_complete=completing.services)
@click.argument("months", required=False, shell_complete=completing.months)
@click.option(
    "--source",
    shell_complete=completing.sources,
    help="Where the files come from: sample, tlc, datatalks, a folder, a URL. Default: TAXI_SOURCE.",
)
@click.option("--force", is_flag=True, help="Fetch, clean and write again what has not changed.")
@click.option("--marts", is_flag=True, help="Sum the trips up by zone and day too. Default: TAXI_MARTS.")
@AS_JSON
@in_sentences
def load(services: str, months: str | None, source: str | None, force: bool, marts: bool, as_json: bool) -> None:
    """Load months of trips through the four stages.

    A month that fails leaves what stood before, and the other months are loaded. What has not changed is not moved
    again.
    """
    from taxi_platform.cli.load import run_load

    sys.exit(run_load(services, months, source=source, force=force, marts=marts, as_json=as_json))


@cli.command(
    words=("States", STATES),
    examples=["taxi status", "taxi status --refresh --source tlc"],
    exit_codes={0: "it was shown, whatever it shows", 1: "a store or the source did not answer", 2: WRONG},
)
@click.option("--refresh", is_flag=True, help="Look at the source first (a look, never a download).")
@click.option("--source", shell_complete=completing.sources, help="The source to compare with. Default: TAXI_SOURCE.")
@AS_JSON
@in_sentences
def status(refresh: bool, source: str | None, as_json: bool) -> None:
    """Show what is loaded, stage by stage, and what is out of date."""
    from taxi_platform.cli.status import run_status

    run_status(refresh=refresh, source=source, as_json=as_json)


@cli.command(
    examples=["taxi versions green 2021-01", "taxi versions green 2021-01 --restore 0123456789abcdef"],
    exit_codes={0: "it was shown, or brought back", 1: "it could not be brought back: nothing was changed", 2: WRONG},
)
@click.argument("service", shell_complete=completing.services)
@click.argument("month", shell_complete=completing.months)
@click.option(
    "--restore",
    metavar="VERSION",
    shell_complete=completing.versions,
    help="Have lake and warehouse hold this version again.",
)
@AS_JSON
@in_sentences
def versions(service: str, month: str, restore: str | None, as_json: bool) -> None:
    """Show what a month was before, and bring it back.

    The lake keeps versions of a MONTH of a SERVICE; each is shown with what differs from the one before. --restore
    brings one back, in lake and warehouse. The next load of the month goes forward again.
    """
    from taxi_platform.cli.versions import run_versions

    sys.exit(run_versions(service, month, restore=restore, as_json=as_json))


@cli.command(
    words=("What to prune (default: all there is)", SERVICES_AND_MONTHS),
    examples=["taxi prune --dry-run", "taxi prune --keep 1 --older-than 30d", "taxi prune green 2020-01..2020-12"],
    exit_codes={0: "all was looked at", 1: "something could not be: a sentence says why", 2: WRONG},
)
@click.argument("services", required=False, shell_complete=completing.services)
@click.argument("months", required=False, shell_complete=completing.months)
@click.option(
    "--keep", type=click.IntRange(1, 9999), help="So many versions of a month stay. Default: TAXI_KEEP_VERSIONS, or 2."
)
@click.option("--older-than", default="1d", show_default=True, help="Only what was replaced longer ago, as 30d.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@AS_JSON
@in_sentences
def prune(
    services: str | None, months: str | None, keep: int | None, older_than: str, dry_run: bool, as_json: bool
) -> None:
    """Make room: remove what nobody needs any more.

    That is old versions of months, and what dead processes left behind. The current version of a month stays, as does
    what the warehouse holds and what is younger than a day. No other command removes anything.
    """
    from taxi_platform.cli.prune import run_prune

    sys.exit(run_prune(services, months, keep=keep, older_than=older_than, dry_run=dry_run, as_json=as_json))


@cli.command(
    examples=[
        'taxi query "select source_month, count(*) from green_trips group by 1 order by 1"',
        'taxi query "select * from yellow_trips limit 3" --format csv',
    ],
    exit_codes={
        0: "it was answered",
        1: "the warehouse did not answer",
        2: "it is no query, or would change something",
    },
)
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="Default: table.")
@in_sentences
def query(sql: str, form: str) -> None:
    """Ask the warehouse in SQL; nothing can be changed.

    The tables are yellow_trips, green_trips, fhv_trips and fhvhv_trips; source_month is the month of the source file.
    With the zones loaded, yellow_trips_with_zones (and so on) names where a trip begins and ends.
    """
    from taxi_platform.cli.query import run_query

    run_query(sql, form)


@cli.command(
    examples=["taxi up", "taxi --profile prod up --port 3001"],
    exit_codes={0: "it was ended", 2: "the port is taken, or a setting cannot be"},
)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Who may connect; there is no login.")
@in_sentences
def up(port: int, host: str) -> None:
    """Start Dagster's UI and its daemon. Ctrl-C ends both."""
    from taxi_platform.cli.up import run_up

    run_up(host, port)


@cli.command(
    examples=["taxi doctor", "taxi --profile prod doctor"],
    exit_codes={0: "nothing fails", 1: "something does"},
)
@AS_JSON
@in_sentences
def doctor(as_json: bool) -> None:
    """Say what is wrong here, and how to mend it.

    Python and packages, settings, credentials, disk, Dagster's history, the stores, the warehouse, the source, the
    clocks: a line each, ok, warn or fail. Nothing is changed.
    """
    from taxi_platform.cli.doctor import run_doctor

    sys.exit(run_doctor(as_json=as_json))


@cli.command(examples=["taxi sources"], exit_codes={0: "they were listed", 2: WRONG})
@AS_JSON
@in_sentences
def sources(as_json: bool) -> None:
    """List where files can come from, and which is set."""
    from taxi_platform.cli.sources import run_sources

    run_sources(as_json=as_json)


@cli.command(
    words=(
        "Where it goes",
        {
            "bash": 'in ~/.bashrc:  eval "$(taxi completion bash)"',
            "zsh": 'in ~/.zshrc:  eval "$(taxi completion zsh)"',
            "fish": "once:  taxi completion fish > ~/.config/fish/completions/taxi.fish",
        },
    ),
    examples=["taxi completion bash"],
    exit_codes={0: "it was printed", 2: "no such shell"},
)
@click.argument("shell", type=click.Choice(completing.SHELLS))
def completion(shell: str) -> None:
    """Print what a shell needs to complete words after TAB.

    Commands, options, services, months, versions, sources and profiles.
    """
    click.echo(completing.script(cli, shell))


def main() -> None:
    """The entry point of `taxi`."""
    cli(prog_name="taxi")
