"""One broken part blocks nothing: the rest is stored, what failed is named and asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from papers.enqueue import TaskName
from papers.models import Edition, FetchRun, HostSlot, Listing, RejectedRecord, Source
from papers.services.editions.spans import day_span, newest_span
from papers.services.fetching.fetch_runner import fetch_source
from papers.services.ingest.paper_store import store_papers
from papers.services.operations.scheduler import collect_due_work, note_begun
from papers.sources.arxiv_announcement_feed import parse_feed
from papers.sources.arxiv_oai import parse_page
from papers.sources.base import RawListing, RawPaper
from papers.sources.xml import BrokenXmlError
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


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 4), 16)) as running:
        ask_upstream(settings, running)
        yield running


def announced(upstream: FakeUpstream, day: date = TODAY, categories: Any = CATEGORIES) -> list[str]:
    return sorted(upstream.catalogue.new_ids(day, categories))


def body_of(upstream: FakeUpstream, path: str, **params: str) -> str:
    """An answer of the fake upstream, to be spoilt by hand."""
    from papers.outbound.request import FetchRequest
    from tests.support.fake_upstream import unlimited_client

    answer = unlimited_client(upstream.host).fetch(FetchRequest(upstream.url + path, "arxiv", params=params))
    upstream.clear_log()
    return answer.body.decode()


# --- announcements ---


@pytest.mark.parametrize(
    "spoilt", [("</title>", " AT&T</title>"), ("<summary>", "<summary><b>"), ("</title>", "\x01&nbsp;</title>")]
)
@pytest.mark.parametrize("path", ["/atom", "/rss"])
def test_an_ill_formed_item_costs_itself_alone_and_is_asked_for(
    upstream: FakeUpstream, path: str, spoilt: tuple[str, str]
) -> None:
    body = body_of(upstream, f"{path}/stat.ML")
    old, new = spoilt
    old, new = (old, new) if path == "/atom" else (old.replace("summary", "description"), new)
    tag = "<entry>" if path == "/atom" else "<item>"
    parts = body.split(tag)
    place = next(place for place, part in enumerate(parts) if ">new<" in part and place < len(parts) - 1)
    assert old in parts[place]
    parts[place] = parts[place].replace(old, new, 1)
    bad = tag.join(parts)
    feed = parse_feed(bad.encode(), now=FRIDAY_MORNING)
    assert not feed.is_cut
    assert feed.announced == parse_feed(body.encode(), now=FRIDAY_MORNING).announced, "its name is known"
    upstream.script(f"{path}/stat.ML", Behaviour(status=200, body=bad))
    source = create_source("arxiv_rss", upstream, base_url=upstream.url + path, categories=["stat.ML"])
    run = run_fetch(source)
    assert run.state == FetchRun.State.PARTIAL
    edition = Edition.objects.get(day=TODAY)
    assert edition.is_complete
    expected = announced(upstream, categories=["stat.ML"])
    assert edition.announced_count == len(expected)
    assert listed_ids(TODAY) == expected
    assert len(upstream.log("/oai")) == 1, "it was asked for by its id"


def test_where_half_a_feed_is_missing_the_count_stays_unknown(upstream: FakeUpstream) -> None:
    body = body_of(upstream, "/atom/stat.ML")
    cut = body[: body.rindex("<entry>") + 60].encode()
    feed = parse_feed(cut, now=FRIDAY_MORNING)
    assert feed.is_cut
    assert len(feed.items) == body.count("<entry>") - 1


def test_an_archive_that_answers_500_leaves_the_others(upstream: FakeUpstream) -> None:
    upstream.script("/atom/cs.CL+cs.LG", Behaviour(status=500))
    source = create_source("arxiv_rss", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert "feed of cs.CL+cs.LG could not be read" in source.last_error
    assert set(listed_ids(TODAY)) == set(announced(upstream, categories=["stat.ML"]))
    assert "feed of cs.CL+cs.LG could not be read" in Edition.objects.get(day=TODAY).check_note
    assert run_fetch(source, now=FRIDAY_MORNING + hours(1)).state == FetchRun.State.DONE
    assert listed_ids(TODAY) == announced(upstream)
    assert Edition.objects.get(day=TODAY).is_complete


def test_where_nothing_reaches_arxiv_it_is_not_asked_for_each_archive(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(cut=0.4, times=9))
    source = create_source("arxiv_rss", upstream, categories=["cs.CL", "stat.ML", "math.AG", "econ.EM"])
    assert run_fetch(source).state == FetchRun.State.FAILED
    assert len(upstream.log("/atom")) == 2


# --- records ---


def test_a_bad_byte_in_a_page_of_records_costs_itself_alone(upstream: FakeUpstream) -> None:
    query = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "stat:stat:ML", "from": "2026-11-13"}
    body = body_of(upstream, "/oai", **query)
    at = body.index("<title>", body.index("<record>", len(body) // 2)) + 9
    bad = body[:at].encode() + b"\xff" + body[at:].encode()
    page, whole = parse_page(bad), parse_page(body.encode())
    assert len(page.papers) == len(whole.papers) - 1
    assert page.token == whole.token
    assert page.answered_on == whole.answered_on
    [rejected] = page.rejected
    assert "not well-formed" in rejected.error
    assert page.broken_ids == [rejected.identifier.removeprefix("oai:arXiv.org:")]


def test_a_broken_record_is_asked_for_again(upstream: FakeUpstream) -> None:
    query = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "stat:stat:ML", "from": "2026-11-13"}
    bad = body_of(upstream, "/oai", **query).replace("<abstract>", "<abstract>&", 1)
    upstream.script("/oai", Behaviour(status=200, body=bad))
    run = run_fetch(create_source("arxiv_oai", upstream, categories=["stat.ML"]))
    assert run.failed == 1
    assert [entry.params["verb"] for entry in upstream.log("/oai")] == ["ListRecords", "GetRecord"]
    assert stored_ids() == {
        paper.arxiv_id for paper in upstream.catalogue.papers.values() if "stat.ML" in paper.categories
    }
    assert RejectedRecord.objects.filter(resolved_at=None).count() == 0


def test_a_token_behind_a_bad_record_is_followed(upstream: FakeUpstream) -> None:
    upstream.set(page_size=5)
    query = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "stat:stat:ML", "from": "2026-11-13"}
    body = body_of(upstream, "/oai", **query)
    page = parse_page(body.replace("<title>", "<title>&", 1).encode())
    assert page.token == parse_page(body.encode()).token != ""


def test_a_page_that_ends_in_the_middle_is_no_page(upstream: FakeUpstream) -> None:
    query = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "stat:stat:ML", "from": "2026-11-13"}
    body = body_of(upstream, "/oai", **query)
    with pytest.raises(BrokenXmlError):
        parse_page(body[: len(body) // 2].encode())


def test_a_set_that_fails_leaves_the_others(upstream: FakeUpstream) -> None:
    upstream.script("/oai", Behaviour(error="badArgument", query={"set": "cs:cs:CL"}))
    source = create_source("arxiv_oai", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert "cs:cs:CL" in source.last_error
    assert set(source.cursor["sets"]) == {"cs:cs:LG", "stat:stat:ML"}
    assert run_fetch(source, now=FRIDAY_MORNING + hours(1)).state == FetchRun.State.DONE
    assert stored_ids() == {
        paper.arxiv_id for paper in upstream.catalogue.papers.values() if set(CATEGORIES) & set(paper.categories)
    }


def test_no_records_for_a_token_is_a_failure_and_not_the_end(upstream: FakeUpstream) -> None:
    upstream.set(page_size=5)
    upstream.script("/oai", Behaviour(error="noRecordsMatch", query={"resumptionToken": "*"}, times=99))
    source = create_source("arxiv_oai", upstream, categories=["stat.ML"])
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert "noRecordsMatch" in run.error
    assert "done" not in source.cursor["sets"]["stat:stat:ML"]
    assert len(upstream.log("/oai")) < 12
    upstream.clear_script()
    assert run_fetch(source, now=FRIDAY_MORNING + hours(1)).state == FetchRun.State.DONE


def test_tokens_without_end_are_not_followed_for_ever(upstream: FakeUpstream) -> None:
    query = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "stat:stat:ML", "from": "2026-11-13"}
    body = body_of(upstream, "/oai", **query)
    endless = [
        Behaviour(
            status=200,
            body=body.replace("</ListRecords>", f"<resumptionToken>more {number}</resumptionToken></ListRecords>"),
        )
        for number in range(40)
    ]
    upstream.script("/oai", *endless)
    source = create_source("arxiv_oai", upstream, categories=["stat.ML"])
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert "without a new record" in run.error
    assert len(upstream.log("/oai")) <= 5
    assert stored_ids()


# --- another site's lists ---


def test_a_bad_day_of_another_site_leaves_the_other_days(upstream: FakeUpstream) -> None:
    upstream.script("/api/daily_papers", Behaviour(status=500, query={"date": "2026-11-18"}, times=2))
    source = create_source("huggingface", upstream)
    run = run_fetch(source)
    assert run.state == FetchRun.State.FAILED
    assert "2026-11-18" in source.last_error
    assert listed_ids(TODAY) != []
    assert listed_ids(date(2026, 11, 18)) == []
    assert source.cursor == {"through": "2026-11-20", "failed": ["2026-11-18"]}
    # It is asked for again, and stays named, also when it is older than what is asked each time.
    later = FRIDAY_MORNING + timedelta(days=4)
    upstream.set(today=later.date())
    upstream.clear_log()
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    assert source.cursor["failed"] == ["2026-11-18"]
    assert run_fetch(source, now=later).state == FetchRun.State.DONE
    assert listed_ids(date(2026, 11, 18)) != []
    assert "failed" not in source.cursor


def test_a_paper_that_another_site_moves_stands_on_one_day(upstream: FakeUpstream) -> None:
    paper = next(p for p in upstream.catalogue.papers.values() if p.is_featured and p.announced_on == THURSDAY)
    source = create_source("huggingface", upstream)
    run_fetch(source)
    assert paper.arxiv_id in listed_ids(THURSDAY)
    count = Edition.objects.get(day=THURSDAY).listed_count
    listing = Listing.objects.get(paper__public_id=paper.arxiv_id)
    raw = RawPaper(
        source="huggingface", title="Moved", arxiv_id=paper.arxiv_id, listed_on=RawListing(TODAY, "daily", 1)
    )
    for _ in range(2):
        store_papers([raw], now=FRIDAY_MORNING, kind="huggingface", source=source)
        assert paper.arxiv_id not in listed_ids(THURSDAY)
        assert paper.arxiv_id in listed_ids(TODAY)
    assert Edition.objects.get(day=THURSDAY).listed_count == count - 1
    assert Listing.objects.get(paper__public_id=paper.arxiv_id).pk == listing.pk, "no mail brings it again"
    run_fetch(source, now=FRIDAY_MORNING + hours(1))
    assert Listing.objects.filter(paper__public_id=paper.arxiv_id).count() == 1


def test_what_arxiv_announces_as_new_twice_is_new_once(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    for day in (THURSDAY, TODAY):
        raw = RawPaper(source="arxiv_rss", title="T", arxiv_id="2611.00901", listed_on=RawListing(day, "new"))
        store_papers([raw], now=FRIDAY_MORNING, kind="arxiv_rss", source=source)
    assert list(Listing.objects.values_list("day", flat=True)) == [THURSDAY]


# --- dates ---


@pytest.mark.parametrize("said", ["2027-01-04", "2099-12-31", "1970-01-01"])
def test_a_feed_with_a_date_that_cannot_be_is_today_s_and_says_so(upstream: FakeUpstream, said: str) -> None:
    body = body_of(upstream, "/atom/stat.ML").replace("<published>2026-11-20T", f"<published>{said}T")
    assert said in body
    upstream.script("/atom/stat.ML", Behaviour(status=200, body=body))
    run_fetch(create_source("arxiv_rss", upstream, categories=["stat.ML"]))
    assert set(Listing.objects.values_list("day", flat=True)) == {TODAY}
    edition = Edition.objects.get(day=TODAY)
    assert edition.is_complete is None
    assert f"is dated {said}" in edition.check_note


@pytest.mark.parametrize("day", [date(1970, 1, 1), TODAY + timedelta(days=2), date(2099, 1, 1)])
def test_nothing_is_listed_on_a_day_that_cannot_be_and_it_is_named(upstream: FakeUpstream, day: date) -> None:
    source = create_source("huggingface", upstream)
    raw = RawPaper(source="huggingface", title="T", arxiv_id="2611.00901", listed_on=RawListing(day, "daily"))
    store_papers([raw], now=FRIDAY_MORNING, kind="huggingface", source=source)
    assert stored_ids() == {"2611.00901"}
    assert not Listing.objects.exists()
    rejected = RejectedRecord.objects.get(resolved_at=None)
    assert str(day) in rejected.error


def test_a_day_s_tolerance_for_zones(upstream: FakeUpstream) -> None:
    source = create_source("huggingface", upstream)
    raw = RawPaper(
        source="huggingface", title="T", arxiv_id="2611.00901", listed_on=RawListing(TODAY + timedelta(days=1), "daily")
    )
    store_papers([raw], now=FRIDAY_MORNING, kind="huggingface", source=source)
    assert Listing.objects.exists()


def test_the_front_page_stays_in_the_present() -> None:
    for day in (TODAY, date(2099, 1, 1)):
        Edition.objects.create(day=day, listed_count=3)
    assert newest_span(day_span, today=TODAY).first == TODAY


# --- the evening ---


def test_an_evening_batch_of_a_sunday_is_monday_s(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    run_fetch(source)
    sunday, monday = TODAY + timedelta(days=2), TODAY + timedelta(days=3)
    upstream.catalogue.add(*make_catalogue(weekdays(monday, 5), 16).papers.values())
    evening = datetime(2026, 11, 23, 1, 10, tzinfo=UTC)  # Sunday, 20:10 in New York
    for name in ("cs.CL+cs.LG", "stat.ML"):
        upstream.set(today=monday)
        body = body_of(upstream, f"/atom/{name}").replace(str(monday), str(sunday))
        upstream.script(f"/atom/{name}", Behaviour(status=200, body=body))
    run_fetch(source, now=evening)
    assert listed_ids(sunday) == []
    assert listed_ids(monday) == announced(upstream, monday)
    upstream.set(today=monday)
    run_fetch(source, now=evening + hours(5))
    assert listed_ids(monday) == announced(upstream, monday)
    assert Edition.objects.get(day=monday).is_complete
    assert not Edition.objects.filter(day=sunday).exists()


def test_what_a_feed_still_holds_on_a_saturday_is_friday_s(upstream: FakeUpstream) -> None:
    upstream.set(today=TODAY + timedelta(days=1))
    upstream.script("/atom", Behaviour(is_stale=True, times=2))
    run_fetch(create_source("arxiv_rss", upstream), now=FRIDAY_MORNING + timedelta(days=1))
    assert listed_ids(TODAY) == announced(upstream)
    assert not Edition.objects.filter(day__gt=TODAY).exists()


# --- visits that are put off, or killed ---


def test_a_visit_that_is_put_off_is_no_error(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(status=403))
    run_fetch(create_source("arxiv_rss", upstream))
    records = create_source("arxiv_oai", upstream)
    assert fetch_source(records.pk, now=FRIDAY_MORNING) is None
    records.refresh_from_db()
    assert records.next_fetch_at is not None
    assert records.error_count == 0


def test_what_a_killed_worker_had_begun_is_enqueued_by_the_next_round(upstream: FakeUpstream) -> None:
    cache.clear()
    source = create_source("arxiv_rss", upstream, next_fetch_at=FRIDAY_MORNING)
    assert collect_due_work(now=FRIDAY_MORNING).source_ids == (source.pk,)
    assert collect_due_work(now=FRIDAY_MORNING).source_ids == (), "it may wait in the queue"
    note_begun(TaskName.FETCH_SOURCE, source.pk)
    FetchRun.objects.create(source=source, started_at=FRIDAY_MORNING, heartbeat_at=FRIDAY_MORNING)
    # The worker was killed: nobody holds the lock of its visit.
    assert collect_due_work(now=FRIDAY_MORNING + timedelta(seconds=30)).source_ids == (source.pk,)
    assert Source.objects.due(FRIDAY_MORNING).exists()


def test_a_server_that_wants_to_be_asked_at_once_is_believed_twice(upstream: FakeUpstream) -> None:
    source = create_source("arxiv_rss", upstream)
    waits, now = [], FRIDAY_MORNING
    for _ in range(4):
        HostSlot.objects.update(not_before=FRIDAY_MORNING)
        upstream.script("/atom", Behaviour(status=429, headers={"Retry-After": "0"}))
        run_fetch(source, now=now)
        assert source.next_fetch_at is not None
        waits.append((source.next_fetch_at - now).total_seconds())
        now = source.next_fetch_at
    assert all(30 <= wait < 35 for wait in waits[:2])
    assert 60 <= waits[2] < 80
    assert 300 <= waits[3] < 380


def test_a_batch_that_is_older_than_the_last_is_stale(upstream: FakeUpstream) -> None:
    """In the evening another batch is the next day's, unless its papers have older ids."""
    source = create_source("arxiv_rss", upstream)
    upstream.set(today=THURSDAY)
    run_fetch(source, now=FRIDAY_MORNING - timedelta(days=1))
    upstream.script("/atom", Behaviour(is_stale=True, times=2))
    run = run_fetch(source, now=datetime(2026, 11, 20, 2, tzinfo=UTC))  # Thursday, 21:00 in New York
    assert run.state == FetchRun.State.STALE
    assert set(Listing.objects.values_list("day", flat=True)) == {THURSDAY}
    assert listed_ids(THURSDAY) == announced(upstream, THURSDAY)
