"""`make bench`: measure this machine, and say what it took beside what others take."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import many_months, scaling, starting
from benchmarks.measuring import Table
from benchmarks.projects import let_everybody_in, source_file
from benchmarks.report import save
from benchmarks.stages import lake_upload, stages
from benchmarks.whole_month import whole_month
from taxi_platform_tests.kit.postgres_server import PostgresServer, postgres

ROWS = 1_369_765
"""As many as yellow 2021-01 has."""

FILES = (("2021-01", "csv"), ("2011-01", "csv"), ("2024-01", "parquet"))
SERVER = {"fsync": "on", "max_wal_size": "8GB", "shared_buffers": "256MB"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of a month; the large ones have ten times as many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help=f"some of {', '.join(_parts(None))}, joined by commas")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="taxi-bench-") as folder, postgres(18, SERVER) as server:
        let_everybody_in(server)
        bench = Bench(Path(folder), server, arguments.rows, arguments.rounds)
        parts = _parts(bench)
        names = arguments.only.split(",") if arguments.only else list(parts)
        tables = [table for name in names for table in parts[name]()]
    print(save(tables, arguments.results).read_text())


class Bench:
    """Where it is measured, and how much."""

    def __init__(self, folder: Path, server: PostgresServer, rows: int, rounds: int) -> None:
        self.folder, self.server, self.rows, self.rounds = folder, server, rows, rounds
        self.sources = folder / "sources"

    def months(self) -> Iterator[Table]:
        """A month of the size that the course loads, in three layouts."""
        for number, (month, kind) in enumerate(FILES):
            rounds = self.rounds if number == 0 else max(self.rounds // 2, 1)
            file = source_file(self.sources, "yellow", month, self.rows, kind)
            with self._work() as work:
                yield whole_month(work, self.server, file, self.rows, rounds, rounds)

    def large_months(self) -> Iterator[Table]:
        """The same ten times as big; the course's flow once, and of one layout, for patience's sake."""
        for number, (month, kind) in enumerate(FILES):
            rows = self.rows * 10
            file = source_file(self.sources, "yellow", month, rows, kind)
            with self._work() as work:
                yield whole_month(work, self.server, file, rows, 1, 1 if number == 0 else 0)

    def stages(self) -> Iterator[Table]:
        file = source_file(self.sources, "yellow", "2021-01", self.rows, "csv")
        with self._work() as work:
            yield stages(work, self.server, file, self.rows, self.rounds)

    def lake(self) -> Iterator[Table]:
        with self._work() as work:
            yield lake_upload(work, self.sources, self.rows * 12, max(self.rounds // 2, 1))

    def scaling(self) -> Iterator[Table]:
        with self._work() as work:
            yield scaling.rows(work, self.sources, self.server, self.rows, max(self.rounds // 2, 1))

    def largest(self) -> Iterator[Table]:
        with self._work() as work:
            yield scaling.largest(work, self.sources, self.server, 1)

    def many(self) -> Iterator[Table]:
        with self._work() as work:
            yield many_months.in_the_terminal(work, self.sources, max(self.rounds // 2, 1))
            yield many_months.through_the_daemon(work, self.sources)

    def starting(self) -> Iterator[Table]:
        with self._work() as work:
            yield starting.starting(work, self.rounds)

    @contextlib.contextmanager
    def _work(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            yield Path(work)


def _parts(bench: Bench | None) -> Mapping[str, Callable[[], Iterator[Table]]]:
    names = ("starting", "many", "stages", "months", "lake", "scaling", "largest", "large_months")
    return {name: getattr(bench, name, lambda: iter(())) for name in names}


if __name__ == "__main__":
    main()
