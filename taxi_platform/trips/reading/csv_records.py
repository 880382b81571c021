"""A CSV as records: fast where a block is clean, careful where it is not, and every line accounted for.

Each block of whole lines goes to Arrow's parser with the types we expect. The parser must give back as many
rows as the block has lines; if it does not, or a value does not fit, the block is read again as text and its
bad lines are set aside with a reason. Only a block with unusual quotes is read record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from taxi_platform.errors import AccountingError
from taxi_platform.trips.ahead import ahead
from taxi_platform.trips.layouts import normalised
from taxi_platform.trips.reading.bytes_in import CHUNKS_AHEAD, text_chunks
from taxi_platform.trips.reading.fields import flaw_of_plain
from taxi_platform.trips.reading.framing import Framer, Lines, LongLine
from taxi_platform.trips.reading.inspection import MAX_LINE_BYTES, Inspection
from taxi_platform.trips.reading.quotes import has_plain_quotes, read_carefully
from taxi_platform.trips.reading.records import Records, Reject

if TYPE_CHECKING:
    import pyarrow as pa

ParseAs = Literal["number", "time", "text"]

_TEXT_LINES = 1 << 16
"""Of the lines that are read as text so many at a time: a block of nothing but dirt has millions."""

_BOM = b"\xef\xbb\xbf"


class CsvReader:
    """The records of a CSV, batch by batch.

    Args:
        parse_as: How to parse the columns we know, by normalised name; all others are text.
        seen: Gets the bytes of the file as they are read.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        inspection: Inspection,
        parse_as: Mapping[str, ParseAs],
        *,
        seen: Callable[[bytes], object] | None = None,
        max_line: int = MAX_LINE_BYTES,
    ) -> None:
        self._path, self._name, self._inspection, self._seen = path, name, inspection, seen
        self._header = [normalised(column) for column in inspection.header]
        while self._header and not self._header[-1]:
            self._header.pop()
        self._parse_as = parse_as
        self._max_line = max_line
        self._width = 0  # not known before the first row

    def __iter__(self) -> Iterator[Records]:
        with closing(ahead(text_chunks(self._path, self._name, self._seen), CHUNKS_AHEAD)) as chunks:
            yield from self._records(chunks)

    def _records(self, chunks: Iterable[bytes]) -> Iterator[Records]:
        long_lines = self._inspection.longest_line > self._max_line
        framer = Framer(chunks, self._max_line, has_long_lines=long_lines)
        header_is_next, next_row = True, 1
        for block in framer.blocks():
            if isinstance(block, LongLine):
                self._width = self._width or len(self._header)
                yield self._long_line(block, next_row)
                next_row += 1
                continue
            rows = block
            if header_is_next:
                lines = Lines(block)
                if not lines.count:
                    continue
                rows = block[block.index(b"\n", lines.spans[0][1]) + 1 :]
                header_is_next = False
            self._width = self._width or self._width_of(rows)
            if self._width:
                for records in self._read(rows, next_row, framer):
                    next_row += records.seen
                    yield records

    def _width_of(self, block: bytes) -> int:
        """Fields in a data row, by the first: some files have more than their header names, all of them empty."""
        lines = Lines(block)
        if not lines.count:
            return 0
        width = len(self._header)
        if b'"' in lines.line(0) or flaw_of_plain(lines.line(0), width):
            return width
        return lines.line(0).count(b",") + 1

    def _read(self, block: bytes, first_row: int, framer: Framer) -> Iterator[Records]:
        import numpy as np

        lines = Lines(block, may_have_blanks=self._inspection.blank_lines > 0)
        quoted = b'"' in block
        if quoted and not has_plain_quotes(block):
            yield self._read_quoted(block, first_row, framer)
            return
        if not self._has_control_bytes(block):
            columns = self._parse(block, self._width, quoted=quoted, typed=True)
            if columns is not None and _rows(columns) == lines.count:
                rows = np.arange(first_row, first_row + lines.count, dtype=np.int64)
                yield Records(columns, rows, lines.line)
                return
        if quoted:
            yield self._read_quoted(block, first_row, framer)
            return
        for start in range(0, lines.count, _TEXT_LINES):
            yield self._read_as_text(lines, start, first_row)

    def _has_control_bytes(self, block: bytes) -> bool:
        """A NUL, or a CR that ends no line: Arrow's parser keeps the one and breaks the line at the other."""
        if self._inspection.nul_bytes and b"\0" in block:
            return True
        if self._inspection.lone_crs == 0:
            return False
        return b"\r" in block and block.count(b"\r") != block.count(b"\r\n")

    def _read_as_text(self, lines: Lines, start: int, first_row: int) -> Records:
        """Some of `lines`, from `start`: set aside those that are no records, and read the others as text."""
        import numpy as np

        good, malformed, kept = [], [], []
        width = len(self._header)
        for index in range(start, min(start + _TEXT_LINES, lines.count)):
            line = lines.line(index)
            if flaw := flaw_of_plain(line, width, self._width):
                malformed.append(Reject.of(first_row + index, flaw, line))
            else:
                too_wide = line.count(b",") + 1 - width
                good.append(line[:-too_wide] if too_wide else line)
                kept.append(index)
        positions = np.array(kept, dtype=np.int64)
        columns: dict[str, pa.Array] | None = self._no_columns()
        if good:
            columns = self._parse(b"\n".join(good) + b"\n", width, quoted=False, typed=False)
        if columns is None or _rows(columns) != len(good):
            raise AccountingError(
                f"{self._name}: the parser gave other rows than the lines after row {first_row + start:,}. "
                "Nothing was published. This is a defect: please report it with the file."
            )
        return Records(columns, first_row + positions, lambda at: lines.line(kept[at]), tuple(malformed))

    def _read_quoted(self, block: bytes, first_row: int, framer: Framer) -> Records:
        result = read_carefully(
            block, self._header, self._width, first_row, self._max_line, may_continue=framer.goes_on
        )
        framer.push_back(result.rest)
        return result.records

    def _parse(self, block: bytes, width: int, *, quoted: bool, typed: bool) -> dict[str, pa.Array] | None:
        """The columns of `block`, or None where it is not what we expect."""
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import csv as arrow_csv

        names = self._header + [f"\0{index}" for index in range(len(self._header), width)]
        if block.startswith(_BOM):
            block = b"\n" + block  # Arrow would drop it, but only where a block happens to start
        types: dict[str, pa.DataType] = dict.fromkeys(names, pa.string())
        types.update(dict.fromkeys(names[len(self._header) :], pa.null()))
        if typed:
            arrow = {"number": pa.float64(), "time": pa.timestamp("us"), "text": pa.string()}
            types.update({name: arrow[self._parse_as[name]] for name in names if name in self._parse_as})
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(block),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=max(1 << 20, self._max_line)),
                parse_options=arrow_csv.ParseOptions(quote_char='"' if quoted else False),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types,
                    null_values=[""],
                    strings_can_be_null=True,
                    timestamp_parsers=[arrow_csv.ISO8601],
                ),
            ).combine_chunks()
        except pa.ArrowInvalid:
            return None
        columns = {name: _one_chunk(table.column(name)) for name in self._header}
        for column in columns.values():
            if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py():
                return None  # "nan" and "inf" are words, not numbers
        return columns

    def _no_columns(self) -> dict[str, pa.Array]:
        import pyarrow as pa

        return {name: pa.array([], pa.string()) for name in self._header}

    def _long_line(self, line: LongLine, row: int) -> Records:
        import numpy as np

        reject = Reject.of(row, "line_too_long", line.start)
        reject = Reject(reject.source_row, reject.reason, reject.raw_line, line.size_bytes)
        return Records(self._no_columns(), np.array([], np.int64), lambda _: b"", (reject,))


def _rows(columns: Mapping[str, pa.Array]) -> int:
    return len(next(iter(columns.values())))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def parse_as(column_types: Mapping[str, str]) -> dict[str, ParseAs]:
    """How to parse the columns whose target types are given, by normalised source name."""
    numbers = ("id", "money", "miles", "seconds", "number")
    kinds: Mapping[str, ParseAs] = {**dict.fromkeys(numbers, "number"), "time": "time"}
    return {name: kinds.get(column_type, "text") for name, column_type in column_types.items()}
