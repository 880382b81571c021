"""The course's flow, written afresh from its description: pandas in chunks of 100,000 rows, into Postgres by `to_sql`.

    python course.py FILE postgresql://...

It parses the two times, drops trips without passengers, makes the table anew and appends. It counts nothing, keeps no
row that it drops, and other sessions see the table empty and half full meanwhile.
"""

import sys
from collections.abc import Iterator

import pandas as pd
import pyarrow.parquet as pq
import sqlalchemy
from timing import timed

CHUNK_ROWS = 100_000


def main(path: str, url: str) -> None:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    is_first = True
    for chunk in chunks(path):
        trips = transformed(chunk)
        if is_first:
            trips.head(0).to_sql("yellow_taxi_trips", engine, if_exists="replace")
            is_first = False
        trips.to_sql("yellow_taxi_trips", engine, if_exists="append")
    engine.dispose()


def chunks(path: str) -> Iterator[pd.DataFrame]:
    if path.endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(CHUNK_ROWS):
                yield batch.to_pandas()
    else:
        yield from pd.read_csv(path, iterator=True, chunksize=CHUNK_ROWS, low_memory=False)


def transformed(trips: pd.DataFrame) -> pd.DataFrame:
    for name in trips.columns:
        if name.strip().endswith("datetime"):
            trips[name] = pd.to_datetime(trips[name])
    return trips[trips["passenger_count"] != 0]


timed(lambda: main(*sys.argv[1:]))
