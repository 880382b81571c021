"""How often something is tried, how long is waited between, and whose clock tells."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from dataclasses import dataclass


class TryAgainError(Exception):
    """One attempt failed in a way in which the next may not. Never leaves the sources of the web.

    Attributes:
        said: What went wrong, as the end of a sentence about the host: `answered 503`.
        retry_after_s: How long the host asked us to wait.
        attempts: How many were made, once no more are.
    """

    def __init__(self, said: str, retry_after_s: float = 0) -> None:
        super().__init__(said)
        self.said = said
        self.retry_after_s = retry_after_s
        self.attempts = 1

    @property
    def times(self) -> str:
        return "once" if self.attempts == 1 else f"{self.attempts} times"


@dataclass(frozen=True)
class Clock:
    """Time and chance. Tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random


@dataclass(frozen=True)
class Patience:
    """How much is borne before a source counts as unavailable.

    Attributes:
        attempts: At one file, the first one included. A step of Dagster's adds its own retries.
        first_wait_s: Doubled from attempt to attempt, each a half to the whole of it, by chance: clients that failed
            together do not come back together.
        longest_retry_after_s: A host that asks for more (`Retry-After`) is asked again after this all the same.
        read_timeout_s: Without a byte, not for the whole file.
    """

    attempts: int = 6
    first_wait_s: float = 1
    longest_wait_s: float = 30
    longest_retry_after_s: float = 120
    connect_timeout_s: float = 10
    read_timeout_s: float = 60

    def wait_s(self, failures: int, retry_after_s: float, draw: Callable[[], float]) -> float:
        """How long to wait after so many failures in a row."""
        longest = min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s)
        return max(longest * (1 + draw()) / 2, min(retry_after_s, self.longest_retry_after_s))


def retry_after_s(header: str | None) -> float:
    """The seconds that a `Retry-After` header asks for, as a number or as a date; 0 where it asks for none."""
    if header is None:
        return 0
    from email.utils import parsedate_to_datetime

    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
        return max(0, (then - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return 0
