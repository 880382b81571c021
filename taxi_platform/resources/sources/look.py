"""The last look at a source: what it had, and when that was. A look is a listing, never a download."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxi_platform.resources.sources.source import MonthSource, Source
from taxi_platform.trips.services import Service


@dataclass(frozen=True)
class Look:
    """What a source had when it was looked at.

    Attributes:
        files: URL and fingerprint by service and month.
    """

    source: str
    looked_at: str
    files: Mapping[str, Mapping[str, Sequence[str]]]

    def fingerprint(self, service: str, month: str) -> tuple[str, str] | None:
        found = self.files.get(service, {}).get(month)
        return None if found is None else (found[0], found[1])


def take_look(
    source: Source,
    services: Sequence[Service],
    now: str,
    name: str,
    seen: Callable[[MonthSource], object] = lambda _: None,
) -> Look:
    """Ask `source` what it has, and remember it under `name`.

    Args:
        seen: Told of each file as it is found: some sources are asked month by month.

    Raises:
        SourceUnavailableError: It did not answer. A retry may help.
    """
    files: dict[str, dict[str, tuple[str, str]]] = {}
    for service in services:
        files[service.name] = {}
        for file in source.published(service):
            files[service.name][file.month.key] = (file.url, file.fingerprint)
            seen(file)
    return Look(name, now, files)


def save_look(look: Look, folder: Path) -> None:
    """Remember `look`; the one before it is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, look.source)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(json.dumps(look.__dict__))
    new.replace(path)


def last_look(source_name: str, folder: Path) -> Look | None:
    """The last look at the source of that name; None where there was none, or it cannot be read."""
    try:
        return Look(**json.loads(_path(folder, source_name).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _path(folder: Path, source_name: str) -> Path:
    return folder / f"{hashlib.sha256(source_name.encode()).hexdigest()[:16]}.json"
