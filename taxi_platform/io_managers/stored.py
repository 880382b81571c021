"""What every store says of a month, before and after it took one."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from taxi_platform.errors import RequestError, SupersededError
from taxi_platform.trips.month_file import Partition

Outcome = Literal["created", "replaced", "unchanged", "restored", "repaired"]
"""What putting a month down did:

`created` there was none; `replaced` there was another version; `unchanged` it was there already, nothing moved;
`restored` a kept version was made the current one again; `repaired` the version was there on paper only.
"""

_PARTITION = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
_NAME = re.compile(r"[^\W\d]\w{0,62}")


@dataclass(frozen=True)
class Stamp:
    """What is written beside the rows of a month, in the same transaction.

    Attributes:
        as_of: Which of two versions is the newer; compared as text.
        rows: Rows that must be counted in the store before the swap; None where nobody counted before.
        control_sums: Sums by column that the store must come to as well.
    """

    version: str
    as_of: str
    run_id: str
    rows: int | None = None
    rejected: int = 0
    control_sums: Mapping[str, Decimal] = field(default_factory=dict)
    schema_version: int = 1


@dataclass(frozen=True)
class Stored:
    """A month as the store now has it.

    Attributes:
        rows_before: Rows of the version that it took the place of, if there was one.
        facts: What else the store has to tell (sizes, locations), for people.
        version_before: The version that was there, this one or another; None where there was none.
        uri: Where to read its rows from, if they are an object of their own.
    """

    table: str
    partition: Partition
    version: str
    rows: int
    outcome: Outcome
    rows_before: int | None = None
    location: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    version_before: str | None = None
    uri: str = ""


def refuse_older(table: str, partition: Partition, mine: tuple[str, str], there: tuple[str, str]) -> None:
    """Stop a version that is older than the one that is there. Both are (version, as_of).

    Raises:
        SupersededError: It is. What is there stays.
    """
    if mine[0] != there[0] and mine[1] < there[1]:
        raise SupersededError(
            f"{named(table, partition)}: version {there[0]} (as of {there[1]}) is newer than this run's {mine[0]} "
            f"(as of {mine[1]}). The newer one stays. Nothing to do."
        )


def partition_date(partition: str) -> dt.date:
    """The date that stands for a partition key: `2021-01` is its first day, `2021-01-31` itself.

    Raises:
        RequestError: The key is neither.
    """
    match = _PARTITION.fullmatch(partition)
    with contextlib.suppress(ValueError):
        if match is not None:
            return dt.date(int(match[1]), int(match[2]), int(match[3] or 1))
    raise RequestError(
        f"{partition!r} is no partition key that can be stored. Write a month as 2021-01, a day as 2021-01-31."
    )


def day_of(partition: Partition) -> dt.date | None:
    """The date that every row of a partition carries; None for a table without partitions.

    Raises:
        RequestError: It is no partition key that can be stored.
    """
    return None if partition is None else partition_date(partition)


def named(table: str, partition: Partition) -> str:
    """How people call a partition of a table: `green_trips 2021-01`, or the table itself."""
    return table if partition is None else f"{table} {partition}"


def table_name(name: str) -> str:
    """`name`, if it can name a table and a folder: letters, digits and underscores, at most 63.

    Raises:
        RequestError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a table: use letters, digits and underscores, at most 63, "
            "not starting with a digit."
        )
    return name


def utc_now() -> str:
    """Now, as text that sorts by time."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
