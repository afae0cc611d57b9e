"""Pictures of figures: bars and cells stand where the numbers say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from papers.ranking.charts import (
    HEIGHT,
    WIDTH,
    BarChart,
    BarRow,
    CalendarHeatmap,
    QueueChart,
    Series,
    intensity_level,
    round_up_axis,
)

DAY = date(2026, 3, 4)  # a Wednesday
STORED, MISSING = Series("stored", "stored"), Series("missing", "missing")


def bars(*rows: BarRow) -> BarChart:
    return BarChart(title="Days", first="Day", series=(STORED, MISSING), rows=rows)


@pytest.mark.parametrize(("number", "edge"), [(0, 1), (3, 3), (11, 20), (20, 20), (21, 30), (501, 600), (950, 1000)])
def test_the_upper_edge_is_a_round_number(number: int, edge: int) -> None:
    assert round_up_axis(number) == edge


def test_bars_stand_on_the_ground_and_on_each_other() -> None:
    (first, second) = bars(BarRow("Mon", (10, 10)), BarRow("Tue", (5, 0))).bars
    below, above = first.segments
    assert (below.kind, above.kind) == ("stored", "missing")
    assert below.y + below.height == HEIGHT
    assert above.y + above.height == below.y
    assert above.y == 0  # 20 is the peak
    assert [one.kind for one in second.segments] == ["stored"]
    assert second.segments[0].height == HEIGHT / 4
    assert second.segments[0].x >= WIDTH / 2
    assert second.segments[0].x + second.segments[0].width <= WIDTH


def test_a_bar_says_what_it_shows() -> None:
    known, unknown, none = bars(
        BarRow("Mon", (1200, 3)), BarRow("Tue", (None, None), "nobody knows"), BarRow("Wed", (0, 0))
    ).bars
    assert known.title == "Mon: 1,200 stored, 3 missing"
    assert unknown.title == "Tue: nobody knows"
    assert unknown.segments == ()
    assert none.title == "Wed: nothing"


def test_a_legend_names_what_is_drawn_and_nothing_else() -> None:
    assert bars(BarRow("Mon", (1, 0))).used == (STORED,)
    assert bars(BarRow("Mon", (0, 0))).is_empty
    assert bars().is_empty
    assert bars().bars == ()


def test_ticks_name_the_first_the_middle_and_the_last() -> None:
    rows = [BarRow(str(number), (1, 0)) for number in range(31)]
    assert bars(*rows).ticks == ("0", "15", "30")
    assert bars(*rows[:2]).ticks == ("0", "1")


def test_a_calendar_ends_with_its_day_and_begins_on_a_monday() -> None:
    year = CalendarHeatmap(title="A year", last=DAY, counts={DAY: 8, DAY - timedelta(days=1): 2, date(2020, 1, 1): 99})
    assert year.first.weekday() == 0
    assert len(year.cells) == 52 * 7 + 3
    assert (year.cells[-1].day, year.cells[-1].level, year.cells[-2].level, year.cells[-3].level) == (DAY, 4, 1, 0)
    assert year.total == 10
    assert {(cell.x, cell.y) for cell in year.cells}.__len__() == len(year.cells)
    assert all(cell.x < year.width and cell.y < year.height for cell in year.cells)


def test_the_table_of_a_calendar_has_seven_days_a_week() -> None:
    rows = CalendarHeatmap(title="A year", last=DAY, counts={}).rows
    assert rows[0][0] == date(2026, 3, 2)
    assert [cell is None for cell in rows[0][1]] == [False] * 3 + [True] * 4
    assert {len(days) for _, days in rows} == {7}


@pytest.mark.parametrize(
    ("count", "peak", "level"), [(0, 10, 0), (1, 100, 1), (25, 100, 1), (26, 100, 2), (100, 100, 4), (5, 0, 0)]
)
def test_levels_are_equal_parts(count: int, peak: int, level: int) -> None:
    assert intensity_level(count, peak) == level


def test_a_queue_is_drawn_from_the_oldest_to_the_newest() -> None:
    queue = QueueChart("Mail", (1, 0, 0, 3), timedelta(days=30))
    assert [(one.kind, one.x, one.width) for one in queue.segments] == [("age-older", 0, 750), ("age-hour", 750, 250)]
    assert queue.words == "1 up to an hour, 3 longer"
    assert QueueChart("Mail", (0, 0, 0, 0)).segments == ()
