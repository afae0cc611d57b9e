"""Pictures as they are written: what they are told is text and no markup, and every picture has its table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from papers.ranking.charts import BarChart, BarRow, CalendarHeatmap, QueueChart, Series
from papers.templatetags.charts import bars_svg, bars_table, calendar_svg, calendar_table, queue_svg
from tests.support.pages import parse_html

DAY = date(2026, 3, 4)  # a Wednesday
BARS = BarChart(
    title="Mail & more",
    first="Day",
    series=(Series("stored", "stored"), Series("missing", "<b>missing</b>")),
    rows=(BarRow("Tue", (1_200, None), "<script>"), BarRow("Wed", (600, 600))),
)
YEAR = CalendarHeatmap(
    title="Editions",
    last=DAY,
    counts={DAY: 1_234, DAY - timedelta(days=1): 10},
    marked=frozenset({DAY - timedelta(days=1)}),
)


def test_bars_are_drawn_with_their_words_as_text() -> None:
    drawn: Any = parse_html(bars_svg(BARS))
    assert drawn.xpath("//svg/@aria-label") == ["Mail & more: bars; the table below says the same"]
    assert drawn.xpath("//g/title/text()") == [
        "Tue: 1,200 stored, <script>",
        "Wed: 600 stored, 600 <b>missing</b>",
    ]
    assert [rect.get("class") for rect in drawn.xpath("//g[2]/rect")] == ["room", "stored", "missing"]
    assert not drawn.xpath("//script | //b")


def test_the_table_of_bars_has_every_number_the_newest_first() -> None:
    table: Any = parse_html(bars_table(BARS))
    assert table.xpath("//caption/text()") == ["Mail & more"]
    assert table.xpath("//thead//th/text()") == ["Day", "Stored", "<b>missing</b>"]
    assert [row.xpath("td/text()") for row in table.xpath("//tbody/tr")] == [["600", "600"], ["1,200", "unknown"]]
    assert table.xpath("//span[@class='row-note']/text()") == ["<script>"]


def test_a_year_is_drawn_day_by_day() -> None:
    drawn: Any = parse_html(calendar_svg(YEAR))
    days = drawn.xpath("//rect")
    assert len(days) == len(YEAR.cells)
    assert [one.get("class") for one in days[-3:]] == ["level-0", "level-1 marked", "level-4"]
    assert drawn.xpath("//rect/title/text()")[-2:] == ["Tue 3 Mar 2026: 10, some missing", "Wed 4 Mar 2026: 1,234"]
    assert drawn.xpath("//text/text()")[-3:] == ["Mon", "Wed", "Fri"]


def test_the_table_of_a_year_leads_to_the_days_that_have_papers() -> None:
    table: Any = parse_html(calendar_table(YEAR))
    assert [(link.get("href"), link.text) for link in table.xpath("//a")] == [
        ("/papers/date/2026-03-03", "10"), ("/papers/date/2026-03-04", "1,234"),
    ]  # fmt: skip
    newest = table.xpath("//tbody/tr[1]/td")
    assert [cell.text_content() for cell in newest] == ["0", "10, some missing", "1,234", "", "", "", ""]


def test_a_queue_is_a_bar_that_lies() -> None:
    drawn: Any = parse_html(queue_svg(QueueChart("Mail", (3, 0, 0, 1), timedelta(days=30))))
    assert drawn.xpath("//svg/@aria-label") == drawn.xpath("//title/text()") == ["3 up to an hour, 1 longer"]
    assert [rect.get("class") for rect in drawn.xpath("//rect")] == ["age-older", "age-hour"]
