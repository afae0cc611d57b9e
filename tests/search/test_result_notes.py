"""What the search page says beside its results: what no paper has, what was meant, who is asked for, how many."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from papers.models import SHIPPED_MODEL, SuggestedAuthor, TitleWord
from papers.query.parser import parse
from papers.services.embeddings.model_switch import CurrentModel
from papers.services.lists.rows import ListRow
from papers.services.search import result_count, result_notes, typing_help, word_statistics
from papers.services.search.match_quotes import with_quotes
from papers.services.search.result_page import IN_ABSTRACT
from papers.services.search.word_advice import advise_on_words
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import parse_html

pytestmark = pytest.mark.django_db


def page(question: str, **more: str) -> Any:
    response = Client().get("/papers", {"q": question, **more})
    assert response.status_code == 200, response
    return parse_html(response.content.decode())


def said(question: str, **more: str) -> str:
    """What stands above the results."""
    tree = page(question, **more)
    return " ".join(" ".join(each.text_content() for each in tree.find_class("masthead")).split())


def count(question: str, **more: str) -> str:
    return " ".join(" ".join(each.text_content() for each in page(question, **more).find_class("result-count")).split())


@pytest.fixture
def _papers() -> None:
    for number in range(3):
        factories.paper(
            title=f"A language model {number}", abstract="On graphs.", authors=["Ada Lovelace", "Wei Hinton"]
        )
    factories.paper(title="Cooking", abstract="With gas.", authors=[*(f"Cook {n}" for n in "ABCDE"), "Jiaqi Wang"])
    factories.paper(title="Baking", abstract="With gas.", authors=["Jiaqi Wang"])
    factories.paper(title="Hidden", abstract="Secretword.", authors=["Jiaqi Wang"], hidden_at=NOW)
    word_statistics.count_words(now=NOW)
    typing_help.rewrite_typing_help()


# --- Words -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_papers")
def test_a_word_that_no_paper_has_is_named() -> None:
    assert "No papers contain “zzzzqqqq”." in said("zzzzqqqq")
    assert "No papers contain “zzzzqqqq”." in said("zzzzqqqq language")
    assert "No papers contain “zzzzqqqq” or “yyyyvvvv”." in said("zzzzqqqq yyyyvvvv")
    assert "No papers contain “secretword”." in said("secretword")  # a hidden one has


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "question", ["language models", "hinton", "cat:cs.CL", "the of and", "cooking", "-zzzzqqqq gas"]
)
def test_a_word_that_papers_have_is_not(question: str) -> None:
    assert "No paper" not in said(question)
    assert "Did you mean" not in said(question)


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("langauge modle", "language model"),
        ("cat:cs.CL langauge", "cat:cs.CL language"),
        ('"langauge model"', '"language model"'),
        ("langauge OR gas", "language OR gas"),
        ("title:langauge", "title:language"),
    ],
)
def test_what_was_meant_is_proposed_in_words_of_titles(typed: str, meant: str) -> None:
    (link,) = page(typed).xpath("//p[contains(., 'Did you mean')]/a")
    assert link.text_content() == meant
    assert link.get("href") == f"?q={quote(meant, safe='')}"


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("yaer:2025", "year:2025"),
        ("auther:hinton language", "author:hinton language"),
        ("titel:model OR gas", "title:model OR gas"),
    ],
)
def test_an_operator_that_was_mistyped_is_proposed(typed: str, meant: str) -> None:
    (link,) = page(typed).xpath("//p[contains(., 'Did you mean')]/a")
    assert link.text_content() == meant


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "typed", ["language:model", "yaer:abc", "re:invent", "yaer:", "pear:2025", "year:2025", "-titel:gas language"]
)
def test_not_everything_with_a_colon_is_an_operator(typed: str) -> None:
    assert "Did you mean" not in said(typed)


@pytest.mark.usefixtures("_papers")
def test_of_nonsense_no_single_word_is_corrected() -> None:
    assert str(advise_on_words(parse("langauge modle")).correction) == "language model"
    assert advise_on_words(parse("langauge zzzzqqqq")).correction is None
    assert str(advise_on_words(parse("langauge zzzzqqqq gas")).correction) == "language zzzzqqqq gas"


@pytest.mark.usefixtures("_papers")
def test_nothing_is_proposed_for_a_word_that_is_close_to_none() -> None:
    assert advise_on_words(parse("zzzzqqqq")).correction is None


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("typed", "meant"), [("jiaqi wnag", "jiaqi wang"), ("hintno", "hinton"), ("lovelaec", "lovelace")]
)
def test_names_of_authors_are_proposed_too(typed: str, meant: str) -> None:
    assert str(advise_on_words(parse(typed)).correction) == meant


@pytest.mark.usefixtures("_papers")
def test_a_rare_word_is_taken_for_mistyped_only_where_another_is_far_commoner(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.paper(title="Modle", abstract="")
    TitleWord.objects.filter(word="model").update(papers=500)
    assert str(advise_on_words(parse("modle")).correction) == "model"
    assert not advise_on_words(parse("modle")).absent
    TitleWord.objects.filter(word="model").update(papers=50)
    assert advise_on_words(parse("modle")).correction is None


def test_known_words_cost_two_look_ups(django_assert_max_num_queries: Any) -> None:
    for _ in range(2):
        factories.paper(title="A language model")
    word_statistics.count_words(now=NOW)
    advise_on_words(parse("language model"))
    with django_assert_max_num_queries(2):
        advise_on_words(parse("language model"))
    with django_assert_max_num_queries(5):
        advise_on_words(parse("zzzzqqqq yyyyvvvv language"))


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    "typed", [" ".join(f"wrd{'x' * n}" for n in range(300)), "x" * 4_000, "ábcdé'\\ %_", "a\x00bcdef", "-(-(xyzzy))"]
)
def test_hostile_words_are_looked_at_in_bounds(typed: str, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(5):
        advise_on_words(parse(typed))


def near(monkeypatch: pytest.MonkeyPatch, name: str = SHIPPED_MODEL, distance: float = 0.45) -> None:
    """As if a model served search and found every paper close."""
    from papers.models import Paper
    from papers.services.embeddings.nearest import PaperDistance
    from papers.services.embeddings.query_vectors import QueryVector
    from papers.services.search import hybrid_search

    monkeypatch.setattr(
        hybrid_search, "request_query_vector", lambda text: lambda: QueryVector(name, (1.0,)) if text else None
    )
    found = [PaperDistance(pk, distance) for pk in Paper.objects.visible().values_list("pk", flat=True)]
    monkeypatch.setattr(hybrid_search, "_by_vector", lambda vector, *_: found if vector else [])
    monkeypatch.setattr(result_notes, "current_model", lambda: CurrentModel(name, 1))


@pytest.mark.usefixtures("_papers")
def test_where_meaning_alone_leads_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch)
    assert "No papers contain “zzzzqqqq”. Papers close in meaning:" in said("zzzzqqqq")
    assert "close in meaning" not in said("zzzzqqqq gas")
    assert "No papers contain these words. Papers close in meaning:" in said("language cat:math.AG")


@pytest.mark.usefixtures("_papers")
def test_what_is_not_near_is_not_offered_where_no_paper_has_the_words(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    near(monkeypatch, distance=0.6)
    assert "No papers contain “zzzzqqqq”." in said("zzzzqqqq")
    tree = page("zzzzqqqq")
    assert "No papers found" in tree.text_content()
    assert not tree.xpath("//article")
    assert tree.xpath("//input[@id='question']/@value") == ["zzzzqqqq"]
    assert page("gas").xpath("//article")  # words lead, and meaning adds as before
    near(monkeypatch, "another-model", distance=0.6)  # its distances mean something else
    assert page("zzzzqqqq y").xpath("//article")
    settings.EMBEDDINGS_NEAR = 0.55
    assert not page("zzzzqqqq x").xpath("//article")


@pytest.mark.usefixtures("_papers")
def test_a_question_in_another_language_is_told_what_meaning_knows(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    question = "wie lernen Modelle aus der Sprache und dem Text"
    assert "English" not in said(question)  # nothing is searched by meaning
    near(monkeypatch)
    assert "Search by meaning works for English only" in said(question)
    assert "Did you mean" not in said(f"{question} langauge")
    assert "English" not in said("how do models learn from text")
    near(monkeypatch, "a-model-of-many-languages")
    assert "Search by meaning works for English only" in said(question)
    settings.EMBEDDINGS_LANGUAGES = "many"
    assert "English" not in said(question)
    near(monkeypatch)  # the shipped one serves still
    assert "English" in said(question)
    factories.paper(title="Wie lernen Modelle aus der Sprache und dem Text")  # so a paper is called
    assert "English" not in said(question)


# --- What matched ----------------------------------------------------------------------------------------------------


def reasons(question: str, **more: str) -> list[str]:
    return [" ".join(each.text_content().split()) for each in page(question, **more).find_class("reasons")]


@pytest.mark.django_db
def test_the_sentence_that_has_most_of_the_words_is_quoted() -> None:
    factories.paper(
        title="On nets",
        abstract="We study nets. Our diffusion model, e.g. for images, is fast. "
        "A model of $x_1$ diffuses slowly. The end.",
    )
    assert reasons("diffusion models fast") == ["abstract: “Our diffusion model, e.g. for images, is fast.”"]
    assert reasons("slow diffusion model x1") == ["abstract: “A model of x₁ diffuses slowly.”"]
    assert reasons("nets") == ["words in title"]


@pytest.mark.django_db
def test_a_long_sentence_is_quoted_around_its_words() -> None:
    factories.paper(title="A", abstract=f"It {'goes on and ' * 100}says needle {'and more ' * 100}.")
    (said_of_it,) = reasons("needle")
    assert "says needle and" in said_of_it
    assert len(said_of_it) < 220


@pytest.mark.django_db
def test_the_field_that_was_asked_for_is_shown() -> None:
    factories.paper(title="A net", comment="Accepted at ICML 2026 <b>", venue="ICML 2026", journal_ref="J. of Nets 3")
    assert reasons("comment:accepted") == ["comment: Accepted at ICML 2026 <b>"]
    assert reasons("net venue:icml journal:nets") == ["words in title, venue: ICML 2026, journal: J. of Nets 3"]
    assert reasons("-comment:nothing") == []


@pytest.mark.parametrize("text", ["a. " * 5_000, "A " * 9_000, "x" * 20_000, "(" * 20_000, "$" * 9_999, "A.B." * 5_000])
def test_no_abstract_takes_long_to_quote(text: str) -> None:
    paper = factories.paper(title="B", abstract=f"{text} needle")
    row = ListRow(paper.pk, paper.public_id, NOW, 0, (), reasons=(IN_ABSTRACT,))
    started = time.process_time()
    (quoting,) = with_quotes(parse("needle"), [row])
    assert time.process_time() - started < 1
    assert len(quoting.reasons[0]) < 500


@pytest.mark.usefixtures("_papers")
def test_only_what_is_close_is_called_close(monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch, distance=0.45)
    assert "words in abstract, close in meaning" not in reasons("gas")
    assert "close in meaning" in reasons("gas")
    near(monkeypatch, distance=0.6)
    assert "loosely related" in reasons("gas x")


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("question", ["jiaqi wang", "Wang, Jiaqi", "wang jiaqi", '"Jiaqi Wang"'])
def test_papers_of_the_author_whose_whole_name_is_asked_for_lead(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.paper(title="A Wang Jiaqi landau method", abstract="Wang Jiaqi.", authors=["Jiaqi Li", "Xin Wang"])
    near(monkeypatch)
    titles = [each.text_content().strip() for each in page(question).find_class("card-title")]
    assert set(titles[:2]) == {"Cooking", "Baking"}
    assert reasons(question)[0].startswith("an author’s name: Jiaqi Wang")


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("question", ["2412.19437", "10.1103/PhysRevLett.77.3865", "https://example.org/paper/77"])
def test_an_id_that_leads_nowhere_finds_nothing_else(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.paper(title="The 77 and 3865", abstract="2412 of 19437 papers of example.org 10.1103")
    near(monkeypatch)
    assert not page(question).xpath("//article")
    assert "has not been fetched yet" in page(question).text_content()
    assert "by words only" not in page(question).text_content()
    assert all(each.text_content().strip() for each in page(question).find_class("why"))


# --- Authors ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("J. Wang", ["Jiaqi Wang"]),
        ("Wang, J.", ["Jiaqi Wang"]),
        ("wang j.", ["Jiaqi Wang"]),
        ("A. Lovelace", ["Ada Lovelace"]),
        ("A. B. Lovelace", ["Ada Lovelace"]),
        ("B. Lovelace", []),
        ("j wang", []),
        ("a. model", []),
    ],
)
def test_initials_lead_to_the_authors_who_may_be_meant(question: str, names: list[str]) -> None:
    leads = page(question).xpath("//ul[@class='leads']//b")
    assert [each.text_content() for each in leads] == names


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize("question", ["jiaqi wang", "Wang Jiaqi", "Wang, Jiaqi", '"jiaqi wang"', 'author:"jiaqi wang"'])
def test_a_known_author_leads_with_the_true_number_of_papers(question: str) -> None:
    (lead,) = page(question).xpath("//ul[@class='leads']//a")
    assert " ".join(lead.text_content().split()) == "Jiaqi Wang, 2 papers →"
    assert lead.get("href") == "/authors/jiaqi-wang"


@pytest.mark.usefixtures("_papers")
def test_one_word_of_a_name_leads_to_those_who_have_it() -> None:
    assert [each.text_content() for each in page("hinton").xpath("//ul[@class='leads']//b")] == ["Wei Hinton"]
    assert not page("language model").xpath("//ul[@class='leads']")


@pytest.mark.usefixtures("_papers")
@pytest.mark.parametrize(("question", "more"), [("jiaqi wang", {}), ("author:wang", {"sort": "newest"})])
def test_the_author_is_named_on_the_card_also_as_the_sixth(question: str, more: dict[str, str]) -> None:
    cards = {
        card.find_class("card-title")[0].text_content().strip(): " ".join(card.text_content().split())
        for card in page(question, **more).find_class("card")
    }
    assert "an author’s name: Jiaqi Wang" in cards["Cooking"]


def test_three_thousand_authors_are_no_burden() -> None:
    authors = [f"Member {number} Surname{number}" for number in range(3_000)]
    factories.paper(title="A collaboration", authors=authors)
    word_statistics.count_words(now=NOW)
    assert "Member 2999 Surname2999" in page("author:surname2999").text_content()


# --- Counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_papers")
def test_the_number_of_papers_is_true() -> None:
    assert count("language") == "3 papers match"
    assert count("cooking") == "1 paper matches"
    assert count("gas -cooking", sort="newest") == "1 paper matches"
    assert count("cat:cs.CL") == "5 papers match"
    assert count("language gas") == "No paper matches everything; these come close"
    assert count("jiaqi wang") == ""  # a name, which leads


def test_of_many_papers_there_are_more_than_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_count, "COUNTED", 2)
    monkeypatch.setattr(result_notes, "COUNTED", 2)
    for _ in range(3):
        factories.paper(title="tensor")
    assert count("tensor", sort="newest") == "More than 400 papers match"


def test_a_count_that_takes_too_long_is_left_out_for_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    factories.paper(title="tensor calculus")
    monkeypatch.setattr(result_notes, "_TIMEOUT_MS", 20)

    def slow(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    with monkeypatch.context() as patch:
        patch.setattr(result_count, "_count", slow)
        assert count("tensor calculus", sort="newest") == ""  # by relevance, ranking has counted
    assert count("tensor calculus", sort="newest") == ""


# --- What helps with typing ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_papers")
def test_the_words_of_titles_and_the_authors_are_rewritten_without_hidden_papers() -> None:
    assert TitleWord.objects.get(word="language").papers == 3
    assert not TitleWord.objects.filter(word="hidden").exists()
    factories.paper(title="Tensor", authors=["Grace Hopper", "大文"])
    typing_help.rewrite_typing_help()
    typing_help.rewrite_typing_help()
    assert TitleWord.objects.get(word="tensor").papers == 1
    spellings = SuggestedAuthor.objects.filter(key="grace hopper").values_list("spelling", flat=True)
    assert sorted(spellings) == ["grace hopper", "hopper grace"]
    assert SuggestedAuthor.objects.get(spelling="wang jiaqi").papers == 2


def test_the_worker_rewrites_them_also_where_words_were_counted_before() -> None:
    from papers.tasks import update_search_statistics

    factories.paper(title="Tensor")
    word_statistics.count_words(now=NOW)
    update_search_statistics()
    assert TitleWord.objects.filter(word="tensor").exists()


class TestWhatIsNotThere:
    @pytest.mark.parametrize("name", ["topic:agentz", "topic:agentz ice"])
    def test_a_topic_that_nobody_made_is_named(self, name: str) -> None:
        factories.paper(title="Ice")
        assert "There is no topic “agentz”." in said(name)

    def test_a_tag_that_is_not_one_s_own_is_named(self) -> None:
        assert "There is no tag “flows” of yours." in said("tag:Flows")

    def test_what_is_there_and_empty_is_not_called_missing(self) -> None:
        topic = factories.topic("Agents")
        assert "There is no" not in said(f"topic:{topic.slug}")
