"""What strangers send is read in a time in proportion to its length: every reader, with inputs made to be slow.

The times are of this process's own work and not of the clock on the wall, so that a busy machine changes little.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from papers.catalogue import identifiers, links
from papers.catalogue.paper_ref import InvalidReference, parse_reference
from papers.citations import markdown
from papers.outbound.errors import SourceError
from papers.query import parser
from papers.references.parser import parse_references as read_references
from papers.references.text_lists import parse_list
from papers.services.ingest import clean_record
from papers.services.reading.comments import MAX_COMMENT_LENGTH
from papers.sources import doi, journal_entries, record_markup, webpage
from papers.sources.feed import parse_feed_entries
from papers.sources.html_words import html_text
from papers.sources.xml import parse_cut_xml
from papers.text import cleaning as text
from papers.text import html, mathml, names, tex, tex_math, venues, xml

LENGTH = 6_000
"""Of the shorter input; the longer one has four times as much: what grows with the square takes sixteen times."""
MOST_TIMES = 12.0
MOST_SECONDS = 2.0
TOO_SHORT = 0.08
"""Seconds below which the longer input says nothing about growth, because nothing grew."""

Reader = Callable[[str], Any]


class TooSlowError(BaseException):
    """It is not waited for any longer; no reader takes it for one of its own errors."""


def _give_up(*_signal: Any) -> None:
    raise TooSlowError


def seconds(read: Reader, given: str) -> float:
    """What reading takes; a refusal is an answer, too. It is stopped when it takes twice what is too long."""
    before = signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * MOST_SECONDS)
    start = time.process_time()
    try:
        with suppress(SourceError, InvalidReference, TooSlowError):
            read(given)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - start


def is_linear(read: Reader, make: Callable[[int], str]) -> bool:
    for _ in range(4):  # on a busy machine one may be bad luck
        long = seconds(read, make(4 * LENGTH))
        if long < TOO_SHORT or (long < MOST_SECONDS and long < MOST_TIMES * seconds(read, make(LENGTH))):
            return True
    return False


def repeated(unit: str, before: str = "", after: str = "!") -> Callable[[int], str]:
    return lambda length: before + unit * (length // len(unit)) + after


def feed_with(element: str) -> Reader:
    """A feed whose one entry has the text in an element."""

    def read(given: str) -> Any:
        item = f"<item><title>T</title><{element}>{given}</{element}></item>"
        feed = f"<rss version='2.0'><channel>{item}</channel></rss>"
        return parse_feed_entries(feed.encode(), url="https://feed.example/")

    return read


def page_by(given: str) -> list[str]:
    """The authors of a page whose one author has this name, as they are kept."""
    content = given.replace('"', "'")
    page = f'<meta name="citation_title" content="T"><meta name="citation_author" content="{content}">'
    paper = webpage.parse_page(page.encode("utf-8", "replace"), url="https://page.example/")
    return [name for author in paper.authors or () if (name := names.clean_name(author.name))]


READERS: dict[str, Reader] = {
    "references": lambda given: read_references(given.encode("utf-8", "replace")),
    "one entry": lambda given: read_references(b"@article{" + given.encode("utf-8", "replace")),
    "value on a line": lambda given: read_references(b"@article{a,\n title = {" + given.encode("utf-8", "replace")),
    "list": lambda given: list(parse_list(given)),
    "RIS": lambda given: read_references(b"TY  - JOUR\nTI  - " + given.encode("utf-8", "replace")),
    "PubMed": lambda given: read_references(b"PMID- 1\nTI  - " + given.encode("utf-8", "replace")),
    "EndNote": lambda given: read_references(b"%0 Book\n%T " + given.encode("utf-8", "replace")),
    "Web of Science": lambda given: read_references(b"PT J\nTI " + given.encode("utf-8", "replace")),
    "one field": lambda given: read_references(b"@article{a, title = " + given.encode("utf-8", "replace")),
    "given": parse_reference,
    "any xml": lambda given: xml.parse_any_xml(given.encode("utf-8", "replace")),
    "cut xml": lambda given: parse_cut_xml(given.encode("utf-8", "replace")),
    "feed": lambda given: parse_feed_entries(given.encode("utf-8", "replace"), url="https://feed.example/"),
    "html": html_text,
    "html of a feed": feed_with("description"),
    "author of a feed": feed_with("author"),
    "category of a feed": feed_with("category"),
    "page": page_by,
    "abstract in JATS": doi.plain_abstract,
    "title of a record": record_markup.plain_line,
    "frame of an abstract": lambda given: journal_entries.without_frame([given, f"Author(s): {given}"]),
    "abstract": text.clean_abstract,
    "title": text.clean_title,
    "authors": names.split_authors,
    "people": names.read_people,
    "author": lambda given: names.author_key(names.clean_name(given)),
    "searched": text.search_text,
    "TeX": tex.to_text,
    "formula": tex_math.to_unicode,
    "drawn formula": lambda given: mathml.to_mathml(given[:2_000]),
    "paragraphs": html.paragraphs,
    "excerpt": lambda given: html.excerpt(given, 300),
    "comment": lambda given: html.markdown.__wrapped__(given[:MAX_COMMENT_LENGTH]),
    "exported": markdown.to_markdown,
    "links": lambda given: links.find_links(given, given, given),
    "venue": venues.find_venue,
    "withdrawn": lambda given: clean_record._WITHDRAWN.search(given),
    "arXiv id": identifiers.find_arxiv_id,
    "DOIs in a text": lambda given: list(identifiers.find_dois(given)),
    "DOIs": identifiers.parse_dois,
    "question": parser.parse,
}
UNITS = (
    *("\n", " ", "\t", "\u2029", "\u200d", "\x0b", "\n ", "a", "a ", "1", "1.", "1,", ",", ", ", ";", ".", ". ", "a."),
    *("<!--", "<!---->", "<?", "<??>", "<!", "<![", "<![CDATA[", "<a ", "<a", "<a>", "</a", "</a>", "<a href=", "<a='"),
    *("<p>", "<a href=http://a.b>", "<script>", "</script", "<title>", "<title ", "<tex-math>", "<annotation>", "-"),
    *("&lt;!--", "&lt;![", "&", "&#", "&#9", "<!ENTITY", "<!DOCTYPE", "<?xml encoding='", "{", "}", "{}", "\\"),
    *("\\cite{", "\\cite[", "\\emph{", "\\'", "^{", "$", "$$", "$1", "\\(", "\\[", "\\\\", "\\frac", "\\text{"),
    *("\\left(", "\\operatorname{", "\\href{a}{", "`", "``", "'", '"', "(", ")", "()", "(1) ", "a (1), ", "(a,"),
    *("the ", "the team ", "et al ", " and ", " for ", "https://", "http://a.b", "a.b/", "10.1234/", "10.1234.1."),
    *("10.1234 ", "2401.12345", "arXiv:", "hep-th/", "@", "a@", "@a.", "@a{", "@a{b,", "@string{a=", "#", "# [", "["),
    *("]", "[[", "[a](", "TY", "TY  - ", "*", "**", "_", "~", "~~", "> ", "- ", "|", "OR ", "NOT ", '{"a":', "author:"),
    *("10.1234/;", "10.1234/,", "10.1234%2f", "10.1234/a?", "a, Jr, ", ", PhD", "Holm, C., ", "a, b; ", "%", "&lt;"),
    *("<a/>", "<sub>", "<math>", "</math>", "<msup>", "<i a=", "a={", "\na={", "\\}", "[1] ", "\n- ", "PMID- ", "%0 "),
    *("this paper ", "withdrawn ", "accepted ", "Accepted to ", "NeurIPS ", "published in "),
)  # fmt: skip
FRAMES = (("", "!"), (". ", ""))
LONG_TO_TRY = frozenset(
    {"comment", "drawn formula", "feed", "html of a feed", "author of a feed", "category of a feed"}
)


@pytest.mark.parametrize("name", READERS)
def test_a_mark_that_is_repeated_costs_no_more_than_its_length(name: str) -> None:
    read = READERS[name]
    slow = [
        (unit, before)
        for unit in UNITS
        for before, after in FRAMES[: 1 if name in LONG_TO_TRY else None]
        if not is_linear(read, repeated(unit, before, after))
    ]
    assert slow == []


def attributes(length: int) -> str:
    return "<a " + " ".join(f"a{number}='x'" for number in range(length // 8)) + "/>"


def elements(unit: str) -> Callable[[int], str]:
    return lambda length: "".join(unit.format(number) for number in range(length // len(unit)))


@pytest.mark.parametrize(
    "make",
    [
        attributes,
        elements("<category>c{}</category>"),
        elements("<link>https://a.example/{}</link>"),
        elements("<author>a{}</author>"),
        elements("<a xmlns:p{}='urn:x'/>"),
        lambda length: "<keywords>" + elements("a{},")(length) + "</keywords>",
        lambda length: "<author>" + "a" * length + "</author>",
        lambda length: "<author>" + "(a)" * (length // 3) + "</author>",
    ],
)
@pytest.mark.parametrize("place", ["<item><title>T</title>{}</item>", "<title>T</title>{}"])
def test_a_feed_with_much_of_one_kind(make: Callable[[int], str], place: str) -> None:
    def read(given: str) -> Any:
        feed = f"<?xml version='1.0'?><rss version='2.0'><channel>{place.format(given)}</channel></rss>"
        return parse_feed_entries(feed.encode(), url="https://feed.example/")

    assert is_linear(read, make)


def test_what_authors_share_is_not_copied_to_each_without_end() -> None:
    many, long = 5_000, "Institute of Everything " * 4_000
    found = names.split_authors("A. Person (1,1,1,1), " * many + f"Z. Last (1) ((1) {long})")
    assert len(found) == many + 1
    assert sum(len(author.affiliation or "") for author in found) < 4 * 600 * (many + 1)


# --- What these shapes did at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["references", "feed", "any xml", "cut xml"],
)
def test_forty_empty_comments(name: str) -> None:
    """A few hundred bytes: time doubled with each comment."""
    assert seconds(READERS[name], '<?xml version="1.0"?>' + "<!---->" * 40 + "<a/>") < 1
    assert seconds(READERS[name], "<?a?>" * 40 + "<a/>") < 1


def test_a_feed_behind_many_comments_is_read() -> None:
    feed = "<!---->" * 40 + "<rss version='2.0'><channel><skipHours><hour>1</hour></skipHours>{}</channel></rss>"
    items = "".join(f"<item><title>Good {number}</title></item>" for number in range(3))
    entries = parse_feed_entries(feed.format(items).encode(), url="https://feed.example/")
    assert [paper.title for paper in entries.papers] == ["Good 0", "Good 1", "Good 2"]
    assert entries.skip_hours == {1}


@pytest.mark.parametrize(
    "odd", ["&lt;![&lt;![", "&lt;![if x]&gt;", "&amp;#99999999999;", "&lt;a href='http://[x'&gt;y"]
)
def test_one_odd_entry_takes_no_other_with_it(odd: str) -> None:
    items = "".join(f"<item><title>Good {number}</title></item>" for number in range(3))
    bad = f"<item><title>Bad</title><description>{odd}</description></item>"
    feed = f"<rss version='2.0'><channel>{items}{bad}</channel></rss>"
    titles = [paper.title for paper in parse_feed_entries(feed.encode(), url="https://feed.example/").papers]
    assert titles[:3] == ["Good 0", "Good 1", "Good 2"]


def test_a_broken_feed_is_mended() -> None:
    item = "<item><title>One &nbsp;&eacute; & two</title><dc:creator>Ada</dc:creator><link>http://a.b/?a=1&b=2</link>"
    feed = f"<rss version='2.0'><channel>{item}"
    [paper] = parse_feed_entries(feed.encode(), url="https://feed.example/").papers
    assert " ".join(paper.title.split()) == "One é & two"
    assert paper.url == "http://a.b/?a=1&b=2"
    assert paper.authors is not None
    assert paper.authors[0].name == "Ada"
