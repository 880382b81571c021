"""The IO manager of tables whose rows are brought up to date one by one, for Dagster."""

from typing import Any

import dagster as dg

from taxi_platform.errors import RequestError
from taxi_platform.io_managers import month_io, run_process
from taxi_platform.io_managers.failing import as_failure
from taxi_platform.io_managers.values import as_reader, loaded_as
from taxi_platform.resources.postgres.resource import PostgresResource

KEY_METADATA = "key_columns"
"""Where an asset says what its key is: `@dg.asset(metadata={"key_columns": ["station"]})`."""


class PostgresUpsertIOManager(dg.ConfigurableIOManager):
    """Brings a table with a key up to date: what an asset returns is updated or inserted, what else is there stays.

    For assets without partitions; months and days, which are replaced whole, are `PostgresMonthIOManager`'s. All rows
    or none. Takes a `pandas.DataFrame`, `pyarrow.Table` or `pyarrow.RecordBatchReader`; gives the whole table, by the
    annotation of the input, as one of them. NULL in a key, or a key twice in what was returned, is refused.

    Attributes:
        postgres: Where the tables are, and who may enter.
        key_columns: The key of every asset that does not name its own, as `key_columns` in its metadata.
    """

    postgres: PostgresResource
    key_columns: list[str] = []  # noqa: RUF012 (pydantic copies it)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        run_process.mark(context)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        from taxi_platform.io_managers.postgres.upsert import UpsertTables

        with as_failure():
            table = month_io.table_of(context)
            if context.has_asset_partitions:
                raise RequestError(
                    f"{context.asset_key.to_user_string()} has partitions: they are replaced whole, by "
                    "PostgresMonthIOManager. Nothing was written."
                )
            key = list((context.definition_metadata or {}).get(KEY_METADATA) or self.key_columns)
            done = UpsertTables(self.postgres.address).upsert(table, as_reader(obj, "", None), key)
            context.add_output_metadata(
                {
                    "dagster/row_count": done.rows,
                    "rows_inserted": done.inserted,
                    "rows_updated": done.updated,
                    "rows_unchanged": done.unchanged,
                    "location": f"{self.postgres.address.shown}: {table}",
                }
            )

    def load_input(self, context: dg.InputContext) -> Any:
        from taxi_platform.io_managers.postgres.upsert import UpsertTables

        with as_failure():
            tables, table = UpsertTables(self.postgres.address), month_io.table_of(context)
            return loaded_as(month_io.wanted_type(context), lambda: tables.read(table))
