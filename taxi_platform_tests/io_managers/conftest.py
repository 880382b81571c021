"""Every promise is run over every store."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taxi_platform_tests.io_managers.kits import KITS, StoreKit, open_files

ALWAYS = ("test_a_killed_replacement_leaves_a_whole_month_and_the_next_one_finishes",)
"""What `make test` runs over every store that is at hand, also over those that it leaves to `make test-long` else."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make test-long` and `make test-gcp` what runs over the stores that are theirs."""
    for item in list(items):
        chosen = getattr(item, "callspec", None) and item.callspec.params
        kits = [KITS[name] for name in map(str, (chosen or {}).values()) if name in KITS]
        is_asked_twice = item.path.name == "test_unproven.py" or (
            item.path.name == "test_promises.py" and len(chosen or {}) == 1
        )
        if any(kit.is_second_opinion for kit in kits) and not is_asked_twice:
            items.remove(item)
        if any(kit.is_long for kit in kits) and not (item.originalname in ALWAYS and kits[0].absent() is None):
            item.add_marker(pytest.mark.long)
        if any(kit.is_real for kit in kits):
            item.add_marker(pytest.mark.gcp)


@pytest.fixture
def kit_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., StoreKit]]:
    """A store by its name, empty; another `folder` is another store."""

    def make(name: str, folder: str = "store") -> StoreKit:
        reason = KITS[name].absent()
        if reason is not None:
            pytest.skip(reason)
        for fixture in KITS[name].fixtures:
            request.getfixturevalue(fixture)
        root = tmp_path / folder
        root.mkdir()
        made.append(KITS[name](root))
        return made[-1]

    made: list[StoreKit] = []
    yield make
    for kit in made:
        kit.end()


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
