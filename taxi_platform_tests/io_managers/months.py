"""Months as real files bring them: a pickup in 2008, a refund, a trip that ends before it starts, nulls, nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from taxi_platform.io_managers.stored import partition_date

TABLE = "cab_trips"
JANUARY, FEBRUARY, MARCH = "2021-01", "2021-02", "2021-03"

SCHEMA = pa.schema(
    [
        pa.field("source_row", pa.int64()),
        pa.field("pickup_datetime", pa.timestamp("us"), metadata={b"description": b"When the meter's clock started"}),
        pa.field("dropoff_datetime", pa.timestamp("us")),
        pa.field("passenger_count", pa.int16()),
        pa.field("total_amount", pa.decimal128(12, 2)),
        pa.field('tip "cash"', pa.float64()),
        pa.field("größe; drop", pa.string()),
        pa.field("source_month", pa.date32()),
    ]
)
"""Ugly names too: quotes, spaces, umlauts, a semicolon."""


def month_rows(month: str, seed: int = 0, rows: int = 6) -> pa.Table:
    """A month; another `seed` is another version of it, with other rows and another number of them."""
    rows += seed % 3
    day = partition_date(month)
    first = dt.datetime(day.year, day.month, day.day)
    pickups = [first + dt.timedelta(minutes=7 * row) for row in range(rows)]
    dropoffs = [pickup + dt.timedelta(minutes=12) for pickup in pickups]
    amounts = [Decimal(1000 + row * 7 + seed) / 100 for row in range(rows)]
    if rows:
        pickups[0] = dt.datetime(2008, 12, 31, 23, 59, 59, 999999)
        dropoffs[-1] = pickups[-1] - dt.timedelta(hours=1)
        amounts[-1] = Decimal("-12.34") - seed
    return pa.table(
        [
            range(1, rows + 1),
            pickups,
            dropoffs,
            [None if row % 3 == 0 else row % 5 for row in range(rows)],
            amounts,
            [None if row % 2 else 0.1 * row for row in range(rows)],
            [None if row % 4 == 1 else f"v{seed} ü\t\"x\",'y' \u2028 {row}" for row in range(rows)],
            [day] * rows,
        ],
        schema=SCHEMA,
    )


def many_rows(month: str, seed: int, rows: int = 100_000) -> pa.Table:
    """A month that takes a while to put down."""
    few = month_rows(month, seed, rows=997)
    whole = pa.concat_tables([few] * (rows // few.num_rows))
    return whole.set_column(0, "source_row", pa.array(range(1, whole.num_rows + 1), pa.int64()))


def empty_month() -> pa.Table:
    return SCHEMA.empty_table()


def in_order(table: pa.Table) -> pa.Table:
    """The same rows and columns, in one order, so that two tables can be compared."""
    names = sorted(table.schema.names)
    plain = pa.table({name: table[name].combine_chunks() for name in names})
    return plain.sort_by([(name, "ascending") for name in names if name == "source_row"])
