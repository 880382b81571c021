"""The statements that replace one month of a DuckDB table, in one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import DamagedStoreError, SchemaError
from taxi_platform.io_managers.duckdb import table_sql as sql
from taxi_platform.io_managers.stored import Stamp, day_of
from taxi_platform.io_managers.table_columns import new_columns, sent_columns
from taxi_platform.io_managers.warehouse import LEDGER, as_sums, require_truth, strays, sums_as_text
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from taxi_platform.io_managers.lookup_view import LookupView


class MonthSwap:
    """The statements of one transaction that replaces one month."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, partition: Partition, column: str, stamp: Stamp
    ) -> None:
        self._connection, self._table, self._partition, self._stamp = connection, table, partition, stamp
        self._day = day = day_of(partition)
        self._partition_column = column
        self._name = sql.quoted(table)
        self._where, self._values = sql.where(column, day)

    def replace(self, path: Path) -> int:
        """Have the table hold the rows of a Parquet file for this month, and the ledger say so.

        Returns:
            Rows, as counted in the table.
        """
        schema = _schema_of(path)
        self._fit(schema)
        rows = self._fill(path, [field.name for field in sent_columns(schema, self._columns())])
        self._check(rows)
        self._write_ledger(rows)
        return rows

    def _columns(self) -> dict[str, str]:
        return columns_of(self._connection, self._table)

    def _fit(self, schema: pa.Schema) -> None:
        sql.require_columns(self._table, schema, None if self._day is None else self._partition_column)
        if there := self._columns():
            fields = new_columns(self._table, schema, there, sql.duckdb_type)
            for field in fields:
                self._connection.execute(sql.add_column(self._table, field))
        else:
            fields = list(schema)
            self._connection.execute(sql.create_table(self._table, schema))
        for field in fields:
            if comment := sql.comment_on_column(self._table, field):
                self._connection.execute(comment)

    def _fill(self, path: Path, columns: Sequence[str]) -> int:
        self._connection.execute(f"DELETE FROM {self._name} {self._where}", self._values)  # noqa: S608
        sent = self._one(
            f"INSERT INTO {self._name} BY NAME SELECT {', '.join(map(sql.quoted, columns))} "  # noqa: S608
            "FROM read_parquet(?, hive_partitioning = false)",
            [str(path)],
        )
        rows = int(self._one(f"SELECT count(*) FROM {self._name} {self._where}", self._values))  # noqa: S608
        if rows != sent:
            raise SchemaError(strays(self._table, self._day, self._partition_column, sent, rows))
        return rows

    def _one(self, query: str, values: Sequence[object]) -> Any:
        row = one_row(self._connection, query, values)
        return None if row is None else row[0]

    def _check(self, rows: int) -> None:
        names = list(self._stamp.control_sums)
        require_truth(self._table, self._partition, self._stamp, rows, as_sums(names, self._sums(names)))

    def _sums(self, names: Sequence[str]) -> Iterator[Any]:
        for name in names:
            query = f"SELECT coalesce(sum({sql.quoted(name)}), 0) FROM {self._name} {self._where}"  # noqa: S608
            yield self._one(query, self._values)

    def _write_ledger(self, rows: int) -> None:
        stamp = self._stamp
        self._connection.execute(
            f"DELETE FROM {LEDGER} {sql.OF_LEDGER}",  # noqa: S608
            [self._table, self._day],
        )
        self._connection.execute(
            f"INSERT INTO {LEDGER} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                self._table,
                self._day,
                stamp.version,
                stamp.as_of,
                rows,
                stamp.rejected,
                sums_as_text(stamp),
                stamp.schema_version,
                dt.datetime.now(dt.UTC).replace(tzinfo=None),
                stamp.run_id,
            ],
        )


def show(connection: duckdb.DuckDBPyConnection, view: LookupView) -> None:
    """Have `view` show what its tables now are; nothing is done while one of them is not there."""
    columns, known = columns_of(connection, view.table), columns_of(connection, view.lookup)
    if columns and known:
        connection.execute(sql.create_view(view))
        connection.execute(f"COMMENT ON VIEW {sql.quoted(view.name)} IS {sql.literal(view.comment)}")


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    import duckdb

    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def one_row(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> tuple[Any, ...] | None:
    """The first row of an answer, None where there is none."""
    # Not fetchone(): to DuckDB 2.0 a result that was not read to its end is in use.
    return next(iter(connection.execute(query, values).fetchall()), None)


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Names and types of a table's columns; empty where there is no such table."""
    # Not duckdb_columns(): it looks at every column of every table, which takes longer than the rest of a small month.
    there = one_row(
        connection,
        "SELECT true FROM duckdb_tables() "
        "WHERE table_name = ? AND schema_name = current_schema() AND database_name = current_database()",
        [table],
    )
    if there is None:
        return {}
    return dict(connection.execute("SELECT name, type FROM pragma_table_info(?)", [sql.quoted(table)]).fetchall())


def _schema_of(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DamagedStoreError(
            f"{path}: this cannot be read as Parquet. Nothing was changed. Load it again."
        ) from error
