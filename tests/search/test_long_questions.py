"""Long questions, phrases of common words, and categories of many papers: which papers are looked at, and what for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from papers.models import Paper
from papers.query.parser import parse
from papers.services.embeddings.nearest import PaperDistance
from papers.services.search import hybrid_search, word_statistics
from papers.services.search.bm25 import Bm25Hit
from papers.services.search.fusion import fuse
from papers.services.search.hybrid_search import embedded_text, ranking_texts, search_papers
from tests.search.test_search import titles, with_vectors
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = pytest.mark.django_db


def test_what_a_long_question_says_again_and_again_finds_papers_not_its_many_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from papers.services.search import bm25_candidates

    monkeypatch.setattr(bm25_candidates, "MIN_RANKED", 60)
    monkeypatch.setattr(bm25_candidates, "_WORK", 1)
    for number in range(6):
        factories.paper(title=f"Tensors {number}", abstract="On tensors and spinors.")
    for name in (names := [f"name{letter}" for letter in "abcdefghijklmnopqrst"]):
        factories.paper(title=f"A {name}", abstract="Something of other matters.")
        factories.paper(title=f"Another {name}", abstract="Something of other matters.")
    word_statistics.count_words(now=NOW)
    found = titles(f"{' '.join(names)} tensors spinors tensors spinors tensors spinors")
    assert set(found[:6]) == {f"Tensors {number}" for number in range(6)}


def papers_with_deep_waters(monkeypatch: pytest.MonkeyPatch, *, enough: int, at_last: int) -> None:
    """Forty papers, a month between each: every other one has the phrase, the six newest, and one in its title."""
    from papers.services.search import bm25, common_phrases

    monkeypatch.setattr(common_phrases, "MOST_OPENED", 6)
    monkeypatch.setattr(common_phrases, "MOST_OPENED_AT_LAST", at_last)
    monkeypatch.setattr(bm25, "ENOUGH", enough)
    for number in range(40):
        title = {38: "Deep waters 38", 30: "By the sea 30"}.get(number, f"Paper {number}")
        abstract = "Of deep waters." if number % 2 == 0 or number < 6 else "Of waters that are deep."
        factories.paper(
            title=title, abstract="" if number == 38 else abstract, listed_at=NOW - timedelta(days=31 * number)
        )
    word_statistics.count_words(now=NOW)


@pytest.mark.parametrize(
    ("enough", "at_last", "expected"),
    [
        (5, 1_000, {0, 1, 2, 3, 4, 5, 38}),
        (9, 1_000, {*range(0, 40, 2)} | {1, 3, 5, 38}),
        (20, 12, {*range(0, 12, 2)} | {1, 3, 5, 38}),
    ],
)
def test_a_phrase_of_common_words_is_looked_for_in_titles_and_the_newest_first(
    monkeypatch: pytest.MonkeyPatch, enough: int, at_last: int, expected: set[int]
) -> None:
    papers_with_deep_waters(monkeypatch, enough=enough, at_last=at_last)
    assert {int(title.split()[-1]) for title in titles('"deep waters"')} == expected
    assert titles('"waters that deep"') == []


def test_of_papers_too_old_to_be_opened_those_close_in_meaning_that_have_the_phrase_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    papers_with_deep_waters(monkeypatch, enough=20, at_last=12)
    for number in (31, 33):
        factories.paper(title=f"At sea {number}", abstract="Of waters that are deep.", listed_at=NOW)
    with_vectors(monkeypatch)
    found = titles('"deep waters"')
    assert "By the sea 30" in found
    assert not [title for title in found if title.startswith("At sea")]


def test_a_category_is_asked_of_the_row_where_many_papers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from papers.services.search import semantic

    for number in range(12):
        category = "cs.CL" if number % 2 else "cs.AI"
        factories.paper(title=f"By the sea {number}", abstract="", categories=[category, "math.OC"])
    word_statistics.count_words(now=NOW)
    with_vectors(monkeypatch)
    one_by_one = set(titles("ocean cat:cs.CL"))
    monkeypatch.setattr(semantic, "EXACT_SCAN_LIMIT", 2)
    assert set(titles("ocean cat:cs.CL")) == one_by_one == {f"By the sea {number}" for number in range(1, 12, 2)}
    assert set(titles("ocean cat:cs.CL cat:math.OC")) == one_by_one


def test_what_meaning_alone_found_counts_for_its_words_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        title = {38: "Tensor in the sea", 39: "By the sea"}.get(number, f"Tensor {number}")
        factories.paper(title=title, abstract="", listed_at=NOW - timedelta(days=31 * number))
    word_statistics.count_words(now=NOW)
    with_vectors(monkeypatch)
    absent = " ".join(f"absent{letter}" for letter in "abcdefghijkl")  # twelve words that are heavier, and choose
    found = search_papers(parse(f"tensor {absent}"), viewer=None, today=TODAY, now=NOW)
    titles_of = {paper.pk: paper.title for paper in Paper.objects.all()}
    told = {titles_of[result.paper_id]: result for result in found.ranked}
    assert list(told) == ["Tensor in the sea", "By the sea"]
    assert (told["Tensor in the sea"].by_bm25, told["Tensor in the sea"].in_title) == (False, 1)
    assert told["By the sea"].in_title == 0


def test_where_meaning_does_not_answer_more_papers_are_ranked_by_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from papers.services.embeddings.model_switch import CurrentModel
    from papers.services.search import bm25_candidates

    monkeypatch.setattr(bm25_candidates, "MIN_RANKED", 20)
    monkeypatch.setattr(bm25_candidates, "MIN_RANKED_BESIDE_MEANING", 4)
    monkeypatch.setattr(bm25_candidates, "_WORK", 1)
    for number in range(12):
        factories.paper(title=f"Tensor {number}", abstract="", listed_at=NOW - timedelta(days=31 * number))
    word_statistics.count_words(now=NOW)
    assert len(titles("tensor")) == 12  # there is no model
    with_vectors(monkeypatch)
    assert len(titles("tensor")) < 12
    monkeypatch.setattr(hybrid_search, "request_query_vector", lambda text: lambda: None)
    monkeypatch.setattr(hybrid_search, "current_model", lambda: CurrentModel("m", 3))
    assert len(titles("tensor")) == 12


def test_both_rankings_count_for_a_paper_that_only_one_of_them_found() -> None:
    def hit(paper_id: int, score: float) -> Bm25Hit:
        return Bm25Hit(paper_id, score, 0, is_title=False, is_phrase_of_title=False, by_author=False)

    def ranked(*more_words: Bm25Hit, more_near: tuple[PaperDistance, ...] = ()) -> list[int]:
        words, near = [hit(1, 10.0), hit(2, 6.0)], [PaperDistance(3, 0.1), PaperDistance(4, 0.2)]
        listed_at = dict.fromkeys(range(1, 5), NOW)
        found = fuse(words, near, more_words, more_near, listed_at=listed_at, now=NOW)
        return [result.paper_id for result in found]

    assert ranked() == [3, 1, 4, 2]
    assert ranked(hit(4, 4.0)) == [4, 3, 1, 2]
    assert ranked(more_near=(PaperDistance(2, 0.3),)) == [2, 3, 1, 4]
    assert ranked(hit(4, -5.0), more_near=(PaperDistance(2, 0.99),)) == [3, 1, 4, 2]  # worse than not being found: 0


def test_a_pasted_text_is_understood_as_it_was_written() -> None:
    typed = 'We ask what tides do to ships at sea, and what ships do to "the tides" of a sea. ' * 3
    query = parse(f"{typed} cat:cs.CL")
    assert embedded_text(query) == typed.lower().strip()
    short = parse(" ".join(typed.split()[:20]))
    assert embedded_text(short) == " ".join(ranking_texts(short))
    assert embedded_text(parse(" OR ".join(typed.split()))) != " OR ".join(typed.split())
