"""River levels in BigQuery: another project than this one, which borrows nothing but its IO manager.

    GOOGLE_CLOUD_PROJECT=my-project dagster dev -f examples/bigquery/definitions.py

Each month of `river_levels` is a partition of a table, replaced whole; `yearly_peaks` reads the twelve of a year.
`gauge_checks` has a partition a day, `gauges` none. The dataset `rivers` has to be there, in the place of your data:
bq --location=EU mk --dataset my-project:rivers
"""

import os
from collections.abc import Mapping

import dagster as dg
import pandas as pd

from taxi_platform.io_managers.bigquery.io_manager import BigQueryMonthIOManager
from taxi_platform.resources.google import GoogleCredentials

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2023-01", fmt="%Y-%m", end_offset=1)
DAYS = dg.DailyPartitionsDefinition(start_date="2023-01-01")
YEARS = dg.TimeWindowPartitionsDefinition(start="2023-01", fmt="%Y-%m", cron_schedule="0 0 1 1 *", end_offset=1)
"""A year goes by its first month: the IO manager knows keys of months and of days."""


@dg.asset(partitions_def=MONTHS, io_manager_key="bigquery")
def river_levels(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """The level of each gauge at noon, in metres."""
    days = pd.date_range(context.partition_key, periods=28, freq="D") + pd.Timedelta(hours=12)
    month = days[0].month
    return pd.DataFrame(
        {
            "gauge": ["Köln", "Wien"] * 14,
            "measured_at": days.astype("datetime64[us]"),
            "level_metres": [round(2 + month / 10 + day.day / 100, 2) for day in days],
        }
    )


@dg.asset(partitions_def=YEARS, io_manager_key="bigquery")
def yearly_peaks(context: dg.AssetExecutionContext, river_levels: pd.DataFrame) -> pd.DataFrame:
    """The highest level of each gauge in a year: twelve partitions come in as one DataFrame."""
    peaks = river_levels.groupby("gauge", as_index=False)["level_metres"].max()
    return peaks.assign(months=river_levels["month"].nunique(), year=int(context.partition_key[:4]))


@dg.asset(partitions_def=DAYS, io_manager_key="bigquery")
def gauge_checks(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """Which gauges were looked at on a day: a partition a day."""
    return pd.DataFrame({"gauge": ["Köln"], "is_clean": [context.partition_key.endswith("1")]})


@dg.asset(io_manager_key="bigquery")
def gauges() -> pd.DataFrame:
    """Where the gauges stand: a table without partitions, replaced whole."""
    return pd.DataFrame({"gauge": ["Köln", "Wien"], "river": ["Rhein", "Donau"]})


def build(credentials: GoogleCredentials | Mapping[str, str]) -> dg.Definitions:
    """The assets over one dataset."""
    bigquery = BigQueryMonthIOManager(
        project=os.environ["GOOGLE_CLOUD_PROJECT"],
        dataset=os.environ.get("RIVERS_DATASET", "rivers"),
        partition_column="month",
        clustering=["gauge"],
        credentials=credentials,
    )
    return dg.Definitions(assets=[river_levels, yearly_peaks, gauge_checks, gauges], resources={"bigquery": bigquery})


@dg.definitions
def defs() -> dg.Definitions:
    """With the key in `GOOGLE_CREDENTIALS`; without it, with the credentials that Google's own rules find."""
    return build(GoogleCredentials(service_account_json=dg.EnvVar("GOOGLE_CREDENTIALS")))
