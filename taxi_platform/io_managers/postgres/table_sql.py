"""The SQL of a month in Postgres. Identifiers are composed, never formatted; values are parameters or literals."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from taxi_platform.io_managers.postgres.arrow_types import postgres_type
from taxi_platform.io_managers.postgres.catalogue import Column
from taxi_platform.io_managers.table_columns import description_of

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

LEDGER_COLUMNS = """
    table_name text NOT NULL,
    source_month date,
    version text NOT NULL,
    as_of text NOT NULL,
    rows bigint NOT NULL,
    rejected bigint NOT NULL,
    control_sums text NOT NULL,
    schema_version integer NOT NULL,
    loaded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (table_name, source_month)
"""
"""The month of a table without partitions is NULL, and there is one of it."""

OF_LEDGER = SQL("table_name = %s AND source_month IS NOT DISTINCT FROM %s::date")
"""What picks a partition's row of the ledger."""

LONGEST_NAME = 63


def of_server(text: str) -> SQL:
    """SQL that Postgres itself wrote: the name of a type, what an index is made of. Nothing in it is anybody else's."""
    return SQL(text)


def names(columns: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def column_of(field: pa.Field) -> Column:
    """The column that keeps an Arrow column."""
    return Column(postgres_type(field), not_null=False, collation=None)


def create_table(name: Identifier, columns: Mapping[str, Column], partition_column: str | None = None) -> Composed:
    """A table of these columns; where it is partitioned, by the one value of a column."""
    by = SQL("") if partition_column is None else SQL(" PARTITION BY LIST ({})").format(Identifier(partition_column))
    return SQL("CREATE TABLE {} ({}){}").format(name, column_definitions(columns), by)


def column_definitions(columns: Mapping[str, Column]) -> Composed:
    """What stands between the brackets of a CREATE TABLE."""
    return SQL(", ").join(_column(*column) for column in columns.items())


def add_columns(name: Identifier, columns: Mapping[str, Column]) -> Composed:
    parts = SQL(", ").join(SQL("ADD COLUMN {}").format(_column(*column)) for column in columns.items())
    return SQL("ALTER TABLE {} {}").format(name, parts)


def _column(name: str, column: Column) -> Composed:
    collation = "" if column.collation is None else f" COLLATE {column.collation}"
    not_null = " NOT NULL" if column.not_null else ""
    return SQL("{} {}").format(Identifier(name), of_server(f"{column.type}{collation}{not_null}"))


def comments(schema: str, table: str, fields: Iterable[pa.Field]) -> Iterator[Composed]:
    """The descriptions of columns as their comments, where they have one."""
    for field in fields:
        if (text := description_of(field)) is not None:
            yield SQL("COMMENT ON COLUMN {} IS {}").format(Identifier(schema, table, field.name), Literal(text))


def create_index(name: Identifier, made_of: tuple[bool, Composable]) -> Composed:
    """An index with a name that Postgres chooses. `made_of`: whether it is unique, and `USING btree (a, b)`."""
    unique, using = made_of
    return SQL("CREATE {}INDEX ON {} {}").format(SQL("UNIQUE " if unique else ""), name, using)


def first_indexes(
    columns: Mapping[str, Column], partition_column: str | None, unique_columns: Sequence[str]
) -> list[tuple[bool, Composable]]:
    """The indexes of a new table: a small one on its first time, and one that lets no row in twice."""
    made_of: list[tuple[bool, Composable]] = []
    times = [name for name, column in columns.items() if column.type.startswith("timestamp ")]
    if times:
        made_of.append((False, SQL("USING brin ({})").format(names(times[:1]))))
    if unique_columns and set(unique_columns) <= set(columns):
        # An index of a partitioned table can be unique only together with what tells its partitions apart. That comes
        # last: in a partition all rows agree in it, and comparing it first takes time.
        key = [*unique_columns, *([partition_column] if partition_column else [])]
        made_of.append((True, SQL("USING btree ({})").format(names(dict.fromkeys(key)))))
    return made_of


def of_month(partition_column: str, days: Iterable[dt.date | None]) -> Composed:
    """What picks the rows of some partitions; of a table without partitions (None) all rows."""
    known = [Literal(day) for day in days if day is not None]
    if not known:
        return SQL("true").format()
    return SQL("{} IN ({})").format(Identifier(partition_column), SQL(", ").join(known))


def sums(columns: Iterable[str]) -> Composed:
    """More of a SELECT: the sum of each column, 0 where there is nothing."""
    return SQL("").join(SQL(", coalesce(sum({}), 0)").format(Identifier(name)) for name in columns)


def create_view(schema: str, view: LookupView, first: Sequence[str], columns: Iterable[str]) -> Composed:
    """The rows of the view's table, each once: what the lookup does not know is NULL.

    Args:
        first: The columns in the order that the view has now: Postgres lets a view only grow at its end.
        columns: Those of the view's table.
    """
    said = {name: SQL("{}.{}").format(Identifier(view.table), Identifier(name)) for name in columns} | {
        f"{prefix}_{detail}": SQL("{}.{}").format(Identifier(prefix), Identifier(detail))
        for prefix in view.joined
        for detail in view.details
    }
    ordered = [*(name for name in first if name in said), *(name for name in said if name not in first)]
    joins = SQL(" ").join(
        SQL("LEFT JOIN {} AS {} ON {} = {}").format(
            Identifier(schema, view.lookup),
            Identifier(prefix),
            Identifier(prefix, view.key),
            Identifier(view.table, column),
        )
        for prefix, column in view.joined.items()
    )
    return SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {} {}").format(
        Identifier(schema, view.name),
        SQL(", ").join(SQL("{} AS {}").format(said[name], Identifier(name)) for name in ordered),
        Identifier(schema, view.table),
        joins,
    )


def partition_name(table: str, day: dt.date) -> str:
    """What the partition of a date is called: `green_trips_2021_01`, or `.._2021_01_31` of a day."""
    name = f"{table}_{day:%Y_%m}" if day.day == 1 else f"{table}_{day:%Y_%m_%d}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: LONGEST_NAME - 9].decode(errors='ignore')}_{digest}"


def lock_key(*words: object) -> int:
    """The number of an advisory lock that stands for these words."""
    digest = hashlib.sha256(repr(words).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
