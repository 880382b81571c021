"""What was told and what is still to be told: the cursor of the sensor of alerts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from taxi_platform.automation.alerts.alert import Alert

HELD_S = 24 * 3600
"""The same is not told again for so long."""

WAITING = 200
"""More is not kept, only counted: nobody reads it."""


@dataclass
class Outbox:
    """Plain values only, for it lives as JSON in Dagster's history.

    Attributes:
        seen_until: Runs that ended before that were looked at, in seconds of the epoch; 0 before the first look.
        seen: Runs that ended just then, and were looked at.
        told: When each alert was last taken in, by its key.
        waiting: Alerts to send.
        left_out: How many did not fit.
        sent_at: When the last message went out.
    """

    seen_until: float = 0
    seen: list[str] = field(default_factory=list)
    told: dict[str, float] = field(default_factory=dict)
    waiting: list[dict[str, str]] = field(default_factory=list)
    left_out: int = 0
    sent_at: float = 0

    @classmethod
    def of(cls, cursor: str | None) -> Outbox:
        """What `cursor` holds; an empty one if it is no cursor of ours."""
        try:
            return cls(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return cls()

    def cursor(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def take(self, alerts: Iterable[Alert], kinds: tuple[str, ...], now: float) -> None:
        """Have those of `kinds` wait that were not told lately."""
        self.told = {key: at for key, at in self.told.items() if now - at < HELD_S}
        for alert in alerts:
            if alert.kind not in kinds or alert.key in self.told:
                continue
            self.told[alert.key] = now
            if len(self.waiting) < WAITING:
                self.waiting.append(asdict(alert))
            else:
                self.left_out += 1

    def due(self, now: float, every_s: float) -> list[Alert]:
        """What is to be sent now: all that waits, unless something was sent less than `every_s` before."""
        return [Alert(**alert) for alert in self.waiting] if now - self.sent_at >= every_s else []

    def sent(self, now: float) -> None:
        """Note that what was due has gone."""
        self.waiting, self.left_out, self.sent_at = [], 0, now
