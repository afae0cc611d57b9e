"""Feeds: valid whatever a paper holds, the same bytes for the same papers, 304 for who has them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import etree, html

from papers.models import Listing, Paper, Tag, TaggedPaper
from papers.services.reading.tags import add_tags, share_tag
from papers.services.reading.votes import set_vote
from papers.sources.feed import parse_feed_entries
from papers.web.feeds import MAX_AUTHORS, FeedEntry, PaperFeed, atom_feed, json_feed
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.feed_rules import atom_problems, json_feed_problems
from tests.support.people import anonymous_client, client_of, reader

ATOM = {"a": "http://www.w3.org/2005/Atom"}

# Each a title and an abstract in the shapes that sources send.
NASTY = {
    "math": (r"On $\ell_1$ and $d^N=0$", r"We show $\alpha \le \frac{1}{2}$ for \$5 and $x<y$."),
    "accents": (r"UniDemoir\'e", r"By G\"odel, \emph{well} known~\cite{a2020}."),
    "zero": ("0", "Yes."),
    "paragraphs": ("Lines\n  broken", "One.\n\nTwo."),
    "markup": ("a < b & c > d", '<a href="javascript:alert(1)">this</a> <script>x</script> p<0.001 &amp; &#177;'),
    "controls": ("H\x7folder \x00\x02 \x0c", "\ufeffA\u200b \u202aB\u202c \u2028 C\x1b[0m"),
    "wide": ("𝛼NLI 🧀 of VAEs", "飞 叶 江常皓 Ales\u0306"),
    "braces": ("{{{ $ \\{", "$$ \\begin{x \\frac{"),
    "links": ("See", r"Code: https://example.org/a?b=1&c=2, \href{https://example.org/}{here}; ]]> <!-- -->"),
    "empty": ("Only a title", ""),
    "mojibake": ("AlzheimerÃ¢..s", "â€œspikinessâ€"),
    "long": ("word " * 100, "sentence. " * 1600),
    "lone": ("\ud800 alone", "\udfff"),
    "end of a section": ("]]> and <![CDATA[ here", "A ]]> B <![CDATA[ C ]]>"),
    "nul": ("a\x00b", "\x00"),
    "controls alone": ("\x01\x02\x03", "\x0b\x0e\x1f"),
    "next line and others": ("a\x85b\x9fc", "\x80\x84 d"),
    "no characters": ("\ufffe \uffff a", "\ufdd0 b \U0001ffff"),
    "both halves apart": ("\ud83e\udd16 robot", "\udd16\ud83e"),
    "right to left": ("שלום עולם \u202eabc\u202c", "مرحبا \u2067بالعالم\u2069 (2020)"),
    "marks of direction": ("\u200f\u200e\u061c title", "\u200f"),
    "emoji in parts": ("👩\u200d🔬 and 🏳\ufe0f\u200d🌈", "🇩🇪 ‼\ufe0f 1\ufe0f\u20e3"),
    "stacked accents": ("Z" + "\u0335\u0321" * 200, "a" + "\u0301" * 1_000),
    "display math": (r"$$\int_0^1 x^2\,dx$$ and \[a<b\]", r"\begin{equation}a &< b \\ c &> d\end{equation}"),
    "dollars": ("$$$$", "costs $5 to $10, or $$"),
    "html title": ("<b>Bold</b> <img src=x onerror=alert(1)>", "<iframe src='https://evil.example'></iframe>text"),
    "broken html": ("<p <a href='x", "</div></div><b><i>a</b></i> <"),
    "event and style": ("x", '<p onclick="a()" style="background:url(https://evil.example)">y</p><svg onload=a()>'),
    "entities": ("&lt;b&gt; &amp;amp; &nbsp; &#0; &#x1F916;", "&copy; &bogus; &#xD800; &#99999999; &"),
    "declarations": (
        "<?xml version='1.0'?> <!DOCTYPE a [<!ENTITY b 'c'>]>",
        "<!ENTITY x SYSTEM 'file:///etc/passwd'> &x;",
    ),
    "script links": ("a", "[x](javascript:alert(1)) javascript:alert(1) JaVaScRiPt:a data:text/html,<b>"),
    "odd links": ("b", "https://例え.テスト/パス?q=ü https://example.org/%zz http://[::1]/ http://exa mple.org"),
    "one long word": ("x" * 5_000, "y" * 100_000),
    "many links": ("c", "https://example.org/a?b=1&c=2 " * 2_000),
    "deep": ("{" * 2_000, "<div>" * 2_000),
    "blank": ("   \n\t ", " \u3000\u00a0 "),
    "nothing": ("", ""),
}
# And what stands around them.
ODD: dict[str, dict[str, Any]] = {
    "first year": {"published": datetime(1, 1, 1, tzinfo=UTC), "updated": datetime(999, 12, 31, tzinfo=UTC)},
    "last year": {"updated": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
    "elsewhere": {"updated": NOW.astimezone(ZoneInfo("Pacific/Apia")), "published": NOW.replace(microsecond=7)},
    "source that runs": {"source": "javascript:alert(1)"},
    "source with signs": {"source": 'https://example.org/?a=1&b="<>\x00\ud800'},
    "nobody": {"authors": (), "categories": ()},
    "odd names": {
        "authors": ("", "\x00", "]]> & <b>Ada</b>", "\ud800", r"G\"odel", "\u202eadA"),
        "categories": ("\x01",),
    },
}
CASES: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {name: (texts, {}) for name, texts in NASTY.items()} | {
    name: (("A", "B."), ODD[name]) for name in ODD
}


def entry(title: str, abstract: str, **fields: Any) -> FeedEntry:
    found: dict[str, Any] = {
        "id": "tag:example.org,2025:paper:1",
        "address": "https://example.org/papers/2603.00001",
        "authors": ("Ada Lovelace",),
        "categories": ("cs.CL", "I.2.7; <x>"),
        "published": NOW,
        "updated": NOW,
    }
    return FeedEntry(title=title, abstract=abstract, **(found | fields))


def feed(*entries: FeedEntry) -> PaperFeed:
    return PaperFeed(
        id="tag:example.org,2025:edition",
        title="Daily <Papers>",
        address="https://example.org/papers",
        atom_address="https://example.org/papers.atom?q=a&sort=b",
        json_address="https://example.org/papers.json",
        entries=entries,
    )


def content(document: Any) -> str:
    return str(document.xpath("string(//a:entry/a:content)", namespaces=ATOM))


@pytest.mark.parametrize("name", CASES)
def test_every_nasty_case_is_a_valid_document(name: str) -> None:
    texts, fields = CASES[name]
    made = feed(entry(*texts, **fields))
    assert atom_problems(atom_feed(made)) == []
    assert json_feed_problems(json_feed(made)) == []
    document = etree.fromstring(atom_feed(made))
    item = json.loads(json_feed(made))["items"][0]
    shown = document.xpath("string(//a:entry/a:title)", namespaces=ATOM)
    assert shown
    assert shown == item["title"]
    assert content(document) == item["content_html"]
    fragment = html.fragment_fromstring(content(document), create_parent="div")
    assert not fragment.xpath("//script | //style | //iframe | //@onclick")
    assert all(re.match("https?://", link) for link in fragment.xpath("//@href"))
    etree.fromstring(f"<div>{content(document)}</div>")  # well-formed as XML, too


@pytest.mark.parametrize("name", CASES)
def test_what_we_write_we_can_read(name: str) -> None:
    texts, fields = CASES[name]
    document = atom_feed(feed(entry(*texts, **fields)))
    parsed = feedparser.parse(document)
    assert not parsed.bozo
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parsed.entries[0].updated)
    assert all(re.match("https?://", link.href) for link in parsed.entries[0].links)
    assert parsed.entries[0].title
    assert parsed.entries[0].id == "tag:example.org,2025:paper:1"
    assert len(parse_feed_entries(document, url="https://example.org/papers.atom").papers) == 1


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"<id>tag:example.org,2025:paper:1</id>", b""),
        (b"<id>tag:example.org,2025:paper:1</id>", b"<id>paper one</id>"),
        (b"<title>", b"<title></title><title>"),
        (b"T", b"t"),
        (b'rel="self"', b'rel="other"'),
        (b"<entry>", b"<entry><published>yesterday</published>"),
        (b'type="html">', b'type="html"><b/>'),
        (b'term="', b'other="'),
        (b"http://", b"nowhere://"),
        (b"</feed>", b""),
    ],
)
def test_the_rules_of_atom_are_kept_an_eye_on(part: bytes, other: bytes) -> None:
    whole = atom_feed(feed(entry("Title", "Words.")))
    assert atom_problems(whole) == []
    assert part in whole
    assert atom_problems(whole.replace(part, other)) != []


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"version/1.1", b"version/1"),
        (b'"items":[', b'"things":['),
        (b'"content_html":', b'"content":'),
        (b'"title":', b'"_title":'),
        (b"Z", b""),
        (b'"tags":["', b'"tags":[1,"'),
        (b'"id":"', b'"id":1,"_":"'),
        (b"https://example.org", b"ftp://example.org"),
        (b"}]}", b"}]"),
    ],
)
def test_the_rules_of_json_feeds_are_kept_an_eye_on(part: bytes, other: bytes) -> None:
    whole = json_feed(feed(entry("Title", "Words.")))
    assert json_feed_problems(whole) == []
    assert part in whole
    assert json_feed_problems(whole.replace(part, other)) != []


def test_forty_four_cases_are_tried() -> None:
    assert len(CASES) >= 44


def test_a_feed_has_what_the_standards_want() -> None:
    later = NOW + timedelta(hours=3)
    made = feed(entry("One", "Text."), entry("Two", "Text.", updated=later, source="https://arxiv.org/abs/2603.00001"))
    document = etree.fromstring(atom_feed(made))

    def one(path: str) -> str:
        return str(document.xpath(f"string({path})", namespaces=ATOM))

    assert one("/a:feed/a:id") == "tag:example.org,2025:edition"
    assert one("/a:feed/a:title") == "Daily <Papers>"
    assert one("/a:feed/a:updated") == "2026-03-04T15:00:00Z"
    assert one("/a:feed/a:link[@rel='self']/@href") == "https://example.org/papers.atom?q=a&sort=b"
    assert one("//a:entry[1]/a:published") == "2026-03-04T12:00:00Z"
    assert one("//a:entry[2]/a:link[@rel='related']/@href") == "https://arxiv.org/abs/2603.00001"
    assert one("count(//a:entry[a:id and a:updated and a:title])") == "2"
    found = json.loads(json_feed(made))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert found["items"][1]["date_modified"] == "2026-03-04T15:00:00Z"
    assert found["items"][0]["authors"] == [{"name": "Ada Lovelace"}]


def test_three_thousand_authors_are_some_and_how_many_more() -> None:
    made = feed(entry("One", "", authors=tuple(f"Author {number}" for number in range(3_303))))
    names = [author["name"] for author in json.loads(json_feed(made))["items"][0]["authors"]]
    assert len(names) == MAX_AUTHORS + 1
    assert names[-1] == "and 3,253 others"


def test_an_empty_feed_is_one() -> None:
    assert (
        etree.fromstring(atom_feed(feed())).xpath("string(/a:feed/a:updated)", namespaces=ATOM)
        == "2000-01-01T00:00:00Z"
    )
    assert json.loads(json_feed(feed()))["items"] == []


# --- Addresses ------------------------------------------------------------------------------------------------------


def titles(path: str, client: Client | None = None) -> list[str]:
    answer = (client or anonymous_client()).get(path)
    assert answer.status_code == 200, path
    if ".json" in path:
        return [item["title"] for item in json.loads(answer.content)["items"]]
    found = etree.fromstring(answer.content).iterfind("a:entry/a:title", ATOM)
    return [str(title.text) for title in found]


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["atom", "json"])
def test_each_list_has_its_feed(form: str) -> None:
    graph, tree = factories.paper(title="A graph"), factories.paper(title="A tree", listed_at=NOW - timedelta(days=1))
    hidden = factories.paper(title="A hidden graph", hidden_at=NOW)
    factories.listing(graph)
    topic = factories.topic("Trees")
    for paper in (tree, hidden):
        factories.topic_match(paper, topic)
    Paper.objects.filter(pk=tree.pk).update(trending_score=10_000.0)
    assert titles(f"/papers.{form}") == ["A graph"]
    assert titles(f"/papers/trending.{form}") == ["A tree"]
    assert titles(f"/topics/trees.{form}") == ["A tree"]
    assert titles(f"/papers.{form}?q=graph+OR+tree") == ["A graph", "A tree"]
    assert titles(f"/papers.{form}?q=") == []
    assert anonymous_client().get("/topics/none.atom").status_code == 404


@pytest.mark.django_db
def test_who_has_the_feed_gets_no_second_copy() -> None:
    paper = factories.paper(title="A graph")
    factories.listing(paper)
    Listing.objects.update(created_at=NOW)
    client = anonymous_client()
    first = client.get("/papers.atom")
    assert client.get("/papers.atom", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get("/papers.atom", headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    set_vote(user=factories.user(), paper_id=paper.pk, on=True)
    assert client.get("/papers.atom").content == first.content  # a vote is no change of the paper
    Paper.objects.filter(pk=paper.pk).update(title="Another", changed_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert client.get("/papers.atom", headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert client.get("/papers.atom", headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 200


@pytest.mark.django_db
def test_an_entry_keeps_its_id_when_its_paper_moves() -> None:
    paper = factories.paper(public_id="doi/10.1/x")
    factories.listing(paper)
    before = json.loads(anonymous_client().get("/papers.json").content)["items"][0]
    Paper.objects.filter(pk=paper.pk).update(public_id="2603.00001")
    after = json.loads(anonymous_client().get("/papers.json").content)["items"][0]
    assert before["id"] == after["id"]
    assert after["url"].endswith("/papers/2603.00001")
    assert after["url"].startswith("http")


@pytest.mark.django_db
def test_a_reader_s_own_topic_is_a_feed_for_nobody_else() -> None:
    owner = reader()
    factories.topic_match(factories.paper(title="Mine"), factories.topic("own", owner=owner))
    assert titles("/topics/own.atom", client_of(owner)) == ["Mine"]
    assert anonymous_client().get("/topics/own.atom").status_code == 404
    assert client_of(reader("other")).get("/topics/own.atom").status_code == 404


@pytest.mark.django_db
def test_a_shared_tag_is_a_feed_and_another_is_one_for_its_owner_alone() -> None:
    owner, first, last = reader(), factories.paper(title="First"), factories.paper(title="Last")
    name = "größe {} 100%"
    for paper in (first, last):
        add_tags(user=owner, paper_ids=[paper.pk], names=[name])
    tag = Tag.objects.get()
    address = f"{tag.get_absolute_url()}/feed"
    assert anonymous_client().get(f"{address}.atom").status_code == 404
    assert titles(f"{address}.atom", client_of(owner)) == ["Last", "First"]
    assert "feed.atom" not in client_of(owner).get(tag.get_absolute_url()).content.decode()
    share_tag(tag=tag, on=True)
    assert titles(f"{address}.json") == ["Last", "First"]
    answer = anonymous_client().get(f"{address}.atom")
    own = etree.fromstring(answer.content).xpath("string(a:link[@rel='self']/@href)", namespaces=ATOM)
    assert own == f"http://127.0.0.1:8000{address}.atom"
    links = html.fromstring(anonymous_client().get(tag.get_absolute_url()).content).xpath(
        "//link[@rel='alternate']/@href"
    )
    assert links == [f"{address}.atom", f"{address}.json"]


@pytest.mark.django_db
def test_an_old_paper_that_comes_to_a_list_is_news_to_who_knows_only_the_date() -> None:
    owner, topic = reader(), factories.topic("Trees")
    factories.topic_match(factories.paper(), topic, matched_at=NOW)
    add_tags(user=owner, paper_ids=[Paper.objects.get().pk], names=["mine"])
    share_tag(tag=Tag.objects.get(), on=True)
    TaggedPaper.objects.update(created_at=NOW)
    old = factories.paper(changed_at=NOW - timedelta(days=9))
    for path in ("/topics/trees.atom", "/tags/rita/mine/feed.atom"):
        headers = {"If-Modified-Since": anonymous_client().get(path)["Last-Modified"]}
        assert anonymous_client().get(path, headers=headers).status_code == 304
        factories.topic_match(old, topic, matched_at=NOW + timedelta(days=1)) if "topics" in path else add_tags(
            user=owner, paper_ids=[old.pk], names=["mine"]
        )
        assert anonymous_client().get(path, headers=headers).status_code == 200


@pytest.mark.django_db
def test_pages_name_their_feeds() -> None:
    factories.listing(factories.paper())
    factories.topic("Trees")
    for page, address in (
        ("/", "/papers.atom"),
        ("/papers/trending", "/papers/trending.atom"),
        ("/topics/trees", "/topics/trees.atom"),
        ("/papers?q=paper%26", "/papers.atom?q=paper%26"),
        ("/curate/log", "/curate/log.atom"),
    ):
        document = html.fromstring(anonymous_client().get(page).content)
        assert document.xpath("//link[@type='application/atom+xml']/@href") == [address]
        other = address.replace(".atom", ".json", 1)
        assert document.xpath("//link[@type='application/feed+json']/@href") == [other]
        assert address in [link.get("href") for link in document.iter("a")]  # where one sees it
        assert titles(address) is not None


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/papers.atom", "/papers.json?q=what", "/topics/trees.atom", "/papers/trending.atom"])
def test_feeds_cost_the_same_for_few_and_for_many(path: str) -> None:
    topic = factories.topic("Trees")
    counts = []
    for number in (10, 30):
        for place in range(number):
            paper = factories.paper(trending_score=10_000.0)
            factories.listing(paper, TODAY, position=place)
            factories.topic_match(paper, topic)
        anonymous_client().get(path)
        with CaptureQueriesContext(connection) as captured:
            assert anonymous_client().get(path).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
