"""Text cut into blocks of whole lines, in bounded memory, before any parser sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class LongLine:
    """A line over the limit: its first bytes and its true length."""

    start: bytes
    size_bytes: int


class Lines:
    """A block of whole lines. Blank lines are not counted; where they lie is found only when asked.

    Args:
        may_have_blanks: Whether there is a blank line in the whole text; most have none.
    """

    def __init__(self, block: bytes, *, may_have_blanks: bool = True) -> None:
        self.block = block
        self._may_have_blanks = may_have_blanks

    @cached_property
    def count(self) -> int:
        block = self.block
        if not self._may_have_blanks:
            return block.count(b"\n")
        if b"\n\n" in block or b"\n\r\n" in block or block.startswith((b"\n", b"\r\n")):
            return len(self.spans)
        return block.count(b"\n")

    @cached_property
    def spans(self) -> np.ndarray:
        """Start and end of each line's content, without its line end, shape (count, 2)."""
        import numpy as np

        data = np.frombuffer(self.block, np.uint8)
        ends = np.flatnonzero(data == ord("\n"))
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        ends = ends - ((ends > starts) & (data[np.maximum(ends - 1, 0)] == ord("\r")))
        filled = ends > starts
        return np.stack((starts[filled], ends[filled]), axis=1)

    def line(self, index: int) -> bytes:
        start, end = self.spans[index].tolist()  # Python's own integers slice faster
        return self.block[start:end]


class Framer:
    """Blocks of whole lines from a stream of chunks; what a reader could not use it can push back.

    A line longer than `max_line` comes as a `LongLine`; it is never held whole.

    Attributes:
        goes_on: The last block is followed by lines that could belong to it: its end may be pushed back.
    """

    def __init__(self, chunks: Iterable[bytes], max_line: int, *, has_long_lines: bool) -> None:
        self._chunks = iter(chunks)
        self._max_line = max_line
        self._has_long_lines = has_long_lines
        self._carry = b""
        self._at_end = False
        self.goes_on = False

    def push_back(self, rest: bytes) -> None:
        """Give back the end of the last block: it comes again, in front of what follows."""
        self._carry = rest + self._carry

    def blocks(self) -> Iterator[bytes | LongLine]:
        while not self._at_end:
            text = self._gather()
            if self._at_end and text and not text.endswith(b"\n"):
                text += b"\n"
            cut = text.rfind(b"\n") + 1
            block, self._carry = text[:cut], text[cut:]
            # One byte over the limit may be the CR of the line's end.
            long_line_follows = self._has_long_lines and len(self._carry) > self._max_line + 1
            pieces = list(self._without_long_lines(block)) if self._has_long_lines else [block]
            for index, piece in enumerate(pieces):
                is_last = index == len(pieces) - 1
                self.goes_on = is_last and not self._at_end and not long_line_follows
                if piece:
                    yield piece
            if long_line_follows:
                yield self._skip_line()

    def _gather(self) -> bytes:
        parts, size = [self._carry], len(self._carry)
        goal = max(BLOCK_BYTES, size + 1)
        while size < goal:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._at_end = True
                break
            parts.append(chunk)
            size += len(chunk)
        self._carry = b""
        return b"".join(parts)

    def _without_long_lines(self, block: bytes) -> Iterator[bytes | LongLine]:
        lines = Lines(block)
        start = 0
        for first, end in lines.spans[lines.spans[:, 1] - lines.spans[:, 0] > self._max_line]:
            if first > start:
                yield block[start:first]
            yield LongLine(block[first : first + self._max_line], int(end - first))
            start = block.index(b"\n", end) + 1
        if start < len(block):
            yield block[start:]

    def _skip_line(self) -> LongLine:
        kept, size, last = self._carry[: self._max_line], len(self._carry), self._carry[-1:]
        self._carry = b""
        for chunk in self._chunks:
            end = chunk.find(b"\n")
            if end < 0:
                size, last = size + len(chunk), chunk[-1:] or last
                continue
            last = chunk[end - 1 : end] or last
            self._carry = chunk[end + 1 :]
            return LongLine(kept, size + end - (last == b"\r"))
        self._at_end = True
        return LongLine(kept, size - (last == b"\r"))
