"""The manifest of a month: the only thing in the store that ever changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from taxi_platform.errors import DamagedStoreError
from taxi_platform.io_managers.stored import partition_date, table_name, utc_now
from taxi_platform.trips.month_file import Partition, StoredFile

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Version:
    """One version of a month: what it is, and its files.

    Attributes:
        replaced_at: When another one became the current one in its place; empty as long as it is the current one.
        pruned_at: When its files were removed because nobody needs them any more; empty as long as they are there.
    """

    version: str
    as_of: str
    published_at: str
    run_id: str
    rows: int
    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any]
    replaced_at: str = ""
    pruned_at: str = ""


@dataclass(frozen=True)
class Doomed:
    """A file that is being removed: until it is no longer written here, nothing may be put down under its name.

    Attributes:
        by: Whose word that is: only who gave it takes it back, or who comes a day later.
    """

    name: str
    at: str
    by: str


@dataclass(frozen=True)
class Manifest:
    """Which version is current, and which are kept, the newest last; and which files are on their way out.

    Attributes:
        sweeps: How often files were doomed: who put files down before that must look whether they are still there.
    """

    table: str
    partition: Partition
    current: str | None = None
    versions: tuple[Version, ...] = ()
    doomed: tuple[Doomed, ...] = ()
    sweeps: int = 0

    @property
    def forbidden(self) -> frozenset[str]:
        """Names under which nothing may be put down now."""
        return frozenset(one.name for one in self.doomed)

    @property
    def named(self) -> frozenset[str]:
        """The names of the files that must be there."""
        return frozenset(file.name for one in self.versions if not one.pruned_at for file in one.files.values())

    def get(self, version: str | None) -> Version | None:
        return next((kept for kept in self.versions if kept.version == version), None)

    def with_current(self, version: Version) -> Manifest:
        """This manifest with `version` as the current one, and last."""
        others = tuple(
            replace(kept, replaced_at=utc_now()) if kept.version == self.current else kept
            for kept in self.versions
            if kept.version != version.version
        )
        return replace(self, current=version.version, versions=(*others, replace(version, replaced_at="")))

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
            doomed = tuple(Doomed(**one) for one in content.pop("doomed", ()))
            return cls(versions=versions, doomed=doomed, **content)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


def folder_of(table: str, partition: Partition) -> str:
    """The folder of a month in its store.

    Raises:
        RequestError: One of the two cannot be part of a path.
    """
    if partition is None:
        return table_name(table)
    partition_date(partition)  # refuses what is no partition key before it becomes a path
    return f"{table_name(table)}/source_month={partition}"


def manifest_key(table: str, partition: Partition) -> str:
    """Where the manifest of a month is."""
    return f"{folder_of(table, partition)}/{MANIFEST}"
