"""Nothing is missing, and where something is, it is named until it is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from papers.models import Announcement, Edition, FetchRun, Listing, Source
from papers.services.fetching import gap_backfill
from tests.support.fake_upstream import TODAY, Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import (
    CATEGORIES,
    ask_upstream,
    create_source,
    disable_rate_limits,
    hours,
    listed_ids,
    run_fetch,
    stored_ids,
)
from tests.support.source_context import FRIDAY_MORNING

pytestmark = pytest.mark.django_db(transaction=True)

THURSDAY = TODAY - timedelta(days=1)
THURSDAY_MORNING = FRIDAY_MORNING - timedelta(days=1)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 3), 40)) as running:
        ask_upstream(settings, running)
        yield running


def announced(upstream: FakeUpstream, day: Any = TODAY) -> list[str]:
    return sorted(upstream.catalogue.new_ids(day, CATEGORIES))


def refuse_look_ups(upstream: FakeUpstream, times: int = 200) -> None:
    upstream.script("/oai", Behaviour(error="idDoesNotExist", times=times, query={"verb": "GetRecord"}))


def edition(day: Any = TODAY) -> Edition:
    return Edition.objects.get(day=day)


def test_the_whole_story(upstream: FakeUpstream) -> None:
    """Three papers are dropped, yesterday's batch is served, an answer is cut: and in the end all is there."""
    source = create_source("arxiv_rss", upstream)
    create_source("arxiv_oai", upstream, is_enabled=False)

    # Thursday: three items can't be read, and arXiv does not give their records yet.
    upstream.set(today=THURSDAY)
    dropped = tuple(announced(upstream, THURSDAY)[4:7])
    upstream.script("/atom", Behaviour(spoil_ids=dropped, times=2))
    refuse_look_ups(upstream, times=3)
    run = run_fetch(source, now=THURSDAY_MORNING)
    assert run.state == FetchRun.State.PARTIAL
    assert edition(THURSDAY).missing == list(dropped)
    assert edition(THURSDAY).is_complete is False
    assert edition(THURSDAY).stored_count == len(announced(upstream, THURSDAY)) - 3
    assert source.next_fetch_at is not None
    assert source.next_fetch_at < THURSDAY_MORNING + hours(1.2), "a day with a gap is asked for again soon"

    # An hour later the gap is filled.
    run_fetch(source, now=THURSDAY_MORNING + hours(1))
    assert edition(THURSDAY).missing == []
    assert edition(THURSDAY).is_complete
    assert listed_ids(THURSDAY) == announced(upstream, THURSDAY)

    # Friday begins with Thursday's batch under a new date.
    upstream.set(today=TODAY)
    upstream.script("/atom", Behaviour(is_stale=True, times=2))
    assert run_fetch(source).state == FetchRun.State.STALE
    assert listed_ids(TODAY) == []
    assert not Edition.objects.filter(day=TODAY, announced_count__isnull=False).exists()

    # Then an answer is cut in the middle, on its way.
    upstream.script("/atom/stat.ML", Behaviour(cut=0.5))
    assert run_fetch(source, now=FRIDAY_MORNING + hours(1)).state == FetchRun.State.FAILED
    assert edition().is_complete is None
    assert "stat.ML" in edition().check_note

    # The next visit brings the rest.
    assert run_fetch(source, now=FRIDAY_MORNING + hours(2)).state == FetchRun.State.DONE
    assert edition().is_complete
    for day in (THURSDAY, TODAY):
        assert listed_ids(day) == announced(upstream, day), "and nothing is listed twice"
        assert edition(day).listed_count == len(announced(upstream, day))


def test_a_gap_is_filled_within_the_visit_where_arxiv_has_the_paper(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(spoil_ids=tuple(announced(upstream)[:3]), times=2))
    run_fetch(create_source("arxiv_rss", upstream))
    assert edition().is_complete
    assert listed_ids(TODAY) == announced(upstream)
    assert len(upstream.log("/oai")) == 3
    assert upstream.log("/api/query") == [], "a few are asked for where arXiv answers best"


def test_what_fills_a_gap_is_listed_as_it_was_announced(upstream: FakeUpstream) -> None:
    crossed = next(
        paper.arxiv_id
        for paper, _ in upstream.catalogue.announced(TODAY)
        if paper.categories[0] not in CATEGORIES and set(paper.categories) & set(CATEGORIES)
    )
    upstream.script("/atom", Behaviour(spoil_ids=(crossed,), times=2))
    run_fetch(create_source("arxiv_rss", upstream))
    listing = Listing.objects.get(paper__public_id=crossed)
    assert (listing.day, listing.kind) == (TODAY, "cross")
    assert listing.paper.announced_on == TODAY


def test_many_gaps_are_looked_up_together(upstream: FakeUpstream) -> None:
    spoilt = tuple(announced(upstream)[:25])
    upstream.script("/atom", Behaviour(spoil_ids=spoilt, times=2))
    run_fetch(create_source("arxiv_rss", upstream))
    assert edition().is_complete
    [asked] = upstream.log("/api/query")
    assert asked.params["id_list"].split(",") == list(spoilt)
    assert upstream.log("/oai") == []


def test_what_the_search_leaves_out_is_asked_of_the_archive(upstream: FakeUpstream) -> None:
    spoilt = tuple(announced(upstream)[:25])
    upstream.script("/atom", Behaviour(spoil_ids=spoilt, times=2))
    upstream.script("/api/query", Behaviour(drop_ids=spoilt[:2]))
    run_fetch(create_source("arxiv_rss", upstream))
    assert edition().is_complete
    assert len(upstream.log("/oai")) == 2


