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

from papers.sources.feed import parse_feed_entries
from papers.sources.record_markup import plain_abstract
from papers.text import names
from tests.fuzz.readers import OWN_ERRORS, READERS, UNITS, Reader

LENGTH = 6_000
"""Of the shorter input; the longer one has four times as much: what grows with the square takes sixteen times."""
MOST_TIMES = 12.0
MOST_SECONDS = 2.0
TOO_SHORT = 0.08
"""Seconds below which the longer input says nothing about growth, because nothing grew."""


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
        with suppress(*OWN_ERRORS, TooSlowError):
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


def test_a_formula_with_many_documents_that_never_end() -> None:
    assert is_linear(plain_abstract, repeated(r"\begin{document}", "<p><tex-math>", "</tex-math></p>"))


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
