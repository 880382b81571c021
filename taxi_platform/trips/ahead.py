"""An iterator that works ahead in a thread of its own, while what it gave before is used."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def ahead(items: Iterator[T], most: int = 2) -> Generator[T, None, None]:
    """What `items` gives, in its order, made at most `most` items before it is asked for.

    An error of `items` is raised where its next item would have come. Close the generator, or read it to its end: then
    the thread is over, and nobody else is at `items`.
    """
    context, thread = contextvars.copy_context(), ThreadPoolExecutor(1, "ahead")

    def make_one() -> T:
        return context.run(lambda: next(items, _END))

    try:
        made = deque(thread.submit(make_one) for _ in range(most))
        while (item := made.popleft().result()) is not _END:
            made.append(thread.submit(make_one))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
