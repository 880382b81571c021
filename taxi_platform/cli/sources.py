"""`taxi sources`: where files can come from."""

from __future__ import annotations

import json

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import print_table


def run_sources(*, as_json: bool) -> None:
    """Print the kinds of source, and the one that is set, without its credentials."""
    from taxi_platform.resources.sources.folder import without_credentials
    from taxi_platform.resources.sources.opening import KNOWN

    current = without_credentials(read_settings().source)
    if as_json:
        known = [{"source": name, "what": what} for name, what in KNOWN.items()]
        click.echo(json.dumps({"current": current, "known": known}, indent=1))
        return
    print_table(("source", "what it is"), list(KNOWN.items()))
    click.echo(f"\nSet is {current} (TAXI_SOURCE, or --source).")
