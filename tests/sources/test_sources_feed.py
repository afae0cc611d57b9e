"""Feeds of the wild: what they say of themselves, and never an address handed to the parser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.arxiv import parse_datetime
from papers.sources.base import FetchBatch, RawAuthor, RawPaper
from papers.sources.feed import ParsedFeed, adapter, parse_feed_entries
from papers.sources.html_words import html_text
from tests.support.fake_upstream import Behaviour, FakeUpstream, fake_upstream
from tests.support.source_context import FRIDAY_MORNING, fetch_context, last_cursor, papers_of

ANSWERS = Path(__file__).parents[1] / "answers" / "feeds"
URL = "https://feeds.example/all.rss"


def read(name: str) -> tuple[RawPaper, ...]:
    return parse_feed_entries((ANSWERS / name).read_bytes(), url=URL).papers


def rss(items: str, channel: str = "") -> ParsedFeed:
    body = f'<rss version="2.0"><channel><title>T</title>{channel}{items}</channel></rss>'
    return parse_feed_entries(body.encode(), url=URL)


def test_a_blog() -> None:
    note, paper, undated = read("blog.rss")
    assert note.title == "Why our forecasts were < 5% better & what we learnt"
    assert note.abstract == "The margin was small, and we know why."
    assert note.authors == (RawAuthor("Chiara Holm"),)
    assert note.published_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert note.url == "https://tidal.example/notes/forecasts?utm_source=rss"
    assert note.identifiers == (("url", "guid:feeds.example/tidal-note-17"), ("url", note.url))
    assert (paper.arxiv_id, paper.version) == ("2611.00017", None), "its words are not those of version 2"
    assert paper.abstract == "The second version is out.\n\nIt corrects the third table."
    assert undated.identifiers == (("url", "https://tidal.example/notes/undated"),)
    assert undated.published_at is None
    assert undated.listed_on is None


def test_a_journal_in_atom() -> None:
    first, second = read("journal.atom")
    assert first.title == "Folded Attention under Rare Languages: a negative result"
    assert first.doi == "10.5555/jmr.2026.0042"
    assert first.authors == (RawAuthor("Grażyna Kovač"), RawAuthor("Kwame Ito"))
    assert first.published_at == datetime(2026, 11, 17, 22, tzinfo=UTC)
    assert second.identifiers[0] == ("url", "tag:journal.example,2026:43")
    assert second.published_at == datetime(2026, 11, 17, 9, 30, tzinfo=UTC)


def test_markup_inside_atom_and_addresses_below_a_base() -> None:
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://tidal.example/"><title>Notes</title>
     <entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">When <em>a</em> &lt; b &amp; c</div></title>
     <link href="/2026/a-and-b.html"/><id>tag:tidal.example,2026:/a-and-b</id><author><name>Ada Holm</name></author>
     <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>We read
     <a href="https://arxiv.org/abs/2611.00004">a paper</a>.</p><p>More.</p></div></content></entry></feed>"""
    [note] = parse_feed_entries(body, url=URL).papers
    assert note.title == "When a < b & c"
    assert note.url == "https://tidal.example/2026/a-and-b.html"
    assert note.authors == (RawAuthor("Ada Holm"),)
    assert note.arxiv_id is None, "it only speaks of the paper"
    assert note.abstract == "We read a paper (https://arxiv.org/abs/2611.00004).\n\nMore."


def test_a_journal_in_rdf() -> None:
    [letter] = read("journal.rdf")
    assert letter.doi == "10.5555/lsg.7"
    assert letter.authors is None
    assert letter.authors_text == "Elif Almeida, Jun Fontaine, and Łukasz Brandt"


@pytest.mark.parametrize(
    ("creator", "is_one"),
    [("Holm, Chiara", True), ("Chiara Holm", True), ("Ada Holm, Jun Ito", False), ("A. Holm and J. Ito", False)],
)
def test_one_author_or_several_in_one_string(creator: str, is_one: bool) -> None:
    item = f"<item><title>T</title><link>https://x.example/1</link><author>{creator}</author></item>"
    [paper] = rss(item).papers
    assert (paper.authors == (RawAuthor(creator),)) is is_one
    assert paper.authors_text == creator


