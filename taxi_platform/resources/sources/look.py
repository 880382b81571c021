"""The last look at a source: what it had, and when that was. A look is a listing, never a download."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from taxi_platform.resources.sources.source import MonthSource, Source
from taxi_platform.trips.services import SERVICES, Service


@dataclass(frozen=True)
class Look:
    """What a source was seen to have of one service.

    Attributes:
        looked_at: When all of its months were looked at; some may have been looked at since.
        files: URL and fingerprint by month.
    """

    source: str
    service: str
    looked_at: str
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def fingerprint(self, month: str) -> tuple[str, str] | None:
        found = self.files.get(month)
        return None if found is None else (found[0], found[1])


def take_looks(
    source: Source,
    services: Iterable[Service],
    now: str,
    name: str,
    seen: Callable[[MonthSource], object] = lambda _: None,
) -> list[Look]:
    """Ask `source` what it has, service by service; it is known as `name`.

    Args:
        seen: Told of each file as it is found: some sources are asked month by month.

    Raises:
        SourceUnavailableError: It did not answer. A retry may help.
    """
    looks = []
    for service in services:
        files: dict[str, tuple[str, str]] = {}
        for file in source.published(service):
            files[file.month.key] = (file.url, file.fingerprint)
            seen(file)
        looks.append(Look(name, service.name, now, files))
    return looks


def updated(look: Look, seen: Mapping[str, MonthSource | None]) -> Look:
    """`look` after some of its months were looked at again; None in `seen` is a month that is not there."""
    kept = {month: file for month, file in look.files.items() if month not in seen}
    return replace(look, files={**kept, **files_of(seen)})


def files_of(seen: Mapping[str, MonthSource | None]) -> Mapping[str, Sequence[str]]:
    """What a look remembers of the files that were seen."""
    return {month: (file.url, file.fingerprint) for month, file in seen.items() if file is not None}


def save_look(look: Look, folder: Path) -> None:
    """Remember `look`; the one before it is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, look.source, look.service)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(json.dumps(asdict(look)))
    new.replace(path)


def last_looks(source_name: str, folder: Path) -> dict[str, Look]:
    """The last look at each service of the source of that name, where there was one that can be read."""
    looks = {service: last_look(source_name, service, folder) for service in SERVICES}
    return {service: look for service, look in looks.items() if look is not None}


def last_look(source_name: str, service: str, folder: Path) -> Look | None:
    """The last look at a service of the source of that name; None where there was none, or it cannot be read."""
    try:
        return Look(**json.loads(_path(folder, source_name, service).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _path(folder: Path, source_name: str, service: str) -> Path:
    return folder / f"{hashlib.sha256(source_name.encode()).hexdigest()[:16]}.{service}.json"
