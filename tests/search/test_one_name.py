"""A question that is one word or one name: what has it comes before what a model takes for related."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import SHIPPED_MODEL
from papers.query.parser import parse
from papers.services.embeddings.nearest import PaperDistance
from papers.services.embeddings.query_vectors import QueryVector
from papers.services.search import hybrid_search, typing_help, word_statistics
from papers.services.search.hybrid_search import named_thing
from tests.search.test_result_notes import page, reasons
from tests.support import factories

pytestmark = pytest.mark.django_db


def titles(question: str) -> list[str]:
    return [each.text_content().strip() for each in page(question).find_class("card-title")]


def near(monkeypatch: pytest.MonkeyPatch, distances: dict[int, float]) -> None:
    """As if a model served search and found these papers so far away."""
    cache.clear()  # what was found before is kept for some minutes
    found = [PaperDistance(pk, far) for pk, far in sorted(distances.items(), key=lambda each: each[1])]
    vector = QueryVector(SHIPPED_MODEL, (1.0,))
    monkeypatch.setattr(hybrid_search, "request_query_vector", lambda text: lambda: vector if text else None)
    monkeypatch.setattr(hybrid_search, "_by_vector", lambda vector, *_: found if vector else [])


@pytest.fixture
def papers() -> dict[str, int]:
    made = [
        factories.paper(title="Learning", abstract="With a β-VAE, in k-means and GPT-4."),
        factories.paper(title="Beta and a VAE; k and means; GPT and 4", abstract="VAE of β."),
        factories.paper(title="Generative", abstract=""),
        *(factories.paper(title=f"Graphs {number}", abstract="", authors=["Ada Vaeson"]) for number in range(2)),
    ]
    word_statistics.count_words(now=factories.NOW)
    typing_help.rewrite_typing_help()
    return {paper.title: paper.pk for paper in made}


@pytest.mark.parametrize("question", ["β-VAE", "beta vae x", "k-means", "k means", "GPT-4", "gpt4", "gpt 4"])
def test_what_has_the_name_leads(question: str, papers: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch, {papers["Generative"]: 0.55, papers["Beta and a VAE; k and means; GPT and 4"]: 0.56})
    found = titles(question)
    if named_thing(parse(question)):
        assert found[0] == "Learning"
    else:
        assert found[0] != "Learning"  # of more words each may be anywhere
    near(monkeypatch, {papers["Generative"]: 0.4})
    assert "Generative" in titles(question)[:2]  # close in meaning stays where it was


def test_of_one_word_those_that_have_it_lead(papers: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch, {papers["Generative"]: 0.51})
    assert titles("learning") == ["Learning", "Generative"]
    assert reasons("learning")[0].startswith("words in title")
    assert titles("vaeson")[2:] == ["Generative"]


def test_papers_of_an_author_by_initials_lead(papers: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    factories.paper(title="A", abstract="Vaeson.")
    near(monkeypatch, {papers["Generative"]: 0.2})
    for question in ("A. Vaeson", "Vaeson, A."):
        assert set(titles(question)[:2]) == {"Graphs 0", "Graphs 1"}
        assert reasons(question)[0].startswith("an author’s name: Ada Vaeson")


def test_a_symbol_is_no_initial_of_an_author() -> None:
    factories.paper(title="Control", abstract="Of $H_\\infty$.")
    factories.paper(title="Rivers", abstract="", authors=["Jordan H. McDowell"])
    word_statistics.count_words(now=factories.NOW)
    tree = page("H∞")
    assert titles("H∞") == ["Control"]
    assert not tree.xpath("//main//a[starts-with(@href, '/authors/')][contains(., 'McDowell')][not(ancestor::article)]")


def test_a_small_word_among_others_is_nobodys_name() -> None:
    factories.paper(title="Langage", abstract="La langue.")
    factories.paper(title="Rivers", abstract="", authors=["Ana de la Cruz"])
    factories.paper(title="Lakes", abstract="", authors=["Joan La"])
    word_statistics.count_words(now=factories.NOW)
    assert titles("la langue") == ["Langage"]
    assert set(titles("la")) == {"Langage", "Rivers", "Lakes"}


def test_words_say_more_than_a_loose_relation(papers: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch, {papers["Learning"]: 0.7, papers["Generative"]: 0.7})
    assert reasons("learning") == ["words in title", "loosely related"]
    near(monkeypatch, {papers["Learning"]: 0.3})
    assert reasons("learning") == ["words in title, close in meaning"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("SU(3)", "su(3)"),
        ("Hinton", "hinton"),
        ("gpt 4", "gpt 4"),
        ("k means", "k means"),
        ("graph networks", ""),
        ("gpt 4 vision", ""),
        ("hinton cat:cs.LG", ""),
        ('"gpt 4"', ""),
        ("-hinton", ""),
        ("2401.00001", ""),
        ("", ""),
    ],
)
def test_what_is_one_name(question: str, name: str) -> None:
    assert named_thing(parse(question)) == name


def test_it_costs_one_query_at_most(papers: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def queries(question: str) -> int:
        def search() -> None:
            hybrid_search.search_papers(parse(question), viewer=None, today=factories.TODAY, now=factories.NOW)

        search()  # words that are new to the process cost one more
        with CaptureQueriesContext(connection) as counted:
            search()
        return len(counted)

    assert papers
    found = {question: queries(question) for question in ("gpt-4", "learning")}
    monkeypatch.setattr(hybrid_search, "named_thing", lambda query: "")
    assert found == {"gpt-4": queries("gpt-4") + 1, "learning": queries("learning")}
