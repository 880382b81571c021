"""What every test can use: the real files where they are, and folders of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TAXI_SHARED") or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real trip records. They are TLC's, not ours to ship: absent from a plain clone."""
    if not (SHARED / "data" / "publisher").is_dir():
        pytest.skip(f"the real trip records are not at {SHARED} (set TAXI_SHARED to where they are)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def publisher(shared: Path) -> Path:
    """Real files, laid out as a publisher lays them out."""
    return shared / "publisher"
