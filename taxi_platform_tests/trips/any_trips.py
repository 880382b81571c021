"""Random trips of any layout: what their file says, and what must come out of it. Nothing here asks the code."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from taxi_platform.trips.layouts import Layout
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import Service

VENDORS = {"CMT": 1, "VTS": 2, "DDS": 3}
PAYMENTS = {
    **dict.fromkeys(("Credit", "CREDIT", "CRE", "Cre", "CRD"), 1),
    **dict.fromkeys(("CASH", "Cash", "CSH", "CAS"), 2),
    **dict.fromkeys(("No Charge", "NOC", "No"), 3),
    **dict.fromkeys(("Dispute", "DIS", "Dis"), 4),
    **dict.fromkeys(("UNK", "NA"), 5),
}
NO_CODES = ("Barter", "nan", "Inf", "1e", "-", "na\u00efve", "\U0001f695")
"""Words that nobody has for a code; some of them look like numbers to a parser."""

FLAGS = {"Y": "Y", "N": "N", "y": "Y", " n ": "N", "*": "*", "x;y": "x;y", "\u00fc": "\u00fc"}
TAXI_FLAGS = {**FLAGS, "0": "N", "1": "Y", "1.0": "Y"}

PLAIN_TEXTS = ("B00013", "HV0003", "b-1", "a'b;c", "\u00fc", "\U0001f695", "null", "nan", "0", "a b", 'a"b', "\ta")
QUOTED_TEXTS = ('"', 'a"b', '""', "a,b", ",", "a\nb", "\r\n", 'say "no"\n', "a\rb")


@dataclass(frozen=True)
class Said:
    """What a file says in one field, and what must come out: by column, for some say two things at once."""

    value: Any
    means: dict[str, Any]


@dataclass(frozen=True)
class Trip:
    """A trip: what is said of it, by the publisher's names, and the row that must come out."""

    said: dict[str, Any]
    means: dict[str, Any]

    @property
    def rejected(self) -> str:
        return "passenger_count_zero" if self.means.get("passenger_count") == 0 else ""


def column_of(service: Service, name: str) -> Column:
    """The column that the publisher's `name` is for."""
    return next(column for column in service.columns if name.strip().lower() in column.sources)


def trips(service: Service, layout: Layout, *, quoted: bool) -> st.SearchStrategy[Trip]:
    """Trips as files of `layout` can hold them; `quoted`: with texts that a CSV must put in quotes."""
    fields = {name: _said(service, layout, name, quoted=quoted) for name in layout.header}
    return st.fixed_dictionaries(fields).map(lambda said: _trip(service, layout, said))


def _trip(service: Service, layout: Layout, said: dict[str, Said]) -> Trip:
    means: dict[str, Any] = dict.fromkeys(column.name for column in service.columns)
    for name in layout.header:
        # fhv of 2018 has two columns for the base: the first of the publisher's order that is not empty counts.
        means.update({column: value for column, value in said[name].means.items() if means[column] is None})
    return Trip({name: one.value for name, one in said.items()}, means)


def _said(service: Service, layout: Layout, name: str, *, quoted: bool) -> st.SearchStrategy[Said]:
    column = column_of(service, name)
    if column.type == "id" and name.strip().lower() in {text.strip().lower() for text in layout.text_codes}:
        words = VENDORS if column.name == "vendor_id" else PAYMENTS
        known = [Said(word, {column.name: code}) for word, code in words.items()]
        strange = [Said(word, {column.unmapped_to: word}) for word in NO_CODES]
        return st.sampled_from([Said(None, {}), *known, *strange])
    if column.name.endswith("flag") and column.type == "text":
        flags = TAXI_FLAGS if column.name == "store_and_fwd_flag" else FLAGS
        return st.sampled_from([Said(None, {}), *(Said(flag, {column.name: means}) for flag, means in flags.items())])
    return st.none().map(lambda _: Said(None, {})) | _values(column, quoted=quoted).map(
        lambda value: Said(value, {column.name: None if column.zero_is_missing and value == 0 else value})
    )


def _values(column: Column, *, quoted: bool) -> st.SearchStrategy[Any]:
    if column.type == "text":
        return st.sampled_from([*PLAIN_TEXTS, *(QUOTED_TEXTS if quoted else ())])
    if column.type == "id":
        return st.integers(0, 6) | st.integers(-(2**15), 2**15 - 1)
    if column.type == "seconds":
        return st.integers(0, 5000) | st.integers(-(2**31), 2**31 - 1)
    if column.type == "number":
        limit = 180 if column.zero_is_missing else 300_000
        return st.just(0.0) | st.floats(-limit, limit)
    if column.type in {"money", "miles"}:
        places = 2 if column.type == "money" else 3
        largest = Decimal(10) ** (12 - places) - Decimal(1).scaleb(-places)
        return st.decimals(-100, 100, places=places) | st.decimals(-largest, largest, places=places)
    return _times()


def _times() -> st.SearchStrategy[dt.datetime]:
    seconds = st.datetimes(dt.datetime(2020, 12, 31), dt.datetime(2021, 2, 1)).map(lambda t: t.replace(microsecond=0))
    odd = [dt.datetime(year, 1, 1) for year in (1, 1677, 1969, 2008, 2041, 2263, 3019)]
    return seconds | st.sampled_from([*odd, dt.datetime.max, dt.datetime(1969, 12, 31, 23, 59, 59, 1)]) | st.datetimes()
