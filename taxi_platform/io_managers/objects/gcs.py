"""A bucket of Google Cloud Storage, through Google's own client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taxi_platform.io_managers.objects.bucket_api import (
    CONNECT_S,
    IN_ONE_BYTES,
    NO_ANSWER,
    READ_S,
    Head,
    TakenError,
    Trouble,
)
from taxi_platform.resources.google import HOW, storage_client

_TIMEOUT: Any = (CONNECT_S, READ_S)
_PART_PATIENCE_S = 30.0
_ACCESS = "Look at the roles of the service account: it needs storage.objects.get, .list, .create and .delete there."


class GcsApi:
    """Creation is an upload with `if_generation_match=0`, a swap one with the generation that was read.

    What is large goes up in a resumable upload: a part that is lost is sent again, and nothing is seen of it before
    the last. Every upload and download carries a CRC32C that both ends compare.
    """

    def __init__(self, bucket: str, variables: Mapping[str, str]) -> None:
        """
        Args:
            variables: Google's usual variables (`GOOGLE_APPLICATION_CREDENTIALS`, `STORAGE_EMULATOR_HOST`, ...), and
                `GOOGLE_CREDENTIALS`, the key itself as JSON. Without them what this process's environment says.

        Raises:
            SettingsError: The credentials in `variables` are none.
        """
        self._name = bucket
        self._bucket = storage_client(variables).bucket(bucket)

    def head(self, name: str) -> Head | None:
        blob = self._bucket.blob(name)
        with self._absent():
            blob.reload(timeout=_TIMEOUT, retry=None)
            return Head(blob.size, str(blob.generation), dict(blob.metadata or {}))
        return None

    def read(self, name: str, tag: str | None = None) -> bytes | None:
        generation = None if tag is None else int(tag)
        with self._absent(), _taken():
            data: bytes = self._bucket.blob(name).download_as_bytes(
                if_generation_match=generation, raw_download=True, timeout=_TIMEOUT, retry=None
            )
            return data
        return None

    def create(self, name: str, path: Path, about: Mapping[str, str]) -> None:
        blob = self._bucket.blob(name, chunk_size=IN_ONE_BYTES)
        blob.metadata = dict(about)
        with _taken():
            blob.upload_from_filename(
                str(path),
                content_type="application/octet-stream",
                if_generation_match=0,
                checksum="crc32c",
                timeout=_TIMEOUT,
                retry=_part_retry() if path.stat().st_size > IN_ONE_BYTES else None,
            )

    def write(self, name: str, data: bytes, tag: str | None, about: Mapping[str, str]) -> None:
        blob = self._bucket.blob(name)
        blob.metadata = dict(about)
        with _taken():
            blob.upload_from_string(
                data,
                content_type="application/json",
                if_generation_match=int(tag or 0),
                checksum="crc32c",
                timeout=_TIMEOUT,
                retry=None,
            )

    def download(self, name: str, path: Path) -> bool:
        with self._absent():
            self._bucket.blob(name).download_to_filename(
                str(path), raw_download=True, checksum="crc32c", timeout=_TIMEOUT, retry=_part_retry()
            )
            return True
        return False

    def names(self, folder: str) -> Iterator[str]:
        found = self._bucket.list_blobs(prefix=folder, delimiter="/", timeout=_TIMEOUT, retry=None)
        for blob in found:
            yield blob.name.removeprefix(folder)
        for below in found.prefixes:
            yield below.removeprefix(folder).rstrip("/")

    def found(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        for blob in self._bucket.list_blobs(prefix=prefix, timeout=_TIMEOUT, retry=None):
            yield blob.name, blob.size, blob.updated.timestamp()

    def delete(self, name: str) -> None:
        with self._absent():
            self._bucket.blob(name).delete(timeout=_TIMEOUT, retry=None)

    def sweep(self, prefix: str, before: float, *, dry_run: bool) -> Iterator[tuple[str, int, float]]:  # noqa: ARG002
        """Nothing: of an upload that was not finished nothing lies there, and after a week Google forgets it."""
        yield from ()

    @contextlib.contextmanager
    def _absent(self) -> Iterator[None]:
        """Pass over that there is no such object; but not that there is no such bucket."""
        from google.api_core.exceptions import NotFound

        try:
            yield
        except NotFound as error:
            if _no_bucket(error):
                raise

    def trouble(self, error: Exception) -> Trouble | None:  # noqa: PLR0911 (a list of cases)
        import google.auth.exceptions
        import requests
        import urllib3
        from google.api_core import exceptions as api
        from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

        if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
            return self.trouble(error.cause)
        if isinstance(error, google.auth.exceptions.TransportError):
            return Trouble("Google's sign-in does not answer", retryable=True, todo=NO_ANSWER)
        if isinstance(error, google.auth.exceptions.DefaultCredentialsError):
            return Trouble("no credentials for Google were found", todo=HOW)
        if isinstance(error, google.auth.exceptions.GoogleAuthError):
            return Trouble("Google does not know these credentials", todo=HOW)
        if isinstance(error, DataCorruption) or "doesn't match calculated" in str(error):
            return Trouble("what arrived has another checksum than what was sent", retryable=True, todo=NO_ANSWER)
        if isinstance(error, api.GoogleAPICallError):
            return self._refused(error.code or 0, str(error.message))
        if isinstance(error, InvalidResponse):
            return self._refused(error.response.status_code, error.response.text)
        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | ConnectionError):
            return Trouble("Google Cloud Storage does not answer", retryable=True, todo=NO_ANSWER)
        return None

    def _refused(self, code: int, message: str) -> Trouble:
        if code == 401:
            return Trouble("Google does not know these credentials (401)", todo=HOW)
        if code == 403:
            return Trouble(f"Google does not allow that in the bucket {self._name} (403)", todo=_ACCESS)
        if code == 404 and "bucket does not exist" in message:
            return Trouble(f"there is no bucket called {self._name} (404)", todo="Make it, or name another one.")
        # A resumable upload that Google has forgotten (404, 410) begins anew.
        retryable = code in (404, 408, 409, 410, 429) or code >= 500
        return Trouble(
            f"Google Cloud Storage answered {code}", retryable=retryable, todo=NO_ANSWER if retryable else ""
        )


@contextlib.contextmanager
def _taken() -> Iterator[None]:
    """Google's word for a generation that is another one, as ours.

    Raises:
        TakenError: It is.
    """
    from google.api_core.exceptions import PreconditionFailed

    try:
        yield
    except PreconditionFailed as error:
        raise TakenError from error


def _part_retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_PART_PATIENCE_S)


def _no_bucket(error: Any) -> bool:
    return "bucket does not exist" in str(error.message)
