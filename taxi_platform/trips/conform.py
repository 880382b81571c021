"""Values made into the types of the schema: the same trip comes out the same, however it was written.

Text, integers, floats, decimals, null-typed columns and several kinds of timestamp all pass through here.
What does not fit is marked, never guessed and never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxi_platform.errors import SchemaError
from taxi_platform.trips.schema import DECIMAL_DIGITS, SCALES, Column, ColumnType, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

_FLOAT_NOISE_UNITS = 1e-4
"""2009 wrote 9.4000000000000004 for 9.40. What rounding to the cent changes beyond this was no noise."""

_DOUBLE_NOISE = 2.0**-52
"""By so much of itself a double's neighbour differs from it."""

_WHOLE_LIMITS: Mapping[ColumnType, tuple[float, float]] = {
    "id": (float(-(2**15)), float(2**15 - 1)),
    "seconds": (float(-(2**31)), float(2**31 - 1)),
}

_NUMBER = r"^[-+.0-9eE]+$"
"""The characters of a number."""

_FIRST_DAY, _END_DAY = -719_162, 2_932_897
"""0001-01-01 and 10000-01-01 in days from 1970: not every store, nor Python, can hold other years."""

_DAY_TICKS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@dataclass(frozen=True)
class Conformed:
    """A column in its target type.

    Attributes:
        bad: True where a value did not fit; null there in `values`. None where all fit.
        rounded: Values of which rounding to the cent changed more than float noise.
        unmapped: What came as text that is no code and no known spelling of one, as it came. None where all is known.
    """

    values: pa.Array
    bad: pa.Array | None = None
    rounded: int = 0
    unmapped: pa.Array | None = None


def conform(array: pa.Array, column: Column, where: str) -> Conformed:
    """`array` in the type of `column`.

    Raises:
        SchemaError: The whole column is of a type that cannot be this column.
    """
    import pyarrow as pa

    target = arrow_type(column.type)
    if array.null_count == len(array):  # of whatever type: pandas saves an empty column as doubles
        return Conformed(pa.nulls(len(array), target))
    if column.type == "text":
        return _respelled(_text(array, column, where), column)
    if column.type == "time":
        return _times(array, column, where)
    if column.spellings and _is_text(array.type):
        return _codes(array, column)
    return _numbers(array, column, where)


def _numbers(array: pa.Array, column: Column, where: str) -> Conformed:
    import pyarrow.compute as pc

    floats, bad = _floats(array, column, where)
    if column.type in _WHOLE_LIMITS:
        return _whole(floats, bad, column.type)
    if column.type in SCALES:
        return _exact(floats, bad, column.type)
    if column.zero_is_missing:
        floats = _without(floats, pc.equal(floats, 0.0))[0]
    return Conformed(floats, bad)


def _respelled(conformed: Conformed, column: Column) -> Conformed:
    """Known spellings of a flag brought together; any other text stays as it came."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not column.spellings:
        return conformed
    known = _known_spellings(conformed.values, column)
    values = pc.coalesce(known.cast(pa.string()), conformed.values)
    return Conformed(values, conformed.bad)


def _codes(array: pa.Array, column: Column) -> Conformed:
    """Codes that were written as words. A word nobody knows is kept as it came, never guessed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    strings, bad = _strings(array)
    strings = _trimmed(strings)
    known = _known_spellings(strings, column).cast(arrow_type(column.type))
    others = _without(strings, pc.is_valid(known))[0]
    if others.null_count == len(others):
        return Conformed(known, bad)
    # "nan" and "inf" are words, whatever stands in the rows beside them: Arrow would take them for numbers.
    digits, word = _without(others, pc.invert(pc.match_substring_regex(others, _NUMBER)))
    numbers, unread = _try_cast(digits, pa.float64(), _NUMBER)
    whole = _whole(numbers, None, column.type)
    values, bad, unread = pc.coalesce(known, whole.values), _either(bad, whole.bad), _either(word, unread)
    if unread is None or not column.unmapped_to:
        return Conformed(values, _either(bad, unread))
    return Conformed(values, bad, unmapped=_without(others, pc.invert(unread))[0])


