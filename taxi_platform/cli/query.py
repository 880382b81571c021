"""`taxi query`: SQL in, a table, CSV or JSON out."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click

from taxi_platform.cli.session import read_settings
from taxi_platform.cli.tables import print_table
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.settings import Settings


def run_query(sql: str, form: str) -> None:
    """Print what the warehouse answers to `sql`.

    Raises:
        RequestError: It is no query, or wants to change something.
    """
    columns, rows = _ask(read_settings(), sql)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif form == "json":
        names = _told_apart(columns)
        objects = [dict(zip(names, map(_json, row), strict=True)) for row in rows]
        click.echo(json.dumps(objects, default=str, allow_nan=False))
    else:
        print_table(columns, list(rows))


def _ask(settings: Settings, sql: str) -> tuple[list[str], Sequence[tuple[Any, ...]]]:
    warehouse = settings.warehouse
    if isinstance(warehouse, PostgresAddress):
        from taxi_platform.io_managers.postgres import asking as postgres

        return postgres.ask(warehouse, sql)
    if isinstance(warehouse, BigQueryAddress):
        from taxi_platform.io_managers.bigquery import asking as bigquery

        return bigquery.ask(warehouse, settings.clouds, sql)
    from taxi_platform.io_managers.duckdb import asking as duckdb

    return duckdb.ask(warehouse, sql)


def _told_apart(columns: Sequence[str]) -> list[str]:
    """The names of columns as keys of an object: a second `a` becomes `a_1`, as DuckDB does elsewhere."""
    names: list[str] = []
    for column in columns:
        name, again = column, 0
        while name in names:
            again += 1
            name = f"{column}_{again}"
        names.append(name)
    return names


def _json(value: Any) -> Any:
    """`value` for JSON: a decimal as a number where that loses nothing, what no number of JSON can say as text."""
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Decimal):
        number = int(value) if value.as_tuple().exponent == 0 else float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    return value
