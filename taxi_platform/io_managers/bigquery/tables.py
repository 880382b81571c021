"""The tables of a dataset: made, widened, and held against what they should be."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import SchemaError, StoreError, StoreUnavailableError
from taxi_platform.io_managers.bigquery.arrow_types import bigquery_type, require_names, schema_field, spelled
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.table_columns import new_columns, require_partition_column
from taxi_platform.trips.month_file import Partition

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

LABELS = {"kept_by": "taxi_platform"}
_PATCH_TRIES = 10


@dataclass(frozen=True)
class Shape:
    """How the tables of an asset are laid out.

    Attributes:
        column: That of the partitions; None of a table without any.
        kind: MONTH or DAY.
        clustering: Where a new table has these columns, rows that agree in them lie together.
    """

    column: str | None
    kind: str | None
    clustering: Sequence[str] = ()

    @classmethod
    def of(cls, partition: Partition, column: str, clustering: Sequence[str] = ()) -> Shape:
        if partition is None:
            return cls(None, None, clustering)
        return cls(column, "DAY" if partition.count("-") > 1 else "MONTH", clustering)


def fitted(
    session: Session, table: str, schema: pa.Schema, shape: Shape
) -> tuple[bigquery.Table | None, list[bigquery.SchemaField]]:
    """The table as it is, if there is one, and the columns that it will have with what `schema` brings.

    Raises:
        SchemaError: They do not fit together, or into BigQuery.
    """
    require_names(schema.names)
    require_partition_column(table, schema, shape.column)
    there = session.table(table)
    if there is not None:
        _require_shape(there, table, shape)
    columns = [] if there is None else list(there.schema)
    added = new_columns(table, schema, types_of(there), bigquery_type)
    return there, [*columns, *(schema_field(field) for field in added)]


def types_of(table: bigquery.Table | None) -> Mapping[str, str]:
    return {} if table is None else {column.name: spelled(column) for column in table.schema}


def _require_shape(there: bigquery.Table, table: str, shape: Shape) -> None:
    by = there.time_partitioning
    fits = there.table_type == "TABLE" and (
        by is None if shape.column is None else by is not None and (by.field, by.type_) == (shape.column, shape.kind)
    )
    if not fits:
        raise SchemaError(
            f"{table}: there is something else of that name, which is no table "
            f"{'without partitions' if shape.column is None else f'partitioned by {shape.kind} of {shape.column}'} "
            "that could be replaced so. Nothing was changed. Rename it, or the asset."
        )


def create(
    session: Session,
    name: str,
    columns: Sequence[bigquery.SchemaField],
    shape: Shape,
    *,
    description: str,
    expires: dt.datetime | None = None,
) -> Any:
    """A table of this shape, unless there is one already; read back and held against what was asked for.

    Raises:
        SchemaError: BigQuery made another one of it.
        StoreError: Its rows would vanish after some time.
    """
    from google.api_core.exceptions import Conflict
    from google.cloud import bigquery

    _refuse_expiration(session, shape)
    wanted = bigquery.Table(session.reference(name), columns)
    wanted.description, wanted.expires, wanted.labels = description, expires, LABELS
    if shape.column is not None:
        wanted.time_partitioning = bigquery.TimePartitioning(type_=shape.kind, field=shape.column)
    clustering = [name for name in shape.clustering if name in {column.name for column in columns}]
    if clustering and len(clustering) == len(shape.clustering):
        wanted.clustering_fields = clustering
    try:
        made = session.client.create_table(wanted, retry=session.retry, timeout=CALL_TIMEOUT_S)
    except Conflict:
        return _there(session, name)
    by = made.time_partitioning
    if expires is None and (made.expires is not None or (by is not None and by.expiration_ms)):
        session.drop(name)
        raise _expiring(session, "the project gives every table an end")
    found = _there(session, name)
    if [_essence(column) for column in found.schema] != [_essence(column) for column in columns]:
        raise SchemaError(f"{name}: BigQuery made a table with other columns. Nothing was written to it. Drop it.")
    return found


def _there(session: Session, name: str) -> Any:
    found = session.table(name)
    if found is None:
        raise StoreUnavailableError(f"{session.address.shown}: {name} was there and is gone. Try again in a moment.")
    return found


def _essence(column: bigquery.SchemaField) -> tuple[Any, ...]:
    return column.name, spelled(column), column.mode or "NULLABLE"


def _refuse_expiration(session: Session, shape: Shape) -> None:
    dataset = session.dataset
    if dataset.default_table_expiration_ms or (shape.column and dataset.default_partition_expiration_ms):
        raise _expiring(session, "the dataset has a default expiration")


def _expiring(session: Session, why: str) -> StoreError:
    where = f"{session.address.project}:{session.address.dataset}"
    return StoreError(
        f"{session.address.shown}: months put there would vanish after some time, since {why}. Nothing was kept. "
        f"Switch it off (bq update --default_table_expiration 0 --default_partition_expiration 0 {where}; a project "
        "without billing cannot), or name another dataset."
    )


def widen(session: Session, name: str, columns: Sequence[bigquery.SchemaField]) -> Any:
    """Have a table have these columns as well. Others may add some at the same time: none is lost.

    Returns:
        The table as it then is.

    Raises:
        SchemaError: Another load has added one of them with another type.
    """
    from google.api_core.exceptions import PreconditionFailed

    for _ in range(_PATCH_TRIES):
        table = _there(session, name)
        there = types_of(table)
        wrong = [c.name for c in columns if c.name in there and there[c.name] != spelled(c)]
        if wrong:
            raise SchemaError(f"{name}: {', '.join(wrong)} has another type there. Nothing was changed.")
        added = [column for column in columns if column.name not in there]
        if not added:
            return table
        table.schema = [*table.schema, *added]
        with contextlib.suppress(PreconditionFailed):
            return session.client.update_table(table, ["schema"], retry=session.retry, timeout=CALL_TIMEOUT_S)
    raise StoreUnavailableError(f"{session.address.shown}: {name} is changed by others all the time. Try again later.")
