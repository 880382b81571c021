"""Which format the publisher used when, as data. A new layout is one more entry here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from taxi_platform.resources.sources.sample.eras import Era, ParquetStyle
from taxi_platform.resources.sources.sample.words import FLAGS_AS_NUMBERS, WORDS_2009, WORDS_2010, WORDS_2011
from taxi_platform.trips.layouts import FileKind
from taxi_platform.trips.months import Month
from taxi_platform.trips.services import Service

FIRST_PARQUET: Mapping[str, Month] = {
    "yellow": Month(2021, 8),
    "green": Month(2021, 8),
    "fhv": Month(2020, 3),
    "fhvhv": Month(2020, 7),
}
"""Months before are CSVs, as they were before TLC replaced them by Parquet; later ones were Parquet from the start."""

_OLD_PARQUET = ParquetStyle("int64", "double", "string", "gzip", "1.0", has_null_type=True)
_NEW_PARQUET = ParquetStyle("int32", "int64", "large_string", "zstd", "2.6", types={"payment_type": "int64"})
_YELLOW_2009_PARQUET = replace(
    _OLD_PARQUET,
    count_type="int64",
    types={
        **dict.fromkeys(("vendor_id", "payment_type", "pickup_datetime", "dropoff_datetime"), "string"),
        **dict.fromkeys(("rate_code_id", "store_and_fwd_flag"), "double"),
    },
    has_null_type=False,
)
_YELLOW_2010_PARQUET = replace(
    _YELLOW_2009_PARQUET, types={**_YELLOW_2009_PARQUET.types, "rate_code_id": "string", "store_and_fwd_flag": "string"}
)
_GREEN_PARQUET = replace(_OLD_PARQUET, types={"payment_type": "double"})
_FHV_PARQUET = replace(
    _OLD_PARQUET, types=dict.fromkeys(("pickup_location_id", "dropoff_location_id", "shared_ride_flag"), "double")
)
_HIGH_VOLUME_PARQUET = replace(_NEW_PARQUET, text_type="string", types={"trip_time_seconds": "int64"})

_YELLOW_CSV_NULLS = ("vendor_id", "passenger_count", "rate_code_id", "store_and_fwd_flag", "payment_type")
_YELLOW_NULLS = ("passenger_count", "rate_code_id", "store_and_fwd_flag", "congestion_surcharge", "airport_fee")
_GREEN_NULLS = (
    *("passenger_count", "rate_code_id", "store_and_fwd_flag", "payment_type", "trip_type", "congestion_surcharge"),
)
_THREE_VENDORS = {1: 45, 2: 48, 3: 7}
_PAYMENTS = {1: 400, 2: 590, 3: 4, 4: 2, 5: 4}


def _in_words(first: Month, layout: str, **more: object) -> Era:
    """Yellow before 2015: words for codes, and in CSVs floats with all their digits."""
    by_year = {2009: WORDS_2009, 2010: WORDS_2010}
    era = Era(
        service="yellow",
        first=first,
        layout=layout,
        words=by_year.get(first.year, WORDS_2011),
        nulls=("rate_code_id",) if first.year == 2009 else (),
        vendors=_THREE_VENDORS if first.year < 2011 else {},
        payments=_PAYMENTS,
        long_floats=True,
    )
    return replace(era, **more)  # type: ignore[arg-type]


def _yellow(first: Month, layout: str, share: float = 0.0, **more: object) -> Era:
    nulls = _YELLOW_CSV_NULLS if "-csv-" in layout else _YELLOW_NULLS
    era = Era(service="yellow", first=first, layout=layout, block_share=share, block_nulls=nulls)
    return replace(era, **more)  # type: ignore[arg-type]


def _green(first: Month, layout: str, share: float = 0.0, **more: object) -> Era:
    nulls = ("vendor_id", *_GREEN_NULLS) if "-csv-" in layout else _GREEN_NULLS
    era = Era(service="green", first=first, layout=layout, block_share=share, block_nulls=nulls)
    return replace(era, **more)  # type: ignore[arg-type]


def _fhv(first: Month, layout: str, pickup: float, dropoff: float, shared: float, **more: object) -> Era:
    """A file that lacks these shares of its zones and of its flags for a shared ride."""
    zones = {"pickup_location_id": pickup, "dropoff_location_id": dropoff}
    # Until 2017-06 nearly nobody told when a trip ended.
    ends = {"dropoff_datetime": 0.95} if first < Month(2017, 7) else {}
    lacks = {**zones, **ends, "shared_ride_flag": shared, "affiliated_base_number": 0.05}
    return replace(Era(service="fhv", first=first, layout=layout, lacks=lacks), **more)  # type: ignore[arg-type]


def _high_volume(first: Month, layout: str, **more: object) -> Era:
    lacks = {"shared_ride_flag": 0.92, "on_scene_datetime": 0.27, "originating_base_num": 0.27}
    return replace(Era(service="fhvhv", first=first, layout=layout, lacks=lacks), **more)  # type: ignore[arg-type]


# Shares of the block: yellow 2020-04 and 2025-02, green 2020, 2022-01, 2024-01 and 2025-11 as published.
_YELLOW: Sequence[Era] = (
    _in_words(Month(2009, 1), "yellow-csv-2009"),
    _in_words(Month(2010, 1), "yellow-csv-2010"),
    _in_words(Month(2010, 2), "yellow-csv-2010", ragged=True),
    _in_words(Month(2010, 4), "yellow-csv-2010"),
    _in_words(Month(2011, 1), "yellow-csv-2010"),
    _in_words(Month(2014, 1), "yellow-csv-2014"),
    _yellow(Month(2015, 1), "yellow-csv-2015-01"),
    _yellow(Month(2015, 7), "yellow-csv-2015-07"),
    _yellow(Month(2016, 7), "yellow-csv-2016-07"),
    _yellow(Month(2017, 1), "yellow-csv-2017"),
    _yellow(Month(2019, 1), "yellow-csv-2019", 0.06),
    _in_words(Month(2009, 1), "yellow-parquet-2009", parquet=_YELLOW_2009_PARQUET, words=FLAGS_AS_NUMBERS),
    _in_words(Month(2010, 1), "yellow-parquet-2010", parquet=_YELLOW_2010_PARQUET),
    _in_words(Month(2010, 2), "yellow-parquet-2010", parquet=_YELLOW_2010_PARQUET, beyond=("__index_level_0__",)),
    _in_words(Month(2010, 4), "yellow-parquet-2010", parquet=_YELLOW_2010_PARQUET),
    _yellow(Month(2011, 1), "yellow-parquet-2011", parquet=_OLD_PARQUET),
    _yellow(Month(2019, 1), "yellow-parquet-2011", 0.05, parquet=_OLD_PARQUET),
)
_AIRPORT = {"airport_fee": "Airport_fee"}
_YELLOW_SINCE_2023 = (
    _yellow(Month(2023, 2), "yellow-parquet-2011", 0.05, spelling=_AIRPORT, parquet=_NEW_PARQUET),
    _yellow(Month(2025, 1), "yellow-parquet-2025", 0.20, parquet=_NEW_PARQUET),
    _yellow(
        Month(2026, 6),
        "yellow-parquet-2025",
        0.20,
        parquet=_NEW_PARQUET,
        beyond=("request_source",),
        lacks={"request_source": 0.25},
    ),
)
_GREEN: Sequence[Era] = (
    _green(Month(2013, 8), "green-csv-2013", nulls=("trip_type",)),
    # The header of 2014 has one more empty line after it than that of 2013-08.
    _green(Month(2014, 1), "green-csv-2013", nulls=("trip_type",), header_end="\n\n\r\n"),
    _green(Month(2014, 7), "green-csv-2013", header_end="\n\n\r\n"),
    _green(Month(2015, 1), "green-csv-2015-01"),
    _green(Month(2015, 7), "green-csv-2015-07"),
    _green(Month(2016, 1), "green-csv-2016-01"),
    _green(Month(2016, 7), "green-csv-2016-07"),
    _green(Month(2017, 1), "green-csv-2017"),
    _green(Month(2019, 1), "green-csv-2019", 0.37),
    _green(Month(2013, 8), "green-parquet-2014", nulls=("trip_type",), parquet=_GREEN_PARQUET),
    _green(Month(2014, 7), "green-parquet-2014", parquet=_GREEN_PARQUET),
    _green(Month(2019, 1), "green-parquet-2014", 0.11, parquet=_GREEN_PARQUET),
    _green(Month(2023, 2), "green-parquet-2014", 0.07, parquet=_NEW_PARQUET),
    _green(Month(2025, 1), "green-parquet-2025", 0.12, parquet=_NEW_PARQUET),
    _green(
        Month(2026, 6),
        "green-parquet-2025",
        0.12,
        parquet=_NEW_PARQUET,
        beyond=("request_source",),
        lacks={"request_source": 0.25},
    ),
)
_NO_FLAG = ("shared_ride_flag",)
_FHV: Sequence[Era] = (
    _fhv(Month(2015, 1), "fhv-csv-2015", 0.85, 1, 1),
    _fhv(Month(2017, 1), "fhv-csv-2017-01", 0.85, 0.95, 1),
    _fhv(Month(2017, 7), "fhv-csv-2017-07", 0.05, 0.05, 0.95),
    _fhv(Month(2018, 1), "fhv-csv-2018", 0.10, 0.05, 0.70, hollow=("Dispatching_base_num",)),
    _fhv(Month(2019, 1), "fhv-csv-2019", 0.80, 0.70, 0.99),
    _fhv(Month(2015, 1), "fhv-parquet-2015", 0.85, 1, 1, parquet=_FHV_PARQUET, nulls=_NO_FLAG),
    _fhv(Month(2017, 1), "fhv-parquet-2015", 0.80, 0.70, 1, parquet=_FHV_PARQUET, nulls=_NO_FLAG),
    _fhv(Month(2023, 1), "fhv-parquet-2015", 0.75, 0.20, 0.99, parquet=replace(_FHV_PARQUET, text_type="large_string")),
)
_HIGH_VOLUME: Sequence[Era] = (
    _high_volume(Month(2019, 2), "fhvhv-csv-2019"),
    _high_volume(Month(2020, 7), "fhvhv-csv-2020-07"),
    _high_volume(Month(2019, 2), "fhvhv-parquet-2019", parquet=_OLD_PARQUET, nulls=("wav_match_flag",)),
    _high_volume(Month(2020, 7), "fhvhv-parquet-2019", parquet=_OLD_PARQUET),
    _high_volume(Month(2023, 2), "fhvhv-parquet-2019", parquet=_HIGH_VOLUME_PARQUET),
    _high_volume(Month(2025, 1), "fhvhv-parquet-2025", parquet=_HIGH_VOLUME_PARQUET),
)

ERAS: Sequence[Era] = (*_YELLOW, *_YELLOW_SINCE_2023, *_GREEN, *_FHV, *_HIGH_VOLUME)


def era_of(service: Service, month: Month, kind: FileKind | None = None) -> Era:
    """The era to which `month` belongs, of the kind of file that is wanted or that the publisher wrote then."""
    wanted = kind or ("csv" if month < FIRST_PARQUET[service.name] else "parquet")
    fitting = (era for era in ERAS if (era.service, era.kind) == (service.name, wanted) and era.first <= month)
    return max(fitting, key=lambda era: era.first)
