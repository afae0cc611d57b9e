"""The statistics page: how the days, the sources, the mail and the queues have been, for curators and operators.

Everything is read from what is kept anyway, a row a day or a fetch; nothing is counted over the papers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from django.db.models import F, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format

from papers import hooks
from papers.models import Edition, FetchRun, Source, SourceDay, Topic, TopicWeek
from papers.ranking.charts import BarChart, BarRow, CalendarHeatmap, QueueChart, Series
from papers.services.embeddings.embedding_status import EmbeddingStatus, read_embedding_status
from papers.services.operations.queue_ages import paper_queues
from papers.sources.registry import announcing_kinds, daily_list_kinds

DAYS_SHOWN = 30
_MOST_SOURCES = 20

_DAY_SERIES = (
    Series("stored", "stored"),
    Series("missing", "announced and missing"),
    Series("unknown", "listed, not yet compared with arXiv's announcement"),
)
_LIST_SERIES = (Series("stored", "stored"), Series("missing", "in its list, not stored"))
_SOURCE_SERIES = (Series("stored", "new"), Series("lesser", "updated"), Series("missing", "could not be read"))


@dataclass(frozen=True, slots=True)
class SourceChart:
    """The chart of one source."""

    source: Source
    bars: BarChart


@dataclass(frozen=True, slots=True)
class StatisticsPage:
    """Everything the page shows."""

    last: date
    """The newest of the days shown."""
    is_now: bool
    announced: BarChart
    lists: list[SourceChart]
    """Of each source with lists of its own: what was in them, and what of it is stored."""
    without_lists: list[Source]
    """Sources that have no list of a day, so that there is nothing to compare with."""
    sources: list[SourceChart]
    editions: CalendarHeatmap
    others: list[BarChart]
    """Of other parts: mail."""
    queues: list[QueueChart]
    embeddings: EmbeddingStatus | None
    """As it is now; None on a look back."""

    @property
    def first(self) -> date:
        return self.last - timedelta(days=DAYS_SHOWN - 1)

    @property
    def before(self) -> date:
        """The last day of the thirty before these."""
        return self.last - timedelta(days=DAYS_SHOWN)


def read_statistics(*, now: datetime, until: date | None = None) -> StatisticsPage:
    """The page as of now, or as of the day `until`.

    A fixed number of queries, none over more than a year of days or a month of fetches.
    """
    newest = timezone.localdate(now)
    today = min(until or newest, newest)
    is_now = today == newest
    sources = list(Source.objects.order_by("pk")[:_MOST_SOURCES])
    with_lists = daily_list_kinds()
    compared = [*with_lists, *announcing_kinds()]  # what arXiv announced is compared for the edition
    year = list(Edition.objects.filter(day__gt=today - timedelta(days=372), day__lte=today, is_sample=False))
    return StatisticsPage(
        last=today,
        is_now=is_now,
        announced=_announced({edition.day: edition for edition in year}, today),
        lists=_lists([source for source in sources if source.kind in with_lists], today),
        without_lists=[source for source in sources if source.kind not in compared],
        sources=_sources(sources, today),
        editions=CalendarHeatmap(
            title="Editions",
            last=today,
            counts={edition.day: edition.listed_count for edition in year},
            marked=frozenset(edition.day for edition in year if edition.missing),
        ),
        others=hooks.statistics_charts.all(today),
        queues=[*paper_queues(now=now), *hooks.statistics_queues.all(now)] if is_now else [],
        embeddings=read_embedding_status(now=now) if is_now else None,
    )


def days_shown(today: date) -> list[date]:
    """The days that the charts show, the oldest first."""
    return [today - timedelta(days=number) for number in reversed(range(DAYS_SHOWN))]


@lru_cache(maxsize=1_000)
def day_label(day: date) -> str:
    return date_format(day, "D j M")


@lru_cache(maxsize=1_000)
def week_label(monday: date) -> str:
    return date_format(monday, "j M Y")


def topic_year_chart(topic: Topic, *, today: date) -> BarChart:
    """A topic's papers a week over a year. One query."""
    rows = [BarRow(week_label(monday), (count,)) for monday, count in TopicWeek.objects.year_of(topic, last=today)]
    return BarChart(title="Papers per week", first="Week from", series=(Series("stored", "papers"),), rows=tuple(rows))


def _announced(editions: dict[date, Edition], today: date) -> BarChart:
    return BarChart(
        title="Announced and stored",
        first="Day",
        series=_DAY_SERIES,
        rows=tuple(_day_row(day, editions.get(day)) for day in days_shown(today)),
        text="arXiv’s announcements of each day, compared id by id with what is stored.",
    )


def _day_row(day: date, edition: Edition | None) -> BarRow:
    if edition is None:
        return BarRow(day_label(day), (0, 0, 0))
    if edition.announced_count is None:
        return BarRow(day_label(day), (0, 0, edition.listed_count), edition.check_note)
    stored = edition.stored_count or 0
    return BarRow(day_label(day), (stored, max(0, edition.announced_count - stored), 0))


def _lists(sources: Sequence[Source], today: date) -> list[SourceChart]:
    """How much of their lists of a month is stored. One query."""
    days = days_shown(today)
    rows = SourceDay.objects.filter(source__in=sources, day__range=(days[0], today))
    found = {(row.source_id, row.day): (row.stored, max(row.record_count - row.stored, 0)) for row in rows}

    def bars_of(source: Source) -> BarChart:
        shown = tuple(BarRow(day_label(day), found.get((source.pk, day), (0, 0))) for day in days)
        return BarChart(title=f"{source.name}: in its list, and stored", first="Day", series=_LIST_SERIES, rows=shown)

    return [SourceChart(source, bars_of(source)) for source in sources]


def _sources(sources: Sequence[Source], today: date) -> list[SourceChart]:
    """What the fetches of a month brought, by the day they were made on. One query."""
    first, end = (
        timezone.make_aware(datetime.combine(day, time()))
        for day in (today - timedelta(days=DAYS_SHOWN - 1), today + timedelta(days=1))
    )
    runs = (
        FetchRun.objects.filter(source__in=sources, started_at__gte=first, started_at__lt=end)
        .annotate(day=TruncDate("started_at"))
        .values_list("source", "day")
        .annotate(
            Sum("new"), Sum("updated"), Sum("failed"), Max("announced"), errors=Sum(1, filter=~Q(error=""), default=0)
        )
        .order_by(F("source"), F("day"))
    )
    found: dict[int, dict[date, BarRow]] = defaultdict(dict)
    for source_id, day, new, updated, failed, announced, errors in runs:
        found[source_id][day] = BarRow(day_label(day), (new, updated, failed), _visit_note(announced, errors))
    return [SourceChart(source, _source_bars(source, found[source.pk], today)) for source in sources]


def _source_bars(source: Source, by_day: dict[date, BarRow], today: date) -> BarChart:
    rows = tuple(by_day.get(day, BarRow(day_label(day), (0, 0, 0))) for day in days_shown(today))
    return BarChart(title=source.name, first="Day", series=_SOURCE_SERIES, rows=rows)


def _visit_note(announced: int | None, errors: int) -> str:
    said = [f"{announced:,} announced"] if announced else []
    if errors:
        said.append(f"{errors:,} {'fetch' if errors == 1 else 'fetches'} failed")
    return ", ".join(said)
