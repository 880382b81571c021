"""The folder as an object store."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxi_platform.errors import RequestError, StoreError, StoreFullError
from taxi_platform.io_managers.objects.folder import Folder, in_words


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "store")


def spools(folder: Folder) -> list[str]:
    return os.listdir(folder.root / ".spool")


def test_what_is_there_is_not_created_again(folder: Folder, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}").write_text(f"{number}")
    assert folder.create("a/b", tmp_path / "1")
    assert not folder.create("a/b", tmp_path / "2")
    assert folder.read("a/b") == b"1"


def test_only_one_of_those_who_saw_the_same_swaps(folder: Folder) -> None:
    assert folder.swap("a/m", b"1", None)
    assert not folder.swap("a/m", b"2", None)
    assert folder.swap("a/m", b"2", b"1")
    assert not folder.swap("a/m", b"3", b"1")
    assert folder.read("a/m") == b"2"
    assert folder.names("a") == os.listdir(folder.root / "a") == ["m"]


def test_a_counter_that_two_processes_swap_loses_no_count(folder: Folder) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from taxi_platform.io_managers.objects.folder import Folder
        folder, done = Folder(Path(sys.argv[1])), 0
        while done < 100:
            seen = folder.read("a/count")
            done += folder.swap("a/count", str(int(seen or 0) + 1).encode(), seen)
    """
    both = [subprocess.Popen([sys.executable, "-c", code, str(folder.root)]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert folder.read("a/count") == b"200"


def test_a_swap_that_fails_leaves_nothing_beside_what_was_there(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.swap("a/m", b"1", None)

    def no_room(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(StoreFullError, match=r"a/m: the disk is full\. What stood before still stands"):
            folder.swap("a/m", b"2", b"1")
    assert os.listdir(folder.root / "a") == ["m"]
    assert folder.read("a/m") == b"1"


def test_a_spool_is_gone_when_its_context_ends_also_after_an_error(folder: Folder) -> None:
    with pytest.raises(ZeroDivisionError), folder.spool() as spool:
        (spool / "half").write_bytes(b"x")
        raise ZeroDivisionError
    assert spools(folder) == []


def test_the_spool_of_a_living_one_is_left_alone(folder: Folder) -> None:
    with folder.spool() as mine:
        (mine / "draft").write_bytes(b"x")
        for _ in range(3):
            with folder.spool() as other:
                assert other != mine
        assert (mine / "draft").read_bytes() == b"x"
    assert spools(folder) == []


@pytest.mark.parametrize("left", ["with its lock", "without its lock", "before it had its name"])
def test_the_spool_of_a_dead_one_is_gone_after_the_next_spool(folder: Folder, left: str) -> None:
    dead = folder.root / ".spool" / ("new-abc" if left == "before it had its name" else "abc")
    dead.mkdir(parents=True)
    (dead / "month.parquet").write_bytes(b"x")
    if left == "with its lock":
        (dead / "alive").touch()
    with folder.spool():
        assert not dead.exists()
    assert spools(folder) == []


def test_a_stray_file_among_the_spools_disturbs_nobody(folder: Folder) -> None:
    (folder.root / ".spool").mkdir(parents=True)
    (folder.root / ".spool" / "stray").touch()
    with folder.spool() as spool:
        assert spool.is_dir()


def test_many_processes_that_spool_at_once_keep_their_own(folder: Folder) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from taxi_platform.io_managers.objects.folder import Folder
        for number in range(100):
            with Folder(Path(sys.argv[1])).spool() as spool:
                (spool / "draft").write_text(str(number))
                assert (spool / "draft").read_text() == str(number)
    """
    them = [subprocess.Popen([sys.executable, "-c", code, str(folder.root)]) for _ in range(4)]
    assert [process.wait(60) for process in them] == [0] * 4
    assert spools(folder) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/\0"])
def test_a_key_that_leads_elsewhere_is_refused(folder: Folder, key: str) -> None:
    for attempt in (folder.read, folder.size, lambda key: folder.swap(key, b"", None)):
        with pytest.raises(RequestError, match="cannot be a path"):
            attempt(key)


@pytest.mark.parametrize("in_the_way", ["store", "store/.spool", "store/a"])
def test_a_file_where_a_folder_is_needed_is_a_sentence(folder: Folder, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).parent.mkdir(exist_ok=True)
    (tmp_path / in_the_way).write_text("a file")
    attempts = {
        "store": [lambda: folder.require_room(1), lambda: folder.spool().__enter__()],
        "store/.spool": [lambda: folder.spool().__enter__()],
        "store/a": [lambda: folder.swap("a/m", b"", None)],
    }
    for attempt in attempts[in_the_way]:
        with pytest.raises(StoreError, match=f"{in_the_way} is in the way: a folder is needed there, and it is a file"):
            attempt()


def test_room_that_is_not_there_is_refused_with_the_numbers(folder: Folder) -> None:
    with pytest.raises(StoreFullError, match=r"bytes are needed, [\d,]+ are free\. Nothing was written"):
        folder.require_room(1 << 60)
    folder.require_room(1)


def test_a_file_that_cannot_be_linked_is_copied(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "draft").write_text("rows")
    link = os.link

    def other_file_system(source: Path, target: Path) -> None:
        if not Path(source).is_relative_to(folder.root):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target)

    monkeypatch.setattr(os, "link", other_file_system)
    assert folder.create("a/b", tmp_path / "draft")
    assert not folder.create("a/b", tmp_path / "draft")
    assert folder.read("a/b") == b"rows"
    assert spools(folder) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_every_way_of_having_no_room_is_a_full_disk(number: int) -> None:
    with pytest.raises(StoreFullError), in_words("x"):
        raise OSError(number, os.strerror(number))
