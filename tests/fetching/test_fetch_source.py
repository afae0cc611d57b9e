"""Visits end to end: from the fake upstream through the client, the clock and Postgres onto the edition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from papers.locks import AdvisoryLock
from papers.models import Edition, FetchRun, HostSlot, Listing, Paper, RejectedRecord, Source
from papers.outbound.client import Client
from papers.services.fetching import rate_limiter
from papers.services.fetching.fetch_runner import due_source_ids, end_abandoned_runs, fetch_source, preview_source
from papers.services.fetching.source_config import request_fetches
from papers.services.operations.sample import ensure_sample, has_sample
from papers.sources.arxiv_rss import ArxivRss
from papers.sources.registry import ADAPTERS
from tests.support.fake_upstream import TODAY, Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import (
    CATEGORIES,
    ask_upstream,
    create_source,
    delete_all,
    diff_rows,
    disable_rate_limits,
    hours,
    listed_ids,
    run_fetch,
    stored_ids,
    stored_rows,
)
from tests.support.locks import held_elsewhere
from tests.support.source_context import FRIDAY_MORNING

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 4), 12)) as running:
        ask_upstream(settings, running)
        yield running


def announced_today(upstream: FakeUpstream) -> list[str]:
    return sorted(upstream.catalogue.new_ids(TODAY, CATEGORIES))


# --- what comes of it ---


def test_what_is_announced_is_stored_listed_and_complete(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    run = run_fetch(source)
    expected = announced_today(upstream)
    assert listed_ids(TODAY) == expected
    assert (run.state, run.announced, run.listed) == (FetchRun.State.DONE, len(expected), len(expected))
    assert run.new == len(stored_ids()) > len(expected), "new versions of older papers come along"
    edition = Edition.objects.get(day=TODAY)
    assert (edition.announced_count, edition.stored_count, edition.missing) == (len(expected), len(expected), [])
    assert edition.listed_count == len(expected)
    assert edition.is_complete
    kinds = set(Listing.objects.values_list("kind", flat=True))
    assert kinds == {"new", "cross"}
    assert (source.error_count, source.last_error) == (0, "")
    assert source.last_success_at is not None
    assert source.next_fetch_at is not None
    assert source.next_fetch_at > FRIDAY_MORNING + hours(1)


def test_the_first_real_edition_takes_the_samples_place(upstream: FakeUpstream) -> None:
    ensure_sample()
    run_fetch(create_source("arxiv_oai", upstream))
    assert has_sample(), "records alone make no edition"
    run_fetch(create_source("arxiv_rss", upstream))
    assert not has_sample()
    assert set(Edition.objects.values_list("is_sample", flat=True)) == {False}
    assert not Paper.objects.filter(is_sample=True).exists()


def test_what_a_visit_cost_is_kept(upstream: FakeUpstream) -> None:
    run = run_fetch(create_source("arxiv_rss", upstream))
    assert [(request["url"], request["status"]) for request in run.requests] == [
        (f"{upstream.url}/atom/cs.CL+cs.LG", 200),
        (f"{upstream.url}/atom/stat.ML", 200),
    ]
    assert all(request["wire_bytes"] > 0 and request["seconds"] >= 0 for request in run.requests)
    assert run.ended_at is not None
    assert run.progress == ""


def test_progress_is_said_as_it_goes(upstream: FakeUpstream) -> None:
    said: list[str] = []
    shown: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        shown.append(FetchRun.objects.get().progress)

    run_fetch(create_source("arxiv_rss", upstream), report_progress=say)
    assert said[0].startswith("fetching cs.CL+cs.LG, ")
    assert shown == said


@pytest.mark.parametrize("kind", ["arxiv_rss", "arxiv_oai", "arxiv_api", "huggingface", "feed"])
def test_the_same_again_writes_nothing(upstream: FakeUpstream, kind: str) -> None:
    source = create_source(kind, upstream)
    run_fetch(source)
    before, written = stored_rows(), set(Paper.objects.values_list("pk", "changed_at"))
    Source.objects.update(cursor={}, etag="", last_modified="")
    source.refresh_from_db()
    run = run_fetch(source, now=FRIDAY_MORNING + timedelta(minutes=30))
    assert run.fetched > 0
    assert (run.new, run.updated, run.listed) == (0, 0, 0)
    assert stored_rows() == before
    assert set(Paper.objects.values_list("pk", "changed_at")) == written


def test_sources_that_know_the_same_paper_meet_in_it(upstream: FakeUpstream) -> None:
    for kind in ("huggingface", "arxiv_oai", "arxiv_rss", "arxiv_api"):
        run_fetch(create_source(kind, upstream))
    featured = {paper.arxiv_id for paper in upstream.catalogue.papers.values() if paper.is_featured}
    in_categories = {
        arxiv_id for day in upstream.catalogue.days for arxiv_id in upstream.catalogue.new_ids(day, CATEGORIES)
    }
    assert stored_ids() == featured | in_categories
    assert Paper.objects.count() == len(stored_ids())
    for day in upstream.catalogue.days:
        assert len(listed_ids(day)) == len(set(listed_ids(day)))


def test_records_list_nothing_and_announce_nothing(upstream: FakeUpstream) -> None:
    run = run_fetch(create_source("arxiv_oai", upstream))
    assert run.announced is None
    assert stored_ids()
    assert not Listing.objects.exists()
    assert Paper.objects.filter(versions__version=2).exists()


def test_the_order_of_sources_does_not_matter(upstream: FakeUpstream) -> None:
    kinds = ("arxiv_rss", "arxiv_oai")
    for kind in kinds:
        run_fetch(create_source(kind, upstream))
    forwards = stored_rows()
    delete_all()
    for kind in reversed(kinds):
        run_fetch(create_source(kind, upstream))
    backwards = stored_rows()
    assert [row[:2] for row in forwards["listings"]] == [row[:2] for row in backwards["listings"]]
    assert forwards["papers"] == backwards["papers"]


def test_the_daily_list_of_another_site_has_its_own_days_and_figures(upstream: FakeUpstream) -> None:
    run = run_fetch(create_source("huggingface", upstream))
    featured = [paper for paper in upstream.catalogue.papers.values() if paper.is_featured]
    for day in upstream.catalogue.days:
        assert listed_ids(day) == sorted(paper.arxiv_id for paper in featured if paper.announced_on == day)
    votes = dict(Listing.objects.values_list("paper__public_id", "source_votes"))
    assert votes == {paper.arxiv_id: paper.upvotes for paper in featured}
    assert run.announced is None
    assert Edition.objects.filter(announced_count__isnull=False).count() == 0, "nobody knows how many there must be"


def test_records_come_through_pages_whose_tokens_expire(upstream: FakeUpstream) -> None:
    upstream.set(page_size=5)
    upstream.script("/oai", Behaviour(error="badResumptionToken", query={"resumptionToken": "*"}))
    source = create_source("arxiv_oai", upstream)
    assert run_fetch(source).state == FetchRun.State.DONE
    assert stored_ids() == {
        paper.arxiv_id for paper in upstream.catalogue.papers.values() if set(CATEGORIES) & set(paper.categories)
    }
    assert set(source.cursor["sets"]) == {"cs:cs:CL", "cs:cs:LG", "stat:stat:ML"}


def test_nothing_yet_is_no_failure(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(error="noRecordsMatch", times=3))
    source = create_source("arxiv_oai", upstream)
    run = run_fetch(source)
    assert (run.state, run.fetched, source.error_count) == (FetchRun.State.DONE, 0, 0)
    assert source.cursor == {}


def test_a_bad_record_is_kept_and_the_rest_goes_on(upstream: FakeUpstream) -> None:
    spoilt = announced_today(upstream)[:2]
    upstream.script("/oai", Behaviour(spoil_ids=tuple(spoilt), times=3))
    source = create_source("arxiv_oai", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.PARTIAL
    assert set(RejectedRecord.objects.values_list("identifier", flat=True)) == set(spoilt)
    assert source.error_count == 0
    assert set(spoilt).isdisjoint(stored_ids())


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("behaviour", "seconds", "asked"),
    [
        (Behaviour(status=429, headers={"Retry-After": "600"}), 600, 1),
        (Behaviour(status=429), 60, 1),
        (Behaviour(status=429, headers={"Retry-After": "0"}), 30, 1),
        (Behaviour(status=503), 60, 1),
        (Behaviour(status=406), 60, 1),
        (Behaviour(status=403), 12 * 3600, 1),
        (Behaviour(status=500), 60, 2),
        (Behaviour(cut=0.5), 60, 2),
        (Behaviour(status=200, body="<html>busy</html>"), 60, 2),
    ],
)
def test_a_failure_is_told_and_tried_again_in_time(
    upstream: FakeUpstream, behaviour: Behaviour, seconds: int, asked: int
) -> None:
    upstream.script("/atom", behaviour)
    source = create_source("arxiv_rss", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert run.error
    assert (source.error_count, source.last_error) == (1, run.error)
    assert source.next_fetch_at is not None
    wait = (source.next_fetch_at - FRIDAY_MORNING).total_seconds()
    assert seconds - 1 <= wait <= seconds * 1.2 + 2
    assert len(upstream.log()) == asked, "who refuses is not asked on; where one list fails, the others are read"


def test_failures_in_a_row_are_tried_less_and_less_often(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    waits = []
    for number in range(5):
        upstream.script("/atom", Behaviour(status=500))
        now = FRIDAY_MORNING + hours(3 * number)
        run_fetch(source, now=now)
        assert source.next_fetch_at is not None
        waits.append((source.next_fetch_at - now).total_seconds() // 60)
    assert waits[:4] == sorted(waits[:4])
    assert source.error_count == 5
    assert 120 <= waits[-1] <= 145
    run_fetch(source, now=FRIDAY_MORNING + hours(20))
    assert (source.error_count, source.last_error) == (0, "")


def test_what_was_stored_before_a_failure_stays_and_is_named(upstream: FakeUpstream) -> None:
    upstream.script("/atom/stat.ML", Behaviour(status=503))
    run_fetch(create_source("arxiv_rss", upstream))
    assert listed_ids(TODAY) == sorted(upstream.catalogue.new_ids(TODAY, ("cs.CL", "cs.LG")))
    edition = Edition.objects.get(day=TODAY)
    assert edition.announced_count is None, "half of the lists are not the count"
    assert "stat.ML" in edition.check_note


def test_a_closed_group_of_hosts_is_no_failure_of_the_next_source(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(status=403))
    announcements, records = create_source("arxiv_rss", upstream), create_source("arxiv_oai", upstream)
    run_fetch(announcements)
    assert fetch_source_deleted(records)
    records.refresh_from_db()
    assert records.error_count == 0
    assert records.next_fetch_at is not None
    assert records.next_fetch_at > FRIDAY_MORNING + hours(11.9)
    assert upstream.log("/oai") == []


def fetch_source_deleted(source: Source) -> bool:
    """Visit a source whose hosts are closed: the visit asks nothing and leaves no trace."""
    assert fetch_source(source.pk, now=FRIDAY_MORNING) is None
    return not FetchRun.objects.filter(source=source).exists()


def test_an_error_of_our_own_is_told_and_raised(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ArxivRss):
        def fetch(self, context: Any) -> Any:
            raise KeyError("nobody thought of this")

    monkeypatch.setitem(ADAPTERS, "arxiv_rss", Broken())
    source = create_source("arxiv_rss", upstream)
    with pytest.raises(KeyError):
        run_fetch(source)
    source.refresh_from_db()
    assert FetchRun.objects.get().state == FetchRun.State.FAILED
    assert "nobody thought of this" in source.last_error
    assert source.next_fetch_at is not None
    assert source.next_fetch_at > FRIDAY_MORNING


# --- one visit at a time, and visits that die ---


def test_a_source_is_visited_once_at_a_time(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    FetchRun.objects.create(source=source, started_at=FRIDAY_MORNING, heartbeat_at=FRIDAY_MORNING)
    with held_elsewhere(AdvisoryLock.SOURCE_FETCH, str(source.pk)):
        assert fetch_source(source.pk, now=FRIDAY_MORNING + timedelta(minutes=5)) is None
        assert end_abandoned_runs(now=FRIDAY_MORNING + timedelta(minutes=5)) == 0
    assert upstream.log() == []


def test_a_visit_whose_process_was_killed_is_taken_over_at_once(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    FetchRun.objects.create(source=source, started_at=FRIDAY_MORNING, heartbeat_at=FRIDAY_MORNING)
    assert end_abandoned_runs(now=FRIDAY_MORNING + timedelta(seconds=30)) == 1
    assert run_fetch(source, now=FRIDAY_MORNING + timedelta(seconds=31)).state == FetchRun.State.DONE


def test_a_visit_that_stopped_moving_is_taken_over(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    dead = FetchRun.objects.create(source=source, started_at=FRIDAY_MORNING, heartbeat_at=FRIDAY_MORNING)
    with held_elsewhere(AdvisoryLock.SOURCE_FETCH, str(source.pk)):
        assert run_fetch(source, now=FRIDAY_MORNING + timedelta(minutes=11)).state == FetchRun.State.DONE
    dead.refresh_from_db()
    assert dead.state == FetchRun.State.ABANDONED
    assert dead.ended_at is not None


def test_a_visit_that_was_taken_over_stores_nothing_more(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)

    def take_over(text: str) -> None:
        end_abandoned_runs(now=FRIDAY_MORNING + hours(1))
        FetchRun.objects.create(
            source=source, started_at=FRIDAY_MORNING + hours(1), heartbeat_at=FRIDAY_MORNING + hours(1)
        )

    run_fetch(source, report_progress=take_over)
    assert set(listed_ids(TODAY)) == upstream.catalogue.new_ids(TODAY, ("cs.CL", "cs.LG")), "its first batch only"
    assert source.last_success_at is None
    assert FetchRun.objects.filter(state=FetchRun.State.RUNNING).count() == 1


def stop_at(number: int, error: BaseException) -> Callable[..., Client]:
    """A client that stops the whole visit at its so-manieth request."""

    class Stopping(Client):
        asked = 0

        def fetch(self, request: Any) -> Any:
            Stopping.asked += 1
            if Stopping.asked == number:
                raise error
            return super().fetch(request)

    real = rate_limiter.build_outbound_client

    def make(**options: Any) -> Client:
        client = real(**options)
        client.__class__ = Stopping
        return client

    return make


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("arxiv_rss", 1),
        ("arxiv_rss", 2),
        *((kind, number) for kind in ("arxiv_oai", "huggingface") for number in (1, 2, 4)),
    ],
)
def test_a_visit_that_is_stopped_and_done_anew_ends_in_the_same_tables(
    upstream: FakeUpstream, kind: str, number: int
) -> None:
    upstream.set(page_size=7)
    run_fetch(create_source(kind, upstream))
    expected = stored_rows()
    delete_all()
    source = create_source(kind, upstream)
    with pytest.raises(KeyboardInterrupt):
        fetch_source(source.pk, now=FRIDAY_MORNING, make_client=stop_at(number, KeyboardInterrupt()))
    assert FetchRun.objects.get(source=source).state == FetchRun.State.ABANDONED
    run_fetch(source, now=FRIDAY_MORNING + timedelta(minutes=1))
    assert diff_rows(stored_rows(), expected) == {}


def test_a_visit_asked_for_while_one_is_going_on_still_comes(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream, next_fetch_at=FRIDAY_MORNING)
    asked_at = FRIDAY_MORNING + timedelta(seconds=1)
    run_fetch(source, report_progress=lambda text: void(request_fetches([source.pk], now=asked_at)))
    assert source.next_fetch_at == asked_at


def void(_: object) -> None:
    pass


def test_what_is_due(upstream: FakeUpstream) -> None:
    due = create_source("arxiv_rss", next_fetch_at=FRIDAY_MORNING - hours(1))
    create_source("arxiv_oai", next_fetch_at=FRIDAY_MORNING + hours(1))
    create_source("huggingface", next_fetch_at=FRIDAY_MORNING - hours(1), is_enabled=False)
    busy = create_source("feed", next_fetch_at=FRIDAY_MORNING - hours(1))
    FetchRun.objects.create(source=busy, started_at=FRIDAY_MORNING, heartbeat_at=FRIDAY_MORNING)
    assert due_source_ids(now=FRIDAY_MORNING) == [due.pk]
    with held_elsewhere(AdvisoryLock.SOURCE_FETCH, str(busy.pk)):
        assert fetch_source(busy.pk, now=FRIDAY_MORNING, only_if_due=True) is None


def test_a_message_that_comes_twice_does_nothing(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream, next_fetch_at=FRIDAY_MORNING)
    assert fetch_source(source.pk, now=FRIDAY_MORNING, only_if_due=True) is not None
    assert fetch_source(source.pk, now=FRIDAY_MORNING, only_if_due=True) is None
    assert len(upstream.log()) == 2


def test_visits_are_not_made_inside_a_transaction(upstream: FakeUpstream) -> None:
    """A turn at the hosts that could be rolled back would be none."""
    source = create_source("arxiv_rss", upstream)
    with pytest.raises(RuntimeError), transaction.atomic():
        fetch_source(source.pk, now=FRIDAY_MORNING)
    assert upstream.log() == []


# --- feeds ---


def test_a_feed_that_is_gone_is_turned_off(upstream: FakeUpstream) -> None:
    upstream.script("/feeds", Behaviour(status=410))
    source = create_source("feed", upstream)
    assert run_fetch(source).state == FetchRun.State.FAILED
    assert not source.is_enabled
    assert "gone" in source.last_error


def test_a_feed_that_failed_for_two_weeks_is_turned_off(upstream: FakeUpstream) -> None:
    source = create_source("feed", upstream, last_success_at=FRIDAY_MORNING - timedelta(days=13))
    upstream.script("/feeds", Behaviour(status=500, times=2))
    run_fetch(source)
    assert source.is_enabled
    run_fetch(source, now=FRIDAY_MORNING + timedelta(days=2))
    assert not source.is_enabled
    assert source.last_error.startswith("Turned off after 14 days")


def test_a_feed_that_says_three_times_that_it_moved_is_followed(upstream: FakeUpstream) -> None:
    new = f"{upstream.url}/feeds/journal.atom"
    source = create_source("feed", upstream)
    for number in range(3):
        upstream.script("/feeds/blog.rss", Behaviour(status=301, headers={"Location": new}))
        assert run_fetch(source, now=FRIDAY_MORNING + hours(number)).state == FetchRun.State.DONE
    assert source.base_url == new
    assert "moved_to" not in source.cursor
    run_fetch(source, now=FRIDAY_MORNING + hours(3))
    assert [entry.path for entry in upstream.log()][-1] == "/feeds/journal.atom"


def test_what_a_feed_brings_is_on_todays_edition_once(upstream: FakeUpstream) -> None:
    source = create_source("feed", upstream)
    run_fetch(source)
    run_fetch(source, now=FRIDAY_MORNING + timedelta(days=1))
    assert len(listed_ids(TODAY)) == 3
    assert listed_ids(TODAY + timedelta(days=1)) == []


# --- looking without storing ---


def test_a_preview_stores_nothing(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    before = stored_rows()
    preview = preview_source(source, now=FRIDAY_MORNING, timeout_seconds=5.0)
    assert preview.paper_count > 10
    assert len(preview.requests) == 2
    assert preview.error == ""
    assert stored_rows() == before
    assert not FetchRun.objects.exists()
    source.refresh_from_db()
    assert source.cursor == {}
    assert HostSlot.objects.filter(group="arxiv").exists(), "it waits for its turn as everybody does"


def test_a_preview_may_end_with_the_first_papers(upstream: FakeUpstream) -> None:
    preview = preview_source(create_source("arxiv_rss", upstream), now=FRIDAY_MORNING, max_batches=1)
    assert len(preview.batches) == 1
    assert len(upstream.log()) == 1


def test_a_preview_says_what_went_wrong(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(status=503))
    preview = preview_source(create_source("arxiv_rss", upstream), now=FRIDAY_MORNING)
    assert "503" in preview.error
    assert preview.paper_count == 0
