"""Who we are for Google: for its Cloud Storage and for BigQuery."""

import contextlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.errors import SettingsError
from taxi_platform.resources.credentials import Credentials, Secret, secret, those_set

HOW = (
    "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key, or GOOGLE_CREDENTIALS to the key "
    "itself, or run `gcloud auth application-default login`."
)

_STORAGE = "https://www.googleapis.com/auth/devstorage.read_write"
_BIGQUERY = "https://www.googleapis.com/auth/bigquery"
_KEY_AND_FILE = ("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS")


class GoogleCredentials(Credentials):
    """A service account, or whoever Google's own rules find (application default credentials).

    Attributes:
        service_account_file: The file of a service account's key (or of another kind of credentials of Google's).
        service_account_json: The same, itself. It goes before the file.
        project: The project that pays and is asked, where that is not in the credentials.
        storage_url: Where Cloud Storage answers for this network (a private endpoint), if not where it usually does.
        bigquery_url: The same for BigQuery.
    """

    service_account_json: dg.ResourceDependency[SecretStr]
    service_account_file: str = ""
    project: str = ""
    storage_url: str = ""
    bigquery_url: str = ""

    def __init__(self, service_account_json: Secret = "", **fields: Any) -> None:
        super().__init__(service_account_json=secret(service_account_json), **fields)  # type: ignore[call-arg]

    def variables(self) -> dict[str, str]:
        return those_set(
            GOOGLE_CREDENTIALS=self.service_account_json,
            GOOGLE_APPLICATION_CREDENTIALS=self.service_account_file,
            GOOGLE_CLOUD_PROJECT=self.project,
            CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=self.storage_url,
            CLOUDSDK_API_ENDPOINT_OVERRIDES_BIGQUERY=self.bigquery_url,
        )

    def credentials(self, scopes: Sequence[str]) -> Any:
        """Google's own credentials; see `google_credentials`."""
        return google_credentials(self.variables(), scopes)


def google_credentials(variables: Mapping[str, str], scopes: Sequence[str]) -> Any:
    """Google's own credentials (`google.auth.credentials.Credentials`), which every client of Google's takes.

    Args:
        variables: `GOOGLE_CREDENTIALS`, the key itself as JSON, or `GOOGLE_APPLICATION_CREDENTIALS`, its file.
            Without them what Google's own rules find in this process's environment and on this machine.

    Raises:
        SettingsError: There are none, or they are none. Nothing of what is in them is said.
    """
    import google.auth

    key, file = (variables.get(name) for name in _KEY_AND_FILE)
    with in_words(variables), warnings.catch_warnings():
        # It warns of credentials that others sent us, which may lead to another sign-in than Google's. These are the
        # user's own, and may be of any kind: also federated ones, whose sign-in is elsewhere for good reason.
        warnings.simplefilter("ignore", DeprecationWarning)
        if key:
            return google.auth.load_credentials_from_dict(json.loads(key), scopes=scopes)[0]
        if file:
            return google.auth.load_credentials_from_file(file, scopes=scopes)[0]
        return google.auth.default(scopes=scopes)[0]


def storage_client(variables: Mapping[str, str]) -> Any:
    """A client of Cloud Storage; with `STORAGE_EMULATOR_HOST` one of an emulator, without credentials."""
    from google.cloud import storage

    if host := variables.get("STORAGE_EMULATOR_HOST"):
        return storage.Client("emulator", credentials=_nobody(), client_options={"api_endpoint": address_of(host)})
    project = variables.get("GOOGLE_CLOUD_PROJECT") or "unknown"  # the client wants a name; objects have no use for it
    options = _endpoint(variables, "STORAGE")
    with in_words(variables):
        return storage.Client(project=project, credentials=_credentials(variables, _STORAGE), client_options=options)


def bigquery_client(variables: Mapping[str, str], project: str, location: str | None = None) -> Any:
    """A client of BigQuery, whose jobs `project` pays for; with `BIGQUERY_EMULATOR_HOST` one of an emulator."""
    from google.cloud import bigquery

    if host := variables.get("BIGQUERY_EMULATOR_HOST"):
        emulator = {"api_endpoint": address_of(host)}
        return bigquery.Client(project, credentials=_nobody(), client_options=emulator, location=location)
    options = _endpoint(variables, "BIGQUERY")
    with in_words(variables):
        credentials = _credentials(variables, _BIGQUERY)
        return bigquery.Client(project, credentials=credentials, client_options=options, location=location)


def _credentials(variables: Mapping[str, str], scope: str) -> Any:
    """Those that are named; None where the client is to go by Google's own rules: they know emulators too."""
    is_named = any(variables.get(name) for name in _KEY_AND_FILE)
    return google_credentials(variables, [scope]) if is_named else None


def _endpoint(variables: Mapping[str, str], service: str) -> dict[str, str] | None:
    address = variables.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service}", "").rstrip("/")
    return {"api_endpoint": address} if address else None


def address_of(host: str) -> str:
    """Where an emulator answers, whose variable may say it without `http://`."""
    return host if "://" in host else f"http://{host}"


def _nobody() -> Any:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()


@contextlib.contextmanager
def in_words(variables: Mapping[str, str]) -> Iterator[None]:
    """What is wrong with credentials as a sentence, without what is in them.

    Raises:
        SettingsError: They are none.
    """
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    key, file = (variables.get(name) for name in _KEY_AND_FILE)
    try:
        yield
    except (GoogleAuthError, ValueError, OSError, AttributeError, TypeError) as error:
        if key:
            what = "GOOGLE_CREDENTIALS is not the JSON of a service account's key"
        elif file:
            what = f"GOOGLE_APPLICATION_CREDENTIALS: {file} is no file of a service account's key, or cannot be read"
        else:
            is_none = isinstance(error, DefaultCredentialsError)
            what = "no credentials for Google were found" if is_none else "the credentials for Google cannot be used"
        raise SettingsError(f"{what}. {HOW}") from None
