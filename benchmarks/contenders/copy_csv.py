"""`COPY ... (FORMAT csv)` of a file that lies ready, in one transaction, into a table made in it: Postgres' own way.

    python copy_csv.py FILE postgresql://... "CREATE TABLE ..."

FILE is a CSV, or a CSV.gz that is unpacked on the way. Nothing is counted, indexed, analysed or swapped.
"""

import gzip
import sys

import psycopg
from timing import timed


def main(path: str, url: str, create: str) -> None:
    table = create.split("(", 1)[0].rsplit(maxsplit=1)[-1]
    opened = gzip.open if path.endswith(".gz") else open
    with psycopg.connect(url) as connection, connection.cursor() as cursor, opened(path, "rb") as file:
        cursor.execute(create)
        header = "HEADER" if path.endswith(".gz") else ""
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv {', HEADER' if header else ''})") as copy:
            while piece := file.read(1 << 18):
                copy.write(piece)


timed(lambda: main(*sys.argv[1:]))
