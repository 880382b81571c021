"""A DuckDB file that is somebody else's at the moment, or none at all."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from taxi_platform.errors import DamagedStoreError, StoreError, StoreUnavailableError
from taxi_platform.io_managers.duckdb import connecting
from taxi_platform_tests.io_managers.kits import DuckDBKit
from taxi_platform_tests.io_managers.months import JANUARY, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain


@pytest.fixture
def kit(tmp_path: Path) -> DuckDBKit:
    (tmp_path / "store").mkdir()
    return DuckDBKit(tmp_path / "store")


@contextmanager
def held_by_another(path: Path, for_s: float = 60) -> Iterator[int]:
    """Another process has the file open for writing; gives its number."""
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep({})"
    process = subprocess.Popen([sys.executable, "-c", code.format(for_s), str(path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"open\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def test_a_file_that_another_process_has_open_is_waited_for(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with held_by_another(kit.path, for_s=0.6):
        kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_a_process_that_does_not_let_go_is_named(kit: DuckDBKit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    monkeypatch.setattr(connecting, "WAIT_S", 0.3)
    with held_by_another(kit.path) as pid:
        for attempt in (lambda: kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND), lambda: kit.rows_of(JANUARY)):
            with pytest.raises(StoreUnavailableError, match=rf"process {pid} \(.*\) has it open.*Close it there"):
                attempt()
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert kit.leftovers() == []


def test_a_stream_that_is_not_read_to_its_end_is_named_when_the_same_process_writes(
    kit: DuckDBKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    monkeypatch.setattr(connecting, "WAIT_S", 0.3)
    with (
        kit.warehouse.read_months("cab_trips", [JANUARY]),
        pytest.raises(StoreUnavailableError, match="this process itself has it open"),
    ):
        kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


@pytest.mark.parametrize("folder", ["clock", "store"])  # "lock" in a path is no lock
@pytest.mark.parametrize("content", [b"not a database", b"", b"\0" * 12288])
def test_a_file_that_is_no_database_is_a_sentence_at_once(tmp_path: Path, folder: str, content: bytes) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    kit = DuckDBKit(tmp_path / folder)
    kit.path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(DamagedStoreError, match=r"this is no DuckDB database.*Nothing was changed.*TAXI_WAREHOUSE"):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    assert time.monotonic() - started < 5
    assert kit.path.read_bytes() == content


def test_half_a_database_is_a_sentence(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    kit.path.write_bytes(kit.path.read_bytes()[:5000])
    with pytest.raises(DamagedStoreError, match="no DuckDB database, or not all of one"):
        kit.rows_of(JANUARY)


def test_a_folder_where_the_file_should_be_is_a_sentence(kit: DuckDBKit) -> None:
    kit.path.mkdir()
    with pytest.raises(StoreError, match=r"warehouse\.duckdb: .*What stood before still stands\."):
        kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)


def test_anything_that_duckdb_says_is_one_line(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with (
        pytest.raises(StoreError, match=r"Binder Error: .*What stood before still stands\.$") as caught,
        connecting.connected(kit.path, read_only=True) as connection,
    ):
        connection.execute("SELECT nonsense FROM cab_trips")
    assert "\n" not in str(caught.value)


def test_errors_that_are_not_of_duckdb_stay_what_they_are(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with (
        pytest.raises(FileNotFoundError),
        connecting.connected(kit.path, read_only=True),
        open("/nowhere/at/all"),
    ):
        pass


def test_the_log_of_a_deleted_database_does_not_come_back_with_the_new_one(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    code = "import duckdb, sys, os; c = duckdb.connect(sys.argv[1]); c.execute('DELETE FROM cab_trips'); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(kit.path)], check=True)
    assert kit.path.with_name("warehouse.duckdb.wal").exists()
    kit.path.unlink()
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
    assert kit.leftovers() == []


def test_a_log_that_a_killed_process_left_is_read_by_readers_too(kit: DuckDBKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    code = """import duckdb, sys, os
c = duckdb.connect(sys.argv[1])
c.execute('CREATE TABLE other AS SELECT 42 AS answer')
os._exit(0)"""
    subprocess.run([sys.executable, "-c", code, str(kit.path)], check=True)
    with connecting.connected(kit.path, read_only=True) as connection:
        assert connection.execute("SELECT answer FROM other").fetchall() == [(42,)]
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_the_wait_is_half_a_minute_unless_said_otherwise() -> None:
    assert connecting.WAIT_S == 30.0
    assert duckdb.__version__ >= "1.4"
