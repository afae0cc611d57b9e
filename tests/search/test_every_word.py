"""The number of papers that match, where ranking tells it: the same as a statement of its own would."""

from __future__ import annotations

from typing import Any

import pytest

from papers.models import Paper
from papers.query.parser import parse
from papers.services.search import bm25_candidates, hybrid_search, result_notes, word_statistics
from papers.services.search.hybrid_search import search_papers
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html

pytestmark = pytest.mark.django_db

TITLES = (
    "Image net",
    "ImageNet",
    "An image of a net",
    "Colour of an image",
    "Color in a net",
    "Pre-training on an image net",
    "GPT-4o and a net",
    "Net",
)


@pytest.fixture
def _papers() -> None:
    for title in TITLES:
        factories.paper(title=title, abstract="", categories=["cs.CV"] if "image" in title else ["cs.CL"])
    factories.paper(title="A hidden image net", abstract="", hidden_at=NOW)
    word_statistics.count_words(now=NOW)


def told(question: str) -> int | None:
    return search_papers(parse(question), viewer=None, today=TODAY, now=NOW).paper_count


def fulfilling(question: str) -> int:
    return len(Paper.objects.visible().matching(parse(question), viewer=None, today=TODAY))


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "question",
    ["net", "image net", "net image", "image net cat:cs.CV", "image cat:cs.CV net", "the image of net", "net -image",
     "net -cat:cs.CV", "image after:2020", "image net year:2020..2030"],
)  # fmt: skip
def test_ranking_tells_the_true_number(question: str) -> None:
    assert told(question) == fulfilling(question) > 0


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "question",
    ["gpt-4o net", "imagenet", "colour image", '"image net"', "image OR net", "title:image net", "the of", "cat:cs.CV"],
)
def test_where_a_word_has_parts_or_spellings_a_statement_of_its_own_counts(question: str) -> None:
    assert told(question) is None


@pytest.mark.usefixtures("_papers")
def test_what_is_cut_off_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIN_RANKED", "MIN_RANKED_BESIDE_MEANING", "MAX_RANKED"):
        monkeypatch.setattr(bm25_candidates, name, 2)
    assert told("net") is None


@pytest.mark.usefixtures("_papers")
def test_more_than_are_counted_is_said_of_what_was_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid_search, "COUNTED", 2)
    assert told("net") == 3


@pytest.mark.usefixtures("_papers")
def test_the_page_asks_no_second_time(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    def never(*_: Any, **__: Any) -> int:
        raise AssertionError("It was counted again.")

    monkeypatch.setattr(result_notes, "count_results", never)
    page = parse_html(client.get("/papers", {"q": "image net"}).content.decode())
    said = " ".join(" ".join(each.text_content() for each in page.find_class("result-count")).split())
    assert said.startswith(f"{fulfilling('image net')} papers match")
