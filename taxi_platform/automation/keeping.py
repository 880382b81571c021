"""How much of each month is kept, as it was set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from taxi_platform.errors import SettingsError

SETTINGS: Mapping[str, str] = {
    "TAXI_KEEP_VERSIONS": "so many versions of a month `taxi prune` keeps, the current one among them; default: 2",
    "TAXI_KEEP_RAW": "the same for raw; 0: not even the current file, once what came of it is in the lake",
    "TAXI_KEEP_CLEANED": "the same for cleaned; 0: not even the current file, once it is in the lake",
}


@dataclass(frozen=True)
class Keeping:
    """How many versions of a month each store keeps; raw and cleaned as many as the others where nothing was set."""

    versions: int = 2
    raw: int | None = None
    cleaned: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Keeping:
        """What settings make of it.

        Raises:
            SettingsError: One of them is no number, or not one that can be.
        """
        given = {name: values[name].strip() for name in SETTINGS if values.get(name, "").strip()}
        return cls(
            versions=_number("TAXI_KEEP_VERSIONS", given.get("TAXI_KEEP_VERSIONS", str(cls.versions)), 1),
            raw=_number("TAXI_KEEP_RAW", given["TAXI_KEEP_RAW"], 0) if "TAXI_KEEP_RAW" in given else None,
            cleaned=_number("TAXI_KEEP_CLEANED", given["TAXI_KEEP_CLEANED"], 0)
            if "TAXI_KEEP_CLEANED" in given
            else None,
        )

    def in_stage(self, stage: str) -> int:
        """How many versions of a month a stage keeps."""
        special = {"raw": self.raw, "cleaned": self.cleaned}.get(stage)
        return self.versions if special is None else special


def _number(name: str, value: str, least: int) -> int:
    if not re.fullmatch(r"\d{1,4}", value) or int(value) < least:
        raise SettingsError(f"{name}: {value!r} is not a number from {least} to 9999.")
    return int(value)
