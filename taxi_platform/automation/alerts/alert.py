"""One thing to tell, and several of them as a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

TITLES = {
    "failed": "failed",
    "checks": "checks failed",
    "warnings": "checks warn",
    "late": "late",
    "drift": "columns that nobody knows",
    "changes": "published again",
    "sensors": "sensors in trouble",
}
SHOWN = 20
"""More of a kind are counted, not listed."""


@dataclass(frozen=True)
class Alert:
    """One thing to tell.

    Attributes:
        kind: One of `plan.ALERTS`.
        what: Service, month and stage, as far as there are any: `green 2020-03 warehouse`.
        cause: A sentence.
        link: Where in Dagster's UI to look.
    """

    kind: str
    what: str
    cause: str
    link: str

    @property
    def key(self) -> str:
        """The same for what was told before."""
        return f"{self.kind}\n{self.what}\n{self.cause}"

    def __str__(self) -> str:
        return f"{self.what}: {self.cause} {self.link}".rstrip()


def message(alerts: Sequence[Alert]) -> tuple[str, str]:
    """Title and text of one message about all of them, sorted by how much they matter."""
    kinds = list(TITLES)
    ordered = sorted(alerts, key=lambda alert: kinds.index(alert.kind))
    parts, heads = [], []
    for kind, group in groupby(ordered, key=lambda alert: alert.kind):
        ours = list(group)
        heads.append(f"{len(ours)} {TITLES[kind]}")
        lines = [f"- {alert}" for alert in ours[:SHOWN]]
        if len(ours) > SHOWN:
            lines.append(f"- and {len(ours) - SHOWN} more")
        parts.append("\n".join([f"{TITLES[kind].capitalize()}:", *lines]))
    return f"Taxi trips: {', '.join(heads)}", "\n\n".join(parts)
