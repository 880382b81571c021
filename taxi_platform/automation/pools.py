"""How many steps may do the same thing at once: Dagster's pools, with the sizes that were set."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

PUBLISHER = "publisher"
"""The pool of those who fetch from a publisher on the web."""


def set_pools(instance: dg.DagsterInstance, sizes: Mapping[str, int]) -> None:
    """Have each pool be of its size. Pools that are not named here are as `dagster.yaml` says: one at a time."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    held = {limit.name: limit.limit for limit in storage.get_pool_limits()}
    for name, size in sizes.items():
        if held.get(name) != size:
            storage.set_concurrency_slots(name, size)
