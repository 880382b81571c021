"""The real webserver and daemon, a folder into which files fall, and nobody who moves a hand."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest

from taxi_platform_tests.automation.conftest import Drops
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.kit.dagster_up import DagsterUp
from taxi_platform_tests.kit.webhook import Webhook

pytestmark = pytest.mark.long

COUNTS = "select strftime(source_month, '%Y-%m'), count(*) from green_trips group by 1 order by 1"


def said(webhook: Webhook) -> list[str]:
    """Every line about something, of all messages; without links."""
    lines = [line for message in webhook.received for line in message["message"].splitlines()]
    return [line.partition(" http://")[0] for line in lines if line.startswith("- ")]


def test_files_that_fall_into_the_folder_are_loaded_each_rightly(
    project: Project, drops: Drops, webhook: Webhook, start_up: Callable[[], DagsterUp]
) -> None:
    project.settings.update(
        {
            "TAXI_SOURCE": str(drops.folder),
            "TAXI_ALERTS": webhook.url,
            "TAXI_ALERTS_EVERY": "1s",
        }
    )
    up = start_up()
    up.wait_for(lambda: up.ticks("alerts"), "the first look of the alerts")

    # Two at once, one of no service of ours, one that is no file of trips, and one that is still being written.
    began = time.monotonic()
    drops.drop("green", "2021-01")
    yellow = drops.drop("yellow", "2021-01")
    (drops.folder / "purple_tripdata_2021-01.csv").write_text("a,b\n1,2\n")
    (drops.folder / "green_tripdata_2021-03.parquet").write_text("<html><body>Not found</body></html>")
    name, content = drops.content("green", "2021-02")
    loaded = {("load_green", "2021-01", "SUCCESS"), ("load_yellow", "2021-01", "SUCCESS")}
    with (drops.folder / name).open("wb") as half:
        step = len(content) // 60 + 1
        pieces = [content[at : at + step] for at in range(0, len(content), step)]
        while not loaded <= set(up.ended()):
            assert time.monotonic() - began < 60, up.ended()
            half.write(pieces.pop(0) if len(pieces) > 1 else b"")
            half.flush()
            os.utime(half.fileno())
            time.sleep(1)
        assert [run["month"] for run in up.runs() if run["month"] == "2021-02"] == []
        half.write(b"".join(pieces))
    up.wait_for(lambda: len(up.ended()) == 4, "four runs", 90)
    assert set(up.ended()) == {*loaded, ("load_green", "2021-02", "SUCCESS"), ("load_green", "2021-03", "FAILURE")}
    assert {run["tags"]["taxi/why"] for run in up.runs()} == {"a new month"}
    up.wait_for(lambda: said(webhook), "the alert of the bad file", 60)
    (failed,) = said(webhook)
    assert failed.startswith("- green 2021-03 raw: green_tripdata_2021-03.parquet")
    assert webhook.received[0]["title"] == "Taxi trips: 1 failed"

    # Another file, the same one touched, and the bad one put right.
    drops.drop("green", "2021-01", rows=400)
    os.utime(yellow)
    (drops.folder / "green_tripdata_2021-03.parquet").unlink()
    drops.drop("green", "2021-03")
    up.wait_for(lambda: len(up.ended()) == 6, "two more runs", 90)
    assert set(up.ended()[4:]) == {("load_green", "2021-01", "SUCCESS"), ("load_green", "2021-03", "SUCCESS")}
    up.wait_for(lambda: len(said(webhook)) == 2, "the alert of the month that was published again", 60)
    assert said(webhook)[1].startswith("- green 2021-01 cleaned: rows in 300 -> 400 (+100)")

    # Nothing more happens by itself, and what is there adds up.
    ticks = len([tick for tick in up.ticks("yellow_files") if tick["status"] == "SKIPPED"])
    up.wait_for(lambda: len([t for t in up.ticks("yellow_files") if t["status"] == "SKIPPED"]) > ticks + 2, "two looks")
    assert len(up.runs()) == 6
    assert {tick["status"] for tick in up.ticks("green_files")} == {"SUCCESS", "SKIPPED"}
    assert "purple_tripdata_2021-01.csv is no month of a service" in up.ticks("fhv_files")[0]["skipReason"]
    up.stop()
    assert len(said(webhook)) == 2
    rows = {str(month): count for month, count in project.rows(COUNTS)}
    assert list(rows) == ["2021-01", "2021-02", "2021-03"]
    assert rows == {m["month"]: m["rows_kept"] for m in project.load("green", "2021-01..2021-03")}
    assert {m["status"] for m in project.load("green,yellow", "2021-01")} == {"unchanged"}


def test_an_alert_that_does_not_arrive_is_sent_again(
    project: Project, drops: Drops, webhook: Webhook, start_up: Callable[[], DagsterUp]
) -> None:
    webhook.status = 503
    project.settings.update({"TAXI_SOURCE": str(drops.folder), "TAXI_ALERTS": webhook.url, "TAXI_ALERTS_EVERY": "1s"})
    up = start_up()
    up.wait_for(lambda: up.ticks("alerts"), "the first look of the alerts")
    project.load("green", "2021-04")  # it is not there: a failed run, started from a terminal

    def is_waiting() -> bool:
        return any("1 alerts wait, and are sent again" in (tick["skipReason"] or "") for tick in up.ticks("alerts"))

    up.wait_for(is_waiting, "an alert that waits", 90)
    webhook.status = 200
    up.wait_for(lambda: webhook.received, "the alert", 60)
    assert said(webhook)[0].startswith(f"- green 2021-04 raw: {drops.folder} has no green 2021-04")


def test_late_months_are_told_and_the_picture_of_all_months_is_in_the_ui(
    project: Project, drops: Drops, webhook: Webhook, start_up: Callable[[], DagsterUp]
) -> None:
    project.settings.update(
        {
            "TAXI_SOURCE": str(drops.folder),
            "TAXI_SENSORS": "off",
            "TAXI_ALERTS": webhook.url,
            "TAXI_ALERTS_EVERY": "1s",
        }
    )
    drops.drop("green", "2026-01")
    assert project.load("green", "2026-01")[0]["status"] == "loaded"
    drops.drop("green", "2026-02")
    project.taxi("status", "--refresh")
    up = start_up()
    up.wait_for(lambda: up.ticks("alerts"), "the first look of the alerts")
    assert up.wait_for_run(up.materialize(["platform/coverage"], "")) == "SUCCESS"
    up.wait_for(lambda: webhook.received, "the alert", 60)
    (late,) = said(webhook)
    told = r"- green: 2026-02 \(the source has it\), 2026-03\.\.20\d\d-\d\d \(106 days after its end it is not at"
    assert re.match(told, late)
    assert [run["status"] for run in up.runs() if run["month"] == "2026-02"] == []
