"""kill -9 at any moment of a replacement: the old month or the new one, whole, and the next load finishes."""

from __future__ import annotations

import random
import time

import pyarrow as pa
import pytest

from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, in_order, many_rows, month_rows
from taxi_platform_tests.io_managers.test_promises import plain
from taxi_platform_tests.io_managers.worker import Worker


def replaced_in(kit: StoreKit, version: int) -> float:
    """Seconds that a replacement takes which nobody kills, in a process that did not do any before."""
    with Worker.of(kit) as worker:
        worker.prepare(JANUARY, version, f"{version}", f"{version:03}", many=True)
        started = time.monotonic()
        worker.go()
        assert worker.outcome() in ("created", "replaced")
        return time.monotonic() - started


def kill_during(kit: StoreKit, version: int, after_s: float) -> None:
    """Begin to replace January, and kill -9 the process so much later; then look, and do it again."""
    old, new = many_rows(JANUARY, version - 1, kit.many), many_rows(JANUARY, version, kit.many)
    with Worker.of(kit) as worker:
        worker.prepare(JANUARY, version, f"{version}", f"{version:03}", many=True)
        worker.go()
        time.sleep(after_s)
        worker.kill()
    found = kit.table_of(JANUARY)
    assert same(found, old) or same(found, new)
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))
    assert kit.put(JANUARY, new, f"{version}", f"{version:03}").outcome in ("replaced", "unchanged", "repaired")
    assert same(kit.table_of(JANUARY), new)
    assert kit.leftovers() == []


def same(one: pa.Table | None, other: pa.Table) -> bool:
    return one is not None and in_order(one).equals(in_order(other))


def begin(kit: StoreKit) -> float:
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", "000")
    kit.put(JANUARY, many_rows(JANUARY, 0, kit.many), "0", "000")
    return replaced_in(kit, 1)


@pytest.mark.parametrize("name", sorted(KITS))
def test_a_killed_replacement_leaves_a_whole_month_and_the_next_one_finishes(kit_of, name) -> None:
    kit = kit_of(name)
    whole = begin(kit)
    for version, part in enumerate((0.35, 0.65, 0.9), 2):
        kill_during(kit, version, whole * part)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(KITS))
def test_a_replacement_killed_at_fifty_random_moments_always_leaves_a_whole_month(kit_of, name) -> None:
    kit = kit_of(name)
    whole = begin(kit)
    chance = random.Random(2009)
    for version in range(2, 52):
        kill_during(kit, version, whole * chance.uniform(0, 1.1))


@pytest.mark.parametrize("name", sorted(KITS))
def test_a_first_load_that_is_killed_does_not_spoil_the_store(kit_of, name) -> None:
    for number, after_s in enumerate((0.01, 0.03)):
        kit = kit_of(name, f"store {number}")
        with Worker.of(kit) as worker:
            worker.prepare(JANUARY, 1, "a", "1")
            worker.go()
            time.sleep(after_s)
            worker.kill()
        kit.put(JANUARY, month_rows(JANUARY, 1), "a", "1")
        assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
        assert kit.leftovers() == []
