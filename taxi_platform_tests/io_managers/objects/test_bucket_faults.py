"""Buckets whose server refuses, stalls, hangs up or changes bytes: what is lost on the way does no harm."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_platform.errors import DamagedStoreError, StoreError, StoreUnavailableError
from taxi_platform.io_managers.objects.bucket_api import IN_ONE_BYTES
from taxi_platform.trips.month_file import sha256_of
from taxi_platform_tests.io_managers.doors import ADDRESSES, DOORS, GET, HEAD, LAST, PART, PUT, Door

KEY = "table/object"
LARGE_BYTES = int(2.5 * IN_ONE_BYTES)

# Google's client forgets the line of a download that is answered with 503, and asks again on another one.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(params=["gcs", "s3", pytest.param("azure", marks=pytest.mark.long)])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    with DOORS[request.param](tmp_path) as opened:
        yield opened
        assert opened.spooled() == []
    gc.collect()  # here, where such a line is expected


# An answer that is lost


def test_a_creation_whose_answer_is_lost_is_known_as_our_own(door: Door) -> None:
    path = door.file()
    lost = door.fails(PUT, cut="after")
    assert door.store().create(KEY, path, {"rows": "7"})
    assert lost.met == 1
    assert not door.store().create(KEY, door.file(3))
    assert door.undisturbed.size(KEY) == path.stat().st_size


def test_the_end_of_a_large_creation_whose_answer_is_lost_is_known_as_our_own(door: Door) -> None:
    path = door.file(LARGE_BYTES)
    lost = door.fails(LAST, cut="after", skip=2 if door.lines[LAST] == door.lines[PART] else 0)
    assert door.store().create(KEY, path)
    assert lost.met == 1
    with door.undisturbed.fetch(KEY, sha256_of(path)):
        pass


def test_a_swap_whose_answer_is_lost_is_known_as_our_own(door: Door) -> None:
    store = door.store()
    for before, now in ((None, b"1"), (b"1", b"2")):
        lost = door.fails(PUT, cut="after")
        assert store.swap(KEY, now, before)
        assert lost.met == 1
    assert door.undisturbed.read(KEY) == b"2"


def test_a_swap_whose_answer_is_lost_is_known_as_our_own_also_after_others_have_swapped_since(door: Door) -> None:
    door.undisturbed.swap(KEY, b"1", None)
    door.fails(PUT, cut="after")
    door.fails(PUT, then=lambda: door.undisturbed.swap(KEY, b"3", b"2"))  # before the same is asked for again
    assert door.store().swap(KEY, b"2", b"1")
    assert door.undisturbed.read(KEY) == b"3"


def test_a_creation_or_a_swap_that_another_was_faster_with_is_not_taken_for_our_own(door: Door) -> None:
    path, other = door.file(), door.file(50)
    door.fails(PUT, then=lambda: door.undisturbed.create(KEY, other))
    assert not door.store().create(KEY, path)
    door.fails(PUT, then=lambda: door.undisturbed.swap("table/m", b"other", None))
    assert not door.store().swap("table/m", b"mine", None)
    door.fails(PUT, then=lambda: door.undisturbed.swap("table/m", b"another", b"other"))
    assert not door.store().swap("table/m", b"mine", b"other")
    assert door.undisturbed.read("table/m") == b"another"
    assert door.undisturbed.size(KEY) == 50


# A line that breaks


def test_an_upload_that_is_cut_is_taken_up_at_the_part_that_was_lost(door: Door) -> None:
    path = door.file(LARGE_BYTES)
    cut = [door.fails(PART, cut="before", skip=1), door.fails(PART, cut="after", skip=1)]
    assert door.store().create(KEY, path)
    assert [fault.met for fault in cut] == [1, 1]
    parts = [line for line in door.faults.requests if re.search(door.lines[PART], line)]
    assert len(parts) <= 3 + 2 * 2  # where Google lost something, its client asks how far it is
    with door.undisturbed.fetch(KEY, sha256_of(path)):
        pass


def test_a_download_that_is_cut_is_taken_up_where_it_was(door: Door) -> None:
    path = door.file(LARGE_BYTES)
    door.undisturbed.create(KEY, path)
    cut = [door.fails(GET, cut=5 << 20), door.fails(GET, cut=100)]
    with door.store().fetch(KEY, sha256_of(path)) as found:
        assert found.read_bytes() == path.read_bytes()
    assert [fault.met for fault in cut] == [1, 1]


# A server that is busy


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(door: Door, status: int) -> None:
    path = door.file()
    busy = [door.fails(what, status=status, times=2) for what in (HEAD, PUT, GET)]
    store = door.store()
    assert store.create(KEY, path)
    assert store.swap("table/m", b"1", None)
    with store.fetch(KEY, sha256_of(path)) as found:
        assert found.read_bytes() == path.read_bytes()
    assert [fault.met for fault in busy] == [2, 2, 2]


def test_a_large_upload_to_a_server_that_is_busy_for_a_moment_is_one_upload(door: Door) -> None:
    path = door.file(LARGE_BYTES)
    busy = door.fails(PART, status=503, times=2, skip=1)
    assert door.store().create(KEY, path)
    assert busy.met == 2
    with door.undisturbed.fetch(KEY, sha256_of(path)):
        pass


def test_a_server_that_stays_busy_is_a_sentence_after_some_patience_and_a_retry_may_help(door: Door) -> None:
    door.fails(PUT, status=503, times=1000)
    with pytest.raises(
        StoreUnavailableError, match=r"/table/object: .* answered 503.* again and again for 1 seconds\."
    ) as said:
        door.store(patience_s=1).create(KEY, door.file())
    assert "What stood before still stands. Look at the connection, then load the month again." in str(said.value)
    assert said.value.retryable
    assert door.undisturbed.size(KEY) is None


# Bytes that change on the way


def test_bytes_that_change_on_the_way_up_are_refused_and_sent_again(door: Door) -> None:
    path = door.file()
    changed = door.fails(PUT, garble_sent=True)
    assert door.store().create(KEY, path)
    assert changed.met == 1
    with door.undisturbed.fetch(KEY, sha256_of(path)) as found:
        assert found.read_bytes() == path.read_bytes()


def test_bytes_that_change_on_the_way_up_in_a_part_are_refused_and_sent_again(door: Door) -> None:
    path = door.file(LARGE_BYTES)
    changed = door.fails(PART, garble_sent=True, skip=1)
    assert door.store().create(KEY, path)
    assert changed.met == 1
    with door.undisturbed.fetch(KEY, sha256_of(path)) as found:
        assert found.read_bytes() == path.read_bytes()


def test_bytes_that_change_on_the_way_down_are_fetched_again(door: Door) -> None:
    path = door.file()
    door.undisturbed.create(KEY, path)
    changed = door.fails(GET, garble=True)
    with door.store().fetch(KEY, sha256_of(path)) as found:
        assert found.read_bytes() == path.read_bytes()
    assert changed.met == 1


def test_bytes_that_are_others_in_the_bucket_are_damage_not_bad_luck(door: Door) -> None:
    door.undisturbed.create(KEY, door.file())
    with (
        pytest.raises(DamagedStoreError, match=r"its bytes are not those that were published\. Load .* --force"),
        door.store().fetch(KEY, "0" * 64),
    ):
        pass


# Refusals


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "does not know these credentials"), (403, "(does not allow that|does not know these credentials)")],
)
def test_a_refusal_is_a_sentence_at_once_and_no_retry_helps(door: Door, status: int, says: str) -> None:
    refused = door.fails(PUT, status=status, times=1000)
    with pytest.raises(StoreError, match=f"/table/object: .*{says}.*Nothing was changed. ") as said:
        door.store().create(KEY, door.file())
    assert not said.value.retryable
    assert refused.met <= 3  # Google's client looks whether another token helps
    assert "\n" not in str(said.value)


def test_a_bucket_that_is_not_there_is_a_sentence(door: Door) -> None:
    store = door.store(bucket="no-such-bucket")
    for attempt in (lambda: store.create(KEY, door.file()), lambda: store.names("table"), lambda: store.read(KEY)):
        with pytest.raises(
            StoreError, match=r"called no-such-bucket \(404\)\. .* Make it, or name another one"
        ) as said:
            attempt()
        assert not said.value.retryable


@pytest.mark.parametrize("door", ["s3"], indirect=True)
def test_a_bucket_in_another_region_is_said_to_be_so(door: Door) -> None:
    door.fails(PUT, status=301, times=1000)
    with pytest.raises(StoreError, match=r"cab-months is in another region .* Set AWS_REGION to its own\.") as said:
        door.store().create(KEY, door.file())
    assert not said.value.retryable


def test_a_server_that_is_not_there_is_a_sentence_and_a_retry_may_help(door: Door) -> None:
    (address,) = (name for name in door.variables if name in ADDRESSES)
    store = door.store(patience_s=1, **{address: "http://127.0.0.1:1/cabs"})
    with pytest.raises(StoreUnavailableError, match=r"/table/object: .*does not answer, again and again for 1 seconds"):
        store.create(KEY, door.file())
