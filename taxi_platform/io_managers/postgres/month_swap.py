"""The statements that replace one month of a Postgres table, in one transaction.

The rows go into a new table, which is counted, indexed and analysed while readers go on with the old month. Only the
last step needs the parent table for itself, for milliseconds: the old partition goes, the new one comes, the ledger
says so. All is one transaction: what a killed run leaves behind is nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from taxi_platform.errors import AccountingError, SchemaError, StoreUnavailableError
from taxi_platform.io_managers.postgres import catalogue
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.arrow_types import postgres_type, require_names
from taxi_platform.io_managers.postgres.catalogue import Column, Relation
from taxi_platform.io_managers.postgres.copying import copy_in
from taxi_platform.io_managers.postgres.ledger import write_ledger
from taxi_platform.io_managers.postgres.session import Session
from taxi_platform.io_managers.postgres.views import show
from taxi_platform.io_managers.stored import Stamp, day_of, named
from taxi_platform.io_managers.table_columns import new_columns, require_partition_column, sent_columns
from taxi_platform.io_managers.warehouse import as_sums, only_of_day, require_truth
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView

LOCK_TIMEOUT_MS = 150
"""How long the swap waits for the table at a time: so long at most do readers wait behind it."""

SWAP_WAIT_S = 20.0
"""How long the swap tries to have the table for itself, while others read it. Then it goes on without, if it can."""

GIVE_UP_S = 120.0

SORT_IN_MEMORY = """
    SELECT set_config('maintenance_work_mem', '128MB', true)
    WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('128MB')
"""
"""Of a month of a million rows an index is then made without files beside it; 64 MB are Postgres's default."""


