"""What this process knows of a host: when it may be asked again, whom it refused, what was there."""

from __future__ import annotations

from threading import Lock

from taxi_platform.resources.sources.web.patience import Clock

THROTTLED_AFTER = 3
"""Different months refused in a row, after which a refusal is no word about the month any more."""


class Host:
    """One host. Every source in the process that speaks to it shares this.

    Attributes:
        has_given_up: The last file was given up after every attempt. Until something comes, one attempt is enough.
    """

    def __init__(self) -> None:
        self.has_given_up = False
        self._lock = Lock()
        self._next_turn = 0.0
        self._refused: set[str] = set()
        self._seen: set[str] = set()

    def wait_for_turn(self, min_interval_s: float, clock: Clock) -> None:
        """Return when the host may be asked: so long after the request before this one, whoever made it."""
        with self._lock:
            now = clock.now()
            turn = max(now, self._next_turn)
            self._next_turn = turn + min_interval_s
        if turn > now:
            clock.sleep(turn - now)

    def answered(self, url: str) -> None:
        """The host has a file there: whatever it refused before, it does not refuse us."""
        with self._lock:
            self.has_given_up = False
            self._refused.clear()
            self._seen.add(url)

    def refused(self, url: str) -> bool:
        """Note that the host refused a month; True where it refuses month after month."""
        with self._lock:
            self._refused.add(url)
            return len(self._refused) >= THROTTLED_AFTER

    def has_shown(self, url: str) -> bool:
        """Whether this process has seen a file there."""
        return url in self._seen


_hosts: dict[str, Host] = {}
_lock = Lock()


def host_of(netloc: str) -> Host:
    """The one `Host` of this process for a host and port."""
    with _lock:
        return _hosts.setdefault(netloc.lower(), Host())
