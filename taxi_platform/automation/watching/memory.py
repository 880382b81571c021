"""What a watch remembers from one look to the next: the cursor of its sensor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Memory:
    """Plain values only, for it lives as JSON in Dagster's history.

    Attributes:
        source: The source that all of this is about. Another one begins with nothing.
        newest: The newest month of the first look, empty where there was none; None before that look. On a source
            that is not our own folder only later months count as new.
        dealt: By month: the mark of the file that was last dealt with, and how many runs were started for the month.
        unsettled: By month: the mark of a file that may still be being written, and when it was first seen like that.
        looked: By month: when it was last asked for, in seconds of the epoch. Of a source that lists: one entry, "*".
        failures: Looks in a row that failed.
        wait_until: No look before that.
        trouble: What the last failed look said; empty after one that went well.
    """

    source: str = ""
    newest: str | None = None
    dealt: dict[str, tuple[str, int]] = field(default_factory=dict)
    unsettled: dict[str, tuple[str, float]] = field(default_factory=dict)
    looked: dict[str, float] = field(default_factory=dict)
    failures: int = 0
    wait_until: float = 0
    trouble: str = ""

    @classmethod
    def of(cls, cursor: str | None, source: str) -> Memory:
        """What `cursor` holds, if it is one and about `source`; else a memory without anything in it."""
        memory = cls.read(cursor)
        return memory if memory.source == source else cls(source)

    @classmethod
    def read(cls, cursor: str | None) -> Memory:
        """What `cursor` holds; nothing where it is no cursor of ours."""
        try:
            held = json.loads(cursor or "{}")
            memory = cls(**held)
            memory.dealt = {month: (str(mark), int(times)) for month, (mark, times) in memory.dealt.items()}
            memory.unsettled = {month: (str(mark), float(since)) for month, (mark, since) in memory.unsettled.items()}
        except (ValueError, TypeError, AttributeError):
            return cls()
        return memory

    def cursor(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def times(self, month: str) -> int:
        """How many runs were started for a month."""
        return self.dealt.get(month, ("", 0))[1]

    def deal(self, month: str, mark: str, *, started: bool = False) -> int:
        """Note that the file with this mark needs no more thought; how many runs there were for the month, with it."""
        times = self.times(month) + started
        self.dealt[month] = mark, times
        self.unsettled.pop(month, None)
        return times
