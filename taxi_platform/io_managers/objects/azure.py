"""A container of Azure's blob storage, through Microsoft's own client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.objects.bucket_api import (
    CONNECT_S,
    IN_ONE_BYTES,
    NO_ANSWER,
    READ_S,
    Head,
    TakenError,
    Trouble,
)

_CREDENTIALS = (
    "Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and one of AZURE_STORAGE_ACCOUNT_KEY, "
    "AZURE_STORAGE_SAS_TOKEN, AZURE_TENANT_ID with AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run `az login`."
)
_KNOWN_BUT_NOT_ALLOWED = ("AuthorizationPermissionMismatch", "AuthorizationFailure", "InsufficientAccountPermissions")
_ACCESS = "Look at the roles: it needs those of a Storage Blob Data Contributor there."


class AzureApi:
    """Creation is an upload with `If-None-Match: *`, a swap one with `If-Match` and the ETag that was read.

    What is large goes up in blocks; only the request that commits them makes a blob of them, and that one carries the
    condition. Every block carries an MD5, which Azure verifies.
    """

    def __init__(self, bucket: str, variables: Mapping[str, str]) -> None:
        """
        Args:
            bucket: The container, or `container@account.dfs.core.windows.net`.
            variables: Azure's usual variables (`AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_ACCOUNT_NAME`, ...).

        Raises:
            SettingsError: Microsoft's client is missing, or the settings name no account.
        """
        self._name, _, host = bucket.partition("@")
        try:
            self._container = _client(self._name, host, variables)
        except ImportError:
            raise SettingsError(
                "Azure needs azure-storage-blob and azure-identity, which are not installed: "
                "pip install 'taxi-platform[azure]'."
            ) from None
        except ValueError:
            raise SettingsError(f"No account of Azure can be made out of what is set. {_CREDENTIALS}") from None

    def head(self, name: str) -> Head | None:
        with self._absent():
            found = self._container.get_blob_client(name).get_blob_properties()
            return Head(found.size, found.etag, found.metadata or {})
        return None

    def read(self, name: str, tag: str | None = None) -> bytes | None:
        with self._absent(), _taken():
            data: bytes = self._container.get_blob_client(name).download_blob(**_if(tag)).readall()
            return data
        return None

    def create(self, name: str, path: Path, about: Mapping[str, str]) -> None:
        with path.open("rb") as file, _taken():
            self._container.get_blob_client(name).upload_blob(
                file,
                length=path.stat().st_size,
                metadata=dict(about),
                overwrite=False,
                validate_content=True,
                max_concurrency=1,
            )

    def write(self, name: str, data: bytes, tag: str | None, about: Mapping[str, str]) -> None:
        with _taken():
            self._container.get_blob_client(name).upload_blob(
                data, metadata=dict(about), overwrite=tag is not None, validate_content=True, **_if(tag)
            )

    def download(self, name: str, path: Path) -> bool:
        with path.open("wb") as file, self._absent():
            self._container.get_blob_client(name).download_blob(max_concurrency=1).readinto(file)
            return True
        return False

    def names(self, folder: str) -> Iterator[str]:
        for found in self._container.walk_blobs(name_starts_with=folder or None, delimiter="/"):
            yield found.name.removeprefix(folder).rstrip("/")

    def found(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        for blob in self._container.list_blobs(name_starts_with=prefix):
            yield blob.name, blob.size, blob.last_modified.timestamp()

    def delete(self, name: str) -> None:
        with self._absent():
            self._container.get_blob_client(name).delete_blob()

    def sweep(self, prefix: str, before: float, *, dry_run: bool) -> Iterator[tuple[str, int, float]]:  # noqa: ARG002
        """Nothing: blocks that were not committed are not there, and after a week Azure forgets them."""
        yield from ()

    @contextlib.contextmanager
    def _absent(self) -> Iterator[None]:
        """Pass over that there is no such blob; but not that there is no such container."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            yield
        except ResourceNotFoundError as error:
            if _code(error) == "ContainerNotFound":
                raise

    def trouble(self, error: Exception) -> Trouble | None:
        from azure.core import exceptions as azure

        code = _code(error)
        if code == "ContainerNotFound":
            return Trouble(f"there is no container called {self._name} (404)", todo="Make it, or name another one.")
        if isinstance(error, azure.ClientAuthenticationError) and code not in _KNOWN_BUT_NOT_ALLOWED:
            return Trouble("Azure does not know these credentials", todo=_CREDENTIALS)
        if getattr(error, "status_code", None) == 403:
            return Trouble(f"Azure does not allow that in the container {self._name} (403)", todo=_ACCESS)
        if isinstance(error, azure.HttpResponseError) and error.status_code:
            retryable = error.status_code in (408, 409, 429) or error.status_code >= 500 or code == "Md5Mismatch"
            todo = NO_ANSWER if retryable else ""
            return Trouble(f"Azure answered {error.status_code} {code}".rstrip(), retryable=retryable, todo=todo)
        if isinstance(error, azure.AzureError | ConnectionError):
            return Trouble("Azure does not answer", retryable=True, todo=NO_ANSWER)
        return None


def _client(container: str, host: str, variables: Mapping[str, str]) -> Any:
    from azure.storage.blob import ContainerClient, LinearRetry

    options: dict[str, Any] = {
        "connection_timeout": CONNECT_S,
        "read_timeout": READ_S,
        # For a part that is lost; who waits longer, and longer each time, is the bucket.
        "retry_policy": LinearRetry(backoff=1, retry_total=2, random_jitter_range=1),
        "max_single_put_size": IN_ONE_BYTES,
        "max_block_size": IN_ONE_BYTES,
        "max_single_get_size": IN_ONE_BYTES,
        "max_chunk_get_size": IN_ONE_BYTES,
    }
    if whole := variables.get("AZURE_STORAGE_CONNECTION_STRING"):
        return ContainerClient.from_connection_string(whole, container, **options)
    account = host.partition(".")[0] or variables.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    if not account:
        raise ValueError
    address = variables.get("AZURE_STORAGE_ENDPOINT") or f"https://{account}.blob.core.windows.net"
    return ContainerClient(address, container, credential=_credential(account, variables), **options)


def _credential(account: str, variables: Mapping[str, str]) -> Any:
    if key := variables.get("AZURE_STORAGE_ACCOUNT_KEY"):
        return {"account_name": account, "account_key": key}
    if token := variables.get("AZURE_STORAGE_SAS_TOKEN"):
        from azure.core.credentials import AzureSasCredential

        return AzureSasCredential(token)
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    parts = [variables.get(f"AZURE_{name}", "") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
    return ClientSecretCredential(*parts) if all(parts) else DefaultAzureCredential()


def _if(tag: str | None) -> dict[str, Any]:
    """Only if the blob still has that ETag."""
    from azure.core import MatchConditions

    return {} if tag is None else {"etag": tag, "match_condition": MatchConditions.IfNotModified}


@contextlib.contextmanager
def _taken() -> Iterator[None]:
    """Azure's words for a blob that is there already, or is another one, as ours.

    Raises:
        TakenError: It is.
    """
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

    try:
        yield
    except (ResourceExistsError, ResourceModifiedError) as error:
        raise TakenError from error


def _code(error: Exception) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")
