"""What is told, what is not told twice, and what waits."""

from __future__ import annotations

import pytest

from taxi_platform.automation.alerts.alert import SHOWN, Alert, message
from taxi_platform.automation.alerts.outbox import HELD_S, WAITING, Outbox
from taxi_platform.automation.alerts.sensor import AlertsResource
from taxi_platform.automation.plan import ALERTS
from taxi_platform.errors import SettingsError
from taxi_platform_tests.kit.webhook import Webhook

FAILED = Alert("failed", "green 2021-01 raw", "the source did not answer.", "http://ui/runs/1")
LATE = Alert("late", "green", "2026-02 (the source has it)", "http://ui/runs/2")
EVERY_S = 300


def again(outbox: Outbox) -> Outbox:
    """The same after it went through its cursor."""
    return Outbox.of(outbox.cursor())


def test_a_message_says_what_where_why_and_where_to_look_and_what_matters_most_first() -> None:
    title, text = message([LATE, FAILED])
    assert title == "Taxi trips: 1 failed, 1 late"
    assert text == (
        "Failed:\n- green 2021-01 raw: the source did not answer. http://ui/runs/1\n\n"
        "Late:\n- green: 2026-02 (the source has it) http://ui/runs/2"
    )


def test_of_many_the_first_are_listed_and_the_others_counted() -> None:
    title, text = message([Alert("failed", f"green {n}", "no", "") for n in range(SHOWN + 5)])
    assert title == f"Taxi trips: {SHOWN + 5} failed"
    assert text.count("\n- ") == SHOWN + 1
    assert text.endswith("- and 5 more")


def test_the_same_is_told_once_a_day() -> None:
    outbox = Outbox()
    outbox.take([FAILED, LATE], ALERTS, 1000)
    assert again(outbox).due(1000, EVERY_S) == [FAILED, LATE]
    outbox.sent(1000)
    outbox = again(outbox)
    outbox.take([FAILED, LATE], ALERTS, 1000 + HELD_S - 1)
    assert outbox.due(1000 + HELD_S, EVERY_S) == []
    outbox.take([FAILED], ALERTS, 1000 + HELD_S)
    assert outbox.due(1000 + HELD_S, EVERY_S) == [FAILED]


def test_what_comes_up_after_a_message_waits_for_the_next_one_together() -> None:
    outbox = Outbox()
    outbox.take([FAILED], ALERTS, 1000)
    outbox.sent(1000)
    outbox.take([LATE], ALERTS, 1010)
    assert outbox.due(1000 + EVERY_S - 1, EVERY_S) == []
    more = Alert("changes", "green 2021-01 cleaned", "rows in 1 -> 2 (+1)", "")
    outbox.take([more], ALERTS, 1100)
    assert again(outbox).due(1000 + EVERY_S, EVERY_S) == [LATE, more]


def test_only_what_is_wanted_is_taken() -> None:
    outbox = Outbox()
    outbox.take([FAILED, LATE], ("late",), 1000)
    assert outbox.due(1000, EVERY_S) == [LATE]


def test_a_flood_is_counted_and_does_not_grow_the_cursor_without_end() -> None:
    outbox = Outbox()
    outbox.take([Alert("failed", f"green {n}", "no", "") for n in range(WAITING + 50)], ALERTS, 1000)
    assert (len(outbox.waiting), outbox.left_out) == (WAITING, 50)


@pytest.mark.parametrize("cursor", [None, "", "[]", "7", '{"colour": 1}'])
def test_a_cursor_that_is_none_begins_anew(cursor: str | None) -> None:
    assert Outbox.of(cursor) == Outbox()


def test_every_channel_gets_the_message(webhook: Webhook) -> None:
    assert AlertsResource(f"{webhook.url} {webhook.url}?other=1").send("title", "text")
    assert [(one["title"], one["message"]) for one in webhook.received] == [("title", "text")] * 2
    webhook.status = 500
    assert not AlertsResource(webhook.url).send("title", "text")


def test_a_channel_that_nobody_knows_is_a_sentence_without_its_token() -> None:
    with pytest.raises(SettingsError, match=r"URL number 1 \(pigeon://\.\.\.\)") as caught:
        AlertsResource("pigeon://s3cret@roof").send("title", "text")
    assert "s3cret" not in str(caught.value)


def test_the_channels_are_never_shown() -> None:
    assert "s3cret" not in repr(AlertsResource("json://user:s3cret@host/"))
