"""Months of trips from the lake, as Arrow, pandas, Polars or DuckDB take them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxi_platform.errors import RequestError
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.settings import Settings
from taxi_platform.trips.month_file import EXTRAS, REJECTS, TRIPS, MonthFile
from taxi_platform.trips.months import Month
from taxi_platform.trips.schema import SOURCE_MONTH
from taxi_platform.trips.services import Service, parse_services

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.dataset as ds


def open_trips(
    service: str,
    first: str,
    last: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    versions: Mapping[str, str] | None = None,
    settings: Settings | None = None,
) -> Trips:
    """The trips of some months, straight from the lake, as they are now: what is loaded later changes nothing of them.

    Args:
        service: `yellow`, `green`, `fhv` or `fhvhv`.
        first: The first month, `2021-01`.
        last: The last one; the first by default.
        columns: Only these, in this order; all by default. What is not asked for is not read.
        versions: Earlier versions to read, by month (`taxi versions` lists them); of the other months the current one.
        settings: Where the lake is; by default as the environment and `.env` say (`TAXI_LAKE`, `TAXI_HOME`).

    Raises:
        RequestError: There is no such service, month, column or version; or a month is not in the lake.
        DamagedStoreError: What is read is not what was put there.
        StoreUnavailableError: The lake did not answer. A retry may help.
    """
    (found, *others) = parse_services(service)
    if others:
        raise RequestError(f"Trips of several services have no columns in common. Open them one by one, not {service}.")
    start = Month.parse(first)
    wanted = list(start.until(Month.parse(last or first)))
    if not wanted:
        raise RequestError(f"The range {first} to {last} runs backwards. Write the older month first.")
    names = [column.name for column in found.stored_columns]
    if unknown := [name for name in columns or () if name not in names]:
        raise RequestError(f"{found.table} has no column {', '.join(unknown)}. It has {', '.join(names)}.")
    known = settings or Settings.read()
    months = MonthObjects(open_store(str(known.lake), known.clouds, known.home))
    return Trips(found, tuple(_pinned(months, found, wanted, versions or {})), tuple(columns or names))


def _pinned(
    months: MonthObjects, service: Service, wanted: Sequence[Month], versions: Mapping[str, str]
) -> Iterator[MonthFile]:
    missing: list[str] = []
    if strange := set(versions) - {month.key for month in wanted}:
        raise RequestError(f"A version was named for {', '.join(sorted(strange))}, which was not asked for.")
    for month in wanted:
        if month.key in versions:
            kept = months.versions(service.table, month.key)
            of_that_name = [one for one in kept if one.version == versions[month.key]]
            if not of_that_name:
                raise RequestError(
                    f"The lake has no version {versions[month.key]!r} of {service.name} {month}. It has "
                    f"{', '.join(one.version for one in kept) or 'none'}."
                )
            yield of_that_name[0]
        elif (current := months.current(service.table, month.key)) is not None:
            yield current
        else:
            missing.append(month.key)
    if missing:
        raise RequestError(
            f"{months.store.location} has no {service.name} {', '.join(missing)}. "
            f"Load them first: taxi load {service.name} {','.join(missing)}"
        )


@dataclass(frozen=True)
class Trips:
    """Trips of one service, in months whose versions are pinned: two looks at them show the same.

    Attributes:
        months: The version of each month, oldest month first.
        columns: The columns, in order. `source_month` and `source_row` say which line of which file a trip was.
    """

    service: Service
    months: tuple[MonthFile, ...] = field(repr=False)
    columns: tuple[str, ...]

    @property
    def versions(self) -> dict[str, str]:
        """The version of each month, as `open_trips(versions=...)` takes them: what was read can be read again."""
        return {str(month.partition): month.version for month in self.months}

    def __len__(self) -> int:
        """How many trips there are, without reading one."""
        return sum(month.rows for month in self.months)

    @contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        """The trips as one stream of Arrow batches, month by month, in bounded memory; as long as the context lasts."""
        import pyarrow as pa

        with self.months[0].reader(self.columns) as first:
            schema = first.schema

        def batches() -> Iterator[pa.RecordBatch]:
            for month in self.months:
                with month.reader(self.columns) as reader:
                    for batch in reader:
                        yield batch.cast(schema)

        reader = pa.RecordBatchReader.from_batches(schema, batches())
        try:
            yield reader
        finally:
            reader.close()

    def to_arrow(self) -> pa.Table:
        """The trips, whole, in memory."""
        with self.reader() as reader:
            return reader.read_all()

    def to_pandas(self) -> pd.DataFrame:
        """The trips, whole, in memory; their columns keep their Arrow types, so that no number becomes a float."""
        import pandas as pd

        return self.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)

    def to_polars(self) -> pl.DataFrame:
        """The trips, whole, in memory. It needs `pip install polars`."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def to_dataset(self) -> ds.Dataset:
        """The trips as a dataset over the files where they lie: only what is asked of it is read.

        Files of a bucket are fetched now, and go when the dataset does.
        """
        import pyarrow.dataset as ds

        with ExitStack() as stack:
            dataset = ds.dataset([str(path) for path in self._paths(stack)], format="parquet")
            weakref.finalize(dataset, stack.pop_all().close)
            return dataset

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """The trips as a relation of DuckDB over the files where they lie: ask it, filter it, join it.

        Files of a bucket are fetched now, and go when the relation does.
        """
        import duckdb

        with ExitStack() as stack:
            paths = [str(path) for path in self._paths(stack)]
            files = (connection or duckdb.connect()).read_parquet(paths, union_by_name=True)
            relation = files.project(", ".join(f'"{name}"' for name in self.columns))
            weakref.finalize(relation, stack.pop_all().close)
            return relation

    def extras(self) -> pa.Table:
        """What the publisher's files had in columns that no layout has, with source_row and the month."""
        return self._beside(EXTRAS)

    def rejects(self) -> pa.Table:
        """The rows that were not kept: source_row, reason, raw_line, and the month."""
        return self._beside(REJECTS)

    def _beside(self, role: str) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = []
        for month in self.months:
            if role in month.files:
                with month.path(role) as path:
                    rows = pq.read_table(path, partitioning=None)  # not what its folder is called
                if SOURCE_MONTH.name not in rows.column_names:
                    day = pa.scalar(Month.parse(str(month.partition)).first_day)
                    rows = rows.append_column(SOURCE_MONTH.name, pa.repeat(day, rows.num_rows))
                found.append(rows)
        return pa.concat_tables(found, promote_options="permissive") if found else pa.table({})

    def _paths(self, stack: ExitStack) -> list[Path]:
        return [stack.enter_context(month.path(TRIPS)) for month in self.months]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = "".join(f"<tr><td>{m.partition}</td><td>{m.version}</td><td>{m.rows:,}</td></tr>" for m in self.months)
        head = "<tr><th>month</th><th>version</th><th>trips</th></tr>"
        return f"<p>{self.service.title}: {len(self):,} trips</p><table>{head}{rows}</table>"


__all__: Sequence[Any] = ("Trips", "open_trips")
