"""Readers while months are replaced: the old month or the new one, in every isolation level, without a long wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pyarrow.compute as pc
import pytest

from taxi_platform.errors import StoreUnavailableError
from taxi_platform.io_managers.postgres import month_swap
from taxi_platform_tests.io_managers.kits import KITS, PostgresKit, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, in_order, many_rows, month_rows

ROWS = 2_000
REPLACES = 20
LONGEST_WAIT_S = 2.0
"""What a reader may wait behind a swap on two cores that others use too; a swap holds the table for milliseconds."""

QUERY = f"SELECT count(*), sum(total_amount) FROM {TABLE} WHERE source_month = %s"


@pytest.fixture
def kit(kit_of: Callable[..., StoreKit]) -> PostgresKit:
    made = kit_of("postgres")
    assert isinstance(made, PostgresKit)
    for month in (JANUARY, FEBRUARY):
        made.put(month, many_rows(month, 0, ROWS), "0", "000")
    return made


def sums(month: str, seeds: int) -> list[tuple[int, object]]:
    """What a reader may see: the count and the sum of every version."""
    months = [many_rows(month, seed, ROWS) for seed in range(seeds + 1)]
    return [(rows.num_rows, pc.sum(rows["total_amount"]).as_py()) for rows in months]


@dataclass
class Reader:
    """Reads a month again and again, on a connection of its own, until it is told to stop.

    Attributes:
        twice: Whether it reads twice in one transaction.
        seen: What it saw, transaction by transaction.
    """

    kit: PostgresKit
    month: str
    isolation: str
    twice: bool
    seen: list[list[tuple[int, object]]] = field(default_factory=list)
    longest_s: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        with psycopg.connect(self.kit.uri.partition("?")[0], autocommit=True) as connection:
            connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [self.kit.schema])
            while not self.stopped.is_set():
                connection.execute(f"BEGIN ISOLATION LEVEL {self.isolation}")
                self.seen.append([self._look(connection) for _ in range(1 + self.twice)])
                connection.execute("COMMIT")

    def _look(self, connection: psycopg.Connection) -> tuple[int, object]:
        started = time.monotonic()
        row = connection.execute(QUERY, [f"{self.month}-01"]).fetchone()
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        assert row is not None
        time.sleep(0.002)
        return int(row[0]), row[1]


@contextmanager
def reading(*readers: Reader) -> Iterator[None]:
    with ThreadPoolExecutor(len(readers)) as threads:
        running = [threads.submit(reader.read) for reader in readers]
        try:
            yield
        finally:
            for reader in readers:
                reader.stopped.set()
        for one in running:
            one.result(30)


def replace_again_and_again(kit: PostgresKit, month: str) -> list[str]:
    mine = KITS[kit.name](kit.root)
    return [
        mine.put(month, many_rows(month, seed, ROWS), f"{seed}", f"{seed:03}").outcome
        for seed in range(1, REPLACES + 1)
    ]


def test_readers_see_the_old_month_or_the_new_one_while_two_months_are_replaced_at_once(kit: PostgresKit) -> None:
    readers = [
        Reader(kit, JANUARY, "READ COMMITTED", twice=False),
        Reader(kit, FEBRUARY, "READ COMMITTED", twice=False),
        Reader(kit, JANUARY, "REPEATABLE READ", twice=True),
    ]
    with reading(*readers), ThreadPoolExecutor(2) as threads:
        writers: list[Future[list[str]]] = [
            threads.submit(replace_again_and_again, kit, month) for month in (JANUARY, FEBRUARY)
        ]
        for writer in writers:
            assert writer.result(120) == ["replaced"] * REPLACES
    for reader in readers:
        truth = sums(reader.month, REPLACES)
        places = [[truth.index(one) for one in transaction] for transaction in reader.seen]
        assert all(len(set(transaction)) == 1 for transaction in places)
        assert places == sorted(places)
        assert len({transaction[0] for transaction in places}) > 2, "the reader came too late"
        assert reader.longest_s < LONGEST_WAIT_S
    assert kit.leftovers() == []


@contextmanager
def long_query(kit: PostgresKit, month: str, isolation: str = "REPEATABLE READ") -> Iterator[psycopg.Connection]:
    """A transaction that has read the table and does not end: it holds its lock on it."""
    with psycopg.connect(kit.uri.partition("?")[0], autocommit=True) as connection:
        connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [kit.schema])
        connection.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        connection.execute(QUERY, [f"{month}-01"])
        yield connection
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_a_long_query_is_neither_disturbed_nor_waited_for_for_ever(
    kit: PostgresKit, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    monkeypatch.setattr(month_swap, "SWAP_WAIT_S", 0.5)
    truth = sums(JANUARY, 1)
    other = Reader(kit, JANUARY, isolation, twice=True)
    with long_query(kit, JANUARY) as connection, reading(other):
        outcome = kit.put(JANUARY, many_rows(JANUARY, 1, ROWS), "1", "001").outcome
        assert connection.execute(QUERY, [f"{JANUARY}-01"]).fetchone() == truth[0]
    assert outcome == "replaced"
    assert {one for transaction in other.seen for one in transaction} <= set(truth)
    if isolation == "REPEATABLE READ":
        assert all(len(set(transaction)) == 1 for transaction in other.seen)
    assert other.longest_s < LONGEST_WAIT_S
    assert in_order(kit.table_of(JANUARY)).equals(in_order(many_rows(JANUARY, 1, ROWS)))
    assert kit.leftovers() == []


def test_a_long_query_of_another_month_is_not_disturbed_either(
    kit: PostgresKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_swap, "SWAP_WAIT_S", 0.3)
    with long_query(kit, FEBRUARY) as connection:
        kit.put(JANUARY, many_rows(JANUARY, 1, ROWS), "1", "001")
        assert connection.execute(QUERY, [f"{FEBRUARY}-01"]).fetchone() == sums(FEBRUARY, 0)[0]


def test_a_first_month_beside_a_long_query_waits_for_nobody(kit: PostgresKit) -> None:
    """To add a partition takes a lock that readers do not hold back."""
    with long_query(kit, JANUARY):
        started = time.monotonic()
        kit.put("2021-03", month_rows("2021-03"), "1", "001")
        assert time.monotonic() - started < 5


def test_who_holds_the_table_too_long_is_named(kit: PostgresKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_swap, "GIVE_UP_S", 0.5)
    with psycopg.connect(kit.uri.partition("?")[0], application_name="the vacuum cleaner") as connection:
        connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [kit.schema])
        connection.execute(f"LOCK TABLE {TABLE} IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailableError, match=r"in use for 0 s, by process \d+ \(the vacuum cleaner"):
            kit.put("2021-03", month_rows("2021-03"), "1", "001")
    assert kit.put("2021-03", month_rows("2021-03"), "1", "001").outcome == "created"
