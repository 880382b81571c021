"""What months need of whatever keeps objects: a folder, a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """An object as the store lists it.

    Attributes:
        modified: When it was written, in seconds since 1970.
        identity: What it shares its bytes with others by; empty where it shares them with nobody.
        links: How many objects share them. Only with the last of them the bytes are gone.
    """

    key: str
    size_bytes: int
    modified: float
    identity: str = ""
    links: int = 1

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class Probe:
    """What came of trying a store.

    Attributes:
        complaints: Sentences of what it does not do, though it answers, and what to mend.
        clock: What time it said it was, in seconds since 1970, where it has a clock of its own.
    """

    complaints: tuple[str, ...] = ()
    clock: float | None = None


class ObjectStore(Protocol):
    """Objects by their keys. Two kinds: those that are created once and never change, and small ones that are swapped.

    Every method raises `StoreUnavailableError` where a retry may help and `StoreError` where none can, in a sentence;
    then what stood before still stands. A key is a path of names, `table/source_month=2021-01/version.parquet`.
    """

    @property
    def location(self) -> str:
        """Where it all lies, for people: never with credentials in it."""

    def create(self, key: str, path: Path, about: Mapping[str, str] | None = None) -> bool:
        """Put the bytes of the file `path` under `key`, in one step, unless something is there.

        Nobody ever sees half of them. Whoever wrote `path` must not change it afterwards: its bytes may be shared.

        Args:
            about: What is told of the object to people who meet it without us, where the store can keep that.

        Returns:
            False where something was there already: it is left as it is.

        Raises:
            StoreFullError: No room.
        """

    def read(self, key: str) -> bytes | None:
        """The bytes of a small object, None where there is none."""

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace the bytes under `key` by `data` if they still are `expected` (None: nothing there).

        Returns:
            False where somebody else was faster: nothing was changed.
        """

    def size(self, key: str) -> int | None:
        """Bytes of an object, None where there is none."""

    def fetch(self, key: str, sha256: str | None = None) -> AbstractContextManager[Path]:
        """A local path of an object, for as long as the context lasts; nothing lies there where there is no object.

        Args:
            sha256: What its bytes are known to be. Looked at where they have to be moved to get here.

        Raises:
            DamagedStoreError: They are others.
        """

    def names(self, folder: str = "") -> list[str]:
        """What lies directly in `folder`, sorted; what starts with a dot is ours alone."""

    def found(self, folder: str) -> list[Found]:
        """All that lies below `folder`, sorted by key; with what was left half way, whose names start with a dot."""

    def delete(self, key: str) -> None:
        """Have nothing under `key`, whether there was something or not."""

    def sweep(self, before: float, *, dry_run: bool = False) -> list[Found]:
        """Remove what processes that are gone did not finish: their spools, and uploads begun before `before`.

        Returns:
            What was found. With `dry_run` it is left where it is.
        """

    def probe(self) -> Probe:
        """Try all that months need, on an object of a name that nobody has; nothing of it stays."""

    def require_room(self, size_bytes: int) -> None:
        """Refuse to begin what cannot end.

        Raises:
            StoreFullError: There is no room for `size_bytes` more.
        """

    def spool(self) -> AbstractContextManager[Path]:
        """A new local folder to write drafts in, gone when the context ends, and after a crash by the next spool."""
