"""A month is late when the source has it and we do not, or when it should be out by now; and only then."""

from __future__ import annotations

import datetime as dt

from taxi_platform.assets.coverage import Cell
from taxi_platform.assets.coverage_picture import COLOURS, glance, picture, svg
from taxi_platform.assets.late import in_words, late_months
from taxi_platform.assets.month_picture import INLINE
from taxi_platform.resources.sources.look import Look
from taxi_platform.resources.sources.source import Habits
from taxi_platform.trips.months import Month

TODAY = dt.date(2026, 11, 21)
LOOK = Look("tlc", "green", "now", dict.fromkeys(("2026-05", "2026-06", "2026-07", "2026-08"), ("url", "etag")))


def late(loaded: list[str], look: Look | None = LOOK, today: dt.date = TODAY, **options: object) -> list[str]:
    return [in_words([one]) for one in late_months(Habits(), look, loaded, today, **options)]  # type: ignore[arg-type]


def test_what_the_source_has_and_we_do_not_is_late() -> None:
    assert late(["2026-06"]) == ["2026-07 (the source has it)", "2026-08 (the source has it)"]
    assert late(["2026-08"]) == []


def test_what_should_be_out_is_late_even_where_the_source_has_it_not() -> None:
    assert late(["2026-06"], look=None) == ["2026-07 (106 days after its end it is not at the source)"]
    on_the_day = dt.date(2026, 8, 1) + dt.timedelta(days=106)
    assert late(["2026-06"], look=None, today=on_the_day - dt.timedelta(days=1)) == []
    assert late(["2026-06"], look=None, today=on_the_day) != []


def test_months_in_a_row_are_one_range() -> None:
    found = late_months(Habits(), LOOK, ["2020-01"], dt.date(2026, 11, 30))
    not_there = "106 days after its end it is not at the source"
    assert in_words(found) == f"2020-02..2026-04 ({not_there}), 2026-05..2026-08 (the source has it)"
    assert in_words(found[-1:]) == "2026-08 (the source has it)"
    assert in_words([]) == ""


def test_what_lies_before_the_newest_month_is_a_choice_and_not_late() -> None:
    assert late(["2026-08"]) == []
    assert late(["2026-08"], since=Month(2026, 6)) == ["2026-06 (the source has it)", "2026-07 (the source has it)"]


def test_of_what_nobody_loads_and_of_what_is_made_up_nothing_is_late() -> None:
    assert late([]) == []
    assert late_months(Habits(is_made_up=True), LOOK, ["2026-01"], TODAY) == []


def test_a_publisher_that_ended_is_not_late() -> None:
    habits = Habits(lists=False, last=Month(2021, 7))
    assert late_months(habits, None, ["2021-07"], TODAY) == []
    assert [one.month for one in late_months(habits, None, ["2021-05"], TODAY)] == [Month(2021, 6), Month(2021, 7)]


def test_the_picture_has_a_field_a_month_and_stage_in_the_colour_of_its_state() -> None:
    cells = [
        Cell("green", "2021-01", "raw", "current"),
        Cell("green", "2021-03", "raw", "missing"),
        Cell("yellow", "2021-01", "warehouse", "damaged"),
    ]
    drawn = svg(cells)
    for cell in cells:
        title = f"<title>{cell.service} {cell.month} {cell.stage}: {cell.state}</title>"
        assert f'fill="{COLOURS[cell.state]}">{title}' in drawn
    assert picture(cells).startswith("![months by stage](data:image/svg+xml;base64,")
    assert picture([]) == "Nothing is loaded, and the source was not looked at yet."


def test_what_the_warehouse_has_is_shown_in_place_at_a_glance_however_many_gaps_there_are() -> None:
    gaps = {"yellow": 2, "green": 3, "fhv": 5, "fhvhv": 7}
    cells = [
        Cell(service, f"{year}-{month:02}", "warehouse", "missing" if (year + month) % gap == 0 else "stale")
        for service, gap in gaps.items()
        for year in range(2009, 2027)
        for month in range(1, (year * gap) % 13 + 1)
    ]
    text = glance(cells)
    assert len(text) < INLINE
    assert text.startswith(f"{sum(cell.state == 'stale' for cell in cells)} months are in the warehouse.")
    few = [Cell("green", "2020-03", "warehouse", "current"), Cell("green", "2021-01", "warehouse", "missing")]
    assert "d='M25%2012v-1h9v1z'" in glance(few)
    assert glance(few[1:]) == "Nothing is in the warehouse."
