"""What a look at the source gave, kept for the run that follows in the same process: nobody is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taxi_platform.errors import TaxiError
from taxi_platform.resources.sources.source import Source, SourceFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service

_given: dict[tuple[str, Month], SourceFile | TaxiError] = {}


@contextmanager
def handed_over() -> Iterator[None]:
    """Within this, what `look` gave is what `find` gives, once. At the end it is forgotten."""
    try:
        yield
    finally:
        _given.clear()


def look(source: Source, service: Service, month: Month) -> SourceFile:
    """The file that the source has of a month.

    Raises:
        TaxiError: What the source says of a month that it does not give; `find` will say it again.
    """
    try:
        file = _given[service.name, month] = source.find(service, month)
    except TaxiError as error:
        _given[service.name, month] = error
        raise
    return file


def find(source: Source, service: Service, month: Month) -> SourceFile:
    """The same, from the last look if that was for this; from the source itself otherwise, and where it is tried again.

    Raises:
        TaxiError: As `look`.
    """
    given = _given.pop((service.name, month), None)
    if isinstance(given, TaxiError):
        raise given
    return given or source.find(service, month)
