"""Days whose announcement was not read: filled from arXiv's records, and said to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from papers.models import Announcement, Edition, FetchRun, Listing, RecordedAnnouncement, Source
from papers.services.editions.listing import RECORDS_KIND
from papers.services.fetching.unread_days import fill_unread_days
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import CATEGORIES, ask_upstream, create_source, disable_rate_limits, listed_ids, run_fetch

pytestmark = pytest.mark.django_db(transaction=True)

FRIDAY = date(2026, 11, 20)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (FRIDAY - timedelta(days=back) for back in (4, 3, 2, 1))
SUNDAY = FRIDAY + timedelta(days=2)
NOT_READ = "stored {} by arXiv's records; the announcement itself was not read"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(FRIDAY, 10), 20), today=FRIDAY) as running:
        ask_upstream(settings, running)
        yield running


def at(day: date, hour: int = 15, minute: int = 0) -> datetime:
    """A moment in UTC; 15:00 is ten in the morning in New York."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def announced(upstream: FakeUpstream, day: date) -> list[str]:
    return sorted(upstream.catalogue.new_ids(day, CATEGORIES))


def begin(upstream: FakeUpstream, now: datetime) -> tuple[Source, Source]:
    """A site whose sources were made at a moment."""
    sources = create_source("arxiv_rss", upstream), create_source("arxiv_oai", upstream)
    Source.objects.update(created_at=now)
    return sources


def visit(upstream: FakeUpstream, sources: tuple[Source, Source], now: datetime, *, today: date | None = None) -> None:
    upstream.set(today=today or now.date())
    for source in sources:
        source.refresh_from_db()
        if source.next_fetch_at is None or source.next_fetch_at <= now:
            run_fetch(source, now=now)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (at(SUNDAY, 3), FRIDAY),
        (at(SUNDAY + timedelta(days=1), 1, 30), FRIDAY),  # Sunday, 20:30 in New York: announced, no feed, no records
        (at(SUNDAY + timedelta(days=1), 4), FRIDAY),
        (at(FRIDAY + timedelta(days=1), 12), FRIDAY),
        (at(FRIDAY, 5, 5), THURSDAY),  # in the night in which the feeds turn
    ],
)
def test_a_site_begins_with_the_last_announced_day(upstream: FakeUpstream, now: datetime, last: date) -> None:
    upstream.script("/atom", Behaviour(is_empty=True, times=9))
    visit(upstream, begin(upstream, now), now, today=min(last, FRIDAY))
    assert listed_ids(last) == announced(upstream, last)
    edition = Edition.objects.get(day=last)
    count = len(announced(upstream, last))
    assert (edition.recorded_count, edition.announced_count, edition.is_complete) == (count, None, None)
    assert edition.check_note == NOT_READ.format(count)
    assert Edition.objects.with_papers().count() == 1, "no older day: the site was not there"
    for page in ("/", f"/papers/date/{last}", "/status"):
        assert NOT_READ.format(count).replace("'", "&#x27;") in Browser().get(page, follow=True).content.decode()


def test_on_a_holiday_a_site_begins_with_the_day_before(upstream: FakeUpstream) -> None:
    thanksgiving = date(2026, 11, 26)
    for back, day in enumerate(weekdays(date(2026, 11, 25), 3)):
        upstream.catalogue.add(*make_catalogue([day], 20 + back, seed=back).papers.values())
    wednesday = date(2026, 11, 25)
    visit(upstream, begin(upstream, at(thanksgiving, 17)), at(thanksgiving, 17))
    assert listed_ids(wednesday) == announced(upstream, wednesday) != []
    assert not Edition.objects.filter(day__gte=thanksgiving).exists(), "a holiday is no announcement day"


def test_records_alone_list_nothing_where_no_announcements_are_read(upstream: FakeUpstream) -> None:
    run_fetch(create_source("arxiv_oai", upstream), now=at(SUNDAY))
    assert not Listing.objects.exists()


