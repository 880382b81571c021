"""`sample://?rows=1000000&seed=7`: the sample as people write it in a setting."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from taxi_platform.errors import SettingsError
from taxi_platform.resources.sources.sample.source import (
    FORMATS,
    MAX_ROWS,
    MAX_VARY_PERCENT,
    MIN_ROWS,
    SampleSource,
)

_URI = re.compile(r"sample(?::(?://)?(?:\?(?P<query>.*))?)?")
_NUMBERS = ("rows", "seed", "vary_percent")
_PARAMETERS = (*_NUMBERS, "format")
_KNOWN = (
    f"Known are rows ({MIN_ROWS} to {MAX_ROWS:,}), seed (any number from 0), vary_percent "
    f"(0 to {MAX_VARY_PERCENT}) and format ({' or '.join(FORMATS)}), as in sample://?rows=1000000&seed=7."
)


def parse_sample_uri(uri: str) -> SampleSource:
    """The sample that `uri` (`sample`, `sample://` or `sample://?rows=1000000&seed=7`) names.

    Raises:
        SettingsError: It is no such address, or a parameter is unknown, there twice or out of its limits.
    """
    match = _URI.fullmatch(uri.strip())
    if match is None:
        raise SettingsError(f"{uri!r} is not the sample. Write sample or sample://?rows=1000000&seed=7. {_KNOWN}")
    values: dict[str, Any] = {}
    for name, text in parse_qsl(match["query"] or "", keep_blank_values=True):
        if name not in _PARAMETERS:
            raise SettingsError(f"{uri!r}: the sample has no parameter {name!r}. {_KNOWN}")
        if name in values:
            raise SettingsError(f"{uri!r}: {name} is there twice. {_KNOWN}")
        values[name] = _whole_number(uri, name, text) if name in _NUMBERS else text
    try:
        return SampleSource(**values)
    except SettingsError as error:
        raise SettingsError(f"{uri!r}: {error} {_KNOWN}") from error


def _whole_number(uri: str, name: str, text: str) -> int:
    # 18 digits are far beyond every limit; Python refuses to read thousands of them.
    if re.fullmatch(r"[0-9]{1,18}", text) is None:
        raise SettingsError(f"{uri!r}: bad value for {name}: {text!r} is not a whole number. {_KNOWN}")
    return int(text)
