"""Every promise is run over every store."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taxi_platform_tests.io_managers.kits import KITS, StoreKit, open_files


@pytest.fixture
def kit_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., StoreKit]:
    """A store by its name, empty; another `folder` is another store."""

    def make(name: str, folder: str = "store") -> StoreKit:
        reason = KITS[name].absent()
        if reason is not None:
            pytest.skip(reason)
        for fixture in KITS[name].fixtures:
            request.getfixturevalue(fixture)
        root = tmp_path / folder
        root.mkdir()
        return KITS[name](root)

    return make


@pytest.fixture(params=sorted(KITS))
def kit(request: pytest.FixtureRequest, kit_of: Callable[..., StoreKit]) -> StoreKit:
    """Each store in turn, empty."""
    return kit_of(request.param)


@pytest.fixture(params=sorted(name for name, kit in KITS.items() if kit.is_warehouse))
def warehouse(request: pytest.FixtureRequest, kit_of: Callable[..., StoreKit]) -> StoreKit:
    """Each store in turn that has tables with one schema, empty."""
    return kit_of(request.param)


@pytest.fixture(autouse=True)
def nothing_left_open(tmp_path: Path) -> Iterator[None]:
    """After every test, also one of errors, no file of the store is open."""
    yield
    if Path("/proc/self/fd").exists():
        assert open_files(tmp_path) == []


@pytest.fixture(scope="session")
def own_mounts() -> list[str]:
    """The command that runs another where it may mount what nobody else sees."""
    for flags in ("-m", "-rm"):
        command = ["unshare", flags]
        mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if (
            shutil.which("unshare")
            and subprocess.run([*command, *mount], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("no small disk can be mounted here: `unshare -rm` is not allowed (run as root, or on Linux)")
