"""How to clean, as a resource: which rules are on, and what becomes of columns nobody knows."""

from __future__ import annotations

from typing import Any

import dagster as dg
from pydantic import Field

from taxi_platform.trips.rules import DEFAULT_RULES


class CleaningResource(dg.ConfigurableResource[Any]):
    """The switches of cleaning. They are part of a month's version: another switch, another version.

    Attributes:
        rules: The rules by which rows are rejected.
        unknown_columns: `keep` them aside, in the extras, or `fail`.
    """

    rules: list[str] = Field(default_factory=lambda: list(DEFAULT_RULES))
    unknown_columns: str = "keep"
