"""A full disk is a sentence; the old month stands; with room again, the next load finishes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform_tests.conftest import ROOT

ON_DISK = ("duckdb", "folder")


@pytest.mark.parametrize("name", ON_DISK)
def test_a_full_disk_leaves_the_old_month_and_the_next_load_finishes(name, tmp_path: Path, own_mounts) -> None:
    done = subprocess.run(
        [*own_mounts, sys.executable, "-m", "taxi_platform_tests.io_managers.full_disk", name, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
