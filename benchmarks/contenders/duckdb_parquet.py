"""DuckDB's CSV.gz to zstd Parquet, and nothing else: types as it sniffs them, no row numbers, no rejects, no counts.

python duckdb_parquet.py FILE OUT
"""

import sys

import duckdb
from timing import timed


def main(path: str, out: str) -> None:
    read = "read_parquet" if path.endswith(".parquet") else "read_csv"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"COPY (SELECT * FROM {read}('{path}')) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


timed(lambda: main(*sys.argv[1:]))
