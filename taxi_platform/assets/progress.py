"""How far a stage has come, for whoever watches from the same process (the CLI's bars)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str, int, int | None], None]
"""Called with the stage, the bytes just done, and the bytes in all where they are known."""

_watchers: list[Watcher] = []


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Have `watcher` told of all progress in this process while the context lasts."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def report(stage: str, done: int, total: int | None = None) -> None:
    for watcher in _watchers:
        watcher(stage, done, total)
