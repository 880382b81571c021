"""From a setting to a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from taxi_platform.resources.sources.folder import FolderSource, check_folder
from taxi_platform.resources.sources.sample import SampleSource, parse_sample_uri
from taxi_platform.resources.sources.source import Source

KNOWN: Mapping[str, str] = {
    "sample": "trips made up on the spot, always the same; sample://?rows=100000&seed=1 for other ones",
    "a folder": "files named [{service}/]{service}_tripdata_YYYY-MM.{csv,csv.gz,parquet}",
    "a URL": "the same, wherever fsspec can read: https, gs, s3, abfs, ftp, ...",
}
"""The kinds of source, for `taxi sources` and for messages."""


def open_source(setting: str) -> Source:
    """The source that `setting` names.

    Raises:
        SettingsError: It names none.
    """
    if setting == "sample" or setting.startswith("sample:"):
        return parse_sample_uri(setting)
    check_folder(setting)
    return FolderSource(setting)


class SourceResource(dg.ConfigurableResource[Any]):
    """Where the files come from. The URL may hold credentials: it is never shown.

    Attributes:
        uri: `sample`, a folder, or a URL.
    """

    uri: str = Field(repr=False, json_schema_extra={"dagster__is_secret": True})

    def open(self) -> Source:
        """The source itself.

        Raises:
            SettingsError: The setting names none.
        """
        return open_source(self.uri)


__all__ = ("KNOWN", "SampleSource", "SourceResource", "open_source")
