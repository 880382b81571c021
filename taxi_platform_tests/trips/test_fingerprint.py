"""Cleaning code cannot change unnoticed: a month that is cleaned otherwise must have another version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taxi_platform_tests.trips import fingerprint
from taxi_platform_tests.trips.refresh_fingerprint import main

SAMPLE = '''
"""A module."""
from __future__ import annotations
LIMIT = 1_000  # a comment
"""A docstring of a constant."""
def rounded(values: list[float], *, digits: int = 2) -> str:
    """A docstring."""
    first, *rest = values
    return f"a{first!r:>{digits}}" "b" f"{rest}" if first != -0.5 else b"\\0".decode()
class Thing:
    """Nothing but this."""
'''


def test_the_cleaning_code_is_the_one_that_its_version_stands_for() -> None:
    before, after = fingerprint.committed(), fingerprint.now()
    changed = ", ".join(fingerprint.changed_modules(before, after)) or "CLEANING_VERSION"
    assert before == after, f"The cleaning code has changed: {changed}.\n{fingerprint.ADVICE}"


def test_the_fingerprint_of_a_sample_is_the_same_on_every_python() -> None:
    assert fingerprint.of_source(SAMPLE) == "f89b5144a9fd0e1c"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # a comment", ""),
        ('"""A docstring."""', '"""Another."""'),
        ('    """Nothing but this."""', "    '''Nothing else.'''\n    'nor this'"),
        ("1_000", "1000"),
        ("values: list[float], *", "\n    values: list[float],\n    *"),
        ('f"a{first!r:>{digits}}" "b" f"{rest}"', "(f'a{first!r:>{digits}}b'\n        f'{rest}')"),
    ],
)
def test_what_does_not_decide_does_not_count(old: str, new: str) -> None:
    assert old in SAMPLE
    assert fingerprint.of_source(SAMPLE.replace(old, new)) == fingerprint.of_source(SAMPLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("1_000", "1_001"), ("1_000", "1_000.0"), ("digits: int = 2", "digits: int = 3"), ("!=", "=="), ('"b"', '"c"')],
)
def test_what_decides_counts(old: str, new: str) -> None:
    assert old in SAMPLE
    assert fingerprint.of_source(SAMPLE.replace(old, new)) != fingerprint.of_source(SAMPLE)


def test_every_module_that_touches_a_row_counts() -> None:
    modules = fingerprint.now()["modules"].keys()
    assert {"cleaning.py", "conform.py", "rules.py", "yellow.py", "reading/quotes.py"} <= modules
    assert not modules & fingerprint.DECIDE_NOTHING


@pytest.fixture
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that remembers the code as it was before conform.py changed."""
    before = fingerprint.now()
    before["modules"]["conform.py"] = "another"
    path = tmp_path / "fingerprint.json"
    path.write_text(json.dumps(before))
    monkeypatch.setattr(fingerprint, "COMMITTED", path)
    return path


def test_changed_code_with_an_unchanged_version_is_not_remembered(remembered: Path) -> None:
    content = remembered.read_text()
    with pytest.raises(SystemExit, match=r"CLEANING_VERSION is still .*, but changed: conform\.py\.") as refused:
        main([])
    assert "--same-output" in str(refused.value)
    assert remembered.read_text() == content


@pytest.mark.usefixtures("remembered")
def test_changed_code_is_remembered_where_the_output_is_the_same() -> None:
    assert main(["--same-output"]).endswith("changed: conform.py.")
    assert fingerprint.committed() == fingerprint.now()
    assert main([]) == "The fingerprint is up to date."


@pytest.mark.usefixtures("remembered")
def test_changed_code_is_remembered_under_a_new_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "CLEANING_VERSION", "a new one")
    assert main([]) == "Remembered cleaning version a new one; changed: conform.py."
