"""The promises while others are at the same month: writers, readers, the lock of a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from taxi_platform.errors import SupersededError
from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, in_order, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain
from taxi_platform_tests.io_managers.worker import Worker

ROUNDS = 4
DONE = ("created", "replaced")


def test_of_two_runs_at_once_the_newer_version_stays_whichever_comes_first(kit: StoreKit) -> None:
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    with Worker.of(kit) as one, Worker.of(kit) as two:
        for number in range(ROUNDS):
            older, newer = (one, two) if number % 2 else (two, one)
            older.prepare(JANUARY, 2 * number, f"older {number}", f"{number}-1")
            newer.prepare(JANUARY, 2 * number + 1, f"newer {number}", f"{number}-2")
            for worker in (older, newer) if number % 3 else (newer, older):
                worker.go()
            outcomes = older.outcome(), newer.outcome()
            assert outcomes[1] in DONE
            assert outcomes[0] in (*DONE, "SupersededError")
            assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 2 * number + 1))
            assert kit.version_of(JANUARY) == (f"newer {number}", f"{number}-2")
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))


def test_of_two_runs_at_once_with_the_same_version_both_succeed(kit: StoreKit) -> None:
    with Worker.of(kit) as one, Worker.of(kit) as two:
        for number in range(ROUNDS):
            for worker, as_of in ((one, "1"), (two, "2")):
                worker.prepare(JANUARY, number, f"version {number}", f"{number}-{as_of}")
            for worker in (one, two):
                worker.go()
            outcomes = {one.outcome(), two.outcome()}
            assert outcomes in ({"unchanged", "created"}, {"unchanged", "replaced"})
            assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, number))
            assert kit.version_of(JANUARY) == (f"version {number}", f"{number}-2")
    assert kit.leftovers() == []


def test_two_runs_at_once_on_two_months_leave_both_whole(kit: StoreKit) -> None:
    with Worker.of(kit) as one, Worker.of(kit) as two:
        for number in range(ROUNDS):
            for worker, month in ((one, JANUARY), (two, FEBRUARY)):
                worker.prepare(month, number, f"version {number}", f"{number}")
                worker.go()
            assert one.outcome() in DONE
            assert two.outcome() in DONE
            for month in (JANUARY, FEBRUARY):
                assert kit.rows_of(month) == plain(month_rows(month, number))
    assert kit.leftovers() == []


def test_threads_of_one_process_at_the_same_month_leave_the_newest_whole(kit: StoreKit) -> None:
    def put(number: int) -> str:
        mine = KITS[kit.name](kit.root)
        try:
            return mine.put(JANUARY, month_rows(JANUARY, number), f"version {number}", f"{number}").outcome
        except SupersededError:
            return "superseded"

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(put, [3, 1, 4, 2, 0]))
    assert outcomes[2] in DONE
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 4))


def test_a_reader_meets_the_old_month_or_the_new_one_and_nothing_else(kit: StoreKit) -> None:
    versions = [plain(month_rows(JANUARY, seed)) for seed in range(21)]
    kit.put(JANUARY, month_rows(JANUARY, 0), "0", "00")
    seen = [0]
    with Worker.of(kit) as writer, ThreadPoolExecutor(1) as thread:

        def write() -> list[str]:
            outcomes = []
            for seed in range(1, 21):
                writer.prepare(JANUARY, seed, f"{seed}", f"{seed:02}")
                writer.go()
                outcomes.append(writer.outcome())
            return outcomes

        writing = thread.submit(write)
        while not writing.done():
            found = kit.rows_of(JANUARY)
            assert found in versions
            seen.append(versions.index(found))
        assert writing.result() == ["replaced"] * 20
    assert seen == sorted(seen)
    assert kit.rows_of(JANUARY) == versions[20]


def test_a_reader_of_a_folder_holds_on_to_the_version_it_opened(tmp_path) -> None:
    kit = KITS["folder"](tmp_path / "store")
    kit.put(JANUARY, month_rows(JANUARY, 0, rows=100_000), "0", "00")
    held = kit.months.current("cab_trips", JANUARY)
    with held.reader() as reader:
        batches = [reader.read_next_batch()]
        for seed in range(1, 21):
            kit.put(JANUARY, month_rows(JANUARY, seed), f"{seed}", f"{seed:02}")
        batches += list(reader)
    assert sum(batch.num_rows for batch in batches) == 100_000
    assert in_order(held.table_of()).equals(in_order(month_rows(JANUARY, 0, rows=100_000)))


def test_a_month_that_is_newer_than_what_another_table_has_is_not_superseded_by_it(kit: StoreKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "b", SECOND, table="other_trips")
    kit.put(FEBRUARY, month_rows(FEBRUARY), "b", SECOND)
    kit.put(JANUARY, month_rows(JANUARY, 1), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
    with pytest.raises(SupersededError):
        kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