@pytest.mark.parametrize(
    ("link", "doi"),
    [
        ("https://doi.org/10.5555/abc", "10.5555/abc"),
        ("https://onlinelibrary.wiley.com/doi/abs/10.5555/lsg.8?af=R", "10.5555/lsg.8"),
        ("https://letters.example/doi/abs/10.5555/lsg.8?af=R", None),
        ("https://x.example/10/2026", None),
    ],
)
def test_a_doi_in_an_address(link: str, doi: str | None) -> None:
    [paper] = rss(f"<item><title>T</title><link>{link}</link></item>").papers
    assert paper.doi == doi


def atom(inside: str) -> RawPaper:
    """An entry that is not a paper, but for what is put into it."""
    entry = f"<entry><id>tag:links.example,2026:17</id><title>On a result</title>{inside}</entry>"
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"><title>T</title>'
        f"{entry}</feed>"
    )
    [paper] = parse_feed_entries(body.encode(), url=URL).papers
    return paper


@pytest.mark.parametrize("relation", ["related", "via", "enclosure", "replies", "self", "http://x.example/about"])
def test_a_link_that_is_not_the_entrys_own_names_no_paper(relation: str) -> None:
    links = '<link rel="alternate" href="https://links.example/17"/>'
    links += f'<link rel="{relation}" href="https://arxiv.org/abs/2503.11685"/>'
    for entry in (atom(links), atom(links.replace("arxiv.org/abs/2503.11685", "doi.org/10.5555/abc"))):
        assert (entry.arxiv_id, entry.doi) == (None, None)
        assert entry.identifiers == (("url", "tag:links.example,2026:17"), ("url", "https://links.example/17"))
        assert entry.url == "https://links.example/17"


def test_an_alternate_link_names_the_paper() -> None:
    assert atom('<link href="https://arxiv.org/abs/2503.11685v2"/>').arxiv_id == "2503.11685"
    assert atom('<link rel="alternate" href="https://export.arxiv.org/abs/2503.11685"/>').arxiv_id == "2503.11685"
    assert atom('<link rel="alternate" type="application/pdf" href="https://arxiv.org/pdf/2503.11685"/>').arxiv_id


@pytest.mark.parametrize(
    "item",
    [
        "<link>https://notes.example/roundup?from=2503.11692</link><description>Three papers we liked.</description>",
        "<link>https://notes.example/post#2503.11692v1</link>",
        "<link>https://notes.example/2503.11692</link>",
        "<link>https://example.org/https://arxiv.org/abs/2503.11692</link>",
        "<link>https://arxiv.org.evil.example/abs/2503.11692</link>",
        "<link>https://arxiv.org@evil.example/abs/2503.11692</link>",
        "<link>/abs/2503.11692</link>",
        '<link>https://notes.example/1</link><guid isPermaLink="false">2503.11692</guid>',
        '<link>https://notes.example/1</link><guid isPermaLink="false">arxiv-2503.11692-review</guid>',
        "<link>https://notes.example/1</link><guid>tag:notes.example,2026:arxiv.org/abs/2503.11692</guid>",
        "<link>https://notes.example/1</link><description>arXiv:2503.11692 is wrong, see "
        "https://arxiv.org/abs/2503.11692 and doi:10.5555/abc.</description>",
        "<link>https://notes.example/1</link><comments>https://arxiv.org/abs/2503.11692</comments>",
        '<link>https://notes.example/1</link><enclosure url="https://arxiv.org/pdf/2503.11692"/>',
        '<link>https://notes.example/1</link><source url="https://arxiv.org/abs/2503.11692">arXiv</source>',
    ],
)
def test_a_number_anywhere_else_names_no_paper(item: str) -> None:
    [entry] = rss(f"<item><title>T</title>{item}</item>").papers
    assert (entry.arxiv_id, entry.doi) == (None, None)
    assert {scheme for scheme, _ in entry.identifiers} == {"url"}


def test_an_entry_of_two_papers_is_neither() -> None:
    both = '<link href="https://arxiv.org/abs/2503.11685"/><link href="https://arxiv.org/abs/2503.11692"/>'
    assert atom(both).arxiv_id is None
    two = "<prism:doi>10.5555/a</prism:doi><dc:identifier>doi:10.5555/b</dc:identifier>"
    assert atom(two).doi is None


