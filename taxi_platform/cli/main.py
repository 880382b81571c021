"""The commands and their options. What they do is imported when they run: `taxi --help` must be quick."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

from taxi_platform import __version__
from taxi_platform.errors import RequestError, SettingsError, TaxiError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="taxi")
def cli() -> None:
    r"""New York's taxi trips, month by month: source -> raw -> cleaned -> lake -> warehouse.

    \b
    taxi load green 2020-03..2020-05       load three months
    taxi load all 2021                     every service, a whole year
    taxi status                            what is loaded, what is out of date
    taxi query "select count(*) from green_trips"
    taxi up                                Dagster's UI (once called Dagit)
    """


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


@cli.command()
@click.argument("services")
@click.argument("months", required=False)
@click.option(
    "--source", help="Where the files come from: sample, tlc, datatalks, a folder, a URL. Default: TAXI_SOURCE."
)
@click.option("--force", is_flag=True, help="Fetch, clean and write again what has not changed.")
@AS_JSON
@in_sentences
def load(services: str, months: str | None, source: str | None, force: bool, as_json: bool) -> None:
    """Load MONTHS of SERVICES through the four stages.

    SERVICES: yellow, green, fhv, fhvhv, several joined by commas, or all.
    MONTHS: 2021-01, 2020-03..2020-05, 2021, or several of these joined by commas.

    "taxi load zones" loads the lookup of taxi zones, which has no months.

    A month that fails leaves what stood before, and the other months are loaded. The exit code is 0 only if all went
    well. What has not changed is not moved again.
    """
    from taxi_platform.cli.load import run_load

    sys.exit(run_load(services, months, source=source, force=force, as_json=as_json))


@cli.command()
@click.option("--refresh", is_flag=True, help="Look at the source first (a look, never a download).")
@click.option("--source", help="The source to compare with. Default: TAXI_SOURCE.")
@AS_JSON
@in_sentences
def status(refresh: bool, source: str | None, as_json: bool) -> None:
    """Show which months are loaded in which stage, and which are out of date."""
    from taxi_platform.cli.status import run_status

    run_status(refresh=refresh, source=source, as_json=as_json)


@cli.command()
@click.argument("service")
@click.argument("month")
@click.option("--restore", metavar="VERSION", help="Have lake and warehouse hold this version again.")
@AS_JSON
@in_sentences
def versions(service: str, month: str, restore: str | None, as_json: bool) -> None:
    """Show the versions of a MONTH that the lake keeps, and in what each differs from the one before.

    --restore brings one back, in lake and warehouse. The next load of the month goes forward again.
    """
    from taxi_platform.cli.versions import run_versions

    sys.exit(run_versions(service, month, restore=restore, as_json=as_json))


@cli.command()
@click.argument("services", required=False)
@click.argument("months", required=False)
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
    """Remove old versions of months, and what dead processes left behind; say what was freed.

    The current version of a month stays, as does what the warehouse holds and what is younger than a day. No other
    command removes anything.
    """
    from taxi_platform.cli.prune import run_prune

    sys.exit(run_prune(services, months, keep=keep, older_than=older_than, dry_run=dry_run, as_json=as_json))


@cli.command()
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="Default: table.")
@in_sentences
def query(sql: str, form: str) -> None:
    """Ask the warehouse something in SQL. Nothing can be changed by it.

    The tables are yellow_trips, green_trips, fhv_trips and fhvhv_trips; source_month is the month of the source file.
    With the zones loaded, yellow_trips_with_zones (and so on) names where a trip begins and ends.
    """
    from taxi_platform.cli.query import run_query

    run_query(sql, form)


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Who may connect; there is no login.")
@in_sentences
def up(port: int, host: str) -> None:
    """Start Dagster's UI and its daemon. Ctrl-C ends both."""
    from taxi_platform.cli.up import run_up

    run_up(host, port)


@cli.command()
@AS_JSON
@in_sentences
def doctor(as_json: bool) -> None:
    """Look whether everything is as it should be, and say what to mend. Nothing is changed by it.

    The exit code is 1 if something fails.
    """
    from taxi_platform.cli.doctor import run_doctor

    sys.exit(run_doctor(as_json=as_json))


@cli.command()
@AS_JSON
@in_sentences
def sources(as_json: bool) -> None:
    """List where files can come from, and which one is set."""
    from taxi_platform.cli.sources import run_sources

    run_sources(as_json=as_json)


def main() -> None:
    """The entry point of `taxi`."""
    cli(prog_name="taxi")
