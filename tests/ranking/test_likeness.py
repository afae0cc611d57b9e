"""Which papers are like another one in its subject, its method or its results."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from papers.ranking.likeness import LikenessText, matching_sentence, rank_by_facet, words_of
from papers.text.abstract_roles import LikenessFacet, RoleSentence, SentenceRole, write_roles

SUBJECT, METHOD, RESULT = LikenessFacet
ROLES = {"b": SentenceRole.BACKGROUND, "m": SentenceRole.METHOD, "r": SentenceRole.RESULT}


def text(*sentences: tuple[str, str], title: str = "A title") -> LikenessText:
    """A paper of sentences, each with the first letter of its role."""
    stored, abstract = [], ""
    for letter, sentence in sentences:
        start = len(abstract) + bool(abstract)
        abstract = f"{abstract} {sentence}".strip()
        stored.append(RoleSentence(start, len(abstract), ROLES[letter]))
    return LikenessText(title, abstract, write_roles(stored))


ASKED = text(
    ("b", "Tides move the sea."), ("m", "We train wavelet networks."), ("r", "Harbours flood less often than feared.")
)
BY_SUBJECT = text(("b", "Tides of the sea are old."), ("m", "We count shells."), ("r", "There are many."))
BY_METHOD = text(("b", "Bread rises slowly."), ("m", "Wavelet networks are trained."), ("r", "Crusts are brown."))
BY_RESULT = text(("b", "Roads are long."), ("m", "We ask drivers."), ("r", "Harbours flood less often."))
NEAR = {1: (0.7, BY_SUBJECT), 2: (0.7, BY_METHOD), 3: (0.7, BY_RESULT)}


def test_the_sentences_of_the_facet_decide_among_papers_that_are_as_near() -> None:
    assert rank_by_facet([(ASKED, SUBJECT)], NEAR)[0] == 1
    assert rank_by_facet([(ASKED, METHOD)], NEAR)[0] == 2
    assert rank_by_facet([(ASKED, RESULT)], NEAR)[0] == 3


def test_nearness_counts_more_than_words() -> None:
    far = {key: (0.2 if key == 2 else 0.7, found) for key, (_, found) in NEAR.items()}
    assert rank_by_facet([(ASKED, METHOD)], far)[-1] == 2


def test_of_several_examples_each_counts_in_its_facet() -> None:
    order = rank_by_facet([(ASKED, METHOD), (ASKED, RESULT)], NEAR)
    assert set(order[:2]) == {2, 3}


def test_without_a_sentence_of_the_facet_it_is_the_order_of_nearness() -> None:
    asked = text(("b", "Tides move the sea."))
    near = {1: (0.5, BY_METHOD), 2: (0.9, BY_SUBJECT), 3: (0.7, BY_RESULT)}
    assert rank_by_facet([(asked, METHOD)], near) == [2, 3, 1]
    assert rank_by_facet([(asked, METHOD)], {}) == []


def test_while_roles_are_unknown_a_candidate_is_taken_whole() -> None:
    unknown = LikenessText("Bread", BY_METHOD.abstract, None)
    assert rank_by_facet([(ASKED, METHOD)], {**NEAR, 2: (0.7, unknown)})[0] == 2


def test_the_sentence_that_matched_is_one_of_the_facet() -> None:
    paper = text(("b", "Wavelet networks exist."), ("m", "We use shells."), ("m", "Then we train a wavelet network."))
    assert matching_sentence(ASKED, paper, METHOD) == "Then we train a wavelet network."
    assert matching_sentence(ASKED, paper, RESULT) == ""


def test_words_lose_their_endings_and_small_ones_are_left_out() -> None:
    assert words_of("Networks of the network, trained training 42") == {"network": 2, "train": 2}


@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=60))
def test_every_candidate_is_ranked_once(texts: list[str], asked: str) -> None:
    near = {place: (0.5, LikenessText(each, each, None)) for place, each in enumerate(texts)}
    found = rank_by_facet([(LikenessText(asked, asked, f"m{len(asked)}"), METHOD)], near)
    assert sorted(found) == sorted(near)


def test_long_texts_take_no_long() -> None:
    long = LikenessText("x", "wave net " * 50_000, None)
    began = time.process_time()
    rank_by_facet([(ASKED, METHOD)], dict.fromkeys(range(100), (0.5, long)))
    assert time.process_time() - began < 2
