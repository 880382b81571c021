"""Who asks Google Cloud: a service account by its key, or whoever this machine is signed in as."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.errors import SettingsError

STORAGE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
BIGQUERY_SCOPE = "https://www.googleapis.com/auth/bigquery"

WHERE_CREDENTIALS_COME_FROM = (
    "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key, or GOOGLE_CREDENTIALS to the key "
    "itself, or run `gcloud auth application-default login`."
)


@dataclass(frozen=True)
class GoogleAccess:
    """Clients of Google Cloud, as the usual variables say.

    Attributes:
        variables: `GOOGLE_CREDENTIALS` (the key itself, JSON), else `GOOGLE_APPLICATION_CREDENTIALS` (its file), else
            what Google's own rules find on this machine; `GOOGLE_CLOUD_PROJECT`; and `STORAGE_EMULATOR_HOST` and
            `BIGQUERY_EMULATOR_HOST`, which need no credentials. Never shown.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def credentials(self, scopes: Sequence[str]) -> Any:
        """Credentials as `google.auth` has them; None where Google's own rules are to find them.

        Raises:
            SettingsError: What is set is no key. The message has nothing of it.
        """
        import google.auth
        from google.auth.exceptions import GoogleAuthError

        key, file = self.variables.get("GOOGLE_CREDENTIALS"), self.variables.get("GOOGLE_APPLICATION_CREDENTIALS")
        try:
            if key:
                return google.auth.load_credentials_from_dict(_as_dict(key), scopes=list(scopes))[0]  # type: ignore[no-untyped-call]
            if file:
                return google.auth.load_credentials_from_file(file, scopes=list(scopes))[0]  # type: ignore[no-untyped-call]
        except (GoogleAuthError, ValueError, OSError, AttributeError, KeyError) as error:
            raise SettingsError(
                f"No credentials for Google can be made of {'GOOGLE_CREDENTIALS' if key else f'the file {file}'} "
                f"({type(error).__name__}). {WHERE_CREDENTIALS_COME_FROM}"
            ) from None  # what was said may repeat the key
        return None

    def storage(self) -> Any:
        """A client of Google Cloud Storage."""
        from google.cloud import storage

        project = self.variables.get("GOOGLE_CLOUD_PROJECT") or "unknown"  # it wants a name; objects have no use for it
        if host := self.variables.get("STORAGE_EMULATOR_HOST"):
            return storage.Client(project, credentials=_nobody(), client_options={"api_endpoint": _address(host)})
        with _signing_in():
            return storage.Client(project=project, credentials=self.credentials([STORAGE_SCOPE]))

    def bigquery(self, project: str, location: str | None = None) -> Any:
        """A client of BigQuery, whose jobs `project` pays for."""
        from google.cloud import bigquery

        if host := self.variables.get("BIGQUERY_EMULATOR_HOST"):
            options = {"api_endpoint": _address(host)}
            return bigquery.Client(project, credentials=_nobody(), client_options=options, location=location)
        with _signing_in():
            return bigquery.Client(project, credentials=self.credentials([BIGQUERY_SCOPE]), location=location)


class GoogleResource(dg.ConfigurableResource[Any]):
    """The same as a resource of Dagster.

    Attributes:
        key_file: The file of a service account's key.
        project: Who pays, where nothing else says so.
        storage_emulator: Where an emulator of Google Cloud Storage is, if one is to be asked.
        bigquery_emulator: The same for BigQuery.
        key: The key itself, as JSON. No field but a dependency: Dagster writes the fields of resources into its history
            with every run. A `dg.EnvVar` is read when it is needed.
    """

    key_file: str = ""
    project: str = ""
    storage_emulator: str = ""
    bigquery_emulator: str = ""
    key: dg.ResourceDependency[SecretStr]  # Dagster reads it: this file has no `from __future__ import annotations`

    def __init__(self, key: str | SecretStr = "", **fields: Any) -> None:
        if isinstance(key, dg.EnvVar):
            key = key.get_value() or ""
        super().__init__(key=key if isinstance(key, SecretStr) else SecretStr(key), **fields)  # type: ignore[call-arg]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "GoogleResource":
        """What the usual variables say."""
        return cls(
            key=variables.get("GOOGLE_CREDENTIALS", ""),
            key_file=variables.get("GOOGLE_APPLICATION_CREDENTIALS", ""),
            project=variables.get("GOOGLE_CLOUD_PROJECT", ""),
            storage_emulator=variables.get("STORAGE_EMULATOR_HOST", ""),
            bigquery_emulator=variables.get("BIGQUERY_EMULATOR_HOST", ""),
        )

    @property
    def access(self) -> GoogleAccess:
        """The clients that these credentials open."""
        said = {
            "GOOGLE_CREDENTIALS": self.key.get_secret_value(),
            "GOOGLE_APPLICATION_CREDENTIALS": self.key_file,
            "GOOGLE_CLOUD_PROJECT": self.project,
            "STORAGE_EMULATOR_HOST": self.storage_emulator,
            "BIGQUERY_EMULATOR_HOST": self.bigquery_emulator,
        }
        return GoogleAccess({name: value for name, value in said.items() if value})


def _as_dict(key: str) -> dict[str, Any]:
    found = json.loads(key)
    if not isinstance(found, dict):
        raise ValueError(type(found))  # noqa: TRY004 (as any other key that is none)
    return found


def _address(host: str) -> str:
    return host if "://" in host else f"http://{host}"


def _nobody() -> Any:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _signing_in() -> Iterator[None]:
    """Say in a sentence that nobody is signed in."""
    from google.auth.exceptions import DefaultCredentialsError

    try:
        yield
    except DefaultCredentialsError:
        raise SettingsError(f"No credentials for Google were found. {WHERE_CREDENTIALS_COME_FROM}") from None
