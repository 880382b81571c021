"""What months need of whatever keeps objects: a folder, a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


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

    def require_room(self, size_bytes: int) -> None:
        """Refuse to begin what cannot end.

        Raises:
            StoreFullError: There is no room for `size_bytes` more.
        """

    def spool(self) -> AbstractContextManager[Path]:
        """A new local folder to write drafts in, gone when the context ends, and after a crash by the next spool."""
