"""Feeds: valid whatever a paper holds, the same bytes for the same papers, 304 for who has them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import etree, html

from papers.feeds import MOST_AUTHORS, Entry, Feed, atom, json_feed
from papers.models import Paper
from papers.services.votes import set_vote
from papers.sources.feed import parse_entries
from tests import make
from tests.make import NOW, TODAY
from tests.people import browser_of, reader, stranger

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
}


def entry(title: str, abstract: str, **fields: Any) -> Entry:
    found: dict[str, Any] = {
        "id": "tag:example.org,2025:paper:1",
        "address": "https://example.org/papers/2603.00001",
        "authors": ("Ada Lovelace",),
        "categories": ("cs.CL", "I.2.7; <x>"),
        "published": NOW,
        "updated": NOW,
    }
    return Entry(title=title, abstract=abstract, **(found | fields))


def feed(*entries: Entry) -> Feed:
    return Feed(
        id="tag:example.org,2025:edition",
        title="Daily <Papers>",
        address="https://example.org/papers",
        atom_address="https://example.org/papers.atom?q=a&sort=b",
        json_address="https://example.org/papers.json",
        entries=entries,
    )


def content(document: Any) -> str:
    return str(document.xpath("string(//a:entry/a:content)", namespaces=ATOM))


@pytest.mark.parametrize("name", NASTY)
def test_every_nasty_case_is_a_valid_document(name: str) -> None:
    title, abstract = NASTY[name]
    made = feed(entry(title, abstract))
    document = etree.fromstring(atom(made))
    item = json.loads(json_feed(made))["items"][0]
    shown = document.xpath("string(//a:entry/a:title)", namespaces=ATOM)
    assert shown
    assert shown == item["title"]
    assert content(document) == item["content_html"]
    fragment = html.fragment_fromstring(content(document), create_parent="div")
    assert not fragment.xpath("//script | //style | //iframe | //@onclick")
    assert all(re.match("https?://", link) for link in fragment.xpath("//@href"))
    etree.fromstring(f"<div>{content(document)}</div>")  # well-formed as XML, too


@pytest.mark.parametrize("name", NASTY)
def test_what_we_write_we_can_read(name: str) -> None:
    document = atom(feed(entry(*NASTY[name])))
    parsed = feedparser.parse(document)
    assert not parsed.bozo
    assert parsed.entries[0].title
    assert parsed.entries[0].id == "tag:example.org,2025:paper:1"
    assert len(parse_entries(document, url="https://example.org/papers.atom").papers) == 1


def test_a_feed_has_what_the_standards_want() -> None:
    later = NOW + timedelta(hours=3)
    made = feed(entry("One", "Text."), entry("Two", "Text.", updated=later, source="https://arxiv.org/abs/2603.00001"))
    document = etree.fromstring(atom(made))

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
    assert len(names) == MOST_AUTHORS + 1
    assert names[-1] == "and 3,253 others"


def test_an_empty_feed_is_one() -> None:
    assert etree.fromstring(atom(feed())).xpath("string(/a:feed/a:updated)", namespaces=ATOM) == "2000-01-01T00:00:00Z"
    assert json.loads(json_feed(feed()))["items"] == []


# --- Addresses ------------------------------------------------------------------------------------------------------


def titles(path: str, client: Client | None = None) -> list[str]:
    answer = (client or stranger()).get(path)
    assert answer.status_code == 200, path
    if ".json" in path:
        return [item["title"] for item in json.loads(answer.content)["items"]]
    found = etree.fromstring(answer.content).iterfind("a:entry/a:title", ATOM)
    return [str(title.text) for title in found]


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["atom", "json"])
def test_each_list_has_its_feed(form: str) -> None:
    graph, tree = make.paper(title="A graph"), make.paper(title="A tree", listed_at=NOW - timedelta(days=1))
    hidden = make.paper(title="A hidden graph", hidden_at=NOW)
    make.listing(graph)
    topic = make.topic("Trees")
    for paper in (tree, hidden):
        make.match(paper, topic)
    Paper.objects.filter(pk=tree.pk).update(hot=10_000.0)
    assert titles(f"/papers.{form}") == ["A graph"]
    assert titles(f"/papers/trending.{form}") == ["A tree"]
    assert titles(f"/topics/trees.{form}") == ["A tree"]
    assert titles(f"/papers.{form}?q=graph+OR+tree") == ["A graph", "A tree"]
    assert titles(f"/papers.{form}?q=") == []
    assert stranger().get("/topics/none.atom").status_code == 404


@pytest.mark.django_db
def test_who_has_the_feed_gets_no_second_copy() -> None:
    paper = make.paper(title="A graph")
    make.listing(paper)
    client = stranger()
    first = client.get("/papers.atom")
    assert client.get("/papers.atom", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get("/papers.atom", headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    set_vote(user=make.user(), paper_id=paper.pk, on=True)
    assert client.get("/papers.atom").content == first.content  # a vote is no change of the paper
    Paper.objects.filter(pk=paper.pk).update(title="Another", changed_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert client.get("/papers.atom", headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert client.get("/papers.atom", headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 200


@pytest.mark.django_db
def test_an_entry_keeps_its_id_when_its_paper_moves() -> None:
    paper = make.paper(public_id="doi/10.1/x")
    make.listing(paper)
    before = json.loads(stranger().get("/papers.json").content)["items"][0]
    Paper.objects.filter(pk=paper.pk).update(public_id="2603.00001")
    after = json.loads(stranger().get("/papers.json").content)["items"][0]
    assert before["id"] == after["id"]
    assert after["url"].endswith("/papers/2603.00001")
    assert after["url"].startswith("http")


@pytest.mark.django_db
def test_a_reader_s_own_topic_is_a_feed_for_nobody_else() -> None:
    owner = reader()
    make.match(make.paper(title="Mine"), make.topic("own", owner=owner))
    assert titles("/topics/own.atom", browser_of(owner)) == ["Mine"]
    assert stranger().get("/topics/own.atom").status_code == 404
    assert browser_of(reader("other")).get("/topics/own.atom").status_code == 404


@pytest.mark.django_db
def test_pages_name_their_feeds() -> None:
    make.listing(make.paper())
    make.topic("Trees")
    for page, address in (
        ("/", "/papers.atom"),
        ("/papers/trending", "/papers/trending.atom"),
        ("/topics/trees", "/topics/trees.atom"),
        ("/papers?q=a%26b", "/papers.atom?q=a%26b"),
    ):
        found = html.fromstring(stranger().get(page).content).xpath("//link[@type='application/atom+xml']/@href")
        assert found == [address]
        assert titles(address) is not None


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/papers.atom", "/papers.json?q=what", "/topics/trees.atom", "/papers/trending.atom"])
def test_feeds_cost_the_same_for_few_and_for_many(path: str) -> None:
    topic = make.topic("Trees")
    counts = []
    for number in (10, 30):
        for place in range(number):
            paper = make.paper(hot=10_000.0)
            make.listing(paper, TODAY, position=place)
            make.match(paper, topic)
        stranger().get(path)
        with CaptureQueriesContext(connection) as captured:
            assert stranger().get(path).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
