"""A transaction in one schema of a database, in which nothing depends on what somebody set elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from taxi_platform.resources.postgres.address import PostgresAddress
from taxi_platform.resources.postgres.connecting import connected

MONTH_WAIT_S = 900.0
"""How long one load waits for another of the same month to end."""

TABLE_WAIT_S = 60.0
"""How long anything else waits for somebody who has a table for himself."""

_OF_TRANSACTION: Mapping[str, str] = {
    "search_path": "pg_catalog",  # every name of ours is said with its schema
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{TABLE_WAIT_S:.0f}s",
}
"""What a database or a role may have set otherwise. Local to the transaction: a pooler may hand on the connection."""


@dataclass(frozen=True)
class Session:
    """One transaction, and the schema that it is about."""

    connection: psycopg.Connection
    schema: str

    def name(self, table: str) -> Identifier:
        """The name of a table of this schema, quoted."""
        return Identifier(self.schema, table)

    def run(self, query: Composed | str, values: Sequence[object] = ()) -> psycopg.Cursor:
        if not values:
            return self.connection.execute(query)
        return self.connection.execute(_with_names_escaped(query, self.connection), list(values))

    def rows(self, query: Composed | str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.run(query, values).fetchall()

    def row(self, query: Composed | str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        return self.run(query, values).fetchone()

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Look at tables without keeping a lock on any of them: two loads that did would wait for each other."""
        with self.connection.transaction(force_rollback=True):
            yield

    def lock_until_commit(self, key: int) -> None:
        """Be the only one who has this lock, until the transaction ends; others of ours are waited for."""
        self.set_local(lock_timeout=f"{MONTH_WAIT_S:.0f}s")
        self.run("SELECT pg_advisory_xact_lock(%s)", [key])
        self.set_local(lock_timeout=f"{TABLE_WAIT_S:.0f}s")

    def set_local(self, **settings: str) -> None:
        """Set what holds until the transaction, or the savepoint, ends."""
        calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        self.run(f"SELECT {calls}", [word for pair in settings.items() for word in pair])


def _with_names_escaped(query: Composed | str, connection: psycopg.Connection) -> Composed | str:
    """`query` with every `%` in names and literals doubled: where values follow, psycopg takes it for one of theirs."""

    def escaped(part: Composable) -> Composable:
        if isinstance(part, Composed):
            return Composed([escaped(one) for one in part])
        return SQL(part.as_string(connection).replace("%", "%%")) if isinstance(part, Identifier | Literal) else part

    return query if isinstance(query, str) else Composed([escaped(part) for part in query])


@contextlib.contextmanager
def writing(address: PostgresAddress) -> Iterator[Session]:
    """A transaction in the schema of `address`, committed at the end, as if it had never been where anything fails."""
    with connected(address) as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.read_only = False
        with connection.transaction():
            yield _session(connection, address)


@contextlib.contextmanager
def reading(address: PostgresAddress) -> Iterator[Session]:
    """A transaction that can change nothing. Each statement sees what is committed when it begins."""
    with connected(address) as connection:
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
        yield _session(connection, address)  # no end is needed: the connection is closed


def _session(connection: psycopg.Connection, address: PostgresAddress) -> Session:
    schema = address.schema
    if schema is None:
        (schema,) = connection.execute("SELECT coalesce(current_schema(), 'public')").fetchone() or ("public",)
    session = Session(connection, schema)
    session.set_local(**_OF_TRANSACTION)
    return session
