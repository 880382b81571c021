"""A publisher that makes its months up on the spot: the real formats with their real dirt, and no network.

What it draws is the same in every process: a month depends on its service, `rows`, `seed` and `format` alone.

    source.py        what others call: which months there are, and writing one
    uri.py           `sample://?rows=1000000&seed=7`
    timeline.py      which format the publisher used when, as data
    eras.py          what a format is
    words.py, tariffs.py, habits.py, bases.py    what was in the files, as data
    draws.py         random numbers that every process draws alike
    draft.py         one chunk of a file while it is made
    columns.py, hire.py, places.py    how the values of each target column are made
    dirt.py          the rows that a cleaner has to catch
    csv_text.py, parquet_file.py, texts.py    the two kinds of file

From `draws.py` on the modules need numpy and pyarrow; only `SampleSource.fetch` loads them.
"""

from __future__ import annotations

from taxi_platform.resources.sources.sample.source import (
    GENERATOR_VERSION,
    MAX_ROWS,
    MIN_ROWS,
    SampleSource,
)
from taxi_platform.resources.sources.sample.uri import parse_sample_uri

__all__ = ["GENERATOR_VERSION", "MAX_ROWS", "MIN_ROWS", "SampleSource", "parse_sample_uri"]
