"""DuckDB's CSV.gz to zstd Parquet, and nothing else: types as it sniffs them, no row numbers, no rejects, no counts.

python duckdb_parquet.py FILE OUT
"""

import gzip
import sys

import duckdb
from timing import timed


def main(path: str, out: str) -> None:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"COPY (SELECT * FROM {rows_of(path)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


def rows_of(path: str) -> str:
    if path.endswith(".parquet"):
        return f"read_parquet('{path}')"
    with gzip.open(path) as file:
        header, second = file.readline(), file.readline()
    is_mixed = header.endswith(b"\r\n") != second.endswith(b"\r\n")  # 2011's: the strict sniffer refuses it
    return f"read_csv('{path}', strict_mode={'false' if is_mixed else 'true'})"


timed(lambda: main(*sys.argv[1:]))
