"""Charts: where bars and cells stand, as numbers that a template writes as SVG. Pure.

No colours: a part has a kind, and the style sheet says how that kind looks, in light and in dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from papers.dates import week_start

WIDTH = 1000
HEIGHT = 100
"""Of a picture with bars, in units of its own; the page stretches it."""
_GAP = 0.2
"""Of the room of a bar, what stays free beside it."""

STEP = 14
_LABELS_LEFT, _LABELS_TOP = 32, 18
LEVELS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour stands for."""

    kind: str
    """The name in the style sheet."""
    label: str


@dataclass(frozen=True, slots=True)
class BarRow:
    """One bar: what it is of, and how much of each series, from the bottom up. None: not known."""

    label: str
    values: tuple[int | None, ...]
    note: str = ""
    """What is to be said of it, in the table and beside the bar."""

    @property
    def total(self) -> int:
        return sum(value or 0 for value in self.values)


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A rectangle of a bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it is drawn, and the room it stands in, which answers a pointer also where the bar is low."""

    title: str
    left: float
    room: float
    segments: tuple[BarSegment, ...]


@dataclass(frozen=True)
class BarChart:
    """Stacked bars side by side, one a row."""

    title: str
    first: str
    """What the rows are: the head of the table's first column."""
    series: tuple[Series, ...]
    rows: tuple[BarRow, ...]
    text: str = ""
    """A sentence below the title."""

    @property
    def is_empty(self) -> bool:
        return not any(row.total for row in self.rows)

    @property
    def used(self) -> tuple[Series, ...]:
        """The series that anything is drawn of, for the legend."""
        return tuple(one for place, one in enumerate(self.series) if any(row.values[place] for row in self.rows))

    @cached_property
    def peak(self) -> int:
        """What the upper edge stands for."""
        return round_up_axis(max((row.total for row in self.rows), default=0))

    @property
    def newest_first(self) -> tuple[BarRow, ...]:
        """The rows of the table."""
        return self.rows[::-1]

    @property
    def ticks(self) -> tuple[str, ...]:
        """The labels below: of the first row, the middle one and the last."""
        if len(self.rows) < 3:
            return tuple(row.label for row in self.rows)
        return tuple(self.rows[place].label for place in (0, len(self.rows) // 2, len(self.rows) - 1))

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        room = WIDTH / max(1, len(self.rows))
        return tuple(self._bar(row, place * room, room) for place, row in enumerate(self.rows))

    def _bar(self, row: BarRow, left: float, room: float) -> Bar:
        segments, top = [], float(HEIGHT)
        for one, value in zip(self.series, row.values, strict=True):
            if value:
                height = value / self.peak * HEIGHT
                top -= height
                x, width = left + room * _GAP / 2, room * (1 - _GAP)
                segments.append(BarSegment(one.kind, *(round(number, 2) for number in (x, top, width, height))))
        return Bar(self._words(row), round(left, 2), round(room, 2), tuple(segments))

    def _words(self, row: BarRow) -> str:
        parts = [f"{value:,} {one.label}" for one, value in zip(self.series, row.values, strict=True) if value]
        said = ", ".join(filter(None, [*parts, row.note]))
        return f"{row.label}: {said or 'nothing'}"


@dataclass(frozen=True, slots=True)
class CalendarCell:
    """A day of a calendar as it is drawn."""

    day: date
    count: int
    level: int
    """0: nothing; 1 to 4: the more, the higher."""
    x: int
    y: int
    is_marked: bool


@dataclass(frozen=True, slots=True)
class MonthLabel:
    """A month's name above the week in which it begins."""

    first: date
    x: int


@dataclass(frozen=True)
class CalendarHeatmap:
    """A year of days: weeks side by side, Monday on top."""

    title: str
    last: date
    counts: Mapping[date, int]
    marked: frozenset[date] = frozenset()
    """Days of which something is missing."""
    weeks: int = 53

    @property
    def first(self) -> date:
        """The first day of the calendar, a Monday: that of its first week."""
        return week_start(self.last) - timedelta(weeks=self.weeks - 1)

    @property
    def width(self) -> int:
        return _LABELS_LEFT + self.weeks * STEP

    @property
    def height(self) -> int:
        return _LABELS_TOP + 7 * STEP

    @cached_property
    def peak(self) -> int:
        return max((self.counts.get(day, 0) for day in self._days), default=0)

    @property
    def total(self) -> int:
        return sum(self.counts.get(day, 0) for day in self._days)

    @cached_property
    def cells(self) -> tuple[CalendarCell, ...]:
        return tuple(self._cell(day) for day in self._days)

    @property
    def rows(self) -> list[tuple[date, list[CalendarCell | None]]]:
        """For the table: each week with its days, the newest first; None for days that are still to come."""
        weeks: dict[date, list[CalendarCell | None]] = {}
        for cell in self.cells:
            weeks.setdefault(week_start(cell.day), []).append(cell)
        return [(monday, days + [None] * (7 - len(days))) for monday, days in reversed(weeks.items())]

    @property
    def months(self) -> tuple[MonthLabel, ...]:
        firsts = [cell for cell in self.cells if cell.day.day == 1]
        # The last ones would stand over the edge.
        return tuple(MonthLabel(cell.day, cell.x) for cell in firsts if cell.x <= self.width - 2 * STEP)

    @property
    def weekdays(self) -> tuple[tuple[str, int], ...]:
        """Names of some rows, and where their base lines are."""
        return tuple((name, _LABELS_TOP + place * STEP + 10) for name, place in (("Mon", 0), ("Wed", 2), ("Fri", 4)))

    @property
    def _days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def _cell(self, day: date) -> CalendarCell:
        count = self.counts.get(day, 0)
        return CalendarCell(
            day=day,
            count=count,
            level=intensity_level(count, self.peak),
            x=_LABELS_LEFT + (day - self.first).days // 7 * STEP,
            y=_LABELS_TOP + day.weekday() * STEP,
            is_marked=day in self.marked,
        )


QUEUE_AGES: Sequence[tuple[str, timedelta]] = (
    ("within the hour", timedelta(hours=1)),
    ("within a day", timedelta(days=1)),
    ("within a week", timedelta(days=7)),
)
"""How long what waits in a queue has waited; what is over the last is older."""
QUEUE_AGE_SERIES = (
    Series("age-hour", "up to an hour"),
    Series("age-day", "up to a day"),
    Series("age-week", "up to a week"),
    Series("age-older", "longer"),
)


@dataclass(frozen=True, slots=True)
class QueueChart:
    """What waits somewhere: how much of it for how long."""

    name: str
    ages: tuple[int, int, int, int]
    """As AGE_SERIES has them, of those that have waited longest."""
    oldest: timedelta | None = None
    is_cut: bool = False
    """There are more than were counted."""
    view_name: str = ""
    """Of the page where staff looks after it; empty where there is none."""

    @property
    def waiting(self) -> int:
        return sum(self.ages)

    @property
    def segments(self) -> tuple[BarSegment, ...]:
        """A bar that lies, from the oldest to the newest."""
        made, x = [], 0.0
        for one, value in reversed(list(zip(QUEUE_AGE_SERIES, self.ages, strict=True))):
            if value:
                width = value / self.waiting * WIDTH
                made.append(BarSegment(one.kind, round(x, 2), 0, round(width, 2), HEIGHT))
                x += width
        return tuple(made)

    @property
    def words(self) -> str:
        parts = [f"{value:,} {one.label}" for one, value in zip(QUEUE_AGE_SERIES, self.ages, strict=True) if value]
        return ", ".join(parts) or "nothing"


def round_up_axis(number: int) -> int:
    """The next number that is one digit and zeros; at least 1."""
    size = 1
    while True:
        for step in range(1, 10):
            if number <= step * size:
                return step * size
        size *= 10


def intensity_level(count: int, peak: int) -> int:
    """0 for nothing, else 1 to 4, in equal parts of the peak."""
    return min(LEVELS, -(-count * LEVELS // peak)) if count and peak else 0
