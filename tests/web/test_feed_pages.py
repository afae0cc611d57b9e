"""Feeds of every list: small documents that lead to all older entries, own feeds by a key, and OPML out and in."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta
from typing import Any

import feedparser
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from lxml import etree, html

from papers.models import Comment, LibraryItem, Paper, Source, Tag, Topic, User
from papers.references.opml import MAX_FEEDS, OpmlError, parse_opml
from papers.services.accounts.feed_keys import feed_key_of, renew_feed_key
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags
from papers.services.reading.votes import set_vote
from papers.web.feeds import MAX_BYTES, MAX_ENTRIES, FeedEntry, fitting, with_content
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.feed_rules import atom_problems, json_feed_problems
from tests.support.people import anonymous_client, client_of, curator, reader

ATOM = {"a": "http://www.w3.org/2005/Atom", "fh": "http://purl.org/syndication/history/1.0"}
ORIGIN = "http://127.0.0.1:8000"

pytestmark = pytest.mark.django_db


def path_of(address: str) -> str:
    assert address.startswith(ORIGIN), address
    return address.removeprefix(ORIGIN)


def walk(path: str, *, by: str, client: Client | None = None, most: int = 20) -> tuple[list[str], int]:
    """The ids of all entries from a feed on along its links, and how many documents that were."""
    asking, ids, documents = client or anonymous_client(), [], 0
    while path and documents < most:
        answer = asking.get(path)
        assert answer.status_code == 200, path
        assert len(answer.content) <= MAX_BYTES
        documents += 1
        if by == "next_url":
            found = json.loads(answer.content)
            assert json_feed_problems(answer.content) == []
            ids += [item["id"] for item in found["items"]]
            path = path_of(found["next_url"]) if "next_url" in found else ""
        else:
            parsed = feedparser.parse(answer.content)
            assert not parsed.bozo
            assert atom_problems(answer.content) == []
            assert len(parsed.entries) <= MAX_ENTRIES
            ids += [entry.id for entry in parsed.entries]
            path = next((path_of(link.href) for link in parsed.feed.links if link.rel == by), "")
    return ids, documents


def papers_of_a_day(count: int, day: date = TODAY, *, words: int = 20) -> list[Paper]:
    made = []
    for number in range(count):
        paper = factories.paper(abstract=f"{number} " + "word " * words, listed_at=NOW - timedelta(minutes=number))
        factories.listing(paper, day=day)
        made.append(paper)
    return made


def test_a_document_has_at_most_two_hundred_entries_and_300_kb() -> None:
    small = [_entry("a short abstract")] * 500
    assert fitting(small) == MAX_ENTRIES
    large = [_entry(r"$\alpha \le \frac{1}{2}$ and <angles> & more " * 60)] * 500
    count = fitting(large)
    assert 1 <= count < MAX_ENTRIES
    assert fitting([_entry("x" * 1_000_000)] * 3) == 1
    assert fitting([]) == 0


def _entry(abstract: str) -> FeedEntry:
    return with_content(
        FeedEntry(
            id="tag:example.org,2025:paper:1", address=f"{ORIGIN}/papers/1", title="Title", abstract=abstract,
            authors=("Ada",), categories=("cs.CL",), published=NOW, updated=NOW,
        )
    )  # fmt: skip


@pytest.mark.parametrize("by", ["next", "next_url"])
@pytest.mark.parametrize("name", ["/papers/new", "/papers/week", "/papers/trending", "/topics/trees", "/papers?q=word"])
def test_older_entries_are_reached_each_once(name: str, by: str) -> None:
    papers = papers_of_a_day(30, words=3_500)
    topic = factories.topic("Trees")
    for number, paper in enumerate(papers):
        factories.topic_match(paper, topic)
        Paper.objects.filter(pk=paper.pk).update(trending_score=10_000.0 - number)
    path, _, query = name.partition("?")
    form = "json" if by == "next_url" else "atom"
    ids, documents = walk(f"{path}.{form}" + (f"?{query}" if query else ""), by=by)
    assert documents > 1
    assert len(ids) == len(set(ids)) == 30


@pytest.mark.parametrize("by", ["prev-archive", "next", "next_url"])
def test_the_edition_goes_on_with_the_days_before(by: str) -> None:
    papers = [
        *papers_of_a_day(30, TODAY, words=2_000),
        *papers_of_a_day(3, TODAY - timedelta(days=1)),
        *papers_of_a_day(2, TODAY - timedelta(days=40)),
    ]
    ids, documents = walk("/papers.json" if by == "next_url" else "/papers.atom", by=by)
    assert documents > 3
    assert len(ids) == len(set(ids)) == len(papers)


def test_a_past_day_is_an_archive_that_votes_do_not_change() -> None:
    day = date(2024, 3, 5)
    papers = papers_of_a_day(3, day)
    papers_of_a_day(1, date(2024, 3, 6))
    first = anonymous_client().get(f"/papers/date/{day}/feed.atom").content
    document = etree.fromstring(first)
    assert document.find("fh:archive", ATOM) is not None
    links = {link.get("rel"): link.get("href") for link in document.iterfind("a:link", ATOM)}
    assert links["current"] == f"{ORIGIN}/papers.atom"
    assert links["next-archive"] == f"{ORIGIN}/papers/date/2024-03-06/feed.atom"
    assert document.findtext("a:id", namespaces=ATOM) == etree.fromstring(
        anonymous_client().get("/papers.atom").content
    ).findtext("a:id", namespaces=ATOM)
    set_vote(user=factories.user(), paper_id=papers[0].pk, on=True)
    assert anonymous_client().get(f"/papers/date/{day}/feed.atom").content == first


def test_a_category_has_a_feed() -> None:
    factories.paper(title="One", categories=["cs.CL"])
    factories.paper(title="Other", categories=["hep-th"])
    found = json.loads(anonymous_client().get("/papers/new.json?category=cs.CL").content)
    assert [item["title"] for item in found["items"]] == ["One"]
    assert "category=cs.CL" in found["feed_url"]


def test_comments_are_a_feed_without_those_that_nobody_may_read() -> None:
    shown, hidden = factories.paper(title="A graph"), factories.paper(hidden_at=NOW)
    ada = reader("ada")
    kept = factories.comment(shown, ada, body="So $x^2$ **it** is <script>alert(1)</script>")
    factories.comment(shown, body="gone", deleted_at=NOW)
    factories.comment(hidden, body="hidden")
    found = json.loads(anonymous_client().get("/comments.json").content)
    assert json_feed_problems(json.dumps(found).encode()) == []
    (item,) = found["items"]
    assert item["title"] == "ada on “A graph”"
    assert "<math" in item["content_html"]
    assert "<strong>it</strong>" in item["content_html"]
    assert "<script>" not in item["content_html"]
    assert item["url"].endswith(f"#comment-{kept.pk}")
    Comment.objects.filter(pk=kept.pk).update(edited_at=NOW + timedelta(days=9))
    answer = anonymous_client().get("/comments.atom")
    assert feedparser.parse(answer.content).entries[0].updated == f"{NOW + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    again = anonymous_client().get("/comments.atom", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


# --- By a key -------------------------------------------------------------------------------------------------------


def titles(path: str) -> list[str]:
    answer = anonymous_client().get(path)
    assert answer.status_code == 200, path
    return [entry.title for entry in feedparser.parse(answer.content).entries]


@pytest.mark.parametrize("access", ["public", "members"])
def test_a_key_opens_what_is_one_s_own(access: str, settings: Any) -> None:
    settings.ACCESS = access
    rita, paper = reader("rita"), factories.paper(title="Mine")
    key = feed_key_of(rita)
    factories.listing(paper)
    set_library_state(user=rita, paper_ids=[paper.pk], state="read")
    add_tags(user=rita, paper_ids=[paper.pk], names=["own"])
    factories.topic_match(paper, factories.topic("rita-s", owner=rita))
    for path in ("library", "tags/own", "topics/rita-s", "papers", "new"):
        assert titles(f"/feeds/{key}/{path}.atom") == ["Mine"], path
    assert titles(f"/feeds/{key}/papers.atom?q=tag:own") == ["Mine"]
    assert titles(f"/feeds/{key}/library.atom?state=reading") == []
    assert anonymous_client().get(f"/feeds/{key}/library.atom")["Cache-Control"] == "no-cache, private"


@pytest.mark.parametrize("end", ["renewed", "suspended", "deleted"])
def test_a_key_that_ended_opens_nothing(end: str) -> None:
    rita = reader("rita")
    key = feed_key_of(rita)
    assert anonymous_client().get(f"/feeds/{key}/library.atom").status_code == 200
    if end == "renewed":
        renew_feed_key(rita)
    elif end == "suspended":
        User.objects.filter(pk=rita.pk).update(is_active=False)
    else:
        rita.delete()
    for path in ("library", "papers", "trending", "new", "comments"):
        assert anonymous_client().get(f"/feeds/{key}/{path}.atom").status_code == 404, path


def test_hidden_papers_are_in_nobody_s_library_feed() -> None:
    rita, paper = reader("rita"), factories.paper()
    LibraryItem.objects.create(user=rita, paper=paper)
    Paper.objects.update(hidden_at=NOW)
    assert titles(f"/feeds/{feed_key_of(rita)}/library.atom") == []


# --- The page of feeds, and OPML ------------------------------------------------------------------------------------


def opml_addresses(client: Client) -> list[str]:
    answer = client.get("/feeds.opml")
    assert answer.status_code == 200
    return [feed.address for feed in parse_opml(answer.content).feeds]


@pytest.mark.parametrize("access", ["public", "members"])
def test_opml_names_feeds_that_open_without_a_session(access: str, settings: Any) -> None:
    settings.ACCESS = access
    rita, paper = reader("rita"), factories.paper()
    factories.listing(paper)
    Topic.objects.filter(pk=factories.topic("Trees").pk).update(name="Trees & <leaves>")
    factories.topic("rita-s", owner=rita)
    add_tags(user=rita, paper_ids=[paper.pk], names=["größe {} 100%"])
    Tag.objects.update(shared_at=NOW)
    addresses = opml_addresses(client_of(rita))
    assert len(addresses) >= 9
    for address in addresses:
        answer = anonymous_client().get(path_of(address))
        assert answer.status_code == 200, address
        assert not feedparser.parse(answer.content).bozo
    if access == "public":
        assert feed_key_of(rita) not in "".join(opml_addresses(anonymous_client()))
    page: Any = html.fromstring(client_of(rita).get("/feeds").content)
    shown = page.xpath("//a[starts-with(normalize-space(.), 'Atom')]/@href")
    assert [ORIGIN + path for path in shown] == addresses


def test_pages_name_their_new_feeds() -> None:
    rita = reader("rita")
    factories.listing(factories.paper())
    for page, address in (
        ("/papers/week", "/papers/week.atom"),
        ("/papers/month", "/papers/month.atom"),
        ("/papers/new?category=cs.CL", "/papers/new.atom?category=cs.CL"),
        ("/library?state=read", f"/feeds/{feed_key_of(rita)}/library.atom?state=read"),
    ):
        found = html.fromstring(client_of(rita).get(page).content)
        assert found.xpath("//link[@type='application/atom+xml']/@href") == [address]
        assert anonymous_client().get(address).status_code == 200


OPML = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>x</title></head><body>
<outline text="Folder"><outline type="rss" text="One &amp; <![CDATA[]]>" title="" xmlUrl="https://example.org/one.xml"/>
<outline text="Deep"><outline TYPE="rss" TEXT="Two" XMLURL="HTTPS://Example.org/two"/></outline></outline>
<outline text="Twice" xmlUrl="https://example.org/one.xml"/>
<outline text="Bad" xmlUrl="javascript:alert(1)"/><outline text="no address"/>
</body></opml>"""


