"""A folder as a source: what is found in it, what is handed over, and what is said where that fails."""

from __future__ import annotations

import errno
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_platform.errors import NotPublishedError, SettingsError, SourceError, SourceUnavailableError
from taxi_platform.resources.sources.folder import FolderSource, check_folder
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES

GREEN, YELLOW = SERVICES["green"], SERVICES["yellow"]
JANUARY = Month(2024, 1)


def put(folder: Path, *names: str, content: bytes = b"trips") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_month_is_found_beside_the_others_or_in_a_folder_of_its_service(tmp_path: Path) -> None:
    names = ("green/green_tripdata_2024-01.parquet", "green_tripdata_2024-02.csv", "yellow_tripdata_2024-01.csv.gz")
    put(tmp_path, *names)
    source = FolderSource(str(tmp_path))
    found = source.find(GREEN, JANUARY)
    assert (found.name, found.size_bytes) == ("green_tripdata_2024-01.parquet", 5)
    assert found.url == f"file://{tmp_path}/green/green_tripdata_2024-01.parquet"
    assert source.find(GREEN, Month(2024, 2)).name == "green_tripdata_2024-02.csv"
    assert source.find(YELLOW, JANUARY).name == "yellow_tripdata_2024-01.csv.gz"
    with pytest.raises(NotPublishedError, match=r"has no yellow 2024-02: none of yellow_tripdata_2024-02\.parquet"):
        source.find(YELLOW, Month(2024, 2))


def test_where_a_month_is_there_twice_parquet_counts_and_the_folder_of_the_service(tmp_path: Path) -> None:
    order = [
        "green/green_tripdata_2024-01.parquet",
        "green/green_tripdata_2024-01.csv.gz",
        "green/green_tripdata_2024-01.csv",
        "green_tripdata_2024-01.parquet",
        "green_tripdata_2024-01.csv.gz",
        "green_tripdata_2024-01.csv",
    ]
    put(tmp_path, *order)
    source = FolderSource(str(tmp_path))
    for name in order:
        assert source.find(GREEN, JANUARY).url.endswith(f"{tmp_path}/{name}")
        assert [file.url for file in source.published(GREEN)] == [source.find(GREEN, JANUARY).url]
        (tmp_path / name).unlink()


def test_all_months_are_listed_in_order_and_nothing_else(tmp_path: Path) -> None:
    put(
        tmp_path,
        "green/green_tripdata_2024-02.parquet",
        "green_tripdata_2013-08.csv",
        "green/green_tripdata_2024-01.parquet.part",
        "green/green_tripdata_2024-1.parquet",
        "green/yellow_tripdata_2024-03.parquet",
        "green/notes.txt",
    )
    (tmp_path / "green/green_tripdata_2024-04.parquet").mkdir()
    source = FolderSource(str(tmp_path))
    assert [file.month.key for file in source.published(GREEN)] == ["2013-08", "2024-02"]
    assert list(source.published(YELLOW)) == []
    with pytest.raises(NotPublishedError):
        source.find(GREEN, Month(2024, 4))


def test_the_bytes_are_handed_over_as_they_are(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    put(tmp_path / "files", "green_tripdata_2024-01.csv.gz", content=content)
    source = FolderSource(str(tmp_path / "files"))
    moved: list[int] = []
    source.fetch(source.find(GREEN, JANUARY), tmp_path / "here", moved.append)
    assert (tmp_path / "here").read_bytes() == content
    assert sum(moved) == len(content)
    assert max(moved) <= 1 << 20


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    put(tmp_path, "green_tripdata_2024-01.csv", content=b"x" * 3_000_000)
    source = FolderSource(str(tmp_path))
    file = source.find(GREEN, JANUARY)
    with pytest.raises(SourceUnavailableError, match="changed while it was read"):
        source.fetch(file, tmp_path / "here", lambda _: put(tmp_path, file.name, content=b"y" * 4_000_000))


def test_a_file_that_vanishes_before_it_is_read_is_not_published(tmp_path: Path) -> None:
    put(tmp_path, "green_tripdata_2024-01.csv")
    source = FolderSource(str(tmp_path))
    file = source.find(GREEN, JANUARY)
    (tmp_path / file.name).unlink()
    with pytest.raises(NotPublishedError, match=r"has no green_tripdata_2024-01\.csv"):
        source.fetch(file, tmp_path / "here", lambda _: None)


def test_another_content_or_time_has_another_fingerprint(tmp_path: Path) -> None:
    name = "green_tripdata_2024-01.csv"
    put(tmp_path, name)
    source = FolderSource(str(tmp_path))
    os.utime(tmp_path / name, (1, 1))
    seen = {source.find(GREEN, JANUARY).fingerprint}
    assert source.find(GREEN, JANUARY).fingerprint in seen
    os.utime(tmp_path / name, (2, 2))
    seen.add(source.find(GREEN, JANUARY).fingerprint)
    put(tmp_path, name, content=b"more trips")
    os.utime(tmp_path / name, (2, 2))
    seen.add(source.find(GREEN, JANUARY).fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (ConnectionResetError("s3cretpw"), SourceUnavailableError, True),
        (TimeoutError("s3cretpw"), SourceUnavailableError, True),
        (EOFError("s3cretpw"), SourceUnavailableError, True),
        (PermissionError("s3cretpw"), SourceError, False),
        (FileNotFoundError("s3cretpw"), NotPublishedError, False),
        (ValueError("s3cretpw"), SourceError, False),
        (RuntimeError("s3cretpw"), SourceError, False),
        (ImportError("install s3fs"), SourceError, False),
    ],
)
def test_what_a_file_system_raises_becomes_a_sentence_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[SourceError], retryable: bool
) -> None:
    put(tmp_path, "green_tripdata_2024-01.csv")
    source = FolderSource(str(tmp_path))

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(source, "_open", fails)
    with pytest.raises(kind) as raised:
        source.find(GREEN, JANUARY)
    assert type(raised.value) is kind
    assert raised.value.retryable is retryable
    assert "s3cretpw" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    if isinstance(error, ImportError):
        assert "install s3fs" in str(raised.value)


def test_a_full_disk_of_ours_is_not_taken_for_a_fault_of_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FolderSource(str(tmp_path))

    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(source, "_open", fails)
    with pytest.raises(OSError, match="No space left"):
        source.find(GREEN, JANUARY)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense://host/x", "nothing here reads nonsense://"),
        ("/no/such/folder", "There is no folder /no/such/folder"),
        ("file:///no/such/folder", "There is no folder /no/such/folder"),
        ("simplecache::https://host/x", "chain of URLs"),
        ("http://[bad", "no URL that can be read"),
        ("ftp://user:pass/word@host/x", "no URL that can be read"),
    ],
)
def test_what_is_no_source_is_refused_before_it_is_used(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_folder(url)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    put(tmp_path, "green/green_tripdata_2024-01.csv", content=b"header\r\nrow\r\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://user:s3cretpw@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_folder_behind_http_is_read_or_says_what_to_install(served: str, tmp_path: Path) -> None:
    source = FolderSource(served)
    assert source.name == served.replace("user:s3cretpw@", "")
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        with pytest.raises(SourceError, match="aiohttp"):
            source.find(GREEN, JANUARY)
        return
    file = source.find(GREEN, JANUARY)
    assert file.url == f"{source.name}/green/green_tripdata_2024-01.csv"
    source.fetch(file, tmp_path / "here", lambda _: None)
    assert (tmp_path / "here").read_bytes() == b"header\r\nrow\r\n"
    with pytest.raises(NotPublishedError):
        source.find(GREEN, Month(2024, 2))
