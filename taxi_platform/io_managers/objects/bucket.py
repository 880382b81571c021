"""A bucket of Google Cloud Storage, S3 or Azure as an object store."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote
from uuid import uuid4

from taxi_platform.errors import DamagedStoreError, StoreError, StoreUnavailableError
from taxi_platform.io_managers.objects.bucket_api import BucketApi, Head, TakenError
from taxi_platform.io_managers.objects.folder import Folder, in_words, parts_of
from taxi_platform.io_managers.objects.store import Found, Probe
from taxi_platform.trips.month_file import sha256_of

PATIENCE_S = 30.0
"""How long one call is tried again before we give up (arbitrary; Dagster tries the whole step again after that)."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_TICKETS = 16
_UPLOAD, _SWAPS = "upload", "swaps"
_PROBE = ".probe-"

T = TypeVar("T")


class Bucket:
    """Objects below a prefix of a bucket. Created once or swapped, in one step, as the bucket itself sees to.

    Every cloud is spoken to through its vendor's client (`google-cloud-storage`, `botocore`, `azure-storage-blob`).
    obstore, one client for all three, was tried first: it cannot send a large object in parts AND only if none is
    there, so that each month would be held in memory; on S3 its copies lose the metadata; it reads no AWS profiles.

    An answer that is lost on the way does no harm: each creation and each swap leaves a ticket of its own in the
    object's metadata. Who is told that something is there already looks whether it is his.
    """

    def __init__(
        self, api: BucketApi, location: str, prefix: str, spools: Folder, *, patience_s: float = PATIENCE_S
    ) -> None:
        """
        Args:
            prefix: Where in the bucket; empty for all of it.
            spools: A local folder through which files pass.
        """
        self.location = location
        self._api = api
        self._prefix = f"{prefix}/" if prefix else ""
        self._spools = spools
        self._patience_s = patience_s

    def create(self, key: str, path: Path, about: Mapping[str, str] | None = None) -> bool:
        """Put the bytes of `path` under `key`, in one step, unless something is there; see `ObjectStore`."""
        name, ticket = self._name(key), uuid4().hex
        if self._head(key) is not None:
            return False  # found out before all of it is sent for nothing; who creates it in between is met below
        told = {word: quote(value, safe=" :/+") for word, value in (about or {}).items()} | {_UPLOAD: ticket}
        try:
            self._patiently(key, lambda: self._api.create(name, path, told))
        except TakenError:
            there = self._head(key)
            return there is not None and there.about.get(_UPLOAD) == ticket
        return True

    def read(self, key: str) -> bytes | None:
        """The bytes of a small object, None where there is none."""
        name = self._name(key)
        return self._patiently(key, lambda: self._api.read(name))

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace the bytes under `key` by `data` if they still are `expected`; see `ObjectStore`."""
        name, ticket = self._name(key), uuid4().hex[:8]
        before = self._head(key)
        tag = None if before is None else before.tag
        try:
            if (None if tag is None else self._patiently(key, lambda: self._api.read(name, tag))) != expected:
                return False
        except TakenError:
            return False
        # The last tickets stay: who was told nothing of his swap finds it there, also after others have swapped since.
        swaps = [*_swaps(before)[1 - _TICKETS :], ticket]
        try:
            self._patiently(key, lambda: self._api.write(name, data, tag, {_SWAPS: " ".join(swaps)}))
        except TakenError:
            return ticket in _swaps(self._head(key))
        return True

    def size(self, key: str) -> int | None:
        """Bytes of an object, None where there is none."""
        head = self._head(key)
        return None if head is None else head.size_bytes

    @contextlib.contextmanager
    def fetch(self, key: str, sha256: str | None = None) -> Iterator[Path]:
        """A local copy of an object, gone when the context ends; see `ObjectStore`."""
        name = self._name(key)
        with self.spool() as folder:
            path = folder / "object"
            if self._arrived(key, name, path) and sha256 is not None and sha256_of(path) != sha256:
                self._arrived(key, name, path)  # it may have been the way
                if sha256_of(path) != sha256:
                    raise DamagedStoreError(
                        f"{self.location}/{key}: its bytes are not those that were published. "
                        "Load the month again with --force: it is written anew."
                    )
            yield path

    def _arrived(self, key: str, name: str, path: Path) -> bool:
        """Fetch an object into `path`; False where there is none, and then no file either."""
        with in_words(f"{self.location}/{key}"):
            there = self._patiently(key, lambda: self._api.download(name, path))
        if not there:
            path.unlink(missing_ok=True)
        return there

    def names(self, folder: str = "") -> list[str]:
        """What lies directly in `folder`, sorted; what starts with a dot is ours alone."""
        below = f"{self._name(folder)}/" if folder else self._prefix
        found = self._patiently(folder, lambda: list(self._api.names(below)))
        return sorted({name for name in found if name and not name.startswith(".")})

    def found(self, folder: str) -> list[Found]:
        """All that lies below `folder`, sorted by key; see `ObjectStore`."""
        below = f"{self._name(folder)}/"
        return self._as_found(self._patiently(folder, lambda: list(self._api.found(below))))

    def delete(self, key: str) -> None:
        """Have nothing under `key`, whether there was something or not."""
        name = self._name(key)
        self._patiently(key, lambda: self._api.delete(name))

    def sweep(self, before: float, *, dry_run: bool = False) -> list[Found]:
        """Remove what processes that are gone did not finish, here and in the bucket; see `ObjectStore`."""
        given_up = self._patiently("", lambda: list(self._api.sweep(self._prefix, before, dry_run=dry_run)))
        probes = self._patiently("", lambda: list(self._api.found(self._prefix + _PROBE)))
        left = self._as_found(one for one in probes if one[2] < before)
        for one in left if not dry_run else ():
            self.delete(one.key)
        return [*self._spools.sweep(before, dry_run=dry_run), *self._as_found(given_up), *left]

    def probe(self) -> Probe:
        """Try all that months need; nothing of it stays; see `ObjectStore`.

        What may not be removed again is not written: who has no right to delete learns that, and no more.
        """
        key = f"{_PROBE}{uuid4().hex}"
        name = self._name(key)
        self.names()  # whether anybody is let in at all
        try:
            self.delete(key)
        except StoreError as error:
            return Probe((f"{error} Without that right `taxi prune` cannot work, and no probe was written.",))
        complaints = []
        try:
            with self.spool() as folder:
                (folder / "probe").write_bytes(b"probe")
                self.create(key, folder / "probe")
                if not self._refuses(key, lambda: self._api.create(name, folder / "probe", {})):
                    complaints.append("it overwrites what was to be created once (If-None-Match). Use another store.")
            ((_, _, clock),) = self._patiently(key, lambda: list(self._api.found(name)))
            before = self._head(key)
            if before is None or not self.swap(key, b"swapped", b"probe"):
                complaints.append("what was written is not there a moment later. Use another store.")
            elif not self._refuses(key, lambda: self._api.write(name, b"late", before.tag, {})):
                complaints.append("it lets those win who come too late (If-Match). Use another store.")
        finally:
            self.delete(key)
        return Probe(tuple(complaints), clock)

    def _refuses(self, key: str, act: Callable[[], None]) -> bool:
        try:
            self._patiently(key, act)
        except TakenError:
            return True
        return False

    def _as_found(self, listed: Iterable[tuple[str, int, float]]) -> list[Found]:
        found = [Found(name.removeprefix(self._prefix), size, modified) for name, size, modified in listed]
        return sorted(found, key=lambda one: one.key)

    def require_room(self, size_bytes: int) -> None:
        """Refuse to begin what has no room to pass through here; a bucket itself is never full."""
        self._spools.require_room(size_bytes)

    def spool(self) -> AbstractContextManager[Path]:
        """A new local folder to write drafts in, gone when the context ends, and after a crash by the next spool."""
        return self._spools.spool()

    def _name(self, key: str) -> str:
        return self._prefix + "/".join(parts_of(key, self.location))

    def _head(self, key: str) -> Head | None:
        name = self._name(key)
        return self._patiently(key, lambda: self._api.head(name))

    def _patiently(self, key: str, call: Callable[[], T]) -> T:
        """Do it, and do it again while that can help, with growing pauses, until the patience is at its end.

        Raises:
            StoreUnavailableError: It did not help.
            StoreError: It cannot help.
        """
        until, pause_s = time.monotonic() + self._patience_s, _FIRST_PAUSE_S
        while True:
            try:
                return call()
            except TakenError:
                raise
            except Exception as error:
                trouble = self._api.trouble(error)
                if trouble is None:
                    raise
                where = f"{self.location}/{key}" if key else self.location
                # `from None`: what the clients say may hold signed addresses, and Dagster keeps whole chains of errors.
                if not trouble.retryable:
                    raise StoreError(f"{where}: {trouble.what}. Nothing was changed. {trouble.todo}".rstrip()) from None
                if time.monotonic() + pause_s > until:
                    raise StoreUnavailableError(
                        f"{where}: {trouble.what}, again and again for {self._patience_s:.0f} seconds. "
                        f"What stood before still stands. {trouble.todo}"
                    ) from None
            time.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 (so that not all come back at once)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _swaps(head: Head | None) -> list[str]:
    return [] if head is None else head.about.get(_SWAPS, "").split()
