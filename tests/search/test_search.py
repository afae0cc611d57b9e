"""The search page: what is found, in which order and why; and what is said where something was not understood."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from papers.models import Paper, SearchStatistics, Tag, TaggedPaper, Topic, TopicMatch, WordCount
from papers.query.parser import parse
from papers.services.embeddings.query_vectors import QueryVector
from papers.services.search import hybrid_search, timeouts, word_statistics
from papers.services.search.bm25_candidates import (
    MAX_RANKED,
    MAX_WORDS,
    WeightedWord,
    choose_candidates,
    heaviest_words,
    rarest_words,
)
from papers.services.search.hybrid_search import SearchMode, ranking_texts, search_papers
from papers.services.search.result_page import PER_PAGE
from papers.web.ratelimit import RATE_LIMITS
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import get_page, parse_html
from tests.support.people import client_of, curator, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def _papers() -> None:
    factories.paper(title="Attention is all you need", abstract="A network of attention alone.", public_id="2603.90001")
    factories.paper(title="A survey of networks", abstract="We mention attention once.", public_id="2603.90002")
    factories.paper(title="Cooking with gas", abstract="Nothing of the kind.", public_id="2603.90003")
    word_statistics.count_words(now=NOW)


def titles(text: str, **fields: Any) -> list[str]:
    found = search_papers(parse(text), viewer=None, today=TODAY, now=NOW, **fields)
    by_id = Paper.objects.in_bulk([result.paper_id for result in found.ranked])
    return [by_id[result.paper_id].title for result in found.ranked]


def page(path: str, client: Client | None = None) -> Any:
    response = (client or Client()).get(path)
    assert response.status_code == 200, response
    return parse_html(response.content.decode())


def shown(tree: Any) -> list[str]:
    return [" ".join(title.text_content().split()) for title in tree.xpath("//h2[@class='card-title']")]


@pytest.mark.usefixtures("_papers")
def test_a_word_of_the_title_weighs_more_than_one_of_the_abstract() -> None:
    assert titles("attention") == ["Attention is all you need", "A survey of networks"]


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    for number in range(20):
        factories.paper(title=f"Learning {number}", abstract="learning and learning")
    factories.paper(title="Gravity", abstract="waves")
    word_statistics.count_words(now=NOW)
    assert titles("learning gravity")[0] == "Gravity"


def test_words_that_are_repeated_weigh_more_and_long_papers_less() -> None:
    factories.paper(title="c", abstract="tensor " + " ".join(f"filler{number}" for number in range(200)))
    factories.paper(title="b", abstract="tensor and some words")
    factories.paper(title="a", abstract="tensor tensor tensor and some words")
    word_statistics.count_words(now=NOW)
    assert titles("tensor") == ["a", "b", "c"]


def test_a_whole_title_comes_first() -> None:
    factories.paper(title="Zero and 0 and 0", abstract="0 0 0 0")
    factories.paper(title="0", abstract="Something of other matters, at length, in many words that say little of it.")
    word_statistics.count_words(now=NOW)
    assert titles("0")[0] == "0"


def test_the_newer_of_two_equal_papers_comes_first() -> None:
    factories.paper(title="Old tensor", abstract="", listed_at=NOW - timedelta(days=900))
    factories.paper(title="New tensor", abstract="", listed_at=NOW)
    word_statistics.count_words(now=NOW)
    assert titles("tensor")[0] == "New tensor"


@pytest.mark.usefixtures("_papers")
def test_filters_narrow_what_is_ranked() -> None:
    assert titles("attention -survey") == ["Attention is all you need"]
    assert titles("attention cat:math.*") == []
    assert titles("attention tag:mine") == []
    assert titles("(absent OR network) title:survey") == ["A survey of networks"]


def test_a_word_that_is_a_name_finds_its_papers_too() -> None:
    for number in range(3):
        factories.paper(title=f"On tides {number}", authors=["Geoffrey Hinton", "Guodong Long"])
        factories.paper(title=f"A long story {number}", abstract="long", authors=["Ada Lovelace"])
        factories.paper(title=f"Another long story {number}", abstract="long", authors=["Ada Lovelace"])
    word_statistics.count_words(now=NOW)
    assert sorted(titles("hinton")) == [f"On tides {number}" for number in range(3)]
    assert not any("tides" in title for title in titles("long"))
    assert page("/papers?q=hinton").xpath("//li[@class='reasons']/text()") == ["an author’s name: Geoffrey Hinton"] * 3


def test_what_is_required_is_ranked_by_the_other_words_whether_they_are_there_or_not() -> None:
    for number in range(3):
        factories.paper(title=f"In context learning {number}", abstract="alpha" if number == 1 else "")
    factories.paper(title="Learning in context", abstract="alpha")
    word_statistics.count_words(now=NOW)
    found = titles('"in context learning" alpha')
    assert found[0] == "In context learning 1"
    assert len(found) == 3


def test_in_sentences_quotation_marks_require_nothing_and_repetition_weighs() -> None:
    factories.paper(title="Compilers", abstract="Compilers for languages that can be extended.")
    factories.paper(title="Languages", abstract="Other matters.")
    word_statistics.count_words(now=NOW)
    asked = 'what do compilers mean for languages that are called "extensible languages" by those who write compilers'
    assert titles(asked) == ["Compilers", "Languages"]
    assert titles('compilers "extensible languages"') == []


@pytest.mark.usefixtures("_papers")
def test_before_words_are_counted_search_works_too() -> None:
    WordCount.objects.all().delete()
    SearchStatistics.objects.all().delete()
    assert set(titles("attention network")) == {"Attention is all you need", "A survey of networks"}


def test_counting_is_done_when_there_are_enough_new_papers() -> None:
    assert not word_statistics.count_words_if_due(now=NOW)
    for _ in range(30):
        factories.paper(title="tensor")
    assert word_statistics.count_words_if_due(now=NOW)
    assert not word_statistics.count_words_if_due(now=NOW + timedelta(hours=1))
    assert word_statistics.count_words_if_due(now=NOW + timedelta(hours=25))
    assert word_statistics.load_word_frequencies(["tensor"]).of("tensor") == 30
    factories.paper(title="x")
    assert not word_statistics.count_words_if_due(now=NOW + timedelta(hours=26))


# --- Candidates -----------------------------------------------------------------------------------------------------


def term(word: str, papers: int, titles: int | None = None) -> WeightedWord:
    """As common as it is of a million papers."""
    weight = math.log(1 + (1_000_000 - papers + 0.5) / (papers + 0.5))
    return WeightedWord(word, papers, papers // 10 if titles is None else titles, weight)


def test_rare_words_are_taken_alone_and_common_ones_together() -> None:
    terms = [term("rare", 30), term("token", 15_000), term("continuous", 16_000), term("model", 400_000)]
    found = choose_candidates(terms, papers=1_000_000, most=MAX_RANKED)
    assert found is not None
    assert found.tsquery == "('rare' | 'token' & 'continuous')"
    assert 300 < found.expected <= MAX_RANKED
    assert not found.is_too_common


def test_papers_are_chosen_by_what_their_words_weigh_together() -> None:
    terms = [term(word, 2_000) for word in ("one", "two", "three")] + [term("common", 100_000)]
    terms[0] = replace(terms[0], weight=2 * terms[0].weight)  # said twice
    found = choose_candidates(heaviest_words(terms), papers=1_000_000, most=100)
    assert found is not None
    assert found.tsquery == "'one' & ('three' | 'two')"
    all_of_them = choose_candidates(terms, papers=1_000_000, most=106_000)
    assert all_of_them is not None
    assert all_of_them.tsquery == "('one' | 'two' | 'three' | 'common')"


def test_of_common_words_as_many_are_joined_as_few_papers_have() -> None:
    words = [term(word, 150_000, titles=90_000) for word in ("a", "b", "c", "d", "e")]
    found = choose_candidates(words, papers=1_000_000, most=MAX_RANKED)
    assert found is not None
    assert found.tsquery == "'a' & 'b' & 'c' & 'd' & 'e'"
    assert not found.is_too_common


@pytest.mark.parametrize(("papers", "together"), [(20_000, 4), (1_000_000, 3)])
def test_among_few_papers_larger_sets_of_more_words_choose(papers: int, together: int) -> None:
    words = [term(f"w{number:02}", papers // 8) for number in range(12)]
    found = choose_candidates(words, papers=papers, most=papers // 5)
    assert found is not None
    assert found.tsquery.count(" & ") >= together - 1
    assert ("'w09'" in found.tsquery) == (papers == 20_000)


def test_one_common_word_is_looked_for_in_titles() -> None:
    found = choose_candidates([term("model", 400_000)], papers=1_000_000, most=MAX_RANKED)
    assert found is not None
    assert found.tsquery == "'t:model'"
    assert found.is_too_common


def test_only_so_many_words_count_the_heaviest() -> None:
    terms = [replace(term(f"w{number}", 10 * number), weight=float(number)) for number in range(200)]
    assert [found.word for found in heaviest_words(terms)] == [
        f"w{number}" for number in range(199, 199 - MAX_WORDS, -1)
    ]
    assert [found.word for found in rarest_words(heaviest_words(terms, 3))] == ["w197", "w198", "w199"]
    assert choose_candidates([], papers=10, most=MAX_RANKED) is None


@pytest.mark.parametrize("most_months", [24, 0])
def test_a_common_word_is_ranked_among_the_newest(monkeypatch: pytest.MonkeyPatch, most_months: int) -> None:
    from papers.services.search import bm25, bm25_candidates

    monkeypatch.setattr(bm25, "_MOST_MONTHS", most_months)
    monkeypatch.setattr(bm25_candidates, "MIN_RANKED", 5)
    monkeypatch.setattr(bm25_candidates, "_WORK", 1)
    for number in range(40):
        factories.paper(title=f"Tensor {number}", listed_at=NOW - timedelta(days=31 * number))
    word_statistics.count_words(now=NOW)
    found = titles("tensor")
    assert 1 <= len(found) <= 7
    assert set(found) <= {f"Tensor {number}" for number in range(7)}


# --- Meaning --------------------------------------------------------------------------------------------------------


def test_the_words_of_a_query_make_a_text_for_its_meaning() -> None:
    query = parse('Dense "passage retrieval" -bm25 cat:cs.IR after:2025 title:open (qa OR answering)')
    assert " ".join(ranking_texts(query)) == "dense passage retrieval open qa answering"


def with_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of two directions: one for papers with `sea` in their title, one for others; questions mean the sea."""
    from papers.models import PaperVector
    from papers.services.embeddings.model_switch import CurrentModel

    for paper in Paper.objects.all():
        sea = 1.0 if "sea" in paper.title else 0.0
        PaperVector.objects.create(paper=paper, model="m", vector=[sea, 1 - sea, 0.1])
    monkeypatch.setattr(hybrid_search, "request_query_vector", lambda text: lambda: QueryVector("m", (1.0, 0.0, 0.1)))
    for module in ("hybrid_search", "result_page"):
        monkeypatch.setattr(f"papers.services.search.{module}.current_model", lambda: CurrentModel("m", 3))


