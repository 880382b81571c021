"""Where a Postgres warehouse is: `postgresql://user:password@host:5432/database?schema=trips`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from taxi_platform.errors import SettingsError

EXAMPLE = "postgresql://user:password@host:5432/database?schema=name"

SCHEMES = ("postgresql", "postgres")

FROM_ENVIRONMENT: Mapping[str, str] = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGPASSFILE": "passfile",
    "PGDATABASE": "dbname",
    "PGOPTIONS": "options",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
}
"""What libpq's own variables say where the address does not; also where they are set in a `.env` file.

An address that names a service is left to libpq: what the service file says counts for more than its variables.
"""

_URI = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?]*)(?P<password>:[^@/?]*)?@)?(?P<host>[^@/?]*)(?P<dbname>/[^@/?]*)?"
    r"(?:\?(?P<query>[^@]*))?",
)
_SECRET = ("password", "sslpassword")


@dataclass(frozen=True)
class PostgresAddress:
    """A database, a schema in it, and who asks.

    Attributes:
        uri: For libpq. It may hold a password: never shown.
        shown: The same for people, without a user and without a password.
        schema: Where the tables are; None stands for the first of the connection's search path.
    """

    uri: str = field(repr=False)
    shown: str
    schema: str | None = None

    @property
    def dsn(self) -> str:
        """All of it in one: what `parse_address` reads. Never shown, as `uri`."""
        return self.uri if self.schema is None else f"{self.uri}&schema={quote(self.schema, safe='')}"

    def scrubbed(self, text: str) -> str:
        """`text` without any secret of the address that it may hold."""
        for name, value in _parts(self.uri).items():
            for spelling in (value, unquote(value)) if name in _SECRET and value else ():
                text = text.replace(spelling, "***")
        return text


def parse_address(uri: str, environment: Mapping[str, str] | None = None) -> PostgresAddress:
    """The address that `uri` says, filled up with what only the `environment` says.

    No message repeats what was written: it may hold a password.

    Raises:
        SettingsError: It is none.
    """
    parts = _parts(uri)
    schema = unquote(parts.pop("schema", "")) or None
    if schema is not None and (len(schema.encode()) > 63 or "\0" in schema):
        raise SettingsError("The schema of a Postgres database has a name of at most 63 bytes.")
    known = environment or {}
    if service := known.get("PGSERVICE"):
        parts.setdefault("service", quote(service, safe=""))
    for variable, name in FROM_ENVIRONMENT.items() if "service" not in parts else ():
        value = known.get(variable)
        if value and not parts.get(name):
            parts[name] = quote(value, safe="")
    words = "&".join(f"{name}={value}" for name, value in parts.items() if value)
    host, port, database = (parts.get(name, "") for name in ("host", "port", "dbname"))
    if port and "," not in host + port and not port.isdigit():
        raise SettingsError(f"The port of the Postgres server is no number. Write {EXAMPLE}.")
    where = f"{unquote(host)}{f':{port}' if port else ''}/{unquote(database)}"
    about = {"service": unquote(parts.get("service", "")), "schema": schema}
    more = "&".join(f"{name}={value}" for name, value in about.items() if value)
    return PostgresAddress(
        uri=f"postgresql://?{words}", shown=f"postgresql://{where}{f'?{more}' if more else ''}", schema=schema
    )


def _parts(uri: str) -> dict[str, str]:
    """The keywords of libpq that an address has, still percent-encoded."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise SettingsError(
            f"This is no address of a Postgres database. Write {EXAMPLE}, with %40 for @, %2F for /, %3F for ? and "
            "%3A for : in a name or password."
        )
    hosts = [_host_and_port(one) for one in match["host"].split(",")]
    parts = {
        "host": ",".join(host for host, _ in hosts),
        "port": ",".join(port for _, port in hosts) if any(port for _, port in hosts) else "",
        "user": match["user"] or "",
        "password": (match["password"] or "")[1:],
        "dbname": (match["dbname"] or "")[1:],
    }
    for word in filter(None, (match["query"] or "").split("&")):
        name, is_pair, value = word.partition("=")
        if not is_pair:
            raise SettingsError(f"What follows the ? of a Postgres address is name=value. Write {EXAMPLE}.")
        parts[name] = value
    return {name: value for name, value in parts.items() if value}


def _host_and_port(text: str) -> tuple[str, str]:
    """`host:5432`, or `[::1]:5432`."""
    match = re.fullmatch(r"\[(?P<v6>[^\]]*)\](?::(?P<port6>.*))?|(?P<host>[^:]*)(?::(?P<port>.*))?", text)
    if match is None:
        raise SettingsError(f"This is no host of a Postgres server. Write {EXAMPLE}.")
    return match["v6"] or match["host"] or "", match["port6"] or match["port"] or ""