def _known_spellings(strings: pa.Array, column: Column) -> pa.Array:
    """What each string means by the column's spellings; null where it is none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(list(column.spellings), pa.string())
    meanings = pa.array(list(column.spellings.values()))
    return meanings.take(pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(strings)), words))


def _text(array: pa.Array, column: Column, where: str) -> Conformed:
    import pyarrow as pa

    if _is_text(array.type):
        values, bad = _strings(array)
        return Conformed(_empty_as_null(values), bad)
    if pa.types.is_floating(array.type):
        return Conformed(_nan_as_null(array).cast(pa.string()))
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return Conformed(array.cast(pa.string()))
    raise _retyped(array, column, where)


def _times(array: pa.Array, column: Column, where: str) -> Conformed:
    import pyarrow as pa
    import pyarrow.compute as pc

    target, bad = arrow_type("time"), None
    if _is_text(array.type):
        strings, bad = _strings(array)
        # Microseconds are what we keep, of text as of a timestamp.
        strings = pc.replace_substring_regex(_trimmed(strings), r"(\.[0-9]{6})[0-9]{1,3}$", r"\1")
        array, unread = _try_cast(strings, target, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]|$)")
        bad = _either(bad, unread)
    if pa.types.is_timestamp(array.type) and array.type.tz is None:
        ticks, per_day = array.cast(pa.int64()), _DAY_TICKS[array.type.unit]
    elif pa.types.is_date32(array.type):
        ticks, per_day = array.cast(pa.int32()).cast(pa.int64()), 1
    else:
        raise _retyped(array, column, where)
    lowest, highest = max(_FIRST_DAY * per_day, -(2**63)), min(_END_DAY * per_day, 2**63) - 1
    array, beyond = _without(array, _outside(ticks, lowest, highest))
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = pc.floor_temporal(array, unit="microsecond")  # the cast would round towards 1970
    times = array if array.type == target else array.cast(target, safe=False)
    return Conformed(times, _either(bad, beyond))


def _floats(array: pa.Array, column: Column, where: str) -> tuple[pa.Array, pa.Array | None]:
    """`array` as float64, finite or null; and where a value was no number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bad: pa.Array | None = None
    if _is_text(array.type):
        strings, bad = _strings(array)
        floats, unread = _try_cast(_trimmed(strings), pa.float64(), _NUMBER)
        floats, word = _without(floats, pc.is_nan(floats))  # "nan" is a word, not a number
        bad = _either(_either(bad, unread), word)
    elif pa.types.is_float32(array.type):
        # By way of its shortest text: 9.4 it was, not 9.399999618530273.
        floats = _nan_as_null(array.cast(pa.string()).cast(pa.float64()))
    elif pa.types.is_floating(array.type):
        floats = _nan_as_null(array.cast(pa.float64()))
    elif pa.types.is_integer(array.type) or pa.types.is_decimal(array.type):
        return array.cast(pa.float64(), safe=False), None
    else:
        raise _retyped(array, column, where)
    floats, infinite = _without(floats, pc.is_inf(floats))
    return floats, _either(bad, infinite)


def _whole(floats: pa.Array, bad: pa.Array | None, kind: ColumnType) -> Conformed:
    import pyarrow as pa
    import pyarrow.compute as pc

    target = arrow_type(kind)
    try:
        return Conformed(floats.cast(target), bad)
    except pa.ArrowInvalid:
        broken = pc.not_equal(pc.round(floats), floats)
        floats, wrong = _without(floats, pc.or_(broken, _outside(floats, *_WHOLE_LIMITS[kind])))
        return Conformed(floats.cast(target), _either(bad, wrong))


