"""The ledger of a schema: what is said of each month, written in the transaction of its rows."""

from __future__ import annotations

import datetime as dt

from psycopg.sql import SQL, Composable, Literal

from taxi_platform.io_managers.postgres import catalogue
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.catalogue import Relation
from taxi_platform.io_managers.postgres.session import Session
from taxi_platform.io_managers.stored import Stamp
from taxi_platform.io_managers.warehouse import LEDGER, NO_TABLE, LedgerRow, sums_as_text


def write_ledger(session: Session, table: str, day: dt.date | None, stamp: Stamp, rows: int) -> None:
    """Say of a month which version it holds; made here where there is no ledger yet, while nobody else swaps."""
    name = session.name(LEDGER)
    if catalogue.relation(session, LEDGER) is None:
        session.run(SQL("CREATE TABLE {} ({})").format(name, SQL(sql.LEDGER_COLUMNS)))
    session.run(SQL("DELETE FROM {} WHERE {}").format(name, sql.OF_LEDGER), [table, day])
    session.run(
        SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), %s)").format(name),
        [
            table,
            day,
            stamp.version,
            stamp.as_of,
            rows,
            stamp.rejected,
            sums_as_text(stamp),
            stamp.schema_version,
            stamp.run_id,
        ],
    )


def confirm(session: Session, table: str, day: dt.date | None, as_of: str) -> None:
    """A version was seen again: an older one cannot take its place later."""
    session.run(
        SQL("UPDATE {} SET as_of = %s WHERE {}").format(session.name(LEDGER), sql.OF_LEDGER), [as_of, table, day]
    )


def ledger_row(
    session: Session, table: str, day: dt.date | None, partition_column: str, *, on_its_way: Stamp | None = None
) -> LedgerRow | None:
    """What the ledger says of a month, and what the table answers, as of one moment.

    Args:
        on_its_way: What is to take its place: if that is another version, and not an older one, nothing depends on how
            many rows are there now, and they are not counted.
    """
    if catalogue.relation(session, LEDGER) is None:
        return None
    counted: Composable = _count(session, table, partition_column, day)
    if on_its_way is not None:
        version, as_of = Literal(on_its_way.version), Literal(on_its_way.as_of)
        counted = SQL("CASE WHEN version = {} OR as_of > {} THEN {} ELSE rows END").format(version, as_of, counted)
    found = session.row(
        SQL("SELECT version, as_of, rows, {} FROM {} WHERE {}").format(counted, session.name(LEDGER), sql.OF_LEDGER),
        [table, day],
    )
    return None if found is None else LedgerRow(table, day, *found)


def ledger_version(session: Session, table: str, day: dt.date | None) -> str | None:
    """What the ledger says of a month, and nothing of the table."""
    if catalogue.relation(session, LEDGER) is None:
        return None
    query = SQL("SELECT version FROM {} WHERE {}").format(session.name(LEDGER), sql.OF_LEDGER)
    found = session.row(query, [table, day])
    return None if found is None else str(found[0])


def _count(session: Session, table: str, partition_column: str, day: dt.date | None) -> Composable:
    relation = catalogue.relation(session, table)
    if not _has_months(relation, None if day is None else partition_column):
        return Literal(NO_TABLE)
    of_month = sql.of_month(partition_column, [day])
    return SQL("(SELECT count(*) FROM {} WHERE {})").format(session.name(table), of_month)


def _has_months(relation: Relation | None, column: str | None) -> bool:
    return relation is not None and relation.kind in ("r", "p") and (column is None or column in relation.columns)


def ledger_rows(session: Session, table: str | None, partition_column: str) -> list[LedgerRow]:
    """What the ledger says of all months, and what the tables answer; of each table as of one moment."""
    if catalogue.relation(session, LEDGER) is None:
        return []
    name = session.name(LEDGER)
    tables = session.rows(SQL("SELECT DISTINCT table_name FROM {} ORDER BY 1").format(name))
    return [row for (one,) in tables if table in (None, one) for row in _of_table(session, one, partition_column)]


def _of_table(session: Session, table: str, partition_column: str) -> list[LedgerRow]:
    relation = catalogue.relation(session, table)
    counts = SQL("SELECT NULL::date AS day, NULL::bigint AS counted WHERE false").format()
    if _has_months(relation, None):
        by_month = _has_months(relation, partition_column)
        counts = SQL("SELECT {} AS day, count(*) AS counted FROM {} GROUP BY 1").format(
            sql.names([partition_column]) if by_month else SQL("NULL::date"), session.name(table)
        )
    gone = 0 if _has_months(relation, None) else NO_TABLE
    found = session.rows(
        SQL(
            "WITH counts AS ({}) SELECT l.source_month, l.version, l.as_of, l.rows, coalesce(CASE WHEN l.source_month "
            "IS NULL THEN (SELECT sum(counted)::bigint FROM counts) ELSE c.counted END, %s) "
            "FROM {} l LEFT JOIN counts c ON c.day = l.source_month WHERE l.table_name = %s ORDER BY 1"
        ).format(counts, session.name(LEDGER)),
        [gone, table],
    )
    return [LedgerRow(table, *row) for row in found]
