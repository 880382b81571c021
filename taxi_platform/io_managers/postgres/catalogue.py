"""What is in the database, as its catalogue says: tables, their columns, partitions and indexes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxi_platform.io_managers.postgres.session import Session


@dataclass(frozen=True)
class Column:
    """A column, spelled as Postgres spells it, so that it can be made again elsewhere.

    Attributes:
        collation: Its own, quoted; None where it is that of the type.
    """

    type: str
    not_null: bool
    collation: str | None


@dataclass(frozen=True)
class Relation:
    """Something with the name of a table.

    Attributes:
        kind: `r` a table, `p` a partitioned one, `v` a view, ... as in pg_class.
        partitioned_by: As Postgres writes it: `LIST (source_month)`.
    """

    oid: int
    kind: str
    partitioned_by: str | None
    columns: Mapping[str, Column]

    @property
    def types(self) -> dict[str, str]:
        return {name: column.type for name, column in self.columns.items()}


def relation(session: Session, table: str) -> Relation | None:
    """What there is of this name in the schema of the session."""
    found = session.row(
        "SELECT c.oid, c.relkind::text, pg_get_partkeydef(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
        [session.schema, table],
    )
    if found is None:
        return None
    columns = session.rows(
        """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            CASE WHEN a.attcollation <> t.typcollation THEN format('%%I.%%I', n.nspname, o.collname) END
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_collation o ON o.oid = a.attcollation
        LEFT JOIN pg_namespace n ON n.oid = o.collnamespace
        WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
        """,
        [found[0]],
    )
    oid, kind, partitioned_by = found
    return Relation(oid, kind, partitioned_by, {name: Column(*more) for name, *more in columns})


def partition_of(session: Session, parent: Relation, day: dt.date) -> str | None:
    """The name of the partition that holds this date and no other."""
    found = session.row(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s "
        "AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES IN (%%L)', %s::date)",
        [parent.oid, day],
    )
    return None if found is None else str(found[0])


def indexes_of(session: Session, parent: Relation) -> list[tuple[bool, str]]:
    """Of each index of a table: whether it is unique, and what it is made of, as `USING btree (a, b)`."""
    found = session.rows(
        """
        SELECT i.indisunique, substr(
            pg_get_indexdef(i.indexrelid),
            length(format('CREATE %%sINDEX %%I ON %%s%%I.%%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' END,
                x.relname, CASE WHEN c.relkind = 'p' THEN 'ONLY ' END, n.nspname, c.relname)) + 1)
        FROM pg_index i
        JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indrelid = %s ORDER BY x.relname
        """,
        [parent.oid],
    )
    return [(unique, str(made_of)) for unique, made_of in found]


def is_unique(session: Session, table: Relation, columns: Sequence[str]) -> bool:
    """Whether Postgres itself lets no two rows of a table agree in all of these columns."""
    found = session.rows(
        "SELECT (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a "
        "WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) FROM pg_index i "
        "WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL "
        "AND i.indexprs IS NULL",
        [table.oid],
    )
    return any(set(names or ()) == set(columns) for (names,) in found)


def filled_by_itself(session: Session, table: Relation) -> set[str]:
    """The columns that get a value where none is given: a default, a number of its own, what others come to."""
    found = session.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped "
        "AND (atthasdef OR attidentity <> '')",
        [table.oid],
    )
    return {name for (name,) in found}


def is_free(session: Session, name: str) -> bool:
    """Whether nothing has this name: no table, no view, no index."""
    return relation(session, name) is None


def schema_exists(session: Session) -> bool:
    return session.row("SELECT true FROM pg_namespace WHERE nspname = %s", [session.schema]) is not None


def holders(session: Session, parent: Relation) -> Sequence[str]:
    """Who else is at a table at this moment, for people: process, program, for how long."""
    return [
        f"process {pid} ({program or 'unnamed'}, {state or 'unknown'} for {seconds} s)"
        for pid, program, state, seconds in session.rows(
            "SELECT DISTINCT a.pid, a.application_name, a.state, extract(epoch FROM now() - a.xact_start)::int "
            "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.relation = %s AND l.granted AND a.pid <> pg_backend_pid() ORDER BY a.pid",
            [parent.oid],
        )
    ]
