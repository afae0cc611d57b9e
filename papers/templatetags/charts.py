"""Pictures of figures as SVG, each with its table. No queries.

Written here in one pass and not by a template: a page of them has some thousand rectangles and cells, and a template
takes ten times as long over each. Bars are drawn once for the same figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from django import template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from papers.ranking.charts import HEIGHT, WIDTH, BarChart, BarRow, BarSegment, CalendarCell, CalendarHeatmap, QueueChart

register = template.Library()

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@register.filter
@lru_cache(maxsize=100)
def bars_svg(bars: BarChart) -> SafeString:
    """Stacked bars, each with its numbers for whoever points at it."""
    drawn = ((bar.title, bar.left, bar.room, HEIGHT, _rectangles(bar.segments)) for bar in bars.bars)
    return _stretched(
        f"{bars.title}: bars; the table below says the same",
        format_html_join(
            "\n",
            '<g class="column"><title>{}</title><rect class="room" x="{}" y="0" width="{}" height="{}"/>{}</g>',
            drawn,
        ),
    )


@register.filter
@lru_cache(maxsize=100)
def bars_table(bars: BarChart) -> SafeString:
    """The same numbers, the newest row first."""
    head = format_html_join(
        "", '<th scope="col" class="number">{}</th>', ((_capital(one.label),) for one in bars.series)
    )
    rows = format_html_join("", "<tr>{}{}</tr>", ((_row_head(row), _numbers(row)) for row in bars.newest_first))
    return format_html(
        '<table class="day-table"><caption class="unseen">{}</caption>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table>',
        *(bars.title, bars.first, head, rows),
    )


@register.filter
def queue_svg(queue: QueueChart) -> SafeString:
    """A bar that lies: how much has waited how long."""
    return _stretched(queue.words, format_html("<title>{}</title>{}", queue.words, _rectangles(queue.segments)))


@register.filter
def calendar_svg(calendar: CalendarHeatmap) -> SafeString:
    """A year of days, darker where there is more."""
    months = ((month.x, date_format(month.first, "M")) for month in calendar.months)
    weekdays = ((y, name) for name, y in calendar.weekdays)
    days = (
        (cell.level, " marked" if cell.is_marked else "", cell.x, cell.y, _day_words(cell)) for cell in calendar.cells
    )
    return format_html(
        '<svg class="heat" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        *(calendar.width, calendar.height),
        f"{calendar.title}: a year of days, darker where more papers are listed; the table below says the same",
        format_html_join("", '<text class="name" x="{}" y="11">{}</text>', months),
        format_html_join("", '<text class="name" x="0" y="{}">{}</text>', weekdays),
        format_html_join(
            "\n",
            '<rect class="level-{}{}" x="{}" y="{}" width="12" height="12" rx="2"><title>{}</title></rect>',
            days,
        ),
    )


@register.filter
def calendar_table(calendar: CalendarHeatmap) -> SafeString:
    """The same by week and weekday, each day with papers a link to its page."""
    first = calendar.first.isoformat()
    # Once: for each day of a year it would be most of the time.
    days_at = reverse("papers:day", args=[first]).removesuffix(first)
    rows = ((_short(monday), _days(days, days_at)) for monday, days in calendar.rows)
    return format_html(
        '<table class="day-table"><caption class="unseen">{} of a year: papers listed, by week and weekday'
        '</caption><thead><tr><th scope="col">Week from</th>{}</tr></thead><tbody>{}</tbody></table>',
        calendar.title,
        format_html_join("", '<th scope="col" class="number">{}</th>', ((name,) for name in _WEEKDAYS)),
        format_html_join("", '<tr><th scope="row">{}</th>{}</tr>', rows),
    )


def _stretched(label: str, inner: SafeString) -> SafeString:
    """A drawing that fills the room that the page gives it."""
    return format_html(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        *(WIDTH, HEIGHT, label, inner),
    )


def _rectangles(segments: Iterable[BarSegment]) -> SafeString:
    parts = ((part.kind, part.x, part.y, part.width, part.height) for part in segments)
    return format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', parts)


def _row_head(row: BarRow) -> SafeString:
    note = format_html(' <span class="row-note">{}</span>', row.note) if row.note else ""
    return format_html('<th scope="row">{}{}</th>', row.label, note)


def _numbers(row: BarRow) -> SafeString:
    said = (("unknown" if value is None else f"{value:,}",) for value in row.values)
    return format_html_join("", '<td class="number">{}</td>', said)


def _day_words(cell: CalendarCell) -> str:
    return f"{_long(cell.day)}: {cell.count:,}{', some missing' if cell.is_marked else ''}"


def _days(days: Iterable[CalendarCell | None], days_at: str) -> SafeString:
    said = ((_day(cell, f"{days_at}{cell.day}") if cell else "",) for cell in days)
    return format_html_join("", '<td class="number">{}</td>', said)


def _day(cell: CalendarCell, address: str) -> SafeString | str:
    if not cell.count:
        return "0"
    missing = format_html('<span class="unseen">{}</span>', ", some missing") if cell.is_marked else ""
    return format_html('<a href="{}">{}</a>{}', address, f"{cell.count:,}", missing)


@lru_cache(maxsize=1_000)
def _long(day: date) -> str:
    return date_format(day, "D j M Y")


@lru_cache(maxsize=1_000)
def _short(day: date) -> str:
    return date_format(day, "j M Y")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
