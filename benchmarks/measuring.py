"""Work measured in processes of its own, in interleaved rounds: a machine whose speed drifts drifts for all."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
OURS = (sys.executable, "-m", "benchmarks.ours")


@dataclass(frozen=True)
class Took:
    """What a piece of work took: seconds, and MB of 1,000,000 bytes."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    written_mb: float


@dataclass(frozen=True)
class Work:
    """Something to measure.

    Attributes:
        command: Makes everything as it was before, and gives what to run: a program whose last line is its `Took`.
        leaves_out: What others do and this does not.
        rounds: In so many of the first rounds it takes part; None: in all of them.
    """

    name: str
    command: Callable[[], Sequence[str]]
    leaves_out: str = ""
    rounds: int | None = None


@dataclass
class Table:
    """What was measured side by side.

    Attributes:
        ratios: What the medians say of each other.
        numbers: What else they say, each with the limit that was set.
    """

    title: str
    rows: int
    took: dict[str, list[Took]] = field(default_factory=dict)
    leaves_out: dict[str, str] = field(default_factory=dict)
    ratios: list[Ratio] = field(default_factory=list)
    numbers: dict[str, tuple[float, str]] = field(default_factory=dict)

    def median(self, name: str, figure: str = "wall_s") -> float:
        return float(statistics.median(getattr(took, figure) for took in self.took[name]))

    def value(self, ratio: Ratio) -> float:
        above, below = (sum(self.median(name) for name in names) for names in (ratio.above, ratio.below))
        return above / below

    def said(self) -> dict[str, tuple[float, str]]:
        """Every ratio and number, with its limit."""
        measured = [ratio for ratio in self.ratios if {*ratio.above, *ratio.below} <= set(self.took)]
        return {ratio.says: (self.value(ratio), ratio.wanted) for ratio in measured} | self.numbers

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "rows": self.rows,
            "took": {name: [asdict(took) for took in all_of_it] for name, all_of_it in self.took.items()},
            "leaves_out": self.leaves_out,
            "says": {says: {"value": value, "wanted": wanted} for says, (value, wanted) in self.said().items()},
        }


@dataclass(frozen=True)
class Ratio:
    """The medians of some works by those of others, and the limit that was set: `>= 10`, `<= 1.3`."""

    says: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    wanted: str = ""


def in_rounds(title: str, rows: int, works: Sequence[Work], rounds: int, ratios: Sequence[Ratio] = ()) -> Table:
    """Measure `works` one after the other, `rounds` times over."""
    table = Table(title, rows, leaves_out={work.name: work.leaves_out for work in works}, ratios=list(ratios))
    for number in range(rounds):
        for work in works:
            if work.rounds is None or number < work.rounds:
                measured_by(table, work.name, in_a_process(work.command()))
    return table


def measured_by(table: Table, name: str, took: Took) -> None:
    """Add one more time to what a table says of a work."""
    table.took.setdefault(name, []).append(took)
    print(f"{table.title}: {took.wall_s:8.2f} s  {name}", file=sys.stderr, flush=True)


def in_a_process(command: Sequence[str]) -> Took:
    """Run a program and give what its last line says.

    Raises:
        RuntimeError: It failed; with what it said.
    """
    return Took(**answer_of(command))


def answer_of(command: Sequence[str], environment: Mapping[str, str] = {}) -> dict[str, Any]:
    """The JSON in the last line of what a program prints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TAXI_", "PG", "DAGSTER_"))}
    done = subprocess.run(
        command, cwd=PROJECT, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-5000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
