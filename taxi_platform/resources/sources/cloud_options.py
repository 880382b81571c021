"""The usual variables of a cloud, as the file systems of fsspec want to be told them."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from taxi_platform.resources.google import address_of, in_words

_S3 = {
    "key": "AWS_ACCESS_KEY_ID",
    "secret": "AWS_SECRET_ACCESS_KEY",
    "token": "AWS_SESSION_TOKEN",
    "profile": "AWS_PROFILE",
    "endpoint_url": "AWS_ENDPOINT_URL",
}
_AZURE = {
    "connection_string": "AZURE_STORAGE_CONNECTION_STRING",
    "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
    "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
    "sas_token": "AZURE_STORAGE_SAS_TOKEN",
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
}


def cloud_options(scheme: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """What the file system of `scheme` is to be told, secrets in the open; nothing where it goes by its own rules.

    Raises:
        SettingsError: The credentials are none. Nothing of what is in them is said.
    """
    if scheme in ("s3", "s3a"):
        return _s3(variables)
    if scheme in ("gs", "gcs"):
        return _google(variables)
    if scheme in ("az", "abfs", "abfss"):
        return _azure(variables)
    return {}


def _those(names: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    return {option: variables[name] for option, name in names.items() if variables.get(name)}


def _s3(variables: Mapping[str, str]) -> dict[str, Any]:
    options = _those(_S3, variables)
    if endpoint := variables.get("AWS_ENDPOINT_URL_S3"):
        options["endpoint_url"] = endpoint
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    return options | ({"client_kwargs": {"region_name": region}} if region else {})


def _azure(variables: Mapping[str, str]) -> dict[str, Any]:
    options, endpoint = _those(_AZURE, variables), variables.get("AZURE_STORAGE_ENDPOINT")
    if not endpoint or "connection_string" in options:
        return options
    if key := options.get("account_key"):
        who = f"AccountName={options.get('account_name', '')};AccountKey={key}"
    elif token := options.get("sas_token"):
        who = f"SharedAccessSignature={token}"
    else:
        return options | {"account_host": urlsplit(endpoint).netloc}
    return {"connection_string": f"BlobEndpoint={endpoint};{who}"}


def _google(variables: Mapping[str, str]) -> dict[str, Any]:
    from fsspec.registry import register_implementation

    # The class that gcsfs itself names would ask a second API of Google's what kind of bucket it is, by another way
    # than the one that was set: that may lead nowhere, and to read files it need not know.
    for scheme in ("gs", "gcs"):
        missing = "Please install gcsfs to access Google Storage"
        register_implementation(scheme, "gcsfs.core.GCSFileSystem", clobber=True, errtxt=missing)
    if host := variables.get("STORAGE_EMULATOR_HOST"):
        return {"token": "anon", "endpoint_url": address_of(host)}
    options = _those(
        {
            "token": "GOOGLE_APPLICATION_CREDENTIALS",
            "project": "GOOGLE_CLOUD_PROJECT",
            "endpoint_url": "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE",
        },
        variables,
    )
    if key := variables.get("GOOGLE_CREDENTIALS"):
        with in_words(variables):
            options["token"] = json.loads(key)
    return options
