"""Who may enter a Postgres database, for Dagster: an address or its parts, and a live connection."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
from pydantic import Field, SecretStr

from taxi_platform.errors import SettingsError
from taxi_platform.resources.postgres.address import PostgresAddress, parse_address
from taxi_platform.resources.secret import Secret

if TYPE_CHECKING:
    import psycopg

Hidden = str | SecretStr | dg.EnvVar | Secret | None


class PostgresResource(dg.ConfigurableResource[Any]):
    """A database, a schema in it, and who asks: as a URL, or in parts. The password is nowhere shown or kept.

    What neither says, libpq's own variables and files do: PGPASSWORD, PGPASSFILE, PGSERVICE, PGSSLMODE, ...

    Attributes:
        dsn: `postgresql://user:password@host:5432/database?schema=name`, with any other parameter of libpq behind the
            question mark. The parts that are given beside it win.
        password: Better as `dg.EnvVar("NAME")` than written down. No field but a dependency, as `dsn` is: see `Secret`.
        schema_name: Where the tables are; without it, the first schema of the connection's search path.
        sslmode: `verify-full` checks that the server is who it says it is; `sslrootcert` names who vouches for it.
        parameters: Any other parameter of libpq, by its key word: `{"connect_timeout": "5"}`. No secrets here.
    """

    host: str = ""
    port: int | None = None
    user: str = ""
    database: str = ""
    schema_name: str = ""
    sslmode: str = ""
    sslrootcert: str = ""
    parameters: dict[str, str] = Field(default_factory=dict)
    dsn: dg.ResourceDependency[Secret]  # Dagster reads it: this file has no `from __future__ import annotations`
    password: dg.ResourceDependency[Secret]

    def __init__(self, dsn: Hidden = None, *, password: Hidden = None, **parts: Any) -> None:
        if _SECRET & set(parts.get("parameters") or ()):
            raise SettingsError("A password is no parameter of a PostgresResource: give it as password=, or in dsn=.")
        super().__init__(dsn=Secret(dsn), password=Secret(password), **parts)  # type: ignore[call-arg]

    @property
    def address(self) -> PostgresAddress:
        """The address that all of it comes to.

        Raises:
            SettingsError: It comes to none.
        """
        told: Mapping[str, str] = {
            **self.parameters,
            "host": self.host,
            "port": "" if self.port is None else str(self.port),
            "user": self.user,
            "password": self.password.reveal(),
            "dbname": self.database,
            "schema": self.schema_name,
            "sslmode": self.sslmode,
            "sslrootcert": self.sslrootcert,
        }
        words = [f"{name}={quote(value, safe='')}" for name, value in told.items() if value]
        dsn = self.dsn.reveal() or "postgresql://"
        return parse_address("".join([dsn, "&" if "?" in dsn else "?", "&".join(words)]) if words else dsn)

    def connect(self) -> "AbstractContextManager[psycopg.Connection]":
        """A connection in autocommit, closed when the context ends. Its errors are sentences without a secret.

        Raises:
            SettingsError, StoreError, StoreUnavailableError: See `connected`.
        """
        from taxi_platform.resources.postgres.connecting import connected

        return connected(self.address)


_SECRET = {"password", "sslpassword"}
