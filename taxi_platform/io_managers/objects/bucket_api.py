"""The few calls that a bucket needs of a cloud's own client, and what each of them promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CONNECT_S = 10.0
READ_S = 60.0
"""How long a cloud may be silent (arbitrary)."""

IN_ONE_BYTES = 8 << 20
"""What is larger is sent in parts: a part is all that is ever held in memory, and all that is sent again."""


class TakenError(Exception):
    """Something lies there already, or not what was expected: nothing was changed."""


@dataclass(frozen=True)
class Head:
    """What a bucket says of an object.

    Attributes:
        tag: Is another as soon as the object is: a generation, an ETag.
        about: What whoever put it there said of it.
    """

    size_bytes: int
    tag: str
    about: Mapping[str, str]


@dataclass(frozen=True)
class Trouble:
    """What an error of a client means.

    Attributes:
        what: The middle of a sentence: "there is no bucket called x".
        retryable: Whether the same again can help.
        todo: The end of that sentence's paragraph.
    """

    what: str
    retryable: bool = False
    todo: str = ""


NO_ANSWER = "Look at the connection, then load the month again."


class BucketApi(Protocol):
    """One bucket, through its cloud's own client. Errors are the client's; `trouble` says what they mean."""

    def head(self, name: str) -> Head | None:
        """What the bucket says of an object, None where there is none."""

    def read(self, name: str, tag: str | None = None) -> bytes | None:
        """A small object, whole; None where there is none.

        Raises:
            TakenError: It has not that tag, or no longer.
        """

    def create(self, name: str, path: Path, about: Mapping[str, str]) -> None:
        """Put a file there, whole or not at all, in bounded memory, its checksum verified by the cloud.

        Raises:
            TakenError: Something is there.
        """

    def write(self, name: str, data: bytes, tag: str | None, about: Mapping[str, str]) -> None:
        """Put a small object in the place of the one with that tag (None: where nothing is).

        Raises:
            TakenError: It is not there, or another is.
        """

    def download(self, name: str, path: Path) -> bool:
        """Write an object into a local file, in bounded memory; False where there is no such object."""

    def names(self, folder: str) -> Iterable[str]:
        """The names that lie directly below `folder`, which is empty or ends with a slash."""

    def found(self, prefix: str) -> Iterable[tuple[str, int, float]]:
        """The names below a prefix, whole, with their sizes, and when they were written, in seconds since 1970."""

    def delete(self, name: str) -> None:
        """Have no such object, whether there was one or not."""

    def sweep(self, prefix: str, before: float, *, dry_run: bool) -> Iterable[tuple[str, int, float]]:
        """Give up what was begun to be sent below a prefix before then, and not finished, where that lies there."""

    def trouble(self, error: Exception) -> Trouble | None:
        """What an error means; None where it is none of the client's."""
