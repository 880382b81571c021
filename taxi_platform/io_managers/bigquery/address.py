"""Where a BigQuery warehouse is: `bigquery://project/dataset?location=EU`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taxi_platform.errors import SettingsError

SCHEME = "bigquery"
EXAMPLE = "bigquery://project/dataset?location=EU"

_URI = re.compile(r"bigquery://(?P<project>[^/?#@]+)/(?P<dataset>[^/?#@]+)/?(?:\?(?P<query>.*))?", re.DOTALL)
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{2,61}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")


@dataclass(frozen=True)
class BigQueryAddress:
    """A dataset of a project, which also pays for the jobs.

    Attributes:
        location: Where the dataset is said to be; None to take it as it is.
        maximum_bytes_billed: What one question of `taxi query` may cost at most.
    """

    project: str
    dataset: str
    location: str | None = None
    maximum_bytes_billed: int | None = None

    def __post_init__(self) -> None:
        """Let no name in that BigQuery cannot have: they stand in backticks in SQL.

        Raises:
            SettingsError: One is none.
        """
        for what, value, names in (
            ("project", self.project, _PROJECT),
            ("dataset", self.dataset, _DATASET),
            ("location", self.location, _LOCATION),
        ):
            if value is not None and not names.fullmatch(value):
                raise SettingsError(
                    f"{value[:60]!r} cannot be the {what} of a BigQuery warehouse. Write {EXAMPLE}: a project has "
                    "small letters, digits and hyphens, a dataset letters, digits and underscores, at most 1,024."
                )

    @property
    def shown(self) -> str:
        """For people."""
        return f"bigquery://{self.project}/{self.dataset}"


def parse_address(uri: str) -> BigQueryAddress:
    """The address that `uri` says.

    Raises:
        SettingsError: It is none.
    """
    match = _URI.fullmatch(uri)
    words = dict(word.partition("=")[::2] for word in (match["query"] or "").split("&") if word) if match else {}
    limit = words.pop("maximum_bytes_billed", None)
    location = words.pop("location", None)
    if match is None or words or (limit is not None and not re.fullmatch(r"[1-9][0-9]{0,17}", limit)):
        raise SettingsError(
            f"This is no address of a BigQuery dataset. Write {EXAMPLE}, and, if you like, "
            "maximum_bytes_billed=10000000000 as well. Credentials have settings of their own."
        )
    return BigQueryAddress(match["project"], match["dataset"], location, None if limit is None else int(limit))
