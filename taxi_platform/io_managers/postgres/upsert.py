"""Rows of a table with a key, brought up to date one by one: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Composable, Identifier

from taxi_platform.errors import DamagedStoreError, SchemaError
from taxi_platform.io_managers.postgres import catalogue
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.arrow_types import postgres_type, require_names
from taxi_platform.io_managers.postgres.catalogue import Column, Relation
from taxi_platform.io_managers.postgres.copying import copy_in, copy_out
from taxi_platform.io_managers.postgres.session import Session, reading, writing
from taxi_platform.io_managers.stored import table_name
from taxi_platform.io_managers.table_columns import new_columns, sent_columns
from taxi_platform.io_managers.warehouse import LEDGER, refuse_ledger
from taxi_platform.resources.postgres.address import PostgresAddress

if TYPE_CHECKING:
    import pyarrow as pa

_STAGE = Identifier("pg_temp", "_taxi_stage")


@dataclass(frozen=True)
class Upserted:
    """What came of the rows that were sent, and how many rows the table has now."""

    inserted: int
    updated: int
    unchanged: int
    rows: int


class UpsertTables:
    """Tables of one schema, each with a key. Who upserts into a table waits for whoever does already."""

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address

    def upsert(self, table: str, rows: pa.RecordBatchReader, key: Sequence[str]) -> Upserted:
        """Have `table` hold `rows`: those whose key it has are updated, the others inserted. All or nothing.

        Columns match by name. New ones are added first; one that the table has must come, unless the table gives it a
        value by itself. A table that is not there is made, with `key` as its primary key.

        Raises:
            SchemaError: Columns or types do not fit; a key is missing, NULL, or there twice. Nothing was written.
        """
        refuse_ledger(table)
        require_names(table, rows.schema)
        if not key or not set(key) <= set(rows.schema.names):
            raise SchemaError(
                f"{table}: the key is {', '.join(key) or 'nothing'}, the columns are {', '.join(rows.schema.names)}. "
                "Nothing was written. Name the columns that tell one row from another."
            )
        with writing(self.address) as session:
            session.lock_until_commit(sql.lock_key("upsert", session.schema, table))
            if not catalogue.schema_exists(session):
                session.run(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.names([session.schema])))
            return _Upsert(session, table, key).run(rows)

    @contextmanager
    def read(self, table: str) -> Iterator[pa.RecordBatchReader]:
        """All rows of a table as a stream, readable as long as the context lasts.

        Raises:
            DamagedStoreError: There is no such table.
        """
        with reading(self.address) as session:
            found = catalogue.relation(session, table_name(table))
            if found is None:
                raise DamagedStoreError(f"{self.address.shown}: there is no {table}. Materialise it first.")
            columns = dict(found.columns)
            query = SQL("SELECT {} FROM {}").format(sql.names(columns), session.name(table))
            with closing(copy_out(session, query, columns)) as rows:
                yield rows


class _Upsert:
    """The steps of one transaction."""

    def __init__(self, session: Session, table: str, key: Sequence[str]) -> None:
        self._session, self._table, self._key = session, table, list(key)
        self._name, self._key_names = session.name(table), sql.names(key)

    def run(self, rows: pa.RecordBatchReader) -> Upserted:
        types = self._fit(rows.schema)
        fields = sent_columns(rows.schema, types)
        columns = {field.name: Column(types[field.name], not_null=False, collation=None) for field in fields}
        self._session.run(
            SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
                Identifier("_taxi_stage"), sql.column_definitions(columns)
            )
        )
        copy_in(self._session, _STAGE, fields, rows, freeze=False)
        self._require_keys()
        return self._merge(list(columns))

    def _fit(self, schema: pa.Schema) -> Mapping[str, str]:
        """Have the table be there, with all columns of `schema`; gives its types."""
        there = catalogue.relation(self._session, self._table)
        if there is None:
            columns = {field.name: sql.column_of(field) for field in schema}
            self._session.run(sql.create_table(self._name, columns))
            self._session.run(SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(self._name, self._key_names))
            added: Sequence[pa.Field] = list(schema)
        else:
            added = self._fit_into(there, schema)
        for comment in sql.comments(self._session.schema, self._table, added):
            self._session.run(comment)
        return {**({} if there is None else there.types), **{field.name: postgres_type(field) for field in added}}

    def _fit_into(self, there: Relation, schema: pa.Schema) -> Sequence[pa.Field]:
        if there.kind != "r" or self._is_kept_by_month():
            raise SchemaError(
                f"{self._table}: there is something else of that name, which is no plain table, or is kept month by "
                "month. Nothing was changed. Rename it, or the asset."
            )
        if not catalogue.is_unique(self._session, there, self._key):
            raise SchemaError(
                f"{self._table}: nothing keeps {', '.join(self._key)} from being there twice. Nothing was changed. "
                "Make it the primary key, or a unique index."
            )
        by_itself = catalogue.filled_by_itself(self._session, there) - set(schema.names)
        required = {name: kind for name, kind in there.types.items() if name not in by_itself}
        added = new_columns(self._table, schema, required, postgres_type)
        if added:
            self._session.run(sql.add_columns(self._name, {field.name: sql.column_of(field) for field in added}))
        return added

    def _is_kept_by_month(self) -> bool:
        if catalogue.relation(self._session, LEDGER) is None:
            return False
        query = SQL("SELECT true FROM {} WHERE table_name = %s LIMIT 1").format(self._session.name(LEDGER))
        return self._session.row(query, [self._table]) is not None

    def _require_keys(self) -> None:
        """Refuse rows that could not be told apart: which of two would win?"""
        missing = SQL(" OR ").join(SQL("{} IS NULL").format(Identifier(name)) for name in self._key)
        (nulls,) = self._session.row(SQL("SELECT count(*) FROM {} WHERE {}").format(_STAGE, missing)) or (0,)
        if nulls:
            raise SchemaError(
                f"{self._table}: {nulls:,} rows have no {' or no '.join(self._key)}. Nothing was written."
            )
        twice = self._session.row(
            SQL("SELECT count(*) OVER (), {} FROM {} GROUP BY {} HAVING count(*) > 1 ORDER BY {} LIMIT 1").format(
                self._key_names, _STAGE, self._key_names, self._key_names
            )
        )
        if twice:
            one = ", ".join(f"{name} {value}" for name, value in zip(self._key, twice[1:], strict=True))
            raise SchemaError(
                f"{self._table}: {twice[0]:,} keys are there more than once, {one} for one. Nothing was written. Send "
                "one row a key."
            )

    def _merge(self, columns: Sequence[str]) -> Upserted:
        names, others = sql.names(columns), [name for name in columns if name not in self._key]
        action: Composable = SQL("NOTHING")
        if others:
            action = SQL("UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})").format(
                SQL(", ").join(SQL("{} = EXCLUDED.{}").format(Identifier(name), Identifier(name)) for name in others),
                SQL(", ").join(Identifier("there", name) for name in others),
                SQL(", ").join(Identifier("excluded", name) for name in others),
            )
        inserted, updated = self._session.row(
            # Only a row that was there before was locked by this transaction: that is what xmax says.
            SQL(
                "WITH done AS (INSERT INTO {} AS there ({}) SELECT {} FROM {} ON CONFLICT ({}) DO {} "
                "RETURNING there.xmax = 0 AS is_new) "
                "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM done"
            ).format(self._name, names, names, _STAGE, self._key_names, action)
        ) or (0, 0)
        (sent,) = self._session.row(SQL("SELECT count(*) FROM {}").format(_STAGE)) or (0,)
        (rows,) = self._session.row(SQL("SELECT count(*) FROM {}").format(self._name)) or (0,)
        return Upserted(inserted, updated, sent - inserted - updated, rows)
