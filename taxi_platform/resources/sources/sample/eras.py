"""Which format the publisher used when, as data. A new layout is one more entry here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taxi_platform.trips.layouts import Layout, normalised
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import Column
from taxi_platform.trips.services import Service


@dataclass(frozen=True)
class ParquetStyle:
    """How the publisher wrote Parquet in an era.

    Attributes:
        id_type: The Arrow type of identifiers.
        count_type: The Arrow type of the columns that may be null (`COUNTS`).
        types: Columns that depart from both, by the name that they have here.
    """

    id_type: str
    count_type: str
    text_type: str
    compression: str
    format_version: str
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Era:
    """The format of a service's months from `first` on, until the next era of that service.

    Attributes:
        layout: The id of the layout in `trips/` that is followed.
        spelling: Names of the header that the publisher spelled otherwise in this era alone.
        block_share: The share of rows at the end of the file that lack `block_nulls`.
        block_nulls: The columns that are empty there, by the names that they have here.
    """

    service: str
    first: Month
    layout: str
    ending: str
    block_share: float
    block_nulls: Sequence[str]
    spelling: Mapping[str, str] = field(default_factory=dict)
    parquet: ParquetStyle | None = None


COUNTS = ("passenger_count", "rate_code_id", "trip_type")
"""Columns that the publisher wrote as DOUBLE first, as pandas does with a nullable integer."""

_PARQUET_2021 = ParquetStyle("int64", "double", "string", "gzip", "1.0")
_PARQUET_2023 = ParquetStyle("int32", "int64", "large_string", "zstd", "2.6", types={"payment_type": "int64"})
_GREEN_2021 = ParquetStyle(
    "int64", "double", "string", "gzip", "1.0", types={"payment_type": "double", "ehail_fee": "null"}
)

_YELLOW_CSV_NULLS = ("vendor_id", "passenger_count", "rate_code_id", "store_and_fwd_flag", "payment_type")
_YELLOW_NULLS = (
    "passenger_count",
    "rate_code_id",
    "store_and_fwd_flag",
    "congestion_surcharge",
    "airport_fee",
)
_GREEN_NULLS = (
    "passenger_count",
    "rate_code_id",
    "store_and_fwd_flag",
    "payment_type",
    "trip_type",
    "congestion_surcharge",
)
_CAPITAL_AIRPORT_FEE = {"airport_fee": "Airport_fee"}

# Shares of the block: yellow 2020-04 and 2025-02, green 2020, 2022-01, 2024-01 and 2025-11 as published.
ERAS: Sequence[Era] = (
    Era("yellow", Month(2019, 1), "yellow-csv-2019", ".csv.gz", 0.06, _YELLOW_CSV_NULLS),
    Era(
        "yellow",
        Month(2021, 8),
        "yellow-parquet-2011",
        ".parquet",
        0.05,
        _YELLOW_NULLS,
        parquet=_PARQUET_2021,
    ),
    Era(
        "yellow",
        Month(2023, 2),
        "yellow-parquet-2011",
        ".parquet",
        0.05,
        _YELLOW_NULLS,
        spelling=_CAPITAL_AIRPORT_FEE,
        parquet=_PARQUET_2023,
    ),
    Era(
        "yellow",
        Month(2025, 1),
        "yellow-parquet-2025",
        ".parquet",
        0.20,
        _YELLOW_NULLS,
        spelling=_CAPITAL_AIRPORT_FEE,
        parquet=_PARQUET_2023,
    ),
    Era("green", Month(2019, 1), "green-csv-2019", ".csv.gz", 0.37, ("vendor_id", *_GREEN_NULLS)),
    Era("green", Month(2021, 8), "green-parquet-2014", ".parquet", 0.11, _GREEN_NULLS, parquet=_GREEN_2021),
    Era("green", Month(2023, 2), "green-parquet-2014", ".parquet", 0.07, _GREEN_NULLS, parquet=_PARQUET_2023),
    Era("green", Month(2025, 1), "green-parquet-2025", ".parquet", 0.12, _GREEN_NULLS, parquet=_PARQUET_2023),
)


def first_month(service: Service) -> Month | None:
    """The oldest month of `service` that can be made, or nothing if none can."""
    return min((era.first for era in ERAS if era.service == service.name), default=None)


def era_of(service: Service, month: Month) -> Era:
    """The era to which `month` belongs; the caller has seen that there is one (`first_month`)."""
    return max((era for era in ERAS if era.service == service.name and era.first <= month), key=lambda era: era.first)


def layout_of(service: Service, era: Era) -> Layout:
    return next(layout for layout in service.layouts if layout.id == era.layout)


def header_of(layout: Layout, era: Era) -> list[str]:
    """The header exactly as the publisher spelled it in `era`."""
    return [era.spelling.get(normalised(name), name) for name in layout.header]


def columns_of(service: Service, layout: Layout) -> list[Column]:
    """The target column behind each name of the layout's header, in the publisher's order."""
    targets = {source: column for column in service.columns for source in column.sources}
    return [targets[normalised(name)] for name in layout.header]
