"""What arXiv announced: read item by item, asked per archive, and told from what it announced before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.sources.arxiv_announcement_feed import AnnouncementFeed, parse_feed
from papers.sources.arxiv_rss import adapter
from papers.sources.base import AnnouncedIds, FetchBatch
from papers.sources.xml import BrokenXmlError
from tests.support.fake_upstream import TODAY, Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.source_context import FRIDAY_MORNING, fetch_context, last_cursor, papers_of

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns="http://www.w3.org/2005/Atom"><id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates on arXiv.org</title>
 <updated>2026-11-19T05:00:19+00:00</updated>{items}</feed>"""
RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
 <title>cs.CL updates on arXiv.org</title><lastBuildDate>Thu, 19 Nov 2026 05:00:03 +0000</lastBuildDate>
 <pubDate>Thu, 19 Nov 2026 00:00:00 -0500</pubDate><skipDays><day>Saturday</day></skipDays>{items}</channel></rss>"""
ENTRY = """<entry><id>oai:arXiv.org:{id}</id><title>{title}</title>
 <link href="https://arxiv.org/abs/{id}" rel="alternate" type="text/html"/>
 <summary>arXiv:{id} Announce Type: {kind} \nAbstract: We show $x&lt;1$.\n  A second paragraph.</summary>
 <category term="cs.CL"/><category term="68T50"/><published>2026-11-19T00:00:00-05:00</published>
 <arxiv:announce_type>{kind}</arxiv:announce_type><dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
 <dc:creator>Ada Holm, Jun Ito (Tidal Lab)</dc:creator><arxiv:DOI>10.5555/X.1</arxiv:DOI>
 <arxiv:journal_reference>J. Tides 3 (2026)</arxiv:journal_reference></entry>"""
ITEM = """<item><title>{title}</title><link>https://arxiv.org/abs/{id}</link>
 <description>arXiv:{id} Announce Type: {kind} \nAbstract: We show $x&lt;1$.\n  A second paragraph.</description>
 <guid isPermaLink="false">oai:arXiv.org:{id}</guid><category>cs.CL</category><category>68T50</category>
 <pubDate>Thu, 19 Nov 2026 00:00:00 -0500</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type>
 <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
 <dc:creator>Ada Holm, Jun Ito (Tidal Lab)</dc:creator><arxiv:DOI>10.5555/X.1</arxiv:DOI>
 <arxiv:journal_reference>J. Tides 3 (2026)</arxiv:journal_reference></item>"""


def atom(*items: str) -> AnnouncementFeed:
    return parse_feed(ATOM.format(items="".join(items)).encode(), now=NOW)


def entry(arxiv_id: str, kind: str = "new", title: str = "A Title") -> str:
    return ENTRY.format(id=arxiv_id, kind=kind, title=title)


# --- reading ---


def test_atom_and_rss_say_the_same() -> None:
    from_atom = atom(entry("2611.00001v2"))
    from_rss = parse_feed(
        RSS.format(items=ITEM.format(id="2611.00001v2", kind="new", title="A Title")).encode(), now=NOW
    )
    assert from_atom == from_rss
    assert from_atom.fingerprint == from_rss.fingerprint


def test_an_item_has_all_that_the_feed_says() -> None:
    paper = atom(entry("2611.00001v2")).items[0].record
    assert paper is not None
    assert (paper.arxiv_id, paper.version, paper.title) == ("2611.00001", 2, "A Title")
    assert paper.abstract == "We show $x<1$.\n  A second paragraph."
    assert paper.authors_text == "Ada Holm, Jun Ito (Tidal Lab)"
    assert paper.categories == ("cs.CL", "68T50")
    assert (paper.doi, paper.journal_ref) == ("10.5555/X.1", "J. Tides 3 (2026)")
    assert paper.license == "http://creativecommons.org/licenses/by/4.0/"
    assert paper.announced_on == date(2026, 11, 19)
    assert paper.listed_on is not None
    assert (paper.listed_on.day, paper.listed_on.kind) == (date(2026, 11, 19), "new")
    assert paper.comment is None, "the feed says nothing of comments, so it clears none"
    assert paper.published_at is None


def test_the_day_is_that_of_new_york() -> None:
    assert atom().day == date(2026, 11, 19), "an empty feed has its build time only, 00:00:19 in New York"
    without_dates = b"<rss version='2.0'><channel/></rss>"
    assert parse_feed(without_dates, now=datetime(2026, 11, 20, 3, tzinfo=UTC)).day == date(2026, 11, 19)


def test_only_new_and_cross_listed_papers_are_announced() -> None:
    kinds = {"2611.00001v1": "new", "2611.00002v1": "cross", "2611.00003v2": "replace", "2611.00004v2": "replace-cross"}
    feed = atom(*(entry(arxiv_id, kind) for arxiv_id, kind in kinds.items()))
    assert feed.announced == {"2611.00001": "new", "2611.00002": "cross"}
    assert len(feed.items) == 4


def test_a_new_version_is_not_announced_anew() -> None:
    paper = atom(entry("2611.00003v2", "replace")).items[0].record
    assert paper is not None
    assert paper.announced_on is None


def test_an_old_paper_that_is_cross_listed_was_announced_before() -> None:
    old, recent = (item.record for item in atom(entry("2401.00003v1", "cross"), entry("2611.00009v1", "cross")).items)
    assert old is not None
    assert recent is not None
    assert (old.announced_on, recent.announced_on) == (None, date(2026, 11, 19))
    assert old.listed_on == recent.listed_on, "both are on the day's list"


def test_an_item_that_cannot_be_read_still_counts_as_announced() -> None:
    feed = atom(entry("2611.00001v1"), entry("2611.00002v1", title=" "))
    assert feed.announced == {"2611.00001": "new", "2611.00002": "new"}
    broken = feed.items[1]
    assert broken.record is None
    assert broken.rejected is not None
    assert broken.rejected.identifier == "oai:arXiv.org:2611.00002v1"
    assert "2611.00002v1" in broken.rejected.payload


def test_the_id_is_found_wherever_it_stands() -> None:
    text = "<item><title>T</title><guid>oai:nothing</guid>{}</item>"
    in_description = text.format("<description>arXiv:2611.00005v1 Announce Type: cross \nAbstract: A.</description>")
    in_link = text.format("<link>https://arxiv.org/abs/2611.00006</link><description>Words.</description>")
    feed = parse_feed(RSS.format(items=in_description + in_link).encode(), now=NOW)
    assert feed.announced == {"2611.00005": "cross", "2611.00006": "new"}
    assert feed.items[1].record is not None
    assert feed.items[1].record.abstract == "Words."


def test_an_item_without_any_id_is_rejected() -> None:
    feed = parse_feed(RSS.format(items="<item><title>T</title><guid>x</guid></item>").encode(), now=NOW)
    assert feed.announced == {}
    assert feed.items[0].rejected is not None


def test_a_paper_titled_0_has_a_title() -> None:
    record = atom(entry("2104.12255v1", title="0")).items[0].record
    assert record is not None
    assert record.title == "0"


def test_an_old_id_keeps_its_slash() -> None:
    assert atom(entry("hep-th/9901001v3", "cross")).announced == {"hep-th/9901001": "cross"}


def test_a_cut_feed_gives_its_whole_items() -> None:
    document = ATOM.format(items=entry("2611.00001v1") + entry("2611.00002v1") + entry("2611.00003v1")).encode()
    feed = parse_feed(document[:-300], now=NOW)
    assert feed.is_cut
    assert feed.announced == {"2611.00001": "new", "2611.00002": "new"}


@pytest.mark.parametrize("document", [b"", b"<html><body>Rate exceeded.</body></html>", b"Rate exceeded."])
def test_what_is_no_feed_is_an_error(document: bytes) -> None:
    with pytest.raises(BrokenXmlError):
        parse_feed(document, now=NOW)


LINK_LIST = """<rss version="2.0"><channel><title>Papers that I read</title><description>d</description>{items}
 </channel></rss>"""
LINK = "<item><title>{title}</title><link>{link}</link><description>{title}, in a few words.</description></item>"


@pytest.mark.parametrize("others", ["", LINK.format(title="A talk", link="https://blog.example/talk")])
def test_a_feed_that_only_links_to_papers_is_refused_with_a_reason(others: str) -> None:
    items = LINK.format(title="Tides", link="https://arxiv.org/abs/2611.00004") + others
    with pytest.raises(BrokenXmlError, match=r"not a feed of arXiv's announcements.*add it as a feed"):
        parse_feed(LINK_LIST.format(items=items).encode(), now=NOW)


# --- asking ---


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 5), 30)) as running:
        yield running


def visit(upstream: FakeUpstream, path: str = "/atom", **fields: Any) -> list[FetchBatch]:
    return list(adapter.fetch(fetch_context(upstream, path, **fields)))


def announced(batches: list[FetchBatch]) -> dict[str, AnnouncedIds]:
    """What each feed announced, as it was last said."""
    return {said.query: said for batch in batches for said in batch.announced}


def all_ids(batches: list[FetchBatch]) -> set[str]:
    return {arxiv_id for said in announced(batches).values() for arxiv_id in said.ids}


@pytest.mark.parametrize("path", ["/atom", "/rss"])
def test_each_archive_is_asked_once(upstream: FakeUpstream, path: str) -> None:
    batches = visit(upstream, path)
    assert [entry.path for entry in upstream.log()] == [f"{path}/cs.CL+cs.LG", f"{path}/stat.ML"]
    assert set(announced(batches)) == {"cs.CL+cs.LG", "stat.ML"}
    assert all(said.is_whole and said.day == TODAY for said in announced(batches).values())
    assert all_ids(batches) == upstream.catalogue.new_ids(TODAY, ("cs.CL", "cs.LG", "stat.ML"))


def test_a_whole_archive_goes_by_its_name(upstream: FakeUpstream) -> None:
    visit(upstream, categories=("econ.*",))
    assert [entry.path for entry in upstream.log()] == ["/atom/econ"]


def test_a_paper_in_two_feeds_is_sent_once_and_as_the_better_kind(upstream: FakeUpstream) -> None:
    papers = [paper for paper in papers_of(visit(upstream)) if paper.version == 1]
    kinds: dict[str, list[str]] = {}
    for paper in papers:
        assert paper.listed_on is not None
        kinds.setdefault(paper.arxiv_id or "", []).append(paper.listed_on.kind)
    assert all(found in (["new"], ["cross"], ["cross", "new"]) for found in kinds.values())
    assert kinds.keys() == upstream.catalogue.new_ids(TODAY, ("cs.CL", "cs.LG", "stat.ML"))


def test_places_on_the_day_are_the_same_when_asked_again(upstream: FakeUpstream) -> None:
    def places() -> dict[str, int]:
        return {
            paper.arxiv_id or "": paper.listed_on.position for paper in papers_of(visit(upstream)) if paper.listed_on
        }

    assert places() == places()
    assert len(set(places().values())) == len(places())


def test_a_long_feed_comes_in_parts_and_moves_the_cursor_with_the_last() -> None:
    with fake_upstream(make_catalogue([TODAY], 600)) as upstream:
        batches = visit(upstream, categories=("cs.CL", "cs.LG"))
    assert len(batches) > 1
    assert [batch.cursor is None for batch in batches] == [True] * (len(batches) - 1) + [False]
    assert [bool(batch.announced) for batch in batches] == [True] + [False] * (len(batches) - 1)
    assert batches[-1].done == batches[-1].total == len(papers_of(batches))


def test_the_same_feed_again_brings_no_paper_but_says_again_what_was_announced(upstream: FakeUpstream) -> None:
    first = visit(upstream)
    again = visit(upstream, cursor=last_cursor(first), now=FRIDAY_MORNING + timedelta(hours=1))
    assert papers_of(again) == []
    assert all_ids(again) == all_ids(first)
    assert not any(batch.is_stale for batch in again)


def test_what_came_late_is_brought(upstream: FakeUpstream) -> None:
    late = sorted(upstream.catalogue.new_ids(TODAY, ("cs.CL",)))[-3:]
    upstream.script("/atom", Behaviour(drop_ids=tuple(late), times=2))
    first = visit(upstream)
    again = visit(upstream, cursor=last_cursor(first))
    assert all_ids(again) - all_ids(first) == set(late)
    assert {paper.arxiv_id for paper in papers_of(again)} >= set(late)


def test_yesterdays_batch_under_todays_date_is_stale(upstream: FakeUpstream) -> None:
    upstream.set(today=TODAY - timedelta(days=1))
    yesterday = visit(upstream, now=FRIDAY_MORNING - timedelta(days=1))
    upstream.set(today=TODAY)
    upstream.script("/atom/stat.ML", Behaviour(is_stale=True))
    today = visit(upstream, cursor=last_cursor(yesterday))
    assert [batch.label for batch in today if batch.is_stale] == ["stat.ML"]
    assert announced(today).keys() == {"cs.CL+cs.LG"}, "nobody knows what stat.ML announced today"
    later = visit(upstream, cursor=last_cursor(today))
    assert not any(batch.is_stale for batch in later)
    assert announced(later)["stat.ML"].day == TODAY


def test_a_stale_batch_stays_stale_however_often_it_comes(upstream: FakeUpstream) -> None:
    upstream.set(today=TODAY - timedelta(days=1))
    cursor = last_cursor(visit(upstream, now=FRIDAY_MORNING - timedelta(days=1)))
    upstream.set(today=TODAY)
    upstream.script("/atom", Behaviour(is_stale=True, times=4))
    for _ in range(2):
        batches = visit(upstream, cursor=cursor)
        assert all(batch.is_stale for batch in batches)
        assert papers_of(batches) == []
        cursor = last_cursor(batches) or cursor


def test_a_copy_that_was_kept_too_long_is_stale_and_still_good_for_its_own_day(upstream: FakeUpstream) -> None:
    upstream.set(today=TODAY - timedelta(days=1))
    batches = visit(upstream, now=FRIDAY_MORNING)
    assert all(batch.is_stale for batch in batches)
    assert {said.day for said in announced(batches).values()} == {TODAY - timedelta(days=1)}


def test_on_a_weekend_the_batch_of_friday_is_no_news_and_not_stale(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream))
    saturday = TODAY + timedelta(days=1)
    upstream.set(today=saturday)
    upstream.script("/atom", Behaviour(is_stale=True, times=2))
    batches = visit(upstream, cursor=cursor, now=FRIDAY_MORNING + timedelta(days=1))
    assert papers_of(batches) == []
    assert not any(batch.is_stale for batch in batches)
    assert announced(batches) == {}


def test_a_quiet_day_announces_nothing_and_is_not_stale(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream))
    upstream.set(today=TODAY + timedelta(days=3))  # a Monday without announcements: a holiday
    batches = visit(upstream, cursor=cursor, now=FRIDAY_MORNING + timedelta(days=3))
    assert papers_of(batches) == []
    assert announced(batches) == {}
    assert not any(batch.is_stale for batch in batches)


def test_the_validators_of_a_feed_are_never_kept(upstream: FakeUpstream) -> None:
    """An empty feed is published shortly before the full one, and would then hide it."""
    upstream.script("/atom", Behaviour(is_empty=True, times=2))
    for batch in (*visit(upstream), *visit(upstream)):
        assert batch.etag is None
        assert batch.last_modified is None


def test_an_empty_feed_beside_a_full_one_leaves_the_count_unknown(upstream: FakeUpstream) -> None:
    upstream.script("/atom/stat.ML", Behaviour(is_empty=True))
    said = announced(visit(upstream))
    assert said["cs.CL+cs.LG"].is_whole
    assert not said["stat.ML"].is_whole
    assert "empty" in said["stat.ML"].note


def test_an_empty_feed_takes_nothing_back(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream))
    upstream.script("/atom/stat.ML", Behaviour(is_empty=True))
    assert "stat.ML" not in announced(visit(upstream, cursor=cursor))


def test_a_feed_at_its_cap_is_asked_for_category_by_category(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.sources.arxiv_rss.MAX_ITEMS", 22)
    upstream.set(feed_cap=22)
    batches = visit(upstream, categories=("cs.CL", "cs.LG"))
    assert [entry.path for entry in upstream.log()] == ["/atom/cs.CL+cs.LG", "/atom/cs.CL", "/atom/cs.LG"]
    [said] = announced(batches).values()
    assert said.is_whole
    assert set(said.ids) == upstream.catalogue.new_ids(TODAY, ("cs.CL", "cs.LG"))
    assert {paper.arxiv_id for paper in papers_of(batches)} >= set(said.ids)
    first = next(batch.announced[0] for batch in batches if batch.announced)
    assert not first.is_whole, "a visit that is cut short must not leave a count that looks whole"


def test_a_category_at_its_cap_leaves_the_count_unknown(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.sources.arxiv_rss.MAX_ITEMS", 5)
    upstream.set(feed_cap=5)
    [said] = announced(visit(upstream, categories=("cs.CL", "cs.LG"))).values()
    assert not said.is_whole
    assert "cap of 5" in said.note


def test_a_capped_feed_that_has_not_changed_is_asked_no_further(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.sources.arxiv_rss.MAX_ITEMS", 22)
    upstream.set(feed_cap=22)
    cursor = last_cursor(visit(upstream, categories=("cs.CL", "cs.LG")))
    upstream.clear_log()
    batches = visit(upstream, categories=("cs.CL", "cs.LG"), cursor=cursor)
    assert [entry.path for entry in upstream.log()] == ["/atom/cs.CL+cs.LG"]
    assert papers_of(batches) == []
    assert not any(batch.is_stale for batch in batches)


def visit_until_error(upstream: FakeUpstream, **fields: Any) -> tuple[list[FetchBatch], str]:
    """What was brought before the visit failed, and how it failed."""
    batches: list[FetchBatch] = []
    visit = adapter.fetch(fetch_context(upstream, "/atom", **fields))
    with pytest.raises(SourceError) as caught:
        batches.extend(visit)
    return batches, str(caught.value)


def test_an_unknown_category_costs_only_itself(upstream: FakeUpstream) -> None:
    upstream.script("/atom/cs.CL+cs.LG", Behaviour(status=400))
    upstream.script("/atom/cs.CL", Behaviour(status=400))
    batches, error = visit_until_error(upstream)
    assert "no feed of cs.CL; take it out" in error
    assert set(announced(batches)) == {"cs.CL+cs.LG", "stat.ML"}
    assert set(announced(batches)["cs.CL+cs.LG"].ids) == upstream.catalogue.new_ids(TODAY, ("cs.LG",))
    assert not announced(batches)["cs.CL+cs.LG"].is_whole


def test_a_cut_feed_is_stored_as_far_as_it_came_and_told(upstream: FakeUpstream) -> None:
    """Cut before it was packed up, so that the transfer itself looks whole."""
    whole = visit(upstream, categories=("stat.ML",))
    body = ATOM.format(items=entry("2611.00001v1") + entry("2611.00002v1") + entry("2611.00003v1"))
    upstream.script("/atom/stat.ML", Behaviour(status=200, body=body[:-300]))
    batches, error = visit_until_error(upstream, categories=("stat.ML",))
    assert "ended in the middle" in error
    assert [paper.arxiv_id for paper in papers_of(batches)] == ["2611.00001", "2611.00002"]
    [said] = announced(batches).values()
    assert not said.is_whole
    assert last_cursor(batches).get("feeds", {}) == {}, "the same feed, when it comes whole, is news"
    assert announced(whole)["stat.ML"].is_whole


def test_a_refusal_ends_the_visit_at_once(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(status=429, headers={"Retry-After": "30"}))
    with pytest.raises(HttpStatusError) as caught:
        visit(upstream)
    assert caught.value.retry_after_seconds == 30
    assert len(upstream.log()) == 1


def test_a_batch_that_appears_in_the_evening_belongs_to_the_next_day(upstream: FakeUpstream) -> None:
    """Should arXiv fill its feeds when it announces, at eight, they still bear the old day's date until midnight."""
    thursday = TODAY - timedelta(days=1)
    upstream.set(today=thursday)
    cursor = last_cursor(visit(upstream, now=FRIDAY_MORNING - timedelta(days=1)))
    evening = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)  # Thursday, 20:30 in New York
    body = ATOM.replace("2026-11-19T05", "2026-11-20T01").format(items=entry("2611.00991v1") + entry("2611.00992v1"))
    upstream.script("/atom", Behaviour(status=200, body=body, times=2))
    batches = visit(upstream, cursor=cursor, now=evening)
    assert {said.day for said in announced(batches).values()} == {TODAY}
    assert {paper.announced_on for paper in papers_of(batches)} == {TODAY}
    assert {paper.listed_on.day for paper in papers_of(batches) if paper.listed_on} == {TODAY}


def test_late_items_of_the_evening_stay_with_their_day(upstream: FakeUpstream) -> None:
    upstream.script("/atom", Behaviour(drop=2, times=2))
    cursor = last_cursor(visit(upstream))
    evening = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)  # Friday, 20:30 in New York
    assert {said.day for said in announced(visit(upstream, cursor=cursor, now=evening)).values()} == {TODAY}


def test_feeds_no_longer_asked_for_are_forgotten(upstream: FakeUpstream) -> None:
    cursor = last_cursor(visit(upstream)) | {"gaps": {"2611.00001": {}}}
    cursor = last_cursor(visit(upstream, cursor=cursor, categories=("stat.ML", "cs.CV")))
    assert cursor["feeds"].keys() == {"stat.ML", "cs.CV"}
    assert cursor["gaps"] == {"2611.00001": {}}, "what others keep there stays"


def test_without_categories_there_is_nothing_to_ask(upstream: FakeUpstream) -> None:
    with pytest.raises(SourceError, match="No arXiv category"):
        visit(upstream, categories=())
