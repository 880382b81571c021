"""The last look at a source is remembered under the source's name, and survives nothing that is no look."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxi_platform.resources.sources.look import Look, last_look, last_looks, save_look, take_looks, updated
from taxi_platform.resources.sources.sample import SampleSource
from taxi_platform.trips.services import SERVICES

SERVICE = SERVICES["green"]


def test_a_look_is_what_the_source_has_and_when_that_was(tmp_path: Path) -> None:
    source = SampleSource(rows=500)
    (look,) = take_looks(source, [SERVICE], "2026-01-02T03:04:05Z", "sample://?rows=500")
    save_look(look, tmp_path / "looks")
    again = last_look("sample://?rows=500", "green", tmp_path / "looks")
    assert again is not None
    assert (again.source, again.looked_at) == ("sample://?rows=500", "2026-01-02T03:04:05Z")
    files = list(source.published(SERVICE))
    assert list(again.files) == [file.month.key for file in files]
    for file in files:
        assert again.fingerprint(file.month.key) == (file.url, file.fingerprint)
    assert again.fingerprint("1999-01") is None
    assert last_look("sample", "green", tmp_path / "looks") is None
    assert list(last_looks("sample://?rows=500", tmp_path / "looks")) == ["green"]


def test_a_look_at_some_months_leaves_the_others() -> None:
    first, second, third = list(SampleSource().published(SERVICE))[:3]
    look = Look("sample", "green", "then", {month.key: ("there", "old") for month in (first.month, second.month)})
    after = updated(look, {first.month.key: None, third.month.key: third})
    assert after == Look(
        "sample", "green", "then", {second.month.key: ("there", "old"), third.month.key: (third.url, third.fingerprint)}
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"colour": 1}', b"\xff\xfe"])
def test_a_look_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    save_look(Look("sample", "green", "now"), tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert last_look("sample", "green", tmp_path) is None
    save_look(Look("sample", "green", "later"), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
