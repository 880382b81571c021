"""A folder as an object store: create if absent, compare and swap, spools that a dead process cannot leave behind."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from taxi_platform.errors import RequestError, StoreError, StoreFullError, StoreUnavailableError
from taxi_platform.io_managers.objects.store import Found, Probe

_SPOOL = ".spool"
_ALIVE = "alive"
_ROOM_BYTES = 8 << 20
"""Left free whatever is written (arbitrary): manifests and the history must still fit."""


class Folder:
    """Objects as files below `root`. All of it survives a crash at any point: a file is whole or not there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def location(self) -> str:
        return str(self.root)

    def create(self, key: str, path: Path, about: Mapping[str, str] | None = None) -> bool:  # noqa: ARG002
        """Put the bytes of `path` under `key`, in one step, unless something is there.

        On one file system the bytes are shared, not copied: whoever wrote `path` must not change it afterwards.

        Args:
            about: Not kept: what a file of a folder is, its manifest beside it says.

        Returns:
            False where something was there already: it is left as it is.

        Raises:
            StoreFullError: No room.
        """
        target = self._path(key)
        with in_words(f"{self.location}/{key}"):
            _make_folder(target.parent)
            try:
                try:
                    os.link(path, target)
                except OSError as error:
                    if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                        raise
                    self._copy(path, target)
            except FileExistsError:
                return False
            _sync_folder(target.parent)
        return True

    def _copy(self, path: Path, target: Path) -> None:
        self.require_room(path.stat().st_size)
        with self.spool() as folder:
            copy = folder / "copy"
            shutil.copyfile(path, copy)
            sync_file(copy)
            os.link(copy, target)

    def read(self, key: str) -> bytes | None:
        """The bytes under `key`, None where there is nothing."""
        try:
            with in_words(f"{self.location}/{key}"):
                return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace the bytes under `key` by `data` if they still are `expected` (None: nothing there).

        Returns:
            False where somebody else was faster: nothing was changed.
        """
        target = self._path(key)
        with in_words(f"{self.location}/{key}"):
            _make_folder(target.parent)
            with locked(target.parent):
                if self.read(key) != expected:
                    return False
                temporary = target.with_name(f".{target.name}.new")
                try:
                    with temporary.open("wb") as file:
                        file.write(data)
                        file.flush()
                        os.fsync(file.fileno())
                    temporary.replace(target)
                finally:
                    temporary.unlink(missing_ok=True)
                _sync_folder(target.parent)
        return True

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextlib.contextmanager
    def fetch(self, key: str, sha256: str | None = None) -> Iterator[Path]:  # noqa: ARG002
        """A local path of the object: here it is the object itself, wherefore nobody looks at its bytes on the way."""
        yield self._path(key)

    def names(self, folder: str = "") -> list[str]:
        """What lies directly in `folder`, sorted; what starts with a dot is ours alone."""
        try:
            entries = [path.name for path in (self._path(folder) if folder else self.root).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in entries if not name.startswith("."))

    def found(self, folder: str) -> list[Found]:
        """All that lies below `folder`, sorted by key; see `ObjectStore`."""
        found = []
        with in_words(f"{self.location}/{folder}"):
            for where, _, names in os.walk(self._path(folder)):
                for name in names:
                    with contextlib.suppress(FileNotFoundError):  # it went while we looked
                        found.append(self._described(Path(where) / name))
        return sorted(found, key=lambda one: one.key)

    def _described(self, path: Path) -> Found:
        about = path.lstat()
        identity = f"{about.st_dev} {about.st_ino}"
        return Found(
            path.relative_to(self.root).as_posix(), about.st_size, about.st_mtime, identity, max(about.st_nlink, 1)
        )

    def delete(self, key: str) -> None:
        """Have nothing under `key`, whether there was something or not; see `ObjectStore`."""
        target = self._path(key)
        with in_words(f"{self.location}/{key}"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            with locked(target.parent):  # nobody swaps there now: what a swap left half way is left by a dead one
                target.unlink()
            _sync_folder(target.parent)

    def sweep(self, before: float, *, dry_run: bool = False) -> list[Found]:  # noqa: ARG002
        """Remove the spools of processes that are gone, however young; see `ObjectStore`."""
        spools = self.root / _SPOOL
        if not spools.is_dir():
            return []
        found = []
        with in_words(str(spools)), locked(spools):
            for spool in _dead(spools):
                found += [one for one in self.found(spool.relative_to(self.root).as_posix()) if one.name != _ALIVE]
                if not dry_run:
                    shutil.rmtree(spool, ignore_errors=True)
        return found

    def probe(self) -> Probe:
        """Try all that months need; nothing of it stays; see `ObjectStore`."""
        with self.spool() as folder:  # after a crash the next one removes it
            written, name = folder / "written", f"{_SPOOL}/{folder.name}"
            written.write_bytes(b"probe")
            shared = self.create(f"{name}/once", written) and written.stat().st_nlink > 1
            held = not self.create(f"{name}/once", written) and self.swap(f"{name}/swapped", b"1", None)
            held = held and not self.swap(f"{name}/swapped", b"2", None) and self.swap(f"{name}/swapped", b"2", b"1")
        if not held:
            return Probe(("this file system does not hold what others put down. Keep months on a local disk.",))
        if not shared:
            return Probe(("no hard links here: cleaned and lake each keep their own copy of a month.",))
        return Probe()

    def require_room(self, size_bytes: int) -> None:
        """Refuse to begin what cannot end.

        Raises:
            StoreFullError: There is no room for `size_bytes` more.
        """
        with in_words(self.location):
            _make_folder(self.root)
            free = shutil.disk_usage(self.root).free
        if free < size_bytes + _ROOM_BYTES:
            raise StoreFullError(
                f"{self.location}: {size_bytes + _ROOM_BYTES:,} bytes are needed, {free:,} are free. "
                "Nothing was written. Make room and load the month again."
            )

    @contextlib.contextmanager
    def spool(self) -> Iterator[Path]:
        """A new folder on this file system, gone when the context ends, and after a crash by the next spool."""
        spools = self.root / _SPOOL
        with in_words(str(spools)):
            _make_folder(spools)
            with locked(spools):  # so that none is taken for a dead one while it is being made
                for dead in _dead(spools):
                    shutil.rmtree(dead, ignore_errors=True)
                folder = Path(tempfile.mkdtemp(dir=spools))
                alive = (folder / _ALIVE).open("w")
                fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            alive.close()

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*parts_of(key, self.location))


def parts_of(key: str, location: str) -> list[str]:
    """The names that `key` is a path of.

    Raises:
        RequestError: It is none, or leads elsewhere.
    """
    parts = key.split("/")
    if not key or key.startswith("/") or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise RequestError(f"{key!r} cannot be a path in {location}.")
    return parts


def sync_file(path: Path) -> None:
    """Return only when the bytes of `path` would survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def in_words(what: str) -> Iterator[None]:
    """A full disk or a refused write as a sentence; a file that is there, or is not, stays what it is.

    Raises:
        StoreFullError: No room.
        StoreUnavailableError: Anything else the file system said.
    """
    try:
        yield
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left" in str(error):
            raise StoreFullError(
                f"{what}: the disk is full. What stood before still stands. Make room and load the month again."
            ) from error
        raise StoreUnavailableError(
            f"{what}: {error.strerror or error}. What stood before still stands. Mend it and load the month again."
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone with `folder`, among all who ask for it like this; a process that dies lets go of it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _dead(spools: Path) -> Iterator[Path]:
    """The spools of processes that are gone: a living one holds a lock in its own. To be asked alone with `spools`."""
    for spool in spools.iterdir():
        with contextlib.suppress(BlockingIOError, NotADirectoryError), contextlib.ExitStack() as stack:
            with contextlib.suppress(FileNotFoundError):  # its process died on the first line, or on the last
                alive = stack.enter_context((spool / _ALIVE).open())
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield spool


def _make_folder(folder: Path) -> None:
    """Have `folder` there, and still there after a loss of power."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(
            f"{folder} is in the way: a folder is needed there, and it is a file. Nothing was written. Move it away, "
            "or name another folder."
        ) from error
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
