"""The manifest of a month: the only thing in the store that ever changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from taxi_platform.errors import DamagedStoreError
from taxi_platform.trips.month_file import Partition, StoredFile

FORMAT = 1


@dataclass(frozen=True)
class Version:
    """One version of a month: what it is, and its files."""

    version: str
    as_of: str
    published_at: str
    run_id: str
    rows: int
    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """Which version is current, and which are kept, the newest last."""

    table: str
    partition: Partition
    current: str | None = None
    versions: tuple[Version, ...] = ()

    def get(self, version: str | None) -> Version | None:
        return next((kept for kept in self.versions if kept.version == version), None)

    def with_current(self, version: Version) -> Manifest:
        """This manifest with `version` as the current one, and last."""
        others = tuple(kept for kept in self.versions if kept.version != version.version)
        return replace(self, current=version.version, versions=(*others, version))

    def to_bytes(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Manifest | None:
        """The manifest in `data`; None where it cannot be read, as if there were none.

        Raises:
            DamagedStoreError: It was written by a later version of this platform.
        """
        try:
            content = json.loads(data)
            form = content.pop("format")
            if form > FORMAT:
                raise DamagedStoreError(
                    f"{where}: written by a later version of this platform (format {form}, known is {FORMAT}). "
                    "Nothing was changed. Upgrade taxi-platform."
                )
            versions = tuple(
                Version(**{**kept, "files": {role: StoredFile(**file) for role, file in kept["files"].items()}})
                for kept in content.pop("versions")
            )
            return cls(versions=versions, **content)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
