"""Values as they came made into the types of the schema: the same trip comes out the same, however it was written.

Text, integers, floats, decimals, null-typed columns and several kinds of timestamp all pass through here. What does
not fit is marked, never guessed and never dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError
from taxi_platform.trips.schema import MONEY_DIGITS, MONEY_SCALE, Column, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

_FLOAT_NOISE_CENTS = 1e-4
"""2009 wrote 9.4000000000000004 for 9.40. What rounding to the cent changes beyond this was no noise."""

_MONEY_LIMIT = 10.0 ** (MONEY_DIGITS - MONEY_SCALE)


@dataclass(frozen=True)
class Conformed:
    """A column in its target type.

    Attributes:
        bad: True where a value did not fit; null there in `values`. None where all fit.
        rounded: Values of which rounding to the cent changed more than float noise.
    """

    values: pa.Array
    bad: pa.Array | None = None
    rounded: int = 0


def conform(array: pa.Array, column: Column, where: str) -> Conformed:
    """`array` in the type of `column`.

    Raises:
        SchemaError: The whole column is of a type that cannot be this column.
    """
    import pyarrow as pa

    target = arrow_type(column.type)
    if pa.types.is_null(array.type):
        return Conformed(pa.nulls(len(array), target))
    if column.type == "text":
        return Conformed(_text(array, column, where))
    if column.type == "time":
        return _times(array, column, where)
    floats, bad = _floats(array, column, where)
    if column.type == "id":
        return _ids(floats, bad)
    if column.type == "money":
        return _money(floats, bad)
    return Conformed(floats, bad)


def _text(array: pa.Array, column: Column, where: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_text(array.type):
        values = array.cast(pa.string())
        empty = pc.equal(values, "")
        return pc.if_else(empty, pa.scalar(None, pa.string()), values) if pc.any(empty).as_py() else values
    if pa.types.is_floating(array.type):
        return _nan_as_null(array).cast(pa.string())
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return array.cast(pa.string())
    raise _retyped(array, column, where)


def _times(array: pa.Array, column: Column, where: str) -> Conformed:
    import pyarrow as pa

    target = arrow_type("time")
    if pa.types.is_timestamp(array.type) and array.type.tz is None:
        return Conformed(array if array.type == target else array.cast(target, safe=False))
    if pa.types.is_date(array.type):
        return Conformed(array.cast(target))
    if _is_text(array.type):
        return Conformed(*_try_cast(_trimmed(array), target))
    raise _retyped(array, column, where)


def _floats(array: pa.Array, column: Column, where: str) -> tuple[pa.Array, pa.Array | None]:
    """`array` as float64, finite or null; and where a value was no number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bad: pa.Array | None = None
    if _is_text(array.type):
        floats, bad = _try_cast(_trimmed(array), pa.float64())
        wrong = pc.fill_null(pc.invert(pc.is_finite(floats)), False)  # the words nan and inf are no numbers
        bad = _either(bad, wrong)
    elif pa.types.is_floating(array.type):
        floats = _nan_as_null(array).cast(pa.float64())
        bad = pc.fill_null(pc.is_inf(floats), False)
    elif pa.types.is_integer(array.type) or pa.types.is_decimal(array.type):
        return array.cast(pa.float64(), safe=False), None
    else:
        raise _retyped(array, column, where)
    if bad is None or not pc.any(bad).as_py():
        return floats, None
    return pc.if_else(bad, pa.scalar(None, pa.float64()), floats), bad


def _ids(floats: pa.Array, bad: pa.Array | None) -> Conformed:
    import pyarrow as pa
    import pyarrow.compute as pc

    target = arrow_type("id")
    try:
        return Conformed(floats.cast(target), bad)
    except pa.ArrowInvalid:
        whole = pc.equal(pc.round(floats), floats)
        fits = pc.and_(whole, pc.less_equal(pc.abs(floats), float(2**15 - 1)))
        wrong = pc.fill_null(pc.invert(fits), False)
        return Conformed(
            pc.if_else(wrong, pa.scalar(None, pa.float64()), floats).cast(target), _either(bad, wrong)
        )


def _money(floats: pa.Array, bad: pa.Array | None) -> Conformed:
    import pyarrow as pa
    import pyarrow.compute as pc

    beyond = pc.fill_null(pc.greater_equal(pc.abs(floats), _MONEY_LIMIT - 0.005), False)
    if pc.any(beyond).as_py():
        floats, bad = pc.if_else(beyond, pa.scalar(None, pa.float64()), floats), _either(bad, beyond)
    exact = pc.multiply(floats, 10.0**MONEY_SCALE)
    cents = pc.round(exact, round_mode="half_towards_infinity")
    off = pc.greater(pc.abs(pc.subtract(exact, cents)), _FLOAT_NOISE_CENTS)
    whole = cents.cast(pa.int64()).cast(pa.decimal128(19, 0))
    # The same integers read with two decimals: no value is computed again.
    values = pa.Array.from_buffers(
        arrow_type("money"), len(whole), whole.buffers(), whole.null_count, whole.offset
    )
    return Conformed(values, bad, pc.sum(off, min_count=0).as_py() or 0)


def _try_cast(strings: pa.Array, target: pa.DataType) -> tuple[pa.Array, pa.Array | None]:
    """Each string as `target`; null, and marked as bad, where it is none. Bad ones are found by halving."""
    import pyarrow as pa

    try:
        return strings.cast(target), None
    except pa.ArrowInvalid:
        count = len(strings)
        if count == 1:
            return pa.nulls(1, target), pa.array([True])
        halves = [_try_cast(half, target) for half in (strings.slice(0, count // 2), strings.slice(count // 2))]
        values = pa.concat_arrays([values for values, _ in halves])
        bad = [pa.array([False] * len(v)) if b is None else b for v, b in halves]
        return values, pa.concat_arrays(bad)


def _trimmed(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(array.cast(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _nan_as_null(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    nan = pc.is_nan(array)
    return pc.if_else(nan, pa.scalar(None, array.type), array) if pc.any(nan).as_py() else array


def _either(one: pa.Array | None, other: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return other if one is None else pc.or_(one, other)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _retyped(array: pa.Array, column: Column, where: str) -> SchemaError:
    return SchemaError(
        f"{where}: the column for {column.name} is of type {array.type}, which cannot be read as "
        f"{arrow_type(column.type)}. Nothing was published. Tell us of the file, or fetch it from its publisher."
    )