def test_a_machine_that_was_off_for_a_week_has_each_day(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(FRIDAY - timedelta(days=8)))
    visit(upstream, sources, at(FRIDAY - timedelta(days=8)))
    visit(upstream, sources, at(FRIDAY))
    for day in (FRIDAY - timedelta(days=7), MONDAY, TUESDAY, WEDNESDAY, THURSDAY):
        assert listed_ids(day) == announced(upstream, day), day
        assert Edition.objects.get(day=day).check_note == NOT_READ.format(len(announced(upstream, day)))
    assert Edition.objects.get(day=FRIDAY).is_complete
    assert not nobody_stands_twice()


def nobody_stands_twice() -> list[Any]:
    found = Listing.objects.values_list("paper__public_id", flat=True)
    return [public_id for public_id in set(found) if list(found).count(public_id) > 1]


def test_a_feed_that_answers_503_all_day_leaves_an_edition(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(THURSDAY))
    visit(upstream, sources, at(THURSDAY))
    upstream.script("/atom", Behaviour(status=503, times=99))
    upstream.set(today=FRIDAY)
    run_fetch(sources[0], now=at(FRIDAY, 5, 20))
    assert listed_ids(FRIDAY) == [], "its feeds may still come"
    from papers.models import HostSlot

    HostSlot.objects.all().delete()
    run_fetch(sources[1], now=at(FRIDAY, 5, 30))
    assert listed_ids(FRIDAY) == []
    run_fetch(sources[0], now=at(FRIDAY, 12))
    assert listed_ids(FRIDAY) == announced(upstream, FRIDAY)
    assert Edition.objects.get(day=FRIDAY).check_note.startswith("stored ")


def test_a_feed_that_comes_late_has_the_last_word(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(THURSDAY))
    visit(upstream, sources, at(THURSDAY))
    upstream.set(today=FRIDAY)
    wrong = announced(upstream, MONDAY)[0]
    upstream.script("/atom", Behaviour(is_empty=True, times=2))
    run_fetch(sources[0], now=at(FRIDAY, 12))
    run_fetch(sources[1], now=at(FRIDAY, 12, 1))
    RecordedAnnouncement.objects.filter(arxiv_id=wrong).update(day=FRIDAY)
    fill_unread_days(at(FRIDAY, 12, 2))
    assert listed_ids(FRIDAY) == sorted([*announced(upstream, FRIDAY), wrong])
    before = set(Listing.objects.filter(day=FRIDAY).exclude(paper__public_id=wrong).values_list("pk", "release"))
    run_fetch(sources[0], now=at(FRIDAY, 14))
    assert listed_ids(FRIDAY) == announced(upstream, FRIDAY)
    edition = Edition.objects.get(day=FRIDAY)
    assert edition.is_complete
    assert (edition.recorded_count, edition.listed_count) == (None, len(announced(upstream, FRIDAY)))
    assert set(Listing.objects.filter(day=FRIDAY).values_list("pk", "release")) == before, "no mail brings them again"
    assert not Listing.objects.filter(kind=RECORDS_KIND, day=FRIDAY).exists()


def test_a_paper_that_records_put_on_a_wrong_day_moves_when_it_is_announced(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(THURSDAY))
    moved = announced(upstream, FRIDAY)[3]
    upstream.set(today=FRIDAY)
    run_fetch(sources[1], now=at(THURSDAY, 23))
    RecordedAnnouncement.objects.filter(arxiv_id=moved).update(day=WEDNESDAY)
    fill_unread_days(at(THURSDAY, 23))
    assert moved in listed_ids(WEDNESDAY)
    count = Edition.objects.get(day=WEDNESDAY).listed_count
    run_fetch(sources[0], now=at(FRIDAY))
    assert moved not in listed_ids(WEDNESDAY)
    assert listed_ids(FRIDAY) == announced(upstream, FRIDAY)
    assert Edition.objects.get(day=WEDNESDAY).listed_count == count - 1
    assert Edition.objects.get(day=FRIDAY).listed_count == len(announced(upstream, FRIDAY))
    assert not nobody_stands_twice()