def test_metadata_of_a_journal_name_its_entry_by_a_doi_that_is_the_whole_field() -> None:
    assert atom("<prism:doi>10.5555/A.1</prism:doi>").doi == "10.5555/a.1"
    assert atom("<dc:identifier>https://doi.org/10.5555/a.1</dc:identifier>").doi == "10.5555/a.1"
    assert atom("<dc:identifier>https://blog.example/?re=10.5555/a.1</dc:identifier>").doi is None
    assert atom("<dc:identifier>A comment on 10.5555/a.1</dc:identifier>").doi is None


def test_a_paper_gives_its_entry_no_second_name() -> None:
    """So no feed can have a DOI of its choice taken for that of an arXiv paper."""
    entry = atom('<link href="https://arxiv.org/abs/2503.11685"/><prism:doi>10.5555/a</prism:doi>')
    assert (entry.arxiv_id, entry.doi) == ("2503.11685", None)


def test_a_bare_doi_as_the_id_of_an_entry_names_it() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>10.5555/journal.0312345</id>'
        '<title>T</title><link href="https://journal.example/article?id=10.5555/journal.0312345"/></entry></feed>'
    )
    [entry] = parse_feed_entries(body.encode(), url=URL).papers
    assert entry.doi == "10.5555/journal.0312345"


def test_an_entry_with_nothing_to_know_it_by_has_a_name_of_what_it_says() -> None:
    item = "<item><title>{}</title><pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate></item>"
    one, two, again = rss(item.format("One") + item.format("Two") + item.format("One")).papers
    assert one.identifiers == again.identifiers != two.identifiers
    assert one.identifiers[0][1].startswith("guid:feeds.example/")


def test_an_entry_without_a_title_is_rejected() -> None:
    entries = rss("<item><link>https://x.example/1</link></item><item><title>T</title></item>")
    assert len(entries.papers) == 1
    assert [bad.identifier for bad in entries.rejected] == ["https://x.example/1"]


@pytest.mark.parametrize(
    "body", [b"<html><body>Sign in</body></html>", b"", b"{}", b"/etc/passwd", b"http://127.0.0.1/"]
)
def test_what_is_no_feed_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError, match="neither RSS nor Atom"):
        parse_feed_entries(body, url=URL)


def test_bytes_are_never_taken_for_a_file_or_an_address(tmp_path: Path) -> None:
    path = tmp_path / "feed.rss"
    path.write_bytes((ANSWERS / "blog.rss").read_bytes())
    with pytest.raises(SourceError):
        parse_feed_entries(str(path).encode(), url=URL)


def test_entities_of_a_document_type_are_not_resolved() -> None:
    subset = '<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;"><!ENTITY f SYSTEM "file:///etc/passwd">'
    item = "<item><title>A &x; &y; &f;</title></item>"
    body = f'<!DOCTYPE rss [{subset}]><rss version="2.0"><channel>{item}</channel></rss>'
    titles = [paper.title for paper in parse_feed_entries(body.encode(), url=URL).papers]
    assert not any("xxx" in title or "root:" in title for title in titles)
    with pytest.raises(SourceError, match="entities"):
        parse_feed_entries(body.encode("utf-16"), url=URL)