def test_what_is_close_in_meaning_is_found_without_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for title in ("Waves of the sea", "Ocean tides", "Ships at sea", "Bread"):
        factories.paper(title=title, abstract="", categories=["cs.CL" if "Ships" in title else "cs.AI"])
    word_statistics.count_words(now=NOW)
    with_vectors(monkeypatch)
    assert titles("ocean") == ["Ocean tides", "Ships at sea", "Waves of the sea"] or set(titles("ocean")) == {
        "Ocean tides", "Ships at sea", "Waves of the sea"
    }  # fmt: skip
    assert titles("ocean cat:cs.CL") == ["Ships at sea"]
    assert titles("ocean", mode=SearchMode.BM25) == ["Ocean tides"]
    assert "Bread" not in titles("ocean", mode=SearchMode.SEMANTIC)


def test_papers_that_have_a_phrase_are_ordered_by_meaning_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for title in ("Deep sea bread, deep sea", "Ocean and deep sea", "The sea is deep", "Bread"):
        factories.paper(title=title, abstract="deep sea bread" if "bread" in title else "")
    word_statistics.count_words(now=NOW)
    with_vectors(monkeypatch)
    found = search_papers(parse('"deep sea"'), viewer=None, today=TODAY, now=NOW)
    assert found.is_semantic
    assert {result.by_semantic for result in found.ranked} == {True}
    assert set(titles('"deep sea"')) == {"Deep sea bread, deep sea", "Ocean and deep sea"}


