"""A Postgres whose disk fills up. Run as a program in a mount namespace of its own: nothing of it outlives it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from taxi_platform.errors import StoreError, StoreFullError, StoreUnavailableError
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.resources.postgres.address import parse_address
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, in_order, many_rows, month_rows
from taxi_platform_tests.kit.postgres_server import PostgresServer, postgres

ROWS = 60_000
LEAVE = [kib << 10 for kib in (0, 64, 2048)]
"""Free bytes: not enough for the new month, which has about 6 MB."""


def main(what: str) -> None:
    """Fill a `tablespace` on a disk of its own, or the disk of the whole `database`, its log of changes included."""
    with postgres(
        18, {"max_wal_size": "48MB", "min_wal_size": "32MB", "wal_level": "minimal", "max_wal_senders": "0"}
    ) as server:
        disk = server.base / ("tablespace" if what == "tablespace" else "data")
        with mounted(server, disk, size="64m" if what == "tablespace" else "256m"):
            if what == "tablespace":
                server.ask(f"CREATE TABLESPACE small LOCATION '{disk}/t'")
                server.ask("ALTER ROLE postgres SET default_tablespace = small")
            store = PostgresWarehouse(parse_address(f"{server.url}?schema=s"))
            store.replace_month(TABLE, FEBRUARY, month_rows(FEBRUARY).to_reader(), Stamp("0", "0", "run"))
            store.replace_month(TABLE, JANUARY, many_rows(JANUARY, 0, ROWS).to_reader(), Stamp("0", "0", "run"))
            fill_and_load(server, store, disk, what)


def fill_and_load(server: PostgresServer, store: PostgresWarehouse, disk: Path, what: str) -> None:
    for step, leave in enumerate(LEAVE, 1):
        rows = many_rows(JANUARY, step, ROWS)
        stamp = Stamp(f"{step}", f"{step}", "run")
        server.ask("CHECKPOINT")
        with filled(disk, leave), pytest.raises(StoreError) as caught:
            store.replace_month(TABLE, JANUARY, rows.to_reader(), stamp)
        if what == "tablespace":
            assert caught.type is StoreFullError, caught.value
            assert "the disk is full. What stood before still stands. Make room" in str(caught.value)
        else:  # without room for its log Postgres stops; it says so, or is gone
            assert caught.type in (StoreFullError, StoreUnavailableError), caught.value
        if server.process.poll() is not None:
            server.start()
        assert_month(store, step - 1)
        store.replace_month(TABLE, JANUARY, rows.to_reader(), stamp)
        assert_month(store, step)
        assert server.ask("SELECT 1 FROM pg_class WHERE relkind = 'r' AND relname LIKE '\\_taxi\\_new%'") == []


def assert_month(store: PostgresWarehouse, version: int) -> None:
    with store.read_months(TABLE, [JANUARY]) as reader:
        assert in_order(reader.read_all()).equals(in_order(many_rows(JANUARY, version, ROWS)))
    assert store.totals(TABLE, FEBRUARY, [])[0] == 6


@contextmanager
def mounted(server: PostgresServer, disk: Path, size: str) -> Iterator[None]:
    """A small disk at `disk`, with what was there before on it."""
    server.stop()
    kept = disk.with_name("kept")
    disk.rename(kept) if disk.exists() else kept.mkdir()
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
    shutil.copytree(kept, disk, dirs_exist_ok=True)
    (disk / "t").mkdir()
    subprocess.run(["chown", "-R", f"--reference={server.base}", disk], check=True)
    disk.chmod(0o700)
    server.start()
    try:
        yield
    finally:
        server.stop()
        subprocess.run(["umount", disk], check=True)


@contextmanager
def filled(disk: Path, leave: int) -> Iterator[None]:
    """Only `leave` bytes are free, for as long as the context lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\1" * max(0, shutil.disk_usage(disk).free - leave))
    yield
    ballast.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
