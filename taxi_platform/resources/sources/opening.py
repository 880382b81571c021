"""From a setting to a source."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
from pydantic import SecretStr

from taxi_platform.resources.credentials import Credentials, Variables
from taxi_platform.resources.sources.cloud_options import cloud_options
from taxi_platform.resources.sources.folder import FolderSource, check_folder, without_credentials
from taxi_platform.resources.sources.sample import SampleSource, parse_sample_uri
from taxi_platform.resources.sources.source import Source
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.resources.sources.web.publishers import PUBLISHERS
from taxi_platform.resources.sources.web.source import KnownToExist, SeenBefore, nobody_knows
from taxi_platform.resources.sources.web.uri import is_web_uri, parse_web_uri

KNOWN: Mapping[str, str] = {
    "sample": "trips made up on the spot, always the same; sample://?rows=100000&seed=1 for other ones",
    **{publisher.name: publisher.title for publisher in PUBLISHERS.values()},
    "a folder": "files named [{service}/]{service}_tripdata_YYYY-MM.{csv,csv.gz,parquet}",
    "a URL": "the same, wherever fsspec can read: https, gs, s3, abfs, ftp, ...",
}
"""The kinds of source, for `taxi sources` and for messages."""


def open_source(
    setting: str,
    variables: Mapping[str, str] | None = None,
    *,
    known_to_exist: KnownToExist = nobody_knows,
    seen_before: SeenBefore = nobody_knows,
    patience: Patience | None = None,
) -> Source:
    """The source that `setting` names.

    Args:
        variables: The usual variables of the cloud where the files lie; by default what its own rules find.
        known_to_exist, seen_before: What is known of a month that its publisher refuses: TLC says 403 both where
            nothing is and to who asks too often.
        patience: How much is borne before a publisher on the web counts as unavailable.

    Raises:
        SettingsError: It names none.
    """
    if setting == "sample" or setting.startswith("sample:"):
        return parse_sample_uri(setting)
    if is_web_uri(setting):
        return parse_web_uri(setting, known_to_exist=known_to_exist, seen_before=seen_before, patience=patience)
    check_folder(setting)
    return FolderSource(setting, cloud_options(urlsplit(setting).scheme, variables or {}))


class SourceResource(dg.ConfigurableResource[Any]):
    """Where the files come from. The URL may hold credentials: it is never shown, and nowhere kept.

    Attributes:
        uri: `sample`, `tlc`, `datatalks`, a folder, or a URL. No field but a dependency: Dagster writes the fields of
            resources into its history with every run, also those that it masks in its UI.
        credentials: `GoogleCredentials`, `S3Credentials`, `AzureCredentials` (or the usual variables of the cloud where
            the files lie); by default what that cloud's own rules find.
    """

    uri: dg.ResourceDependency[SecretStr]  # Dagster reads it: this file has no `from __future__ import annotations`
    credentials: dg.ResourceDependency[Variables]

    def __init__(
        self, uri: str | SecretStr, credentials: Credentials | Mapping[str, str] | Variables | None = None
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            uri=uri if isinstance(uri, SecretStr) else SecretStr(uri), credentials=Variables(credentials)
        )

    @property
    def shown(self) -> str:
        """The setting as it may be shown."""
        return without_credentials(self.uri.get_secret_value())

    def open(
        self,
        *,
        known_to_exist: KnownToExist = nobody_knows,
        seen_before: SeenBefore = nobody_knows,
        patience: Patience | None = None,
    ) -> Source:
        """The source itself, told what is known already.

        Raises:
            SettingsError: The setting names none.
        """
        return open_source(
            self.uri.get_secret_value(),
            self.credentials.read(),
            known_to_exist=known_to_exist,
            seen_before=seen_before,
            patience=patience,
        )


__all__ = ("KNOWN", "SampleSource", "SourceResource", "open_source")