def test_opml_of_others_is_read() -> None:
    with pytest.raises(OpmlError):  # an element inside an attribute
        parse_opml(OPML)
    found = parse_opml(OPML.replace(b" <![CDATA[]]>", b""))
    assert [feed.address for feed in found.feeds] == ["https://example.org/one.xml", "https://example.org/two"]
    assert found.feeds[0].title == "One &"
    assert found.left_out == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html></html>",
        b"%PDF-1.4",
        b"<opml",
        b"<!DOCTYPE opml [<!ENTITY a 'b'>]><opml>&a;</opml>",
        b"<opml>" * 100_000,
        b"\xff\xfe<\x00",
    ],
)
def test_what_is_no_opml_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(OpmlError):
        parse_opml(data)


def test_a_long_opml_is_cut() -> None:
    rows = "".join(f'<outline xmlUrl="https://example.org/{number}"/>' for number in range(MAX_FEEDS + 7))
    found = parse_opml(f"<opml><body>{rows}</body></opml>".encode())
    assert len(found.feeds) == MAX_FEEDS
    assert found.left_out == 7


def test_a_curator_chooses_sources_from_opml_and_nothing_is_stored_by_it() -> None:
    factories.source(kind="feed", base_url="https://example.org/two")
    before = Source.objects.count()
    upload = SimpleUploadedFile("a.opml", OPML.replace(b" <![CDATA[]]>", b""))
    answer = client_of(curator()).post("/curate/sources/opml", {"file": upload})
    assert answer.status_code == 200
    page = html.fromstring(answer.content)
    assert page.xpath("//button[@name='address']/@value") == ["https://example.org/one.xml"]
    assert "already a source" in answer.content.decode()
    assert Source.objects.count() == before
    wrong = client_of(curator("other")).post("/curate/sources/opml", {"file": SimpleUploadedFile("a", b"<html/>")})
    assert wrong.status_code == 422


def test_times_in_feeds_are_utc() -> None:
    factories.listing(factories.paper(listed_at=NOW.astimezone(UTC)))
    assert json.loads(anonymous_client().get("/papers.json").content)["items"][0]["date_published"].endswith("Z")
