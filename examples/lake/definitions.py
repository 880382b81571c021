"""Sales of shops as months in a bucket: another project than this one, which borrows nothing but its IO manager.

    SHOPS_LAKE=gs://my-bucket/shops dagster dev -f examples/lake/definitions.py

`SHOPS_LAKE` may be `gs://`, `s3://`, `az://` or a folder: nothing else changes. Each month of `sales` is one immutable
Parquet object a version, behind a manifest that is swapped last; `best_sellers` reads the twelve of a year as one
DataFrame. `visitors` has a partition a day, `shops` none.
"""

import os

import dagster as dg
import pandas as pd

from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.resources.amazon import S3Credentials
from taxi_platform.resources.azure import AzureCredentials
from taxi_platform.resources.credentials import Credentials
from taxi_platform.resources.google import GoogleCredentials

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2023-01", fmt="%Y-%m", end_offset=1)
DAYS = dg.DailyPartitionsDefinition(start_date="2023-01-01")
YEARS = dg.TimeWindowPartitionsDefinition(start="2023-01", fmt="%Y-%m", cron_schedule="0 0 1 1 *", end_offset=1)
"""A year goes by its first month: the IO manager knows keys of months and of days."""

CREDENTIALS = {
    "gs": GoogleCredentials(service_account_json=dg.EnvVar("GOOGLE_CREDENTIALS")),
    "s3": S3Credentials(dg.EnvVar("AWS_SECRET_ACCESS_KEY"), access_key_id=dg.EnvVar("AWS_ACCESS_KEY_ID")),
    "az": AzureCredentials(dg.EnvVar("AZURE_STORAGE_CONNECTION_STRING")),
}
"""Where a variable is not set, the clouds' own rules look further: files, profiles, the role of the machine."""


@dg.asset(partitions_def=MONTHS)
def sales(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """What was sold in a month."""
    month = int(context.partition_key[-2:])
    return pd.DataFrame({"shop": ["Köln", "Wien"], "article": ["tea", "cake"], "sold": [10 * month, 7 + month]})


@dg.asset(partitions_def=YEARS)
def best_sellers(sales: pd.DataFrame) -> pd.DataFrame:
    """What sold best in a year: twelve partitions come in as one DataFrame."""
    total = sales.groupby("article", as_index=False)["sold"].sum().sort_values("sold", ascending=False)
    return total.assign(months=sales["month"].nunique())


@dg.asset(partitions_def=DAYS)
def visitors(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """Who came on a day: a partition a day."""
    return pd.DataFrame({"shop": ["Köln"], "people": [int(context.partition_key[-2:])]})


@dg.asset
def shops() -> pd.DataFrame:
    """Where the shops are: no partitions, replaced whole."""
    return pd.DataFrame({"shop": ["Köln", "Wien"], "street": ["Ring 1", "Graben 2"]})


def build(location: str, credentials: Credentials | None = None) -> dg.Definitions:
    """The assets over one place."""
    lake = MonthObjectsIOManager(location=location, partition_column="month", credentials=credentials)
    return dg.Definitions(assets=[sales, best_sellers, visitors, shops], resources={"io_manager": lake})


@dg.definitions
def defs() -> dg.Definitions:
    """In the place that `SHOPS_LAKE` names."""
    location = os.environ.get("SHOPS_LAKE", "shops")
    return build(location, CREDENTIALS.get(location.partition("://")[0]))
