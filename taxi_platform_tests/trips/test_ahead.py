"""Working ahead changes nothing but when: the order, the errors and the end are what they were."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest

from taxi_platform.trips.ahead import ahead


def test_items_come_in_their_order_to_the_last() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead(iter([]), 5)) == []
    assert list(ahead(iter([None, None]))) == [None, None]


def test_an_error_comes_where_the_next_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionResetError("half way")

    numbers = ahead(items(), 5)
    assert [next(numbers), next(numbers)] == [1, 2]
    with pytest.raises(ConnectionResetError, match="half way"):
        next(numbers)


def test_no_more_is_made_ahead_than_was_said() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    numbers = ahead(items(), 3)
    for number in range(10):
        assert next(numbers) == number
        assert len(made) <= number + 1 + 3
    numbers.close()
    assert len(made) <= 13


def test_when_it_is_closed_its_thread_is_over() -> None:
    numbers = ahead(iter(range(100)))
    next(numbers)
    assert any(thread.name.startswith("ahead") for thread in threading.enumerate())
    numbers.close()
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_who_watches_the_progress_is_told_of_it_there_too() -> None:
    watcher = contextvars.ContextVar("watcher", default="nobody")
    watcher.set("a bar")
    assert list(ahead(watcher.get() for _ in range(2))) == ["a bar"] * 2
