"""A real project of Google Cloud to test with, where somebody lends one."""

from __future__ import annotations

import os

NEEDED = ("GOOGLE_CLOUD_PROJECT", "TAXI_TEST_BUCKET")


def absent() -> str | None:
    """Why nothing can be tested on Google Cloud; None where it can."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if not missing:
        return None
    return f"no project of Google Cloud to test with: set {' and '.join(missing)}, then `make test-gcp`"


def variables() -> dict[str, str]:
    """What Google's clients are told."""
    return {name: value for name, value in os.environ.items() if name.startswith("GOOGLE_")}