def _exact(floats: pa.Array, bad: pa.Array | None, kind: ColumnType) -> Conformed:
    """Floats as decimals: of money whole cents, of miles whole thousandths."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scale = SCALES[kind]
    limit = 10.0 ** (DECIMAL_DIGITS - scale)
    floats, beyond = _without(floats, pc.greater_equal(pc.abs(floats), limit - 0.5 / 10**scale))
    exact = pc.multiply(floats, 10.0**scale)
    units = pc.round(exact)
    change = pc.abs(pc.subtract(exact, units))
    rounded = pc.sum(pc.greater(change, _FLOAT_NOISE_UNITS), min_count=0).as_py()
    if rounded:  # of billions a double is noisier
        noise = pc.max_element_wise(pc.multiply(pc.abs(exact), _DOUBLE_NOISE), _FLOAT_NOISE_UNITS)
        rounded = pc.sum(pc.greater(change, noise), min_count=0).as_py()
    if rounded:  # 1.005 is a float just below: what is half a cent but for noise is half a cent
        units = pc.round(pc.round(exact, 4), round_mode="half_towards_infinity")
    whole = units.cast(pa.int64()).cast(pa.decimal128(19, 0))
    # The same integers read with decimal places: no value is computed again.
    values = pa.Array.from_buffers(arrow_type(kind), len(whole), whole.buffers(), whole.null_count, whole.offset)
    return Conformed(values, _either(bad, beyond), rounded if kind == "money" else 0)


def _try_cast(strings: pa.Array, target: pa.DataType, shape: str) -> tuple[pa.Array, pa.Array | None]:
    """Each string as `target`; null, and marked as bad, where it is none.

    Args:
        shape: A regular expression that every good value matches. What it lets through is found by halving.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return strings.cast(target), None
    except pa.ArrowInvalid:
        strings, shapeless = _without(strings, pc.invert(pc.match_substring_regex(strings, shape)))
        values, unread = _cast_by_halves(strings, target)
        return values, _either(shapeless, unread)


def _cast_by_halves(strings: pa.Array, target: pa.DataType) -> tuple[pa.Array, pa.Array]:
    import pyarrow as pa

    count = len(strings)
    try:
        return strings.cast(target), pa.repeat(False, count)
    except pa.ArrowInvalid:
        if count == 1:
            return pa.nulls(1, target), pa.array([True])
        halves = strings.slice(0, count // 2), strings.slice(count // 2)
        values, bad = zip(*(_cast_by_halves(half, target) for half in halves), strict=True)
        return pa.concat_arrays(values), pa.concat_arrays(bad)


def _strings(array: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """`array` as strings that every store takes: Parquet's need not be UTF-8, and may hold a NUL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    strings = array.cast(pa.string())
    try:
        strings.validate(full=True)
        return _without(strings, pc.match_substring(strings, "\0"))
    except pa.ArrowInvalid:
        wrong = [_is_no_text(raw) for raw in strings.cast(pa.binary()).to_pylist()]
        return _without(strings, pa.array(wrong))


def _is_no_text(raw: bytes | None) -> bool:
    try:
        return raw is not None and "\0" in raw.decode()
    except UnicodeDecodeError:
        return True


def _trimmed(strings: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return _empty_as_null(pc.utf8_trim_whitespace(strings))


def _empty_as_null(strings: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return _without(strings, pc.equal(strings, ""))[0]


def _nan_as_null(array: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return _without(array, pc.is_nan(array))[0]


def _outside(array: pa.Array, lowest: float, highest: float) -> pa.Array:
    import pyarrow.compute as pc

    return pc.or_(pc.less(array, lowest), pc.greater(array, highest))


def _without(array: pa.Array, mask: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """`array` with nulls where `mask` is true, and `mask` without its nulls; None where nothing is masked."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(mask).as_py():
        return array, None
    return pc.if_else(mask, pa.scalar(None, array.type), array), pc.fill_null(mask, False)


def _either(one: pa.Array | None, other: pa.Array | None) -> pa.Array | None:
    import pyarrow.compute as pc

    if one is None or other is None:
        return other if one is None else one
    return pc.or_(one, other)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _retyped(array: pa.Array, column: Column, where: str) -> SchemaError:
    return SchemaError(
        f"{where}: the column for {column.name} is of type {array.type}, which cannot be read as "
        f"{arrow_type(column.type)}. Nothing was published. Fetch the file from its publisher, or report it."
    )
