"""A connection to Postgres that is closed whatever happens, and its errors as sentences without a secret."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from taxi_platform.errors import SettingsError, StoreError
from taxi_platform.resources.postgres.address import EXAMPLE, PostgresAddress
from taxi_platform.resources.postgres.refusals import in_words

OLDEST = 15
"""The oldest Postgres whose SQL is understood: UNIQUE NULLS NOT DISTINCT came with it."""

_DEFAULTS: Mapping[str, str] = {
    "application_name": "taxi_platform",
    "connect_timeout": "10",
    # A server or a network that is gone is noticed in a minute, not in hours.
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "4",
    "tcp_user_timeout": "60000",
}


@contextlib.contextmanager
def connected(address: PostgresAddress) -> Iterator[psycopg.Connection]:
    """A connection that is closed when the context ends, in the middle of a stream too.

    Raises:
        SettingsError: libpq does not understand the address.
        StoreUnavailableError: The server cannot be reached, or went away. A retry may help.
        StoreError: It lets nobody in like this, is too old, or could not do what it was asked to do.
    """
    options = {**_DEFAULTS, **_options(address)}
    with in_words(address):
        connection = psycopg.connect(**options, autocommit=True, prepare_threshold=None, client_encoding="UTF8")
        try:
            _require_version(address, connection)
            yield connection
        finally:
            connection.close()


def _require_version(address: PostgresAddress, connection: psycopg.Connection) -> None:
    major = connection.info.server_version // 10_000
    if major < OLDEST:
        raise StoreError(
            f"{address.shown}: this is Postgres {major}, {OLDEST} or newer is needed. Nothing was changed. Upgrade it, "
            "or name another server."
        )


def _options(address: PostgresAddress) -> dict[str, Any]:
    try:
        return conninfo_to_dict(address.uri)
    except psycopg.Error:  # its text may repeat what was written
        raise SettingsError(
            f"{address.shown}: libpq does not know all that follows the ?, or cannot read it. Write {EXAMPLE}, and "
            "what its documentation lists as parameter key words."
        ) from None
