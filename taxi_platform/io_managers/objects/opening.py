"""From a location to the store that keeps months there."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.objects.bucket import PATIENCE_S, Bucket
from taxi_platform.io_managers.objects.bucket_api import BucketApi
from taxi_platform.io_managers.objects.folder import Folder
from taxi_platform.io_managers.objects.store import ObjectStore

KINDS: Mapping[str, str] = {
    "": "file",
    "file": "file",
    "gs": "gcs",
    "s3": "s3",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
}
"""What lies at locations of a scheme, as Dagster's UI calls it."""

KNOWN = "a folder (a path, or file:///path), gs://bucket/prefix, s3://bucket/prefix, az://container/prefix, abfs://container@account.dfs.core.windows.net/prefix"
VARIABLES = ("GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST", "AWS_", "AZURE_")
"""How the settings begin that the clouds' clients know."""


@dataclass(frozen=True)
class Location:
    """Where months lie: a scheme, and either a path or a bucket and what is below it."""

    scheme: str
    bucket: str
    prefix: str

    @property
    def kind(self) -> str:
        """What lies there, as Dagster's UI calls it."""
        return KINDS[self.scheme]

    def __str__(self) -> str:
        if self.kind == "file":
            return self.prefix
        return "/".join(part for part in (f"{self.scheme}://{self.bucket}", self.prefix) if part)


def parse_location(text: str) -> Location:
    """The location that a setting means.

    Raises:
        SettingsError: It means none, or holds what should not be shown: credentials belong into their own settings.
    """
    match = re.match(r"([a-z][a-z0-9+.-]*):", text, re.IGNORECASE)
    scheme = match[1].lower() if match else ""
    if scheme not in KINDS:
        raise SettingsError(f"nothing here keeps months at {scheme}://. Known are {KNOWN}.")
    if KINDS[scheme] == "file":
        return Location(scheme, "", urlsplit(text).path if scheme else text)
    # By hand: in a prefix `#`, `?` and `%` are letters like others.
    bucket, _, prefix = text.partition(":")[2].removeprefix("//").partition("/")
    prefix = prefix.strip("/")
    names = r"[a-z0-9-]+@[a-z0-9.-]+" if scheme.startswith("abfs") else r"[\w.-]+"
    is_path = not prefix or not any(part in ("", ".", "..") for part in prefix.split("/"))
    # Azure takes a backslash for a slash, and nobody can type what does not print.
    if not re.fullmatch(names, bucket) or not is_path or "\\" in prefix or not prefix.isprintable():
        raise SettingsError(
            f"a location at {scheme}:// is a bucket and a prefix, without credentials and backslashes. "
            f"Known are {KNOWN}."
        )
    return Location(scheme, bucket, prefix)


def kind_of(location: str) -> str:
    """What lies at a location, as Dagster's UI calls it: file, gcs, s3, azure."""
    return parse_location(location).kind


def open_store(
    location: str,
    variables: Mapping[str, str] | None = None,
    spools: Path | None = None,
    *,
    patience_s: float = PATIENCE_S,
) -> ObjectStore:
    """The store at a location.

    Args:
        location: A folder, or a URL of a bucket and a prefix.
        variables: The usual variables of the bucket's cloud; the process's environment by default.
        spools: A local folder through which files pass on their way; a temporary one by default.

    Raises:
        SettingsError: There is no such kind of location, or its credentials are none.
    """
    found = parse_location(location)
    if found.kind == "file":
        return Folder(Path(found.prefix))
    api = _api(found.kind, found.bucket, tuple(sorted((variables or {}).items())))
    return Bucket(api, str(found), found.prefix, Folder(spools or _temporary()), patience_s=patience_s)


@functools.lru_cache(maxsize=32)
def _api(kind: str, bucket: str, variables: tuple[tuple[str, str], ...]) -> BucketApi:
    """One client a bucket: it keeps its connections, and its access until that ends."""
    return _apis()[kind](bucket, dict(variables))


def _apis() -> Mapping[str, Callable[[str, Mapping[str, str]], BucketApi]]:
    from taxi_platform.io_managers.objects.azure import AzureApi
    from taxi_platform.io_managers.objects.gcs import GcsApi
    from taxi_platform.io_managers.objects.s3 import S3Api

    return {"gcs": GcsApi, "s3": S3Api, "azure": AzureApi}


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"months-{os.getuid()}"