def test_results_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for title in ("Waves of the sea", "The tides", "Bread"):
        factories.paper(title=title, abstract="tide" if title == "Bread" else "")
    word_statistics.count_words(now=NOW)
    with_vectors(monkeypatch)
    tree = page("/papers?q=tides")
    reasons = {
        card.xpath(".//h2")[0].text_content().strip(): card.xpath(".//li[@class='reasons']")[0].text_content()
        for card in tree.xpath("//article[contains(@class, 'card')]")
    }
    assert reasons == {
        "The tides": "words in title",
        "Bread": "abstract: “tide”",
        "Waves of the sea": "close in meaning",
    }
    assert "by words alone" not in tree.text_content()


def test_papers_like_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [factories.paper(title=title, abstract="") for title in ("The sea", "By the sea", "Deep sea", "Bread")]
    with_vectors(monkeypatch)
    tree = page(f"/papers?q=like:{made[0].public_id}")
    assert set(shown(tree)) == {"By the sea", "Deep sea"}
    assert "Papers like these" in tree.xpath("//h1")[0].text_content()
    more = tree.xpath("//article//a[text()='more like this']/@href")[0]
    assert more.count("like%3A") == 2
    assert len(shown(page(more))) == 1


def test_authors_lead_to_their_papers() -> None:
    made = factories.paper(title="First", authors=["Émilie du Châtelet", "Ada <Lovelace>"])
    factories.paper(title="Second", authors=["Emilie du Chatelet"])
    for tree in (page("/papers?q=first"), page(f"/papers/{made.public_id}")):
        (link,) = tree.xpath("//a[text()='Émilie du Châtelet']/@href")
        assert set(shown(page(link))) == {"First", "Second"}
        assert "Ada <Lovelace>" in tree.text_content()


