"""What only buckets can do, over each of them: odd names, what an object says of itself, large ones, counters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taxi_platform.errors import RequestError, SettingsError
from taxi_platform.io_managers.objects.opening import open_store, parse_location
from taxi_platform_tests.conftest import ROOT
from taxi_platform_tests.io_managers.kits import KITS, StoreKit
from taxi_platform_tests.io_managers.months import FEBRUARY, JANUARY, TABLE, month_rows
from taxi_platform_tests.io_managers.test_promises import FIRST, plain

if TYPE_CHECKING:
    from taxi_platform_tests.io_managers.bucket_kits import BucketKit

BUCKETS = [name for name in KITS if name in ("gcs", "s3", "azure", "gcs-real")]
MIB = 1 << 20


@pytest.fixture(params=BUCKETS)
def kit(request: pytest.FixtureRequest, kit_of: Callable[..., StoreKit]) -> StoreKit:
    return kit_of(request.param)


# Names that want something else

PREFIXES = [
    "a b/c",
    "größe/旅行/\N{TAXI}",
    "a%2Fb/%2e%2e",
    "a#b/c?d=e&f",
    "'; DROP TABLE x; --",
    '"quoted"',
    "a+b=c@d,e;f:g",
    ".hidden/..a",
    "x" * 200 + "/" + "y" * 200,
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_may_hold_any_letters_and_leads_nowhere_else(kit: BucketKit, prefix: str, tmp_path: Path) -> None:
    there = open_store(f"{kit.location}/{prefix}", kit.variables, tmp_path / "spools")
    beside = open_store(f"{kit.location}/beside", kit.variables, tmp_path / "spools")
    (tmp_path / "file").write_bytes(b"content")
    for store in (there, beside):
        assert store.create("t/a", tmp_path / "file", {"what": "größe \n \x7f 'x'"})
        assert store.swap("t/m", prefix.encode(), None)
        assert store.swap("t/m", b"2", prefix.encode())
    assert there.names("t") == ["a", "m"]
    assert there.names() == ["t"]
    with there.fetch("t/a") as path:
        assert path.read_bytes() == b"content"
    assert set(kit.objects()) == {f"{where}/t/{name}" for where in (prefix, "beside") for name in "am"}


@pytest.mark.parametrize("key", ["", "/a", "a/../b", "..", "a//b", "./a", "a/", "a\0b"])
def test_a_key_that_leads_elsewhere_is_refused(kit: BucketKit, key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    store = kit.months.store
    for attempt in (
        lambda: store.create(key, tmp_path / "file"),
        lambda: store.swap(key, b"1", None),
        lambda: store.read(key),
        lambda: store.size(key),
    ):
        with pytest.raises(RequestError, match="cannot be a path in"):
            attempt()
    assert kit.objects() == {}


@pytest.mark.parametrize(
    "location",
    [
        "gs://",
        "gs:///x",
        "gs://bucket/../other",
        "gs://bucket/a/./b",
        "gs://user:pw@bucket/x",
        "s3://key:secret@bucket/x",
        "s3://bucket name/x",
        "az://account:key@container",
        "abfs://container@account:key/x",
        "ftp://bucket/x",
        "hdfs://x/y",
        "gs://bucket/a\\b",
        "gs://bucket/a\nb",
    ],
)
def test_a_location_that_is_none_is_refused_and_not_repeated(location: str) -> None:
    with pytest.raises(SettingsError) as said:
        parse_location(location)
    assert not any(secret in str(said.value) for secret in ("pw", "secret", "key@", ":key"))


@pytest.mark.parametrize(
    ("text", "kind", "bucket", "prefix"),
    [
        ("gs://b/x/y/", "gcs", "b", "x/y"),
        ("s3://b", "s3", "b", ""),
        ("az://c/x?y#z", "azure", "c", "x?y#z"),
        ("abfss://c@account.dfs.core.windows.net/x", "azure", "c@account.dfs.core.windows.net", "x"),
        ("file:///a/b", "file", "", "/a/b"),
        ("/a/b c", "file", "", "/a/b c"),
    ],
)
def test_a_location_is_a_bucket_and_a_prefix(text: str, kind: str, bucket: str, prefix: str) -> None:
    found = parse_location(text)
    assert (found.kind, found.bucket, found.prefix) == (kind, bucket, prefix)


# What an object says of itself


def test_an_object_tells_those_who_meet_it_without_us_what_it_is(kit: BucketKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    found = kit.months.current(TABLE, JANUARY)
    told = kit.about(kit.data_key(JANUARY))
    assert {name: told[name] for name in ("table", "month", "version", "rows", "sha256")} == {
        "table": TABLE,
        "month": JANUARY,
        "version": "a",
        "rows": "6",
        "sha256": found.files["trips"].sha256,
    }


# What nobody names any more


def test_what_a_killed_load_left_is_taken_over_by_the_next_one(kit: BucketKit, tmp_path: Path) -> None:
    """The object was created, the manifest not swapped: its bytes are those that the next load would send."""
    twin = KITS[kit.name](tmp_path / "twin")
    twin.put(JANUARY, month_rows(JANUARY), "a", FIRST)
    with twin.months.current(TABLE, JANUARY).path() as path:
        kit.months.store.create(kit.key(JANUARY, "a.parquet"), path)
    assert kit.rows_of(JANUARY) is None
    before = kit.objects()
    assert kit.put(JANUARY, month_rows(JANUARY), "a", FIRST).outcome == "created"
    assert kit.objects().items() >= before.items()
    assert kit.leftovers() == []
    kit.put(FEBRUARY, month_rows(FEBRUARY), "a", FIRST)
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY))
    twin.end()


# Many at once

COUNT = """if True:
    import json, sys
    from pathlib import Path
    from taxi_platform.io_managers.objects.opening import open_store
    store, done = open_store(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])), 0
    while done < 8:
        seen = store.read("t/count")
        done += store.swap("t/count", str(int(seen or 0) + 1).encode(), seen)
