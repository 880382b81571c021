"""What only months as files can do: manifests, kept versions, copies from one store to another."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from taxi_platform.errors import DamagedStoreError
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform_tests.io_managers.kits import FolderKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, SECOND, plain


@pytest.fixture
def kit(tmp_path: Path) -> FolderKit:
    return FolderKit(tmp_path / "store")


def test_a_manifest_of_a_later_format_is_refused_and_left_as_it_is(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    manifest = json.loads(kit.manifest(JANUARY).read_bytes())
    later = json.dumps({**manifest, "format": 2, "colour": "blue"}).encode()
    kit.manifest(JANUARY).write_bytes(later)
    for attempt in (lambda: kit.put(JANUARY, month_rows(JANUARY, 1), "b", SECOND), lambda: kit.rows_of(JANUARY)):
        with pytest.raises(DamagedStoreError, match=r"by a later version of this platform .*Upgrade"):
            attempt()
    assert kit.manifest(JANUARY).read_bytes() == later


def test_a_manifest_that_was_copied_from_another_month_is_not_believed(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    shutil.copytree(kit.folder(JANUARY), kit.folder(FEBRUARY))
    assert kit.rows_of(FEBRUARY) is None
    kit.put(FEBRUARY, month_rows(FEBRUARY, 1), "b", FIRST)
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY, 1))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))


def test_a_version_that_comes_back_is_not_written_again(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", "1")
    file = kit.data_file(JANUARY)
    before = file.stat().st_ino, file.stat().st_mtime_ns
    kit.put(JANUARY, month_rows(JANUARY, 1), "b", "2")
    assert kit.put(JANUARY, month_rows(JANUARY), "a", "3").outcome == "restored"
    assert kit.data_file(JANUARY) == file
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before
    assert [month.version for month in kit.months.versions(TABLE, JANUARY)] == ["b", "a"]


def test_what_lies_among_the_months_and_is_none_is_not_counted_as_one(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    for name in ("source_month=2021-13", "source_month=", "x source_month=2021-02", "notes.txt", ".hidden"):
        (kit.root / TABLE / name).mkdir()
    assert list(kit.months.partitions(TABLE)) == [JANUARY]
    assert list(kit.months.partitions("nothing")) == []


def test_a_month_is_copied_to_another_store_byte_for_byte(kit: FolderKit, tmp_path: Path) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    lake = FolderKit(tmp_path / "lake")
    month = kit.months.current(TABLE, JANUARY)
    assert lake.months.copy(TABLE, month, "run").outcome == "created"
    assert lake.months.copy(TABLE, month, "run").outcome == "unchanged"
    assert lake.rows_of(JANUARY) == plain(month_rows(JANUARY))
    assert lake.data_file(JANUARY).read_bytes() == kit.data_file(JANUARY).read_bytes()


def test_a_month_whose_bytes_have_changed_is_not_copied(kit: FolderKit, tmp_path: Path) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    month = kit.months.current(TABLE, JANUARY)
    file = kit.data_file(JANUARY)
    flipped = bytearray(file.read_bytes())
    flipped[100] ^= 0xFF
    file.write_bytes(flipped)
    lake = MonthObjects(Folder(tmp_path / "lake"))
    with pytest.raises(DamagedStoreError, match=r"not those that were published\. Nothing was copied"):
        lake.copy(TABLE, month, "run")
    assert lake.current(TABLE, JANUARY) is None


def test_a_month_whose_file_is_gone_is_a_sentence_to_its_reader(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    month = kit.months.current(TABLE, JANUARY)
    os.unlink(kit.data_file(JANUARY))
    assert not kit.months.is_whole(month)
    with pytest.raises(DamagedStoreError, match=r"expected [\d,]+ bytes, found nothing\. Load the month again"):
        month.table_of()


def test_a_version_written_again_with_other_bytes_leaves_the_file_of_its_readers_alone(kit: FolderKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    held = kit.months.current(TABLE, JANUARY)
    kit.put(JANUARY, month_rows(JANUARY, 1), "a", FIRST, force=True)
    assert plain(held.table_of()) == plain(month_rows(JANUARY))
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, 1))
