"""A password in a source's URL is nowhere: not in what is printed, kept, logged or recorded."""

from __future__ import annotations

import itertools
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import fsspec  # noqa: F401 (its registry)
import pytest

from taxi_platform.assets import stages
from taxi_platform.resources.sources.folder import without_credentials
from taxi_platform_tests.conftest import Answer, Project

SECRET = "s3cretpw"
NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "RETRIES", dg.RetryPolicy(max_retries=1, delay=0.01))


def kept(project: Project) -> Iterator[tuple[str, bytes]]:
    """Every file, and every value of every database with what is compressed in it."""
    for path in project.folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
            if path.read_bytes().startswith(b"SQLite format 3\0"):
                yield from values_in(path)


def values_in(database: Path) -> Iterator[tuple[str, bytes]]:
    connection = sqlite3.connect(database)
    for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
        for value in itertools.chain.from_iterable(connection.execute(f'select * from "{table}"').fetchall()):
            data = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
            try:
                yield f"{database}: {table}", zlib.decompress(data)
            except zlib.error:
                yield f"{database}: {table}", data
    connection.close()


def assert_untold(project: Project, *answers: Answer) -> None:
    for answer in answers:
        assert SECRET not in answer.out + answer.err
        assert "Traceback" not in answer.err
    places = [(place, data) for place, data in kept(project)]
    assert len(places) > 50
    assert [place for place, data in places if SECRET.encode() in data] == []


def without(monkeypatch: pytest.MonkeyPatch, scheme: str, library: str) -> None:
    """Have a library be missing, and nobody remember that it was there."""
    for name in (library, *(name for name in sys.modules if name.startswith(f"{library}."))):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"fsspec.implementations.{scheme}", raising=False)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)


@pytest.mark.parametrize("scheme", ["ftp", "sftp", "http", "s3", "gs"])
def test_a_load_that_fails_tells_nobody_the_password(
    project: Project, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    if scheme == "gs":  # with gcsfs, which knows no passwords in URLs, it takes minutes to give a Google up
        without(monkeypatch, scheme, "gcsfs")
    url = f"{scheme}://user:{SECRET}@{NOWHERE}/x"
    typed = project.taxi("load", "green", "2024-01,2024-02", "--source", url)
    project.settings["TAXI_SOURCE"] = url
    commands = ("load green 2024-01 --json", "status", "status --json", "sources")
    set_ = [project.taxi(*words.split()) for words in commands]
    look = project.taxi("status", "--refresh")
    assert (typed.exit_code, look.exit_code, [answer.exit_code for answer in set_]) == (1, 1, [1, 0, 0, 0])
    assert f"{scheme}://{NOWHERE}" in typed.err
    assert f"{scheme}://{NOWHERE}" in set_[-1].out
    assert "nobody foresaw" not in typed.err
    assert_untold(project, typed, look, *set_)


@pytest.mark.parametrize(
    ("scheme", "library"),
    [("http", "aiohttp"), ("sftp", "paramiko"), ("s3", "s3fs"), ("gs", "gcsfs"), ("abfs", "adlfs")],
)
def test_what_cannot_be_reached_for_want_of_a_library_says_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch, scheme: str, library: str
) -> None:
    without(monkeypatch, scheme, library)
    sentence = project.taxi("load", "green", "2024-01", "--source", f"{scheme}://{NOWHERE}/x").sentence
    assert library in sentence
    assert "nstall" in sentence


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://user:{SECRET}/and-more@host/x",
        f"ftp://user:{SECRET}?and-more@host/x",
        f"simplecache::http://user:{SECRET}@host/x",
        f"nonsense://user:{SECRET}@host/x",
        f"http://[user:{SECRET}@host/x",
    ],
)
def test_a_url_that_is_refused_is_refused_without_its_password(project: Project, url: str) -> None:
    load = project.taxi("load", "green", "2024-01", "--source", url)
    assert load.exit_code == 2
    assert SECRET not in load.sentence
    project.settings["TAXI_SOURCE"] = url
    for words in (("status",), ("sources",), ("load", "green", "2024-01")):
        answer = project.taxi(*words)
        assert SECRET not in answer.out + answer.err
    assert not project.home.exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host:8080/a/b?sig=s3cretpw#x", "https://host:8080/a/b"),
        ("ftp://user:s3cretpw@host/a@b/c", "ftp://host/a@b/c"),
        ("file:///a/b?c", "file:///a/b?c"),
        ("sample://?rows=1000&seed=2", "sample://?rows=1000&seed=2"),
        ("/a/b@c", "/a/b@c"),
        ("gs://bucket/x", "gs://bucket/x"),
        ("gs://user:s3cretpw@bucket/x", "gs://bucket/x"),
    ],
)
def test_what_is_shown_of_a_url_is_where_it_leads(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
