"""Any folder or URL that fsspec can read, arranged as a publisher's: `[{service}/]{service}_tripdata_YYYY-MM.*`."""

from __future__ import annotations

import datetime as dt
import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from taxi_platform.errors import (
    NotPublishedError,
    SettingsError,
    SourceError,
    SourceUnavailableError,
    TaxiError,
)
from taxi_platform.resources.sources.source import Habits, MonthSource, Progress, SourceFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import SERVICES, Service
from taxi_platform.trips.zones import ZONES_FILE

if TYPE_CHECKING:
    import fsspec

ENDINGS = ("parquet", "csv.gz", "csv")
"""Where a folder has a month twice, the first of these counts: TLC's Parquet replaced its CSV."""

_ZONES_FOLDERS = ("zones", "misc")
_CHUNK_BYTES = 1 << 20
_MONTH = r"_tripdata_([12]\d{3}-(?:0[1-9]|1[0-2]))\."
_ENDINGS = "|".join(map(re.escape, ENDINGS))
_OF_A_SERVICE = re.compile(rf"(?:{'|'.join(SERVICES)}){_MONTH}(?:{_ENDINGS})")
_OF_DATA = re.compile(rf"[^._].*\.(?:{_ENDINGS})")


class FolderSource:
    """Monthly files in a folder, local or remote. It is only ever read.

    Attributes:
        options: What the file system of the URL is to be told; see `cloud_options`.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self._url, self._options = url, dict(options or {})
        self.name = without_credentials(url)
        self.habits = Habits(is_ours=urlsplit(url).scheme in ("", "file"))

    def find(self, service: Service, month: Month) -> MonthSource:
        stem = service.file_stem(month)
        with self._in_words(stem):
            system, root = self._open()
            for path in self._candidates(root, service, stem):
                try:
                    info = system.info(path)
                except FileNotFoundError:
                    continue
                if info.get("type") != "directory":
                    return self._source_file(system, service, month, info, path)
        names = ", ".join(f"{stem}.{ending}" for ending in ENDINGS)
        raise NotPublishedError(f"{self.name} has no {service.name} {month}: none of {names} is there.")

    def published(self, service: Service) -> Iterable[MonthSource]:
        pattern = re.compile(rf"{service.name}{_MONTH}({_ENDINGS})")
        found: dict[Month, tuple[int, MonthSource]] = {}
        with self._in_words(f"the {service.name} files"):
            system, root = self._open()
            for rank, folder in enumerate((f"{root}/{service.name}", root)):
                for info in _listed(system, folder):
                    path = str(info["name"])
                    match = pattern.fullmatch(path.rsplit("/", 1)[-1])
                    if match is None or info.get("type") == "directory":
                        continue
                    month = Month.parse(match[1])
                    order = rank * len(ENDINGS) + ENDINGS.index(match[2])
                    if month not in found or order < found[month][0]:
                        found[month] = order, self._source_file(system, service, month, info, path)
        return [found[month][1] for month in sorted(found)]

    def strangers(self) -> list[str]:
        with self._in_words("files"):
            system, root = self._open()
            files = (info for info in _listed(system, root) if info.get("type") != "directory")
            names = (str(info["name"]).rsplit("/", 1)[-1] for info in files)
            return sorted(
                name
                for name in names
                if _OF_DATA.fullmatch(name) and not _OF_A_SERVICE.fullmatch(name) and name != ZONES_FILE
            )

    def find_zones(self) -> SourceFile:
        with self._in_words(ZONES_FILE):
            system, root = self._open()
            for folder in (*(f"{root}/{name}" for name in _ZONES_FOLDERS), root):
                path = f"{folder}/{ZONES_FILE}"
                try:
                    info = system.info(path)
                except FileNotFoundError:
                    continue
                return SourceFile(**_described(system, info, path))
        raise NotPublishedError(
            f"{self.name} has no {ZONES_FILE}, neither on its own nor in a folder {' or '.join(_ZONES_FOLDERS)}."
        )

    def fetch(self, file: SourceFile, to: Path, progress: Progress) -> None:
        with self._in_words(file.name):
            system, root = self._open()
            folders = (file.service,) if isinstance(file, MonthSource) else _ZONES_FOLDERS
            places = [*(f"{root}/{folder}/{file.name}" for folder in folders), f"{root}/{file.name}"]
            path = next((place for place in places if system.exists(place)), places[0])
            moved = 0
            with system.open(path, "rb") as source, to.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    moved += len(chunk)
                    progress(len(chunk))
            now = _fingerprint(system.info(path))
        if now != file.fingerprint or file.size_bytes not in (None, moved):
            raise SourceUnavailableError(
                f"{self.name}: {file.name} changed while it was read ({moved:,} bytes came). Nothing was kept. "
                "Load the month again when it is complete."
            )

    def _open(self) -> tuple[fsspec.AbstractFileSystem, str]:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(self._url, **self._options)
        system.invalidate_cache()  # a file system keeps its listings for as long as the process lives, unless told
        return system, str(root).rstrip("/")

    def _candidates(self, root: str, service: Service, stem: str) -> Iterator[str]:
        for folder in (f"{root}/{service.name}", root):
            for ending in ENDINGS:
                yield f"{folder}/{stem}.{ending}"

    def _source_file(
        self, system: fsspec.AbstractFileSystem, service: Service, month: Month, info: dict[str, Any], path: str
    ) -> MonthSource:
        return MonthSource(service=service.name, month=month, **_described(system, info, path))

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        """Whatever a file system raises, as our sentence. Its own words may hold credentials: only its kind is told.

        Of a library that is missing all is told: it says what to install.
        """
        try:
            yield
        except TaxiError:
            raise
        except FileNotFoundError:
            raise NotPublishedError(f"{self.name} has no {what}.") from None
        except ImportError as error:
            raise SourceError(f"{self.name} cannot be read yet: {error}. Nothing was kept.") from None
        except (OSError, EOFError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # our own disk, not the source: said where the file is kept
            kind = SourceError if isinstance(error, PermissionError) else SourceUnavailableError
            raise kind(
                f"{self.name}: {what} could not be read ({type(error).__name__}). Nothing was kept. Try again."
            ) from None
        except Exception as error:  # noqa: BLE001 (every file system has errors of its own)
            raise SourceError(
                f"{self.name}: {what} could not be read ({type(error).__name__}). Nothing was kept."
            ) from None


def check_folder(url: str) -> None:
    """Refuse a local folder that is not there, and a kind of URL that nothing here can read.

    Raises:
        SettingsError: It is one of these.
    """
    from fsspec.registry import known_implementations

    try:
        scheme, _ = urlsplit(url).scheme, urlsplit(url).port
    except ValueError:  # in urllib's words, which may hold the password
        raise SettingsError(
            "The source is no URL that can be read: its port is no number, or its brackets do not match. "
            "Write what is special in the name or the password of a user as %40 and the like."
        ) from None
    if "::" in url and scheme:
        raise SettingsError("The source is a chain of URLs (with ::). Name the one where the files lie.")
    if scheme and scheme not in known_implementations:
        raise SettingsError(
            f"{without_credentials(url)!r} is no source: nothing here reads {scheme}://. "
            "Known are sample, tlc, datatalks, a folder, and the URLs that fsspec reads (file, http, https, gs, s3, "
            "abfs, ftp, ...)."
        )
    if scheme in ("", "file"):
        folder = Path(urlsplit(url).path if scheme else url)
        if not folder.is_dir():
            raise SettingsError(
                f"There is no folder {folder}. A source is sample, tlc, datatalks, a folder that is there, or a URL."
            )


def without_credentials(url: str) -> str:
    """`url` as it may be shown: no user, no password, no query (it may be signed). Never fails."""
    scheme, is_url, rest = url.rpartition("://")
    if not is_url or not rest or rest[0] in "/?":
        return url
    try:
        parts = urlsplit(f"//{rest}")
        _ = parts.port
    except ValueError:  # nobody can say where its password ends
        return f"{scheme}://{rest.rpartition('@')[2]}"
    return urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _listed(system: fsspec.AbstractFileSystem, folder: str) -> list[dict[str, Any]]:
    try:
        return list(system.ls(folder, detail=True))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _described(system: fsspec.AbstractFileSystem, info: dict[str, Any], path: str) -> dict[str, Any]:
    return {
        "name": path.rsplit("/", 1)[-1],
        "url": without_credentials(str(system.unstrip_protocol(path))),
        "size_bytes": info.get("size"),
        "fingerprint": _fingerprint(info),
    }


def _fingerprint(info: dict[str, Any]) -> str:
    """What the file system says of a file that changes when the file does."""
    for name in ("ETag", "etag", "md5Hash", "generation", "sha256"):
        if info.get(name):
            return f"{name.lower()}={info[name]}"
    modified = info.get("mtime") or info.get("LastModified") or info.get("last_modified") or info.get("created")
    if isinstance(modified, dt.datetime):  # some file systems say it so in a file's info, and as a number in a listing
        modified = modified.timestamp()
    return f"size={info.get('size')} modified={modified} file={info.get('ino', '')}"