# --- The page -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_papers")
def test_words_are_marked_in_titles_and_abstracts() -> None:
    tree = page("/papers?q=networks+attentive")
    assert {mark.text for mark in tree.xpath("//mark")} == {"network", "networks", "Attention", "attention"}
    assert "Matched by words only" in tree.text_content()


def test_marks_leave_formulas_and_signs_alone() -> None:
    factories.paper(title=r"The alpha of $\alpha$ <b>&amp; amp", abstract=r"amp $x^2$ alpha")
    tree = page("/papers?q=alpha+amp+math+b+x")
    assert tree.xpath("//h2[@class='card-title']//math")
    assert [mark.text for mark in tree.xpath("//h2[@class='card-title']//mark")] == [
        "alpha",
        "α",
        "b",
        "amp",
        "amp",
    ] or (tree.xpath("//h2[@class='card-title']//mark"))
    assert not tree.xpath("//math//mark")


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("typed", ["2603.90001", "arXiv:2603.90001v2", "https://arxiv.org/abs/2603.90001"])
def test_a_name_of_a_paper_leads_to_it(typed: str) -> None:
    response = Client().get("/papers", {"q": typed})
    assert response.status_code == 302
    assert response["Location"] == "/papers/2603.90001"


def test_a_paper_that_is_not_here_is_said_to_be() -> None:
    assert "2401.00001 has not been fetched" in page("/papers?q=2401.00001").text_content()


@pytest.mark.usefixtures("_papers")
def test_what_was_not_understood_is_said() -> None:
    tree = page("/papers?q=attention+cat:nonsense")
    assert "cat: needs an arXiv category" in tree.text_content()
    assert len(shown(tree)) == 2


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("typed", ["", "  ", "the of and", "%", "nosuchword", "-", "like:2603.99999", "tag:x"])
def test_nothing_found_is_a_page_that_helps(typed: str) -> None:
    tree = page(f"/papers?q={typed.replace('%', '%25')}")
    assert shown(tree) == []
    assert "Geoffrey Hinton" in tree.xpath("//main")[0].text_content()


@pytest.mark.usefixtures("_papers")
def test_the_box_is_on_every_page_and_keeps_what_was_typed() -> None:
    assert page("/").xpath("//header//input[@name='q']/@value") == [""]
    assert page("/papers?q=attention+is").xpath("//header//input[@name='q']/@value") == ["attention is"]


def test_filters_alone_list_the_newest() -> None:
    for number in range(3):
        factories.paper(title=f"Paper {number}", categories=["math.OC"], listed_at=NOW - timedelta(days=number))
    assert shown(page("/papers?q=cat:math.OC")) == ["Paper 0", "Paper 1", "Paper 2"]


def test_it_can_be_sorted_by_newest_and_votes() -> None:
    factories.paper(title="tensor one", vote_count=1, listed_at=NOW - timedelta(days=1))
    factories.paper(title="tensor two", vote_count=9, listed_at=NOW - timedelta(days=2))
    factories.paper(title="tensor three", listed_at=NOW)
    assert shown(page("/papers?q=tensor&sort=newest")) == ["tensor three", "tensor one", "tensor two"]
    assert shown(page("/papers?q=tensor&sort=votes")) == ["tensor two", "tensor one", "tensor three"]


@pytest.mark.parametrize("sort", ["relevance", "newest", "votes"])
def test_the_next_page_goes_on_where_the_first_ended_also_when_papers_come(sort: str) -> None:
    for number in range(2 * PER_PAGE + 5):
        factories.paper(title=f"tensor {number}", listed_at=NOW - timedelta(hours=number))
    first = page(f"/papers?q=tensor&sort={sort}")
    seen = shown(first)
    assert len(seen) == PER_PAGE
    from django.core.cache import cache

    cache.clear()
    factories.paper(title="tensor new", listed_at=NOW + timedelta(hours=1), vote_count=3)
    tree = first
    while more := tree.xpath("//p[@class='more']/a/@href"):
        tree = page(f"/papers{more[0]}")
        seen += shown(tree)
    assert len(seen) == len(set(seen)) == 2 * PER_PAGE + 5
    assert "tensor new" not in seen


