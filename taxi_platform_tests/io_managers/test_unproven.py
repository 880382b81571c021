"""What the promises' suite takes for granted of stores that it has only emulators of: shown in every run, as skips."""

from __future__ import annotations

import pytest

from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.kits import KITS
from taxi_platform_tests.io_managers.objects import proofs

UNPROVEN = [(name, what, why) for name, kit in KITS.items() for what, why in kit.unproven.items()]


@pytest.mark.parametrize(("name", "what", "why"), UNPROVEN)
def test_what_an_emulator_leaves_unproven(name: str, what: str, why: str) -> None:
    pytest.skip(f"unproven without the real {name}: {what} ({why})")


def test_the_docs_list_what_is_unproven() -> None:
    text = (ROOT / "docs" / "stores.md").read_text()
    assert [what for _, what, _ in UNPROVEN if what not in text] == []


def test_the_docs_show_what_is_proven_of_the_lake_and_on_what() -> None:
    assert proofs.table() in (ROOT / "docs" / "stores.md").read_text()
    promised = {what for store in proofs.STORES for what in KITS[store].unproven}
    assert promised <= set(proofs.PROMISES)
