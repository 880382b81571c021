"""`taxi query`: SQL in, a table, CSV or JSON out."""

from __future__ import annotations

import csv
import json
import sys
from decimal import Decimal
from typing import Any

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import print_table


def run_query(sql: str, form: str) -> None:
    """Print what the warehouse answers to `sql`.

    Raises:
        RequestError: It is no query, or wants to change something.
    """
    from taxi_platform.io_managers.duckdb.asking import ask

    columns, rows = ask(read_settings().warehouse, sql)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif form == "json":
        click.echo(json.dumps([dict(zip(columns, map(_json, row), strict=True)) for row in rows], default=str))
    else:
        print_table(columns, list(rows))


def _json(value: Any) -> Any:
    """A decimal as a number where that loses nothing."""
    if isinstance(value, Decimal) and Decimal(repr(float(value))) == value:
        return float(value)
    return value