class MonthSwap:
    """The steps of one transaction that replaces one month.

    Attributes:
        unique_columns: Together with the partition they let no row in twice.
    """

    def __init__(
        self,
        session: Session,
        table: str,
        partition: Partition,
        stamp: Stamp,
        *,
        partition_column: str,
        unique_columns: Sequence[str] = (),
        views: Sequence[LookupView] = (),
    ) -> None:
        self._session, self._table, self._partition, self._stamp = session, table, partition, stamp
        self._day = day_of(partition)
        self._column = None if self._day is None else partition_column
        self._unique_columns, self._views = unique_columns, views
        self._name = session.name(table)
        self._new = f"_taxi_new_{uuid4().hex}"
        self._new_name = session.name(self._new)

    def replace(self, rows: pa.RecordBatchReader, gaps: Collection[str] = ()) -> int:
        """Have the table hold `rows` for this month, and the ledger say so.

        Args:
            gaps: Columns of `rows` that hold no value: they need not be sent to be NULL.

        Returns:
            Rows, as counted in the table.
        """
        require_names(self._table, rows.schema)
        require_partition_column(self._table, rows.schema, self._column)
        with self._session.looking():
            parent = self._parent()
            columns = self._fit(parent, rows.schema)
            indexes = self._indexes(parent, columns)
        self._session.run(sql.create_table(self._new_name, columns))
        if self._column is not None:
            self._confine(self._column)
            rows = only_of_day(self._table, rows, self._column, self._day)
        needless = {*gaps, self._column}
        fields = [field for field in sent_columns(rows.schema, _types(parent)) if field.name not in needless]
        sent = copy_in(self._session, self._new_name, fields, rows, freeze=True)
        counted = self._count(sent)
        self._prepare(indexes)
        self._swap_in(rows.schema, counted)
        return counted

    def _parent(self) -> Relation | None:
        """The table, if it is there and can have partitions like ours."""
        parent = catalogue.relation(self._session, self._table)
        if parent is None:
            return None
        if self._column is None:
            fits = parent.kind in ("r", "p")
        else:
            by = self._session.row("SELECT 'LIST (' || quote_ident(%s) || ')'", [self._column])
            fits = parent.kind == "p" and (parent.partitioned_by,) == by
        if not fits:
            raise SchemaError(
                f"{self._table}: there is something else of that name, which is no table "
                f"{'' if self._column is None else f'partitioned by list of {self._column} '}that months could be put "
                "into. Nothing was changed. Rename it, or the asset."
            )
        return parent

    def _fit(self, parent: Relation | None, schema: pa.Schema) -> Mapping[str, Column]:
        """The columns of the new table: those of the parent as they are, and what is new."""
        there = {} if parent is None else parent.columns
        new = {field.name: sql.column_of(field) for field in self._added(parent, schema)}
        if parent is None and self._column is not None:
            new[self._column] = Column("date", not_null=True, collation=None)
        return {**there, **new}

    def _added(self, parent: Relation | None, schema: pa.Schema) -> Sequence[pa.Field]:
        return new_columns(self._table, schema, _types(parent), postgres_type)

    def _confine(self, column: str) -> None:
        """Have Postgres let no row of another month in: it then need not look again before the swap.

        The month is not sent with each row: it is what a row has by default, as long as they come in.
        """
        self._session.run(
            SQL(
                "ALTER TABLE {} ALTER {column} SET NOT NULL, ALTER {column} SET DEFAULT {}, "
                "ADD CONSTRAINT of_month CHECK ({} AND {column} IS NOT NULL)"
            ).format(self._new_name, Literal(self._day), sql.of_month(column, [self._day]), column=Identifier(column))
        )

    def _count(self, sent: int) -> int:
        """What the new table holds, asked of it, and held against what was said of the month."""
        names = list(self._stamp.control_sums)
        query = SQL("SELECT count(*){} FROM {}").format(sql.sums(names), self._new_name)
        rows, *totals = self._session.row(query) or (0,)
        if rows != sent:
            raise AccountingError(
                f"{named(self._table, self._partition)}: {sent:,} rows were sent, Postgres counts {rows:,}. "
                "Nothing was changed; the old month stands."
            )
        require_truth(self._table, self._partition, self._stamp, rows, as_sums(names, totals))
        return int(rows)

    def _indexes(self, parent: Relation | None, columns: Mapping[str, Column]) -> list[tuple[bool, Composable]]:
        if parent is None:
            return sql.first_indexes(columns, self._column, self._unique_columns)
        return [(unique, sql.of_server(using)) for unique, using in catalogue.indexes_of(self._session, parent)]

    def _prepare(self, indexes: Sequence[tuple[bool, Composable]]) -> None:
        """All that takes time: indexes and statistics."""
        if self._column is None:
            return
        self._session.run(SORT_IN_MEMORY)
        for made_of in indexes:
            self._session.run(sql.create_index(self._new_name, made_of))
        self._session.run(SQL("ANALYZE {}").format(self._new_name))

    def _swap_in(self, schema: pa.Schema, rows: int) -> None:
        started = time.monotonic()
        for pause_s in _pauses():
            waited_s = time.monotonic() - started
            try:
                with self._session.connection.transaction():  # a savepoint: the rows stay where they are
                    self._session.set_local(lock_timeout=f"{LOCK_TIMEOUT_MS}ms")
                    self._exchange(schema, patient=waited_s < SWAP_WAIT_S)
                    write_ledger(self._session, self._table, self._day, self._stamp, rows)
                    show(self._session, self._table, self._views)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                if waited_s > GIVE_UP_S:
                    raise self._in_use() from error
                time.sleep(pause_s)
            else:
                return

    def _exchange(self, schema: pa.Schema, *, patient: bool) -> None:
        """Put the new table where the old month is. Whoever else swaps in this schema waits, and is as quick."""
        self._session.run("SELECT pg_advisory_xact_lock(%s)", [sql.lock_key("swap", self._session.schema)])
        parent = self._parent()
        if parent is None:
            parent = self._create(schema)
        self._even_out(parent, schema)
        if self._day is None:
            self._refill(self._name, parent)
        else:
            self._attach(parent, patient=patient)

    def _create(self, schema: pa.Schema) -> Relation:
        columns = self._fit(None, schema)
        self._session.run(sql.create_table(self._name, columns, self._column))
        for made_of in self._indexes(None, columns):
            self._session.run(sql.create_index(self._name, made_of))
        self._session.run(SQL("; ").join(sql.comments(self._session.schema, self._table, schema)))
        created = catalogue.relation(self._session, self._table)
        assert created is not None
        return created

    def _even_out(self, parent: Relation, schema: pa.Schema) -> None:
        """Have both tables have the same columns: another load may have added some since we began."""
        added = self._added(parent, schema)
        if added:
            self._session.run(sql.add_columns(self._name, {field.name: sql.column_of(field) for field in added}))
            for comment in sql.comments(self._session.schema, self._table, added):
                self._session.run(comment)
        mine = catalogue.relation(self._session, self._new)
        missing = {name: column for name, column in parent.columns.items() if mine and name not in mine.columns}
        if missing:
            self._session.run(sql.add_columns(self._new_name, missing))

    def _attach(self, parent: Relation, *, patient: bool) -> None:
        run, day = self._session.run, Literal(self._day)
        old = catalogue.partition_of(self._session, parent, self._day) if self._day else None
        if old is not None and not patient:
            self._refill(self._session.name(old), parent)
            return
        if old is not None:
            run(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._name))
            run(SQL("DROP TABLE {}").format(self._session.name(old)))
        run(SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(self._name, self._new_name, day))
        self._free()
        # Somebody may have a table of that name: ours then keeps its own.
        if self._day and catalogue.is_free(self._session, name := sql.partition_name(self._table, self._day)):
            run(SQL("ALTER TABLE {} RENAME TO {}").format(self._new_name, Identifier(name)))

    def _free(self) -> None:
        """The new table is a partition like others: what was only of use while it was filled goes."""
        assert self._column is not None
        self._session.run(
            SQL("ALTER TABLE {} DROP CONSTRAINT of_month, ALTER {} DROP DEFAULT").format(
                self._new_name, Identifier(self._column)
            )
        )

    def _refill(self, target: Identifier, parent: Relation) -> None:
        """The slower way, which needs no lock that a reader could hold: row by row, by the rules of MVCC.

        For tables without partitions, which views and foreign keys may hang on; and for a month whose table is read
        all the time.
        """
        names = sql.names(parent.columns)
        self._session.run(SQL("DELETE FROM {}").format(target))
        self._session.run(SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(target, names, names, self._new_name))
        self._session.run(SQL("DROP TABLE {}").format(self._new_name))

    def _in_use(self) -> StoreUnavailableError:
        parent, who = catalogue.relation(self._session, self._table), "others"
        if parent is not None:
            who = ", ".join(catalogue.holders(self._session, parent)) or who
        return StoreUnavailableError(
            f"{named(self._table, self._partition)}: the table was in use for {GIVE_UP_S:.0f} s, by {who}. The old "
            "month stands. Load it again when they are done."
        )


def _types(parent: Relation | None) -> Mapping[str, str]:
    return {} if parent is None else parent.types


def _pauses() -> Iterator[float]:
    """Seconds between two tries, longer and longer, never in step with another's."""
    pause_s = 0.02
    while True:
        yield pause_s * random.uniform(0.5, 1.5)  # noqa: S311
        pause_s = min(2 * pause_s, 1.0)