def test_a_day_with_neither_feed_nor_records_has_a_row_that_says_so(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    Source.objects.update(created_at=at(THURSDAY))
    upstream.set(today=THURSDAY)
    run_fetch(source, now=at(THURSDAY))
    tuesday = FRIDAY + timedelta(days=4)
    upstream.set(today=tuesday)
    run_fetch(source, now=at(tuesday))
    for day in (FRIDAY, tuesday - timedelta(days=1)):
        edition = Edition.objects.get(day=day)
        assert (edition.listed_count, edition.is_complete) == (0, None)
        assert edition.check_note == "No list of what arXiv announced was read for this day."
    days = Edition.objects.values_list("day", flat=True)
    assert SUNDAY not in days, "arXiv announces nothing at weekends"
    assert tuesday not in days, "this day's may still come"


@pytest.mark.parametrize("state", [None, FetchRun.State.RUNNING, FetchRun.State.ABANDONED])
def test_before_arxiv_was_ever_asked_no_day_has_a_row(upstream: FakeUpstream, state: str | None) -> None:
    sources = begin(upstream, at(THURSDAY))
    if state:
        FetchRun.objects.create(
            source=sources[0], state=state, started_at=at(THURSDAY), heartbeat_at=at(THURSDAY), ended_at=None
        )
    assert fill_unread_days(at(FRIDAY)) == 0
    assert not Edition.objects.exists()
    upstream.set(today=FRIDAY)
    upstream.script("/atom", Behaviour(status=500, times=9))
    run_fetch(sources[0], now=at(FRIDAY))
    fill_unread_days(at(FRIDAY))
    assert Edition.objects.filter(day=WEDNESDAY, listed_count=0).exists(), "asked, and nothing came"


def test_what_of_a_day_was_not_read_is_filled(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(THURSDAY))
    upstream.set(today=THURSDAY)
    upstream.script("/atom/stat.ML", Behaviour(status=500))
    run_fetch(sources[0], now=at(THURSDAY))
    run_fetch(sources[1], now=at(THURSDAY))
    assert listed_ids(THURSDAY) == announced(upstream, THURSDAY)
    note = Edition.objects.get(day=THURSDAY).check_note
    assert "feed of stat.ML could not be read" in note
    assert "by arXiv's records" in note
    run_fetch(sources[0], now=at(THURSDAY, 16))
    assert Edition.objects.get(day=THURSDAY).is_complete
    assert listed_ids(THURSDAY) == announced(upstream, THURSDAY)


def test_days_are_filled_once(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(SUNDAY))
    visit(upstream, sources, at(SUNDAY), today=SUNDAY)
    before = list(Edition.objects.values())
    assert fill_unread_days(at(SUNDAY, 16)) == 0
    assert list(Edition.objects.values()) == before


def test_nothing_that_records_say_counts_as_announced(upstream: FakeUpstream) -> None:
    visit(upstream, begin(upstream, at(SUNDAY)), at(SUNDAY), today=SUNDAY)
    assert RecordedAnnouncement.objects.exists()
    assert not Announcement.objects.exists()


def test_a_category_that_was_chosen_later_takes_nothing_from_days_before(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(WEDNESDAY))
    visit(upstream, sources, at(WEDNESDAY))
    visit(upstream, sources, at(THURSDAY))
    before = list(Edition.objects.values("day", "listed_count", "announced_count", "check_note"))
    Source.objects.update(categories=[*CATEGORIES, "cs.CV"], next_fetch_at=at(THURSDAY, 20))
    upstream.set(today=THURSDAY)
    run_fetch(sources[1], now=at(THURSDAY, 20))
    wednesday = [row for row in before if row["day"] == WEDNESDAY]
    assert list(Edition.objects.filter(day=WEDNESDAY).values(*wednesday[0])) == wednesday


def test_an_archive_whose_feed_is_stale_while_others_are_not_is_filled(upstream: FakeUpstream) -> None:
    sources = begin(upstream, at(THURSDAY))
    visit(upstream, sources, at(THURSDAY))
    upstream.set(today=FRIDAY)
    upstream.script("/atom/stat.ML", Behaviour(is_stale=True))
    run_fetch(sources[1], now=at(FRIDAY, 12))
    run_fetch(sources[0], now=at(FRIDAY, 12, 30))
    assert listed_ids(FRIDAY) == announced(upstream, FRIDAY)
    assert "stat.ML held an older batch" in Edition.objects.get(day=FRIDAY).check_note
