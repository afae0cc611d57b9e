"""Spans of days, and why today has no edition yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from papers.models import Edition, FetchRun
from papers.services.editions.masthead import chosen_categories, curator_names
from papers.services.editions.spans import (
    EditionAbsence,
    day_span,
    explain_absence,
    explain_empty_day,
    front_page,
    month_span,
    newest_span,
    week_span,
)
from papers.sources import arxiv_rss
from papers.sources.arxiv_schedule import AbsenceReason, edition_due
from papers.sources.base import FetchOutcome
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import curator, reader

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)
ANNOUNCED = datetime(2026, 3, 4, 1, tzinfo=UTC)
"""When arXiv announced what it dates TODAY, a Wednesday: Tuesday, 20:00 in New York."""


def edition(day: date, listed_count: int = 1) -> Edition:
    return factories.edition(day, listed_count=listed_count)


class TestSpans:
    def test_a_day_and_its_neighbours_in_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for days in (-20, -4, 0, 3, 9):
            edition(TODAY + days * ONE_DAY, days + 21)
        edition(TODAY - ONE_DAY, 0)
        with django_assert_num_queries(1):
            span = day_span(TODAY)
        assert (span.previous, span.next) == (TODAY - 4 * ONE_DAY, TODAY + 3 * ONE_DAY)
        assert span.edition is not None
        assert span.listed_count == 21

    def test_a_day_without_a_row(self) -> None:
        edition(TODAY - ONE_DAY)
        span = day_span(TODAY)
        assert (span.edition, span.listed_count, span.previous, span.next) == (None, 0, TODAY - ONE_DAY, None)

    def test_a_week_is_that_of_the_day(self) -> None:
        for days in range(-9, 9):
            edition(TODAY + days * ONE_DAY)
        span = week_span(TODAY)
        assert (span.first, span.last) == (date(2026, 3, 2), date(2026, 3, 8))
        assert [found.day for found in span.with_papers] == [date(2026, 3, 2) + n * ONE_DAY for n in range(7)]
        assert (span.previous, span.next) == (date(2026, 3, 1), date(2026, 3, 9))

    def test_a_month_ends_with_its_last_day(self) -> None:
        assert month_span(date(2028, 2, 10)).last == date(2028, 2, 29)

    def test_the_newest_with_papers_else_today(self) -> None:
        assert newest_span(day_span, today=TODAY).first == TODAY
        edition(TODAY - 9 * ONE_DAY)
        edition(TODAY - ONE_DAY, 0)
        assert newest_span(day_span, today=TODAY).first == TODAY - 9 * ONE_DAY


FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, 6) + days * ONE_DAY for days in range(4))


class TestTheFrontPage:
    def shown(self, today: date) -> tuple[date, list[date]]:
        found = front_page(today=today)
        return found.span.first, [edition.day for edition in found.later]

    def test_a_submission_stands_on_top_of_the_full_edition(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        factories.listing(day=FRIDAY)
        factories.listing(day=MONDAY, by="submission")
        with django_assert_num_queries(2):
            assert self.shown(MONDAY) == (FRIDAY, [MONDAY])

    def test_so_do_a_rule_s_papers_and_a_list_of_the_weekend(self) -> None:
        factories.listing(day=FRIDAY)
        factories.listing(day=SATURDAY, by="source")
        factories.listing(day=SUNDAY, by="topic")
        assert self.shown(MONDAY) == (FRIDAY, [SATURDAY, SUNDAY])

    @pytest.mark.parametrize(("day", "by"), [(MONDAY, "source"), (SUNDAY, "curator")])
    def test_a_source_on_a_weekday_and_a_curator_on_any_make_it_full(self, day: date, by: str) -> None:
        factories.listing(day=FRIDAY)
        factories.listing(day=day, by="submission")
        factories.listing(day=day, by=by)
        assert self.shown(MONDAY) == (day, [])

    def test_what_was_taken_off_a_day_does_not_make_it_full(self) -> None:
        factories.listing(day=FRIDAY)
        factories.listing(day=MONDAY, by="submission")
        factories.listing(day=MONDAY, hidden_at=NOW)
        assert self.shown(MONDAY) == (FRIDAY, [MONDAY])

    def test_where_none_is_full_it_is_the_newest_with_papers(self) -> None:
        for day in (FRIDAY, SUNDAY):
            factories.listing(day=day, by="submission")
        assert self.shown(MONDAY) == (SUNDAY, [])

    def test_no_day_that_has_not_come_and_today_where_there_is_none(self) -> None:
        assert self.shown(MONDAY) == (MONDAY, [])
        factories.listing(day=FRIDAY)
        factories.listing(day=MONDAY + ONE_DAY)
        assert self.shown(SUNDAY) == (FRIDAY, [])
        assert self.shown(MONDAY) == (MONDAY + ONE_DAY, [])


class TestWhyNotToday:
    def why(self, *, now: datetime = ANNOUNCED + timedelta(hours=1), today: date = TODAY) -> EditionAbsence | None:
        return explain_absence(edition(today - ONE_DAY), today=today, now=now)

    def test_todays_edition_needs_no_reason(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        found = [edition(TODAY), edition(TODAY + ONE_DAY)]
        with django_assert_num_queries(0):
            assert [explain_absence(each, today=TODAY, now=NOW) for each in found] == [None, None]

    def test_without_arxiv_nobody_can_say(self) -> None:
        factories.source("huggingface")
        factories.source(is_enabled=False)
        factories.source(lists="nothing")
        why = self.why()
        assert why is not None
        assert why.absence is None

    def test_before_the_announcement_it_says_when_it_is_due(self) -> None:
        factories.source()
        asked_for = edition_due(TODAY)
        assert asked_for is not None
        for now in (ANNOUNCED - timedelta(minutes=1), asked_for - timedelta(minutes=1)):
            assert self.why(now=now) == EditionAbsence(today=TODAY, absence=AbsenceReason.NOT_YET, due=asked_for)
            Edition.objects.all().delete()

    def test_what_readers_are_told_is_when_the_announcements_are_fetched(self) -> None:
        friday = datetime(2026, 3, 6, 20, tzinfo=UTC)
        fetched_at = arxiv_rss.adapter.next_fetch(
            FetchOutcome(now=friday, interval=timedelta(hours=10), has_todays_announcements=True)
        )
        factories.source()
        why = self.why(today=date(2026, 3, 7), now=datetime(2026, 3, 7, 9, tzinfo=UTC))
        assert why is not None
        assert why.due is not None
        saturday = arxiv_rss.adapter.next_fetch(
            FetchOutcome(now=datetime(2026, 3, 7, 9, tzinfo=UTC), interval=timedelta(hours=1))
        )
        assert timedelta() <= why.due - saturday <= timedelta(minutes=20)
        assert fetched_at < why.due

    def test_on_a_weekend_the_next_one_is_monday_s(self) -> None:
        factories.source()
        why = self.why(today=date(2026, 3, 7), now=datetime(2026, 3, 7, 9, tzinfo=UTC))
        assert why is not None
        assert (why.absence, why.due) == (AbsenceReason.WEEKEND, datetime(2026, 3, 9, 4, 30, tzinfo=UTC))

    def test_a_stale_feed_is_told_from_a_holiday(self) -> None:
        source = factories.source()
        factories.fetch_run(source, state=FetchRun.State.STALE, started_at=NOW - timedelta(hours=3))
        late = ANNOUNCED + timedelta(hours=12)
        why = self.why(now=late)
        assert why is not None
        assert why.absence is AbsenceReason.STALE
        factories.fetch_run(source, state=FetchRun.State.DONE, started_at=NOW - timedelta(hours=1))
        why = self.why(now=late)
        assert why is not None
        assert why.absence is AbsenceReason.HOLIDAY

    def test_it_says_when_arxiv_is_asked_again_while_that_is_to_come(self) -> None:
        late = ANNOUNCED + timedelta(hours=12)
        source = factories.source(error_count=2, next_fetch_at=late + timedelta(minutes=9))
        factories.fetch_run(source, state=FetchRun.State.FAILED, started_at=late)
        for now, next_fetch_at in ((late, source.next_fetch_at), (late + timedelta(minutes=9), None)):
            why = self.why(now=now)
            assert why is not None
            assert (why.absence, why.next_fetch_at) == (AbsenceReason.FAILING, next_fetch_at)
            Edition.objects.all().delete()

    def test_an_empty_day_to_come_says_when_its_papers_are_due(self) -> None:
        assert explain_empty_day(TODAY, today=TODAY, now=NOW) is None, "no source knows"
        assert explain_empty_day(TODAY + ONE_DAY, today=TODAY, now=NOW) is None
        factories.source()
        assert explain_empty_day(TODAY - ONE_DAY, today=TODAY, now=NOW) is None
        why = explain_empty_day(TODAY + ONE_DAY, today=TODAY, now=NOW)
        assert why is not None
        assert why.due == edition_due(TODAY + ONE_DAY)
        saturday = explain_empty_day(date(2026, 3, 7), today=TODAY, now=NOW)
        assert saturday is not None
        assert saturday.due is None
        today = explain_empty_day(TODAY, today=TODAY, now=NOW)
        assert today is not None
        assert today.absence is AbsenceReason.UNASKED

    def test_before_arxiv_was_ever_asked_nobody_says_that_it_announced_nothing(self) -> None:
        source = factories.source()
        for late in (ANNOUNCED + timedelta(hours=1), ANNOUNCED + timedelta(hours=12)):
            why = explain_absence(None, today=TODAY, now=late)
            assert why is not None
            assert why.absence is AbsenceReason.UNASKED
        factories.fetch_run(source, state=FetchRun.State.DONE, started_at=NOW)
        why = explain_absence(None, today=TODAY, now=ANNOUNCED + timedelta(hours=12))
        assert why is not None
        assert why.absence is AbsenceReason.HOLIDAY

    def test_a_source_that_fails(self) -> None:
        factories.source(error_count=2)
        why = self.why()
        assert why is not None
        assert why.absence is AbsenceReason.FAILING


def test_curators_are_named_and_others_are_not() -> None:
    reader()
    curator("carl")
    curator("gone")
    from papers.models import User

    User.objects.filter(username="gone").update(is_active=False)
    assert curator_names() == ["carl"]


def test_the_group_s_categories_each_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.source(categories=["cs.CL", "cs.LG"])
    factories.source(categories=["cs.LG", "cs.CV"])
    factories.source(categories=["math.AG"], is_enabled=False)
    assert set(chosen_categories()) == {"cs.CL", "cs.LG", "cs.CV"}
    with django_assert_num_queries(0):
        chosen_categories()
