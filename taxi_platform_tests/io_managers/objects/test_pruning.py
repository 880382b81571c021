"""What is pruned of a store, and what never: over every store that keeps files."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.io_managers.objects.pruning import DAY_S, Pruning, Rule
from taxi_platform.trips.month_file import MonthFile
from taxi_platform_tests.io_managers.bucket_kits import BUCKET, S3Kit
from taxi_platform_tests.io_managers.kits import KITS, FolderKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, month_rows
from taxi_platform_tests.io_managers.test_promises import plain
from taxi_platform_tests.io_managers.worker import _PROCESSES

FILES = sorted(name for name, kit in KITS.items() if not kit.is_warehouse)


def days_later(days: float) -> Callable[[], float]:
    return lambda: time.time() + days * DAY_S


LATER = days_later(2)
"""A clock of somebody who comes when nothing here is young any more."""


def prune(
    kit: FolderKit, keep: int = 1, now: Callable[[], float] = LATER, *, dry_run: bool = False, **rule: Any
) -> int:
    """Prune all of a store; how many files went."""
    pruning = Pruning(kit.months, now=now, dry_run=dry_run)
    pruning.prune_table(TABLE, lambda _: Rule(keep, **rule))
    return pruning.freed.files


def put(kit: FolderKit, month: str, *versions: str, **options: Any) -> None:
    for seed, version in enumerate(versions):
        kit.put(month, month_rows(month, seed), version, version, **options)


def versions(kit: FolderKit, month: str = JANUARY) -> list[str]:
    return [one.version for one in kit.months.versions(TABLE, month)]


@pytest.fixture(params=FILES)
def kit(request: pytest.FixtureRequest, kit_of: Callable[..., FolderKit]) -> FolderKit:
    return kit_of(request.param)


@pytest.fixture(params=[pytest.param(name, marks=() if name == "folder" else pytest.mark.long) for name in FILES])
def thorough(request: pytest.FixtureRequest, kit_of: Callable[..., FolderKit]) -> FolderKit:
    """The same; in buckets, where it takes seconds, left to `make test-long`."""
    return kit_of(request.param)


def test_the_newest_versions_are_kept_and_the_others_go_with_their_files(kit: FolderKit) -> None:
    put(kit, JANUARY, "a", "b", "c", "d")
    put(kit, FEBRUARY, "a")
    assert prune(kit, 2) == 2
    assert versions(kit) == ["c", "d"]
    assert all(kit.months.is_whole(one) for one in kit.months.versions(TABLE, JANUARY))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 3))
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))
    assert kit.leftovers() == []
    assert prune(kit, 2) == 0


def test_what_was_replaced_less_than_a_day_ago_stays(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a", "b")
    assert prune(kit, 1, days_later(0.9)) == 0
    assert prune(kit, 1, days_later(2), older_than_s=3 * DAY_S) == 0
    assert prune(kit, 1, days_later(0.9), older_than_s=0) == 0
    assert versions(kit) == ["a", "b"]


def test_a_version_that_is_spared_stays_and_so_does_one_that_was_brought_back(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a", "b", "c", "d")
    assert kit.months.confirm(TABLE, JANUARY, "b", "e") is not None
    assert prune(kit, 1, spared=lambda: frozenset({"a"})) == 2
    assert versions(kit) == ["a", "b"]
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_a_dry_run_counts_the_same_and_removes_nothing(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a", "b", "c")
    before = kit.trace_of(JANUARY)
    assert prune(kit, 1, dry_run=True) == 2
    assert kit.trace_of(JANUARY) == before
    assert prune(kit, 1) == 2


def test_files_that_no_manifest_names_go_when_they_are_old(kit: FolderKit) -> None:
    put(kit, JANUARY, "a")
    stray = kit.root / "stray"
    stray.write_bytes(b"half a load")
    for month in (JANUARY, FEBRUARY):  # of February nothing else is there: its first load was killed
        assert kit.months.store.create(f"{TABLE}/source_month={month}/b.parquet", stray)
    stray.unlink()
    assert prune(kit, 2, days_later(0.9)) == 0
    assert prune(kit, 2) == 2
    assert kit.leftovers() == []
    put(kit, FEBRUARY, "b")
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))


def test_a_file_next_to_a_version_that_was_just_written_once_more_stays_for_its_readers(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a")
    kit.put(JANUARY, month_rows(JANUARY, 1), "a", "a", force=True)
    assert prune(kit, 1, days_later(0.9)) == 0
    assert prune(kit, 1) == 1
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_of_the_current_version_the_files_may_go_and_what_is_known_of_it_stays(kit: FolderKit) -> None:
    put(kit, JANUARY, "a", "b")
    assert prune(kit, 0) == 1
    assert prune(kit, 0, is_needless=lambda version: version == "b") == 1
    current = kit.months.current(TABLE, JANUARY)
    assert current is not None
    assert (current.version, current.is_pruned, versions(kit)) == ("b", True, ["b"])
    assert kit.months.confirm(TABLE, JANUARY, "b", "c") is None
    stored = kit.months.confirm(TABLE, JANUARY, "b", "c", may_be_pruned=lambda: True)
    assert stored is not None
    assert stored.outcome == "unchanged"
    assert kit.put(JANUARY, month_rows(JANUARY, 1), "b", "c").outcome == "repaired"
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


def test_what_others_keep_beside_our_months_is_left_alone(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a")
    theirs = kit.root / "theirs"
    theirs.write_bytes(b"a holiday")
    for key in (
        f"photos/source_month={JANUARY}/b.jpg",
        "photos/c.jpg",
        f"{TABLE}/notes.txt",
        f"{TABLE}/source_month=x/d",
    ):
        assert kit.months.store.create(key, theirs)
    theirs.unlink()
    before = kit.leftovers()
    for table in (TABLE, "photos"):
        pruning = Pruning(kit.months, now=LATER)
        pruning.prune_table(table, lambda _: Rule(1))
        assert pruning.freed.files == 0
    assert kit.leftovers() == before


def test_a_month_whose_manifest_nobody_can_read_is_left_alone(thorough: FolderKit) -> None:
    kit = thorough
    put(kit, JANUARY, "a", "b")
    kit.damages["the manifest is garbage"](kit, JANUARY)
    assert prune(kit, 1) == 0
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", "b")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))


class Interrupted(BaseException):
    """As kill -9 does it: nothing is cleaned up."""


class Interruptible:
    """A store that does something else before one of the calls that it is asked for."""

    def __init__(self, store: Any, at: int, do: Callable[[], object]) -> None:
        self._store, self._at, self._do, self.calls = store, at, do, 0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._store, name)
        if name not in ("read", "swap", "create", "delete", "fetch", "found", "size"):
            return asked

        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._at:
                self._do()
            return asked(*args, **options)

        return call


def interrupt() -> None:
    raise Interrupted


def interruptible(kit: FolderKit, at: int, do: Callable[[], object]) -> tuple[FolderKit, Interruptible]:
    """The same store once more, for somebody who is interrupted."""
    other = type(kit)(kit.root)
    other.months.store = store = Interruptible(other.months.store, at, do)  # type: ignore[assignment]
    return other, store


def is_all_there(kit: FolderKit) -> bool:
    return all(kit.months.is_whole(one) for one in kit.months.versions(TABLE, JANUARY) if not one.is_pruned)


def test_pruning_killed_before_any_of_its_steps_leaves_whole_versions_and_the_next_one_finishes(
    thorough: FolderKit,
) -> None:
    kit = thorough
    for at in range(1, 30):
        put(kit, JANUARY, *(f"{at:02} {version}" for version in "abc"))
        killed, store = interruptible(kit, at, interrupt)
        try:
            prune(killed)
        except Interrupted:
            assert is_all_there(kit)
            assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 2))
            prune(kit, 1, days_later(4))
        assert kit.leftovers() == []
        assert versions(kit) == [f"{at:02} c"]
        if store.calls < at:
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize("loaded", ["a", *(pytest.param(one, marks=pytest.mark.long) for one in "bc")])
def test_a_load_between_any_two_steps_of_pruning_is_whole_and_stays(thorough: FolderKit, loaded: str) -> None:
    """Of a version that goes, of the current one, of a new one."""
    kit = thorough
    seed = "abc".index(loaded)
    for at in range(1, 30):
        put(kit, JANUARY, "a", "b", force=True)
        met, store = interruptible(
            kit, at, lambda: kit.put(JANUARY, month_rows(JANUARY, seed), loaded, "c", force=loaded == "a")
        )
        prune(met)
        if store.calls >= at:
            assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, seed))
        assert is_all_there(kit)
        prune(kit, 1, days_later(4))
        assert is_all_there(kit)
        assert kit.leftovers() == []
        kit.damages["the whole store is deleted"](kit, JANUARY)
        kit.root.mkdir(exist_ok=True)
        if store.calls < at:
            return
    pytest.fail("it never ended")


def test_pruning_between_any_two_steps_of_a_load_takes_nothing_from_it(thorough: FolderKit) -> None:
    """The load takes over the file of one that was killed long ago, which is just what is pruned."""
    kit = thorough
    for at in range(1, 40):
        put(kit, JANUARY, "a", "b")
        dead, _ = interruptible(kit, 0, interrupt)
        dead.months.store.swap = lambda *_: interrupt()  # type: ignore[method-assign]
        with pytest.raises(Interrupted):
            put(dead, JANUARY, "c")
        met, store = interruptible(kit, at, lambda: prune(kit))
        put(met, JANUARY, "c")
        assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
        assert is_all_there(kit)
        prune(kit, 1, days_later(4))
        assert kit.leftovers() == []
        kit.damages["the whole store is deleted"](kit, JANUARY)
        kit.root.mkdir(exist_ok=True)
        if store.calls < at:
            return
    pytest.fail("it never ended")


def _prune_again_and_again(name: str, root: str, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    kit = KITS[name](Path(root))
    assert isinstance(kit, FolderKit)
    while True:
        prune(kit)


@pytest.mark.long
def test_pruning_killed_at_random_moments_while_months_are_loaded_loses_none(kit: FolderKit) -> None:
    chance = random.Random(2009)
    for turn in range(20):
        environment = {name: value for name, value in os.environ.items() if name.startswith("KIT_")}
        process = _PROCESSES.Process(
            target=_prune_again_and_again, args=(kit.name, str(kit.root), environment), daemon=True
        )
        process.start()
        try:
            for seed in range(4):
                rows: pa.Table = month_rows(JANUARY, seed)
                kit.put(JANUARY, rows, f"{seed % 3} {turn % 2}", f"{turn:03} {seed}", force=seed == 3)
                # Two turns ago this version was forced to hold the last rows of all: it does, where it was not pruned.
                allowed = [rows] if seed else [rows, month_rows(JANUARY, 3)]
                assert kit.rows_of(JANUARY) in [plain(one) for one in allowed]
                time.sleep(chance.uniform(0, 0.05))
            time.sleep(chance.uniform(0, 0.2))
        finally:
            process.kill()
            process.join()
        assert is_all_there(kit)
    prune(kit, 1, days_later(4))
    assert kit.leftovers() == []
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 3))


def test_files_that_share_their_bytes_free_them_with_the_last_one(tmp_path: Path) -> None:
    cleaned, lake = FolderKit(tmp_path / "cleaned"), FolderKit(tmp_path / "lake")
    for seed, version in enumerate("ab"):
        put_there = cleaned.put(JANUARY, month_rows(JANUARY, seed), version, version)
        month = cleaned.months.current(TABLE, JANUARY)
        assert isinstance(month, MonthFile)
        lake.months.copy(TABLE, month, put_there.version)
    for dry_run in (True, False):
        links: dict[str, int] = {}
        freed = []
        for kit in (cleaned, lake):
            pruning = Pruning(kit.months, links=links, now=LATER, dry_run=dry_run)
            pruning.prune_table(TABLE, lambda _: Rule(1))
            freed.append((pruning.freed.files, pruning.freed.size_bytes))
        assert freed[0] == (1, 0)
        assert freed[1][0] == 1
        assert freed[1][1] > 1000


def test_the_spool_of_a_dead_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    months = MonthObjects(Folder(tmp_path))
    dead = tmp_path / ".spool" / "dead"
    with months.spool() as alive:
        (alive / "source").write_bytes(b"half")
        dead.mkdir()
        (dead / "source").write_bytes(b"a whole download")
        for dry_run in (True, False):
            pruning = Pruning(months, dry_run=dry_run)
            pruning.sweep()
            assert (pruning.freed.files, pruning.freed.size_bytes) == (1, 16)
            assert dead.exists() is dry_run
        assert (alive / "source").read_bytes() == b"half"


@pytest.mark.long
def test_parts_of_an_upload_that_was_never_finished_are_given_up(kit_of: Callable[..., S3Kit]) -> None:
    kit = kit_of("s3")
    key = f"{kit.prefix}/{TABLE}/source_month={JANUARY}/a.parquet"
    begun = kit.client.create_multipart_upload(Bucket=BUCKET, Key=key)
    part = {"Bucket": BUCKET, "Key": key, "UploadId": begun["UploadId"], "PartNumber": 1, "Body": b"1234567"}
    kit.client.upload_part(**part)
    months = MonthObjects(open_store(kit.location, kit.variables, kit.root))
    swept = []
    for now, dry_run in ((days_later(0), False), (days_later(-2), False), (days_later(40000), True), (LATER, False)):
        pruning = Pruning(months, now=now, dry_run=dry_run)
        pruning.sweep()
        swept.append((pruning.freed.files, pruning.freed.size_bytes))
    assert swept[0] in ((0, 0), (1, 7))  # moto says of every upload that it was begun in 2010
    assert sum(files for files, _ in swept if files) >= 1
    assert "Uploads" not in kit.client.list_multipart_uploads(Bucket=BUCKET, Prefix=kit.prefix)
