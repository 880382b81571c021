"""The floors under our stages: the least that must be done, and nothing else.

python floors.py gunzip|parse|write_parquet|put FILE [URL]
"""

import gzip
import hashlib
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
from timing import timed


def gunzip(path: Path) -> Callable[[], object]:
    def work() -> None:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass

    return work


def parse(path: Path) -> Callable[[], object]:
    def work() -> None:
        with pyarrow.csv.open_csv(path, pyarrow.csv.ReadOptions(block_size=1 << 24)) as reader:
            for _ in reader:
                pass

    return work


def write_parquet(path: Path) -> Callable[[], object]:
    table = pq.read_table(path)
    return lambda: pq.write_table(table, f"{path}.again", compression="zstd")


def put(path: Path, url: str) -> Callable[[], object]:
    def work() -> None:
        digest = hashlib.md5()
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
            file.seek(0)
            headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
            request = urllib.request.Request(url, file, headers, method="POST")
            with urllib.request.urlopen(request, timeout=600) as answer:
                answer.read()

    return work


FLOORS: dict[str, Callable[..., Callable[[], object]]] = {
    "gunzip": gunzip,
    "parse": parse,
    "write_parquet": write_parquet,
    "put": put,
}

what, name, *more = sys.argv[1:]
timed(FLOORS[what](Path(name), *more))
