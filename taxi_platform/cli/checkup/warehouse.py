"""The warehouse: reachable, of a version that is supported, with the rights that a load needs, its ledger readable."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from taxi_platform.cli.checkup.finding import Finding
from taxi_platform.cli.checkup.machine import nearest
from taxi_platform.cli.checkup.stores import PATIENCE_S, skew
from taxi_platform.errors import StoreUnavailableError
from taxi_platform.io_managers.bigquery.address import BigQueryAddress
from taxi_platform.io_managers.warehouse import LEDGER
from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.settings import Settings

NEWEST_POSTGRES = 18


def warehouse(settings: Settings) -> Iterator[Finding]:
    """Look at the warehouse; nothing in it is changed."""
    where = settings.warehouse
    if isinstance(where, PostgresAddress):
        yield from _postgres(where)
    elif isinstance(where, BigQueryAddress):
        yield from _bigquery(where, settings)
    else:
        yield from _duckdb(where)


def _duckdb(path: Path) -> Iterator[Finding]:
    from taxi_platform.io_managers.duckdb.connecting import connected

    folder = nearest(path.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield _fail(f"{path}: nothing can be written in {folder}. Give this user the right to, or set TAXI_WAREHOUSE.")
    elif not path.exists():
        yield _ok(f"{path}: not there yet, the first load makes it")
    else:
        try:
            with connected(path, read_only=True, wait_s=0.5) as connection:
                ledger = connection.execute("FROM duckdb_tables() WHERE table_name = ?", [LEDGER]).fetchone()
                held = connection.execute(f"SELECT count(*) FROM {LEDGER}").fetchone() if ledger else (0,)  # noqa: S608
        except StoreUnavailableError as error:
            yield Finding("warehouse", "warn", f"{error} A load waits for it for half a minute.")
        else:
            yield _ok(f"{path}: {(held or (0,))[0]:,} months")


def _postgres(address: PostgresAddress) -> Iterator[Finding]:
    from psycopg.sql import SQL

    from taxi_platform.io_managers.postgres import catalogue
    from taxi_platform.io_managers.postgres.session import reading

    with reading(address) as session:
        major = session.connection.info.server_version // 10_000
        (encoding, is_standby, now, may_make_schemas), *_ = session.rows(
            "SELECT current_setting('server_encoding'), pg_is_in_recovery(), extract(epoch FROM clock_timestamp()), "
            "has_database_privilege(current_database(), 'CREATE')"
        )
        there = catalogue.schema_exists(session)
        may = may_make_schemas
        if there:
            asked = "SELECT has_schema_privilege(%s, 'USAGE') AND has_schema_privilege(%s, 'CREATE')"
            ((may,),) = session.rows(asked, [session.schema] * 2)
        held = 0
        if there and catalogue.relation(session, LEDGER) is not None:
            ((held,),) = session.rows(SQL("SELECT count(*) FROM {}").format(session.name(LEDGER)))
    where = address.shown
    if major > NEWEST_POSTGRES:
        yield Finding("warehouse", "warn", f"{where}: Postgres {major} is newer than what was tested, 15 to 18.")
    if encoding != "UTF8":
        yield _fail(f"{where}: the database is in {encoding}, and trips are UTF-8. Make one with ENCODING 'UTF8'.")
    if is_standby:
        yield _fail(f"{where}: this is a standby, which takes nothing. Name the primary in TAXI_WAREHOUSE.")
    if not may:
        what = f"GRANT USAGE, CREATE ON SCHEMA {session.schema}" if there else "GRANT CREATE ON DATABASE"
        yield _fail(f"{where}: this user may not make tables in the schema {session.schema}. {what} to it.")
    yield _ok(f"{where}: Postgres {major}, {held:,} months")
    yield from skew(where, float(now) - time.time())


def _bigquery(address: BigQueryAddress, settings: Settings) -> Iterator[Finding]:
    from taxi_platform.io_managers.bigquery.connecting import connected

    with connected(address, settings.clouds, PATIENCE_S) as session:
        location = session.location
        ledger = session.table(LEDGER)
    held = "a ledger" if ledger is not None else "no ledger yet: the first load makes it"
    yield _ok(f"{address.shown}: the dataset is in {location}, with {held}")


def _ok(message: str) -> Finding:
    return Finding("warehouse", "ok", message)


def _fail(message: str) -> Finding:
    return Finding("warehouse", "fail", message)