"""


def test_a_counter_that_processes_and_threads_swap_loses_no_count(kit: BucketKit, tmp_path: Path) -> None:
    import json

    def count(number: int) -> int:
        words = [kit.location, json.dumps(kit.variables), str(tmp_path / f"spools {number}")]
        return subprocess.run([sys.executable, "-c", COUNT, *words], cwd=ROOT, check=False, timeout=100).returncode

    def count_here(_: int) -> int:
        store, done = open_store(kit.location, kit.variables, tmp_path / "spools"), 0
        while done < 8:
            seen = store.read("t/count")
            done += store.swap("t/count", str(int(seen or 0) + 1).encode(), seen)
        return 0

    with ThreadPoolExecutor(4) as threads:
        ends = [threads.submit(do, number) for number, do in enumerate((count, count, count_here, count_here))]
        assert [end.result() for end in ends] == [0] * 4
    assert kit.months.store.read("t/count") == b"32"


def test_of_those_who_create_at_once_one_is_told_that_he_did(kit: BucketKit, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).write_bytes(os.urandom(50_000))
    with ThreadPoolExecutor(6) as threads:
        told = list(threads.map(lambda number: kit.months.store.create("t/a", tmp_path / str(number)), range(6)))
    assert sum(told) == 1
    with kit.months.store.fetch("t/a") as path:
        assert path.read_bytes() == (tmp_path / str(told.index(True))).read_bytes()


def test_versions_that_are_published_at_once_are_one_chain_without_a_lost_one(kit: BucketKit) -> None:
    kit.put(JANUARY, month_rows(JANUARY), "first", "1")
    with ThreadPoolExecutor(4) as threads:
        puts = [threads.submit(kit.put, JANUARY, month_rows(JANUARY, n), f"v{n}", "2") for n in range(4)]
        assert {put.result().outcome for put in puts} == {"replaced"}
    assert {month.version for month in kit.months.versions(TABLE, JANUARY)} == {"first", "v0", "v1", "v2", "v3"}
    last = kit.months.versions(TABLE, JANUARY)[-1].version
    assert kit.version_of(JANUARY) == (last, "2")
    assert kit.rows_of(JANUARY) == plain(month_rows(JANUARY, int(last[1])))


# Large ones

MEASURE = """if True:
    import json, sys
    from pathlib import Path
    from taxi_platform.io_managers.objects.opening import open_store
    from taxi_platform.trips.month_file import sha256_of
    from taxi_platform_tests.peak_memory import peak_mib
    folder = Path(sys.argv[3])
    store = open_store(sys.argv[1], json.loads(sys.argv[2]), folder / "spools")
    store.create("t/small", folder / "small")
    with store.fetch("t/small"):
        before = peak_mib()
    assert store.create("t/large", folder / "large")
    with store.fetch("t/large") as path:
        assert sha256_of(path) == sha256_of(folder / "large")
    print(before, peak_mib())
"""


@pytest.mark.long
def test_a_large_object_passes_in_bounded_memory(kit: BucketKit, tmp_path: Path) -> None:
    import json

    (tmp_path / "small").write_bytes(os.urandom(20 * MIB))  # in parts too: what they need is needed already
    with (tmp_path / "large").open("wb") as file:
        for _ in range(300):
            file.write(os.urandom(MIB))
    words = [kit.location, json.dumps(kit.variables), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], cwd=ROOT, check=True, timeout=500, capture_output=True, text=True
    )
    before, after = map(int, done.stdout.split())
    assert after - before < 40
