"""Names as people type them: without umlauts, by the family's name with its particles, with an apostrophe."""

from __future__ import annotations

from typing import Any

import pytest

from papers.models import Paper
from papers.query.parser import parse
from papers.services.search import typing_help, word_statistics
from papers.services.search.named_authors import papers_by_whole_name
from papers.text.names import contracted_keys, transcribed_key
from tests.search.test_result_notes import page, reasons, said
from tests.support import factories

pytestmark = pytest.mark.django_db


def leads(question: str) -> list[str]:
    return [each.text_content() for each in page(question).xpath("//ul[@class='leads']//b")]


def titles(question: str) -> list[str]:
    return [each.text_content().strip() for each in page(question).find_class("card-title")]


@pytest.fixture(autouse=True)
def _papers() -> None:
    authors = {
        "Neurons": "Klaus-Robert Müller", "Steel": "Norman Mueller", "Verbs": "Anders Søgaard", "Causes": "Åse Öztürk",
        "Trials": "Mihaela van der Schaar", "Birds": "Sean O'Brien", "Alloys": "Bo Xu", "Leaves": "Bo Xue",
        "Maps": "Michal Holm", "Charts": "Michael Holm",
    }  # fmt: skip
    for title, author in authors.items():
        for part in ("one", "two"):
            factories.paper(title=f"{title} {part}", abstract="", authors=[author, "Brian Low"])
    for number in range(3):
        factories.paper(
            title=f"Reed-Muller codes, Bert and the song {number}", abstract="Müller.", authors=["Bert Song"]
        )
    word_statistics.count_words(now=factories.NOW)
    typing_help.rewrite_typing_help()


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Klaus-Robert Mueller", ["Klaus-Robert Müller"]),
        ("klaus-robert muller", ["Klaus-Robert Müller"]),
        ("Mueller, Klaus-Robert", ["Klaus-Robert Müller"]),
        ("Norman Müller", ["Norman Mueller"]),
        ("Anders Soegaard", ["Anders Søgaard"]),
        ("soegaard", ["Anders Søgaard"]),
        ("author:soegaard", ["Anders Søgaard"]),
        ("Aase Oeztuerk", ["Åse Öztürk"]),
        ("van der Schaar", ["Mihaela van der Schaar"]),
        ("Schaar", ["Mihaela van der Schaar"]),
        ("O’Brien", ["Sean O'Brien"]),
        ("van der", []),
        ("Bo Xue", ["Bo Xue"]),
        ("Michael Holm", ["Michael Holm"]),
    ],
)
def test_who_is_meant_leads(question: str, names: list[str]) -> None:
    assert leads(question) == names


def test_a_family_s_name_leads_to_all_of_that_name_also_where_texts_have_the_word() -> None:
    assert set(leads("mueller")) == {"Klaus-Robert Müller", "Norman Mueller"}
    assert set(titles("mueller")[:4]) == {"Neurons one", "Neurons two", "Steel one", "Steel two"}
    assert leads("author:xue") == ["Bo Xue"]
    assert leads("müller")[0] == "Klaus-Robert Müller"


@pytest.mark.parametrize("question", ["Klaus-Robert Mueller", "Anders Soegaard", "soegaard", "van der Schaar"])
def test_their_papers_come_first_and_say_why(question: str) -> None:
    name = leads(question)[0]
    assert len(titles(question)) >= 2
    assert all(name in reason for reason in reasons(question)[:2])


def test_a_word_that_texts_have_oftener_is_no_name() -> None:
    factories.paper(title="Song of birds", abstract="A song.")
    for number in range(3):
        factories.paper(title=f"A song {number}", abstract="Sung.", authors=["Ada Low"])
    word_statistics.count_words(now=factories.NOW)
    assert leads("song") == []


@pytest.mark.parametrize(
    "question", ["Klaus-Robert Müller", "O'Brien", "Sean O'Brien", "klaus-robert", "soegaard", "Anders Soegaard"]
)
def test_of_a_name_that_papers_have_nothing_is_called_absent_or_mistyped(question: str) -> None:
    assert "No papers contain" not in said(question)
    assert "Did you mean" not in said(question)
    assert "close in meaning" not in said(question)


def test_who_writes_it_otherwise_is_not_crowded_out_of_the_leads() -> None:
    for given in ("Ada", "Bea", "Cleo"):
        factories.paper(title=given, abstract="", authors=[f"{given} Mueller"])
    typing_help.rewrite_typing_help()
    assert "Klaus-Robert Müller" in leads("mueller")


def test_no_list_of_papers_with_a_word_is_offered_that_none_has() -> None:
    assert "newest first" not in page("soegaard").text_content()
    assert "newest first" in page("neurons").text_content()


def test_a_name_with_an_apostrophe_is_one_where_texts_have_its_letters() -> None:
    for number in range(4):
        factories.paper(title=f"O {number}", abstract="O O'Brien." if number == 0 else "O.", authors=["Ada Low"])
    word_statistics.count_words(now=factories.NOW)
    assert leads("O'Brien") == ["Sean O'Brien"]
    assert sum("Sean O'Brien" in reason for reason in reasons("O'Brien")) == 2


def test_words_that_are_in_every_paper_are_said_to_find_nothing() -> None:
    assert "nearly every paper" in page("the of and").text_content()
    assert "nearly every paper" not in page("xyzzyq").text_content()


def test_no_look_up_is_made_for_words_without_such_letters(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        papers_by_whole_name(parse("diffusion images"), Paper.objects.visible())
    with django_assert_num_queries(0):
        papers_by_whole_name(parse("diffusion"), Paper.objects.visible())


@pytest.mark.parametrize("name", ["ae" * 2_000, "aa oe ue " * 5, "van der " * 300, "ü" * 2_000])
def test_hostile_names_are_looked_up_in_bounds(name: str) -> None:
    assert len(contracted_keys(transcribed_key(name))) <= 7
    assert page(f'author:"{name[:1500]}"') is not None
