"""dlt on its fastest way into Postgres: Arrow batches, Parquet files between, ADBC to load them.

    python dlt_adbc.py FILE postgresql://... FOLDER

No row is looked at: what the CSV reader does not understand stops the load. dlt takes the types as it finds them.
"""

import os
import sys
from collections.abc import Iterator

import adbc_driver_postgresql.dbapi  # noqa: F401 (without it dlt writes INSERTs)
import dlt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from timing import timed


def main(path: str, url: str, folder: str) -> None:
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(url),
        dataset_name="dlt_bench",
        progress=None,
    )
    pipeline.run(
        dlt.resource(batches(path), name="yellow_trips"), write_disposition="replace", loader_file_format="parquet"
    )
    loaded = pipeline.last_trace.last_normalize_info.row_counts["yellow_trips"]
    assert loaded, "dlt loaded nothing"


def batches(path: str) -> Iterator[pa.RecordBatch]:
    if path.endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(100_000)
    else:
        options = pyarrow.csv.ReadOptions(block_size=16 << 20)
        # The first block decides on the types: what may be a fraction later has to be said.
        types = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(NUMBERS, pa.float64()))
        with pyarrow.csv.open_csv(path, read_options=options, convert_options=types) as reader:
            yield from reader


NUMBERS = "trip_distance fare_amount extra mta_tax tip_amount tolls_amount improvement_surcharge total_amount \
congestion_surcharge surcharge ehail_fee airport_fee".split()

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
timed(lambda: main(*sys.argv[1:]))
