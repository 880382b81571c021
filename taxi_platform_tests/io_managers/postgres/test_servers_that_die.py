"""A server that is killed, stopped or cut off in mid-COPY: the old month stands, and the next load finishes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psycopg
import pyarrow as pa
import pytest

from taxi_platform.errors import StoreError, StoreUnavailableError
from taxi_platform.io_managers.postgres.io_manager import PostgresMonthIOManager
from taxi_platform.io_managers.postgres.warehouse import PostgresWarehouse
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.resources.postgres.address import parse_address
from taxi_platform.resources.postgres.resource import PostgresResource
from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, many_rows, month_rows
from taxi_platform_tests.kit.postgres_server import PostgresServer, postgres

OLD, NEW = 1_994, 18_962


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that nobody else uses: it is not spared."""
    with postgres(18) as started:
        yield started


@pytest.fixture
def warehouse(server: PostgresServer) -> Iterator[PostgresWarehouse]:
    """January as it was, February beside it."""
    store = PostgresWarehouse(parse_address(f"{server.url}?schema=s&application_name=ours"))
    store.replace_month(TABLE, JANUARY, many_rows(JANUARY, 0, OLD).to_reader(), Stamp("old", "1", "run"))
    store.replace_month(TABLE, FEBRUARY, month_rows(FEBRUARY).to_reader(), Stamp("old", "1", "run"))
    yield store
    if server.process.poll() is not None:
        server.restart()
    server.ask("DROP SCHEMA s CASCADE")


