"""A store on a disk that fills up. Run as a program in a mount namespace of its own: nothing of it outlives it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform.errors import StoreFullError
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, in_order, many_rows, month_rows
from taxi_platform_tests.io_managers.test_promises import plain

SIZE = 48 << 20
ROWS = 20_000
LEAVE = [kib << 10 for kib in (0, 4, 32, 128, 512, 2048)]
"""Free bytes: enough for this, not for that."""


def main(name: str, disk: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=True)
    root = Path(disk) / "store"
    root.mkdir()
    kit = KITS[name](root)
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", "0")
    kit.put(JANUARY, many_rows(JANUARY, 0, ROWS), "0", "0")
    refused_before_it_begins(kit)
    full_on_the_way(kit)


def refused_before_it_begins(kit: StoreKit) -> None:
    rows = many_rows(JANUARY, 1, ROWS)
    attempts = [lambda: Folder(kit.root).require_room(0)]
    if kit.is_warehouse:
        attempts.append(lambda: kit.put(JANUARY, rows, "1", "1"))
    for attempt in attempts:
        with filled(kit, leave=1 << 20), pytest.raises(StoreFullError, match=r"are needed, .* are free.*Make room"):
            attempt()
    assert_old_month(kit, 0)


def full_on_the_way(kit: StoreKit) -> None:
    """Without the look beforehand, as if somebody else took the room meanwhile."""
    met = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "require_room", lambda *_: None)
        for step, leave in enumerate(LEAVE, 1):
            rows = many_rows(JANUARY, step, ROWS)
            with filled(kit, leave):
                try:
                    kit.put(JANUARY, rows, f"{step}", f"{step:03}")
                except StoreFullError as error:
                    assert "disk is full. What stood before still stands. Make room" in str(error)
                    met += 1
                    assert_old_month(kit, step - 1)
            kit.put(JANUARY, rows, f"{step}", f"{step:03}")
            assert_old_month(kit, step)
            assert kit.leftovers() == []
    assert met > 2, "the disk was never full"


def assert_old_month(kit: StoreKit, version: int) -> None:
    found = kit.table_of(JANUARY)
    assert found is not None
    assert in_order(found).equals(in_order(many_rows(JANUARY, version, ROWS)))
    assert kit.rows_of(FEBRUARY) == plain(month_rows(FEBRUARY))


class filled:  # noqa: N801 (reads like the function it is)
    """Only `leave` bytes are free, for as long as the context lasts."""

    def __init__(self, kit: StoreKit, leave: int) -> None:
        self.ballast = kit.root.parent / "ballast"
        self.leave = leave

    def __enter__(self) -> None:
        with self.ballast.open("wb") as file:
            file.write(b"\1" * (shutil.disk_usage(self.ballast.parent).free - self.leave))

    def __exit__(self, *_: object) -> None:
        self.ballast.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
