"""Another project that borrows the Postgres IO managers: a bakery's tills, by day and by month, and its shops.

    export BAKERY_DSN='postgresql://baker@localhost/bakery?schema=tills' PGPASSWORD=...
    dagster dev -f examples/postgres/definitions.py

`visitors` is a table partitioned by the day, `sales` by the month: each materialisation replaces its partition in one
transaction. `year_report` reads twelve months at once. `shops` is brought up to date row by row.
"""

import dagster as dg
import pandas as pd

from taxi_platform.io_managers.postgres.io_manager import PostgresMonthIOManager
from taxi_platform.io_managers.postgres.upsert_io_manager import PostgresUpsertIOManager
from taxi_platform.resources.postgres.resource import PostgresResource

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2025-01-01")
MONTHS = dg.MonthlyPartitionsDefinition("2024-01", fmt="%Y-%m", end_date="2025-01")
# The key of a partition is a month or a day: a year goes by its first month.
YEARS = dg.TimeWindowPartitionsDefinition(start="2024-01", end="2025-01", fmt="%Y-%m", cron_schedule="0 0 1 1 *")
ONE_AT_A_TIME = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)


@dg.asset(partitions_def=DAYS, io_manager_key="by_day", backfill_policy=ONE_AT_A_TIME)
def visitors(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """Who came on a day. The column `day` is added by the IO manager."""
    day = pd.Timestamp(context.partition_key)
    return pd.DataFrame({"shop": ["mill", "harbour"], "visitors": [100 + day.day, 50]})


@dg.asset(partitions_def=MONTHS, io_manager_key="by_month", backfill_policy=ONE_AT_A_TIME)
def sales(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """What the tills of a month say."""
    month = pd.Timestamp(context.partition_key)
    return pd.DataFrame({"shop": ["mill", "harbour"], "loaves": [3000 + month.month, 1500]})


@dg.asset(partitions_def=YEARS, io_manager_key="by_year", backfill_policy=ONE_AT_A_TIME)
def year_report(sales: pd.DataFrame) -> pd.DataFrame:
    """Twelve months in one DataFrame; `month` says which row is of which."""
    return sales.groupby("shop", as_index=False).agg(loaves=("loaves", "sum"), months=("month", "nunique"))


@dg.asset(io_manager_key="by_key", metadata={"key_columns": ["shop"]})
def shops() -> pd.DataFrame:
    """A table with a key: shops are updated or inserted, those that closed stay."""
    return pd.DataFrame({"shop": ["mill", "harbour"], "city": ["Utrecht", "Rotterdam"]})


def build_definitions(postgres: PostgresResource) -> dg.Definitions:
    """The project over a Postgres."""
    return dg.Definitions(
        assets=[visitors, sales, year_report, shops],
        resources={
            "by_day": PostgresMonthIOManager(postgres=postgres, partition_column="day", unique_columns=["shop"]),
            "by_month": PostgresMonthIOManager(postgres=postgres, partition_column="month", unique_columns=["shop"]),
            "by_year": PostgresMonthIOManager(postgres=postgres, partition_column="year"),
            "by_key": PostgresUpsertIOManager(postgres=postgres),
        },
    )


defs = build_definitions(PostgresResource(dg.EnvVar("BAKERY_DSN")))
