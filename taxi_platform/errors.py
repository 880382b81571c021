"""What can go wrong, as one small tree. A message says what happened, to what, what was kept, what to do.

    TaxiError
    ├── SettingsError            a setting is missing or unknown
    ├── RequestError             a service, a month or a query that cannot be
    ├── SourceError
    │   ├── NotPublishedError    the source has no such month
    │   ├── SourceFileError      what arrived is not the month it claims to be
    │   └── SourceUnavailableError   (a retry may help)
    ├── LayoutError              the header is none we know
    ├── AccountingError          the counts do not add up: nothing was published
    ├── SchemaError              a column is missing or has another type: nothing was written
    └── StoreError
        ├── StoreFullError       no room left
        ├── DamagedStoreError    what lies there is not what was put there
        ├── SupersededError      something newer is there already
        └── StoreUnavailableError    (a retry may help)

`retryable` says whether doing the same again can help; nothing else decides about retries.
"""

from __future__ import annotations

from typing import ClassVar


class TaxiError(Exception):
    """Any failure that this platform can put into a sentence."""

    retryable: ClassVar[bool] = False


class SettingsError(TaxiError):
    """A setting is missing or has a value nobody knows."""


class RequestError(TaxiError):
    """What was asked for cannot be: a service, a month, a query."""


class SourceError(TaxiError):
    """The source did not give what was asked of it."""


class NotPublishedError(SourceError):
    """The source has no file of that month."""


class SourceFileError(SourceError):
    """What arrived is not the month it claims to be: an error page, half a file, a broken gzip."""


class SourceUnavailableError(SourceError):
    """The source did not answer, or not to the end."""

    retryable = True


class LayoutError(TaxiError):
    """The header of the file belongs to no layout of its service."""


class AccountingError(TaxiError):
    """Rows in are not rows kept plus rows rejected. Nothing was published.

    Attributes:
        counts: Rows in, kept and rejected, where they are known.
    """

    def __init__(self, message: str, counts: tuple[int, int, int] | None = None) -> None:
        super().__init__(message)
        self.counts = counts


class SchemaError(TaxiError):
    """A column is missing or has another type. Nothing was written."""


class StoreError(TaxiError):
    """A store could not do what it was asked to do."""


class StoreFullError(StoreError):
    """There is no room left. The old month stands."""


class DamagedStoreError(StoreError):
    """What lies in the store is not what was put there."""


class SupersededError(StoreError):
    """A newer version of the month is there already; it stays."""


class StoreUnavailableError(StoreError):
    """The store did not answer, or somebody else holds it."""

    retryable = True
