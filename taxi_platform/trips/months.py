"""Months as everybody here writes them: `2021-01`, always the month of the source FILE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from taxi_platform.errors import RequestError

_KEY = re.compile(r"(?!0000)([0-9]{4})-([0-9]{2})")
_YEAR = re.compile(r"(?!0000)[0-9]{4}")
_Said = TypeVar("_Said")


class Month(NamedTuple):
    """A calendar month. Ordered, hashable, printed as its partition key."""

    year: int
    month: int

    @classmethod
    def parse(cls, key: str) -> Month:
        """The month that `key` (`2021-01`) names.

        Raises:
            RequestError: `key` is not a month.
        """
        match = _KEY.fullmatch(key)
        if match is None or not 1 <= int(match[2]) <= 12:
            raise RequestError(f"{key!r} is not a month. Write it as 2021-01.")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Month:
        return cls(day.year, day.month)

    @property
    def key(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first_day(self) -> dt.date:
        return dt.date(self.year, self.month, 1)

    def plus(self, months: int) -> Month:
        years, zero_based = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(years, zero_based + 1)

    def until(self, last: Month) -> Iterator[Month]:
        """Every month from this one to `last`, both included."""
        month = self
        while month <= last:
            yield month
            month = month.plus(1)

    def __str__(self) -> str:
        return self.key


def last_full_month(today: dt.date) -> Month:
    """The newest month that has ended."""
    return Month.of(today).plus(-1)


def parse_months(text: str) -> list[Month]:
    """The months of `2021`, `2021-01`, `2020-03..2020-05` or any of these joined by commas, in order.

    Raises:
        RequestError: A part is none of these, or a range runs backwards.
    """
    months: set[Month] = set()
    for part in (part.strip() for part in text.split(",")):
        if _YEAR.fullmatch(part):
            months.update(Month(int(part), 1).until(Month(int(part), 12)))
            continue
        first, dots, last = part.partition("..")
        start = Month.parse(first.strip())
        end = Month.parse(last.strip()) if dots else start
        if end < start:
            raise RequestError(f"The range {part!r} runs backwards. Write the older month first.")
        months.update(start.until(end))
    return sorted(months)


def in_ranges(months: Iterable[tuple[Month, _Said]]) -> list[tuple[str, _Said]]:
    """Months as `2020-03..2020-05` where they follow one another and the same is said of them."""
    found: list[tuple[Month, Month, _Said]] = []
    for month, said in months:
        if found and (found[-1][1].plus(1), found[-1][2]) == (month, said):
            found[-1] = (found[-1][0], month, said)
        else:
            found.append((month, month, said))
    return [(first.key if first == last else f"{first}..{last}", said) for first, last, said in found]