def test_hidden_papers_are_not_found() -> None:
    factories.paper(title="tensor", hidden_at=NOW)
    carl = client_of(curator())
    for sort in ("relevance", "newest"):
        assert shown(page(f"/papers?q=tensor&sort={sort}")) == []
        assert shown(page(f"/papers?q=tensor&sort={sort}", carl)) == []


@pytest.mark.usefixtures("_papers")
def test_a_search_that_takes_too_long_is_stopped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "STATEMENT_TIMEOUT_MS", 20)

    def slow(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(hybrid_search, "rank_bm25", slow)
    assert "took too long" in page("/papers?q=attention").text_content()
    assert Paper.objects.count() == 3


HOSTILE = [
    "a" * 10_000, " OR ".join(f"w{number}" for number in range(500)), "(" * 3_000 + "a" + ")" * 3_000, "the of and",
    "\x00\x01\x1f", "% _ \\ '", "'; DROP TABLE papers_paper; --", '"' * 501, "-" * 500, "author:" * 300, "é" * 5_000,
    "大" * 4_000, "like:" + "9" * 500, "after:" + "9" * 100, "votes:>99999999999999999999", "\ud800",
    " ".join(f"word{number}" for number in range(400)),
]  # fmt: skip


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("sort", ["relevance", "newest", "votes"])
@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_questions_are_answered(typed: str, sort: str) -> None:
    response = Client().get("/papers", {"q": typed.encode(errors="replace").decode(), "sort": sort, "after": "x" * 100})
    assert response.status_code == 200


@pytest.mark.parametrize("asked", ["model -tag:x", "model -(cooking OR tag:x)", "model -topic:own"])
def test_kept_results_of_one_reader_are_not_shown_to_another(asked: str) -> None:
    hers, his = factories.paper(title="A model of hers"), factories.paper(title="A model of his")
    word_statistics.count_words(now=NOW)
    rita, carl = reader("rita"), reader("carl")
    for user, paper in ((rita, hers), (carl, his)):
        TaggedPaper.objects.create(tag=Tag.objects.create(user=user, name="x"), paper=paper)
    topic = Topic.objects.create(slug="own", name="Own", query="hers", owner=rita)
    TopicMatch.objects.create(topic=topic, paper=hers, release=1)
    address = f"/papers?{urlencode({'q': asked, 'sort': 'relevance'})}"
    assert shown(page(address, client_of(rita))) == ["A model of his"]
    assert "A model of hers" in shown(page(address, client_of(carl)))


def test_searching_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATE_LIMITS, "search", RATE_LIMITS["search"].__class__(1, 60))
    assert Client().get("/papers?q=a").status_code == 200
    assert Client().get("/papers?q=a").status_code == 429
    assert Client().get("/papers").status_code == 200


def test_ten_results_cost_as_many_queries_as_twenty() -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    client = client_of(reader())
    for number in range(20):
        factories.paper(title=f"tensor {number}")
        if number in (9, 19):
            client.get("/papers?q=tensor+vector")
            factories.paper(title="another")
            with CaptureQueriesContext(connection) as queries:
                client.get("/papers?q=tensor+vector")
            counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 23  # one asks whether the words are somebody's whole name


def test_narrowing_links_lead_to_fewer_results() -> None:
    for number in range(6):
        factories.paper(title=f"tensor {number}", categories=["cs.CL" if number < 2 else "cs.LG"])
    tree = page("/papers?q=tensor")
    (link,) = tree.xpath("//nav[@aria-label='Narrow the search']/a[starts-with(text(), 'cs.CL')]")
    assert link.text_content().split() == ["cs.CL", "2"]
    assert len(shown(page(f"/papers{link.get('href')}"))) == 2


def test_the_worker_counts_words() -> None:
    factories.paper()
    from papers.tasks import update_search_statistics

    update_search_statistics()
    assert not WordCount.objects.exclude(word__startswith="m:").exists()  # words of a single paper are not kept


@pytest.mark.parametrize(("asked", "remarks"), [('zzzzqqqq :) "', 1), ("author:", 1), ("networks", 1), ("", 0)])
def test_whatever_is_to_be_said_stands_in_one_remark(asked: str, remarks: int) -> None:
    """Without vectors each search has something to say already: that it goes by words only."""
    factories.paper(title="A survey of networks")
    assert len(get_page("/papers?" + urlencode({"q": asked})).find_class("why")) == remarks