def during_copy(store: PostgresWarehouse, strike: Callable[[], object]) -> StoreError:
    """Replace January, let somebody strike while its rows are on their way, and give what came of it."""
    rows = many_rows(JANUARY, 1, NEW)
    half_way, struck = threading.Event(), threading.Event()

    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows.slice(0, NEW // 2).to_batches()
        half_way.set()
        struck.wait(30)
        yield from rows.slice(NEW // 2).to_batches()

    stream = pa.RecordBatchReader.from_batches(rows.schema, batches())
    with ThreadPoolExecutor(1) as thread:
        load = thread.submit(store.replace_month, TABLE, JANUARY, stream, Stamp("new", "2", "run"))
        assert half_way.wait(30)
        strike()
        struck.set()
        error = load.exception(60)
    assert isinstance(error, StoreError), error
    return error


def assert_old_month_stands_and_the_next_load_finishes(server: PostgresServer, store: PostgresWarehouse) -> None:
    assert store.totals(TABLE, JANUARY, [])[0] == OLD
    assert [(row.version, row.holds) for row in store.months()] == [("old", True)] * 2
    stream = many_rows(JANUARY, 1, NEW).to_reader()
    assert store.replace_month(TABLE, JANUARY, stream, Stamp("new", "2", "run")).outcome == "replaced"
    assert store.totals(TABLE, JANUARY, [])[0] == NEW
    assert store.totals(TABLE, FEBRUARY, [])[0] == 6
    assert server.ask("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '\\_taxi\\_new%'") == []
    assert server.ask("SELECT 1 FROM pg_stat_activity WHERE application_name = 'ours'") == []
    assert server.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'") == []


def test_a_killed_server_leaves_the_old_month(server: PostgresServer, warehouse: PostgresWarehouse) -> None:
    error = during_copy(warehouse, server.kill)
    assert isinstance(error, StoreUnavailableError)
    assert "What stood before still stands. Load the month again" in str(error)
    server.restart()
    assert_old_month_stands_and_the_next_load_finishes(server, warehouse)


def test_a_server_that_is_restarted_leaves_the_old_month(server: PostgresServer, warehouse: PostgresWarehouse) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    assert isinstance(during_copy(warehouse, restart), StoreUnavailableError)
    assert_old_month_stands_and_the_next_load_finishes(server, warehouse)


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
def test_who_is_cut_off_leaves_the_old_month(
    server: PostgresServer, warehouse: PostgresWarehouse, function: str
) -> None:
    def strike() -> None:
        assert server.ask(f"SELECT {function}(pid) FROM pg_stat_activity WHERE application_name = 'ours'") == [(True,)]

    assert isinstance(during_copy(warehouse, strike), StoreUnavailableError)
    assert_old_month_stands_and_the_next_load_finishes(server, warehouse)


def test_a_server_that_is_stopping_can_be_tried_again(server: PostgresServer, warehouse: PostgresWarehouse) -> None:
    with psycopg.connect(server.url):  # for whom it waits
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(StoreUnavailableError, match="the server is starting or stopping.*Try again in a moment"):
            warehouse.month(TABLE, JANUARY)
    server.process.wait(30)
    with pytest.raises(StoreUnavailableError, match="the server does not answer .*Connection refused"):
        warehouse.month(TABLE, JANUARY)
    server.start()
    assert warehouse.totals(TABLE, JANUARY, [])[0] == OLD


def test_a_run_waits_for_a_server_that_comes_back(server: PostgresServer, warehouse: PostgresWarehouse) -> None:
    @dg.asset(
        name=TABLE,
        partitions_def=dg.MonthlyPartitionsDefinition("2021-01", fmt="%Y-%m", end_date="2022-01"),
        retry_policy=dg.RetryPolicy(max_retries=8, delay=0.2, backoff=dg.Backoff.EXPONENTIAL),
    )
    def cab_trips() -> pa.Table:
        if not back.ident:
            back.start()
        return many_rows(JANUARY, 1, NEW)

    server.stop()
    back = threading.Timer(1.0, server.start)
    try:
        manager = PostgresMonthIOManager(postgres=PostgresResource(warehouse.address.dsn))
        result = dg.materialize([cab_trips], partition_key=JANUARY, resources={"io_manager": manager})
    finally:
        back.join()
    assert result.success
    assert sum(event.event_type_value == "STEP_RESTARTED" for event in result.all_events) >= 1
    assert warehouse.totals(TABLE, JANUARY, [])[0] == NEW


@pytest.mark.parametrize("what", [pytest.param("database", marks=pytest.mark.long), "tablespace"])
def test_a_full_disk_leaves_the_old_month_and_the_next_load_finishes(what: str, own_mounts: list[str]) -> None:
    """In a process of its own, which may mount a small disk that nobody else sees."""
    program = "taxi_platform_tests.io_managers.postgres.full_disk"
    done = subprocess.run(
        [*own_mounts, sys.executable, "-m", program, what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def encrypting(tmp_path: Path) -> Iterator[tuple[PostgresServer, Path]]:
    """A server that takes encrypted connections only, and the certificate that vouches for it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no certificate can be made here: install openssl")
    with postgres(15) as server:
        data = server.base / "data"
        command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
        files = ["-keyout", str(data / "server.key"), "-out", str(data / "server.crt")]
        subprocess.run([*command, *names, *files], check=True, capture_output=True)
        for name in ("server.key", "server.crt"):
            (data / name).chmod(0o600)
            shutil.chown(data / name, data.owner(), data.group())
        hba = (data / "pg_hba.conf").read_text().replace("\nhost ", "\nhostssl ")
        server.stop()
        (data / "pg_hba.conf").write_text(hba)
        server.settings["ssl"] = "on"
        server.start()
        certificate = tmp_path / "root.crt"
        certificate.write_bytes((data / "server.crt").read_bytes())
        yield server, certificate


def test_an_encrypted_connection_checks_who_the_server_is(
    encrypting: tuple[PostgresServer, Path], tmp_path: Path
) -> None:
    server, certificate = encrypting
    rows = month_rows(JANUARY)

    def put(**options: str) -> str:
        resource = PostgresResource(server.url, schema_name="s", **options)
        store = PostgresWarehouse(resource.address)
        with resource.connect() as connection:
            (used,) = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() or ()
        assert used
        return store.replace_month(TABLE, JANUARY, rows.to_reader(), Stamp("a", "1", "run"), force=True).outcome

    assert put(sslmode="require") == "created"
    assert put(sslmode="verify-full", sslrootcert=str(certificate)) == "replaced"
    with pytest.raises(StoreError, match="Nothing was changed") as caught:
        put(sslmode="disable")
    assert "no encryption" in str(caught.value)
    other = tmp_path / "other.crt"
    other.write_text("nothing that anybody signed")
    for options in ({"sslrootcert": str(other)}, {"sslrootcert": "system"}):
        with pytest.raises(StoreError, match="the encrypted connection cannot be made"):
            put(sslmode="verify-full", **options)