def test_an_old_encoding_is_read_by_its_header() -> None:
    body = '<rss version="2.0"><channel><item><title>Müller</title></item></channel></rss>'.encode("latin-1")
    [paper] = parse_feed_entries(body, url=URL, content_type="application/rss+xml; charset=iso-8859-1").papers
    assert paper.title == "Müller"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One <b>two</b></p><p>three</p>", "One two\n\nthree"),
        ("p&lt;0.1 &amp; more", "p<0.1 & more"),
        ('<a href="https://g.example/x">code</a>.', "code (https://g.example/x)."),
        ('<a href="https://g.example/x">https://g.example/x</a>', "https://g.example/x"),
        ('<a href="javascript:x()">here</a>', "here"),
        ("<script>x()</script><style>p{}</style>words", "words"),
        ("one<br>two", "one two"),
        ("</p></a></script>unbalanced", "unbalanced"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert html_text(html) == text


def test_when_to_come_again() -> None:
    entries = rss(
        "",
        "<ttl>90</ttl><skipHours><hour>3</hour><hour>24</hour><hour>x</hour></skipHours>"
        "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>",
    )
    assert entries.ttl_seconds == 90 * 60
    assert entries.skip_hours == {3, 0}
    assert entries.skip_days == {5, 6}


# --- asking ---


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as running:
        yield running


def visit(upstream: FakeUpstream, path: str = "/feeds/blog.rss", **fields: Any) -> FetchBatch:
    [batch] = adapter.fetch(fetch_context(upstream, path, **fields))
    return batch


def not_before(batch: FetchBatch) -> datetime | None:
    return parse_datetime(last_cursor([batch])["not_before"])


def test_a_feed_that_has_not_changed_is_not_sent_again(upstream: FakeUpstream) -> None:
    first = visit(upstream)
    assert len(first.papers) == 3
    assert first.etag
    assert first.last_modified
    again = visit(upstream, etag=first.etag, last_modified=first.last_modified)
    assert papers_of([again]) == []
    assert (again.etag, again.last_modified) == (first.etag, first.last_modified)
    assert [entry.status for entry in upstream.log()] == [200, 304]
    assert upstream.log()[1].headers["if-none-match"] == first.etag


def test_a_feed_is_not_asked_again_before_it_says(upstream: FakeUpstream) -> None:
    assert not_before(visit(upstream)) == FRIDAY_MORNING + timedelta(minutes=120)
    upstream.script("/feeds", Behaviour(headers={"Cache-Control": "public, max-age=36000"}))
    assert not_before(visit(upstream)) == FRIDAY_MORNING + timedelta(hours=10)
    upstream.script("/feeds", Behaviour(headers={"Cache-Control": "max-age=99999999"}))
    assert not_before(visit(upstream)) == FRIDAY_MORNING + timedelta(days=1), "no feed is believed for longer"


def test_hours_and_days_that_a_feed_skips_are_waited_out(upstream: FakeUpstream) -> None:
    channel = (
        "<ttl>600</ttl><skipDays><day>Saturday</day><day>Sunday</day></skipDays><skipHours><hour>0</hour></skipHours>"
    )
    body = f'<rss version="2.0"><channel><title>T</title>{channel}</channel></rss>'
    upstream.script("/feeds", Behaviour(status=200, body=body))
    assert not_before(visit(upstream)) == datetime(2026, 11, 23, 1, tzinfo=UTC)


def test_a_move_is_counted_until_it_can_be_believed() -> None:
    body = (ANSWERS / "blog.rss").read_bytes()

    def send(request: FetchRequest) -> FetchResponse:
        return FetchResponse(
            url="https://new.example/rss",
            status=200,
            headers={},
            body=body,
            etag="",
            last_modified="",
            moved_to="https://new.example/rss",
            permanent_redirects=1,
            wire_bytes=len(body),
            seconds=0.1,
        )

    with fake_upstream() as upstream:
        given = fetch_context(upstream, "/feeds/blog.rss")
    cursor: dict[str, object] = {"moved_to": "https://elsewhere.example/", "moved_times": 2}
    for times in (1, 2, 3):
        [batch] = adapter.fetch(type(given)(send=send, base_url=given.base_url, now=given.now, cursor=cursor))
        assert batch.cursor is not None
        cursor = batch.cursor
        assert (cursor["moved_to"], cursor["moved_times"]) == ("https://new.example/rss", times)
    assert "moved_to" not in (visit_once(given.now).cursor or {})


def visit_once(now: datetime) -> FetchBatch:
    with fake_upstream() as upstream:
        return visit(upstream, now=now, cursor={"moved_to": "https://new.example/rss", "moved_times": 2})


@pytest.mark.parametrize("status", [403, 404, 410, 429])
def test_a_refusal_ends_the_visit(upstream: FakeUpstream, status: int) -> None:
    upstream.script("/feeds", Behaviour(status=status))
    with pytest.raises(HttpStatusError) as caught:
        visit(upstream)
    assert caught.value.status == status


def test_a_source_without_an_address_says_so(upstream: FakeUpstream) -> None:
    given = fetch_context(upstream, "")
    with pytest.raises(SourceError, match="give it the address"):
        list(adapter.fetch(type(given)(send=given.send, base_url="", now=given.now)))