def test_a_search_that_fails_leaves_the_archive(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(spoil_ids=tuple(announced(upstream)[:25]), times=2))
    upstream.script("/api/query", Behaviour(status=500))
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    assert len(edition().missing) == 25 - gap_backfill.MAX_RECORDS
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    assert edition().is_complete


def test_a_refused_look_up_is_no_failure_of_the_visit(upstream: FakeUpstream) -> None:
    spoilt = tuple(announced(upstream)[:3])
    upstream.script("/atom", Behaviour(spoil_ids=spoilt, times=2))
    upstream.script("/oai", Behaviour(status=429, headers={"Retry-After": "60"}))
    source = create_source("arxiv_rss", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.PARTIAL
    assert "could not be filled now" in run.error
    assert source.error_count == 0
    assert edition().missing == list(spoilt)
    upstream.clear_log()
    assert source.cursor.get("gaps") is None, "an id that was not asked for was not tried"


def test_ids_that_arxiv_does_not_have_are_asked_for_less_and_less_often(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    Announcement.objects.create(
        day=TODAY, arxiv_id="2611.99999", kind="new", query="stat.ML", first_seen_at=FRIDAY_MORNING
    )
    asked_at = []
    for hour in range(1, 49):
        upstream.clear_log()
        run_fetch(source, now=FRIDAY_MORNING + hours(hour))
        if upstream.log("/oai"):
            asked_at.append(hour)
    assert asked_at[:4] == [1, 2, 4, 7]
    assert len(asked_at) < 9
    assert edition().missing == ["2611.99999"], "it stays named"
    assert source.cursor["gaps"]["2611.99999"]["times"] == len(asked_at)


def test_a_gap_that_was_filled_is_no_more_remembered(upstream: FakeUpstream) -> None:
    spoilt = announced(upstream)[0]
    upstream.script("/atom", Behaviour(spoil_ids=(spoilt,), times=2))
    refuse_look_ups(upstream, times=1)
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    assert set(source.cursor["gaps"]) == {spoilt}
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    assert "gaps" not in source.cursor
    assert "feeds" in source.cursor


def test_a_cycle_asks_for_a_bounded_number(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_backfill, "MAX_IDS", 5)
    upstream.script("/atom", Behaviour(spoil_ids=tuple(announced(upstream)[:12]), times=2))
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    assert len(edition().missing) == 7
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    run_fetch(source, now=FRIDAY_MORNING + hours(2))
    assert edition().is_complete


def test_the_nightly_records_fill_gaps_too(upstream: FakeUpstream) -> None:
    spoilt = tuple(announced(upstream)[:3])
    upstream.script("/atom", Behaviour(spoil_ids=spoilt, times=2))
    refuse_look_ups(upstream)
    run_fetch(create_source("arxiv_rss", upstream))
    assert edition().missing == list(spoilt)
    run = run_fetch(create_source("arxiv_oai", upstream), now=FRIDAY_MORNING + hours(13))
    assert edition().is_complete
    assert listed_ids(TODAY) == announced(upstream)
    assert run.listed == 3


def test_a_paper_that_other_sources_brought_first_is_on_the_edition_though_its_item_is_broken(
    upstream: FakeUpstream,
) -> None:
    run_fetch(create_source("arxiv_oai", upstream))
    spoilt = tuple(announced(upstream)[:2])
    upstream.script("/atom", Behaviour(spoil_ids=spoilt, times=2))
    run_fetch(create_source("arxiv_rss", upstream))
    assert listed_ids(TODAY) == announced(upstream)
    assert edition().is_complete


def test_the_groups_own_mirror_is_asked_for_what_is_missing(upstream: FakeUpstream, settings: Any) -> None:
    settings.ARXIV_OAI_URL = "http://192.0.2.1/oai"
    create_source("arxiv_oai", upstream)
    upstream.script("/atom", Behaviour(spoil_ids=tuple(announced(upstream)[:1]), times=2))
    run_fetch(create_source("arxiv_rss", upstream))
    assert edition().is_complete


def test_without_announcements_nothing_counts_as_complete(upstream: FakeUpstream) -> None:
    run_fetch(create_source("arxiv_oai", upstream))
    assert stored_ids()
    assert not Edition.objects.filter(announced_count__isnull=False).exists()


def test_stale_announcements_have_the_records_asked_for(upstream: FakeUpstream) -> None:
    later = FRIDAY_MORNING + hours(13)
    records = create_source("arxiv_oai", upstream, next_fetch_at=later, last_success_at=FRIDAY_MORNING - hours(11))
    source = create_source("arxiv_rss", upstream)
    upstream.set(today=THURSDAY)
    run_fetch(source, now=THURSDAY_MORNING)
    upstream.set(today=TODAY)
    upstream.script("/atom", Behaviour(is_stale=True, times=4))
    run_fetch(source)
    records.refresh_from_db()
    assert records.next_fetch_at is not None
    assert records.next_fetch_at < FRIDAY_MORNING + hours(0.1)
    Source.objects.filter(pk=records.pk).update(next_fetch_at=later, last_success_at=FRIDAY_MORNING)
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    records.refresh_from_db()
    assert records.next_fetch_at == later, "not every hour"


def test_a_quiet_day_is_not_stale(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    monday = TODAY + timedelta(days=3)
    upstream.set(today=monday)
    run = run_fetch(source, now=FRIDAY_MORNING + timedelta(days=3))
    assert (run.state, run.announced, run.fetched) == (FetchRun.State.DONE, None, 0)
    assert not Edition.objects.filter(day=monday).exists()
