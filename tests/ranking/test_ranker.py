"""The ranker of For you: what it makes of words and vectors. Pure; no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.recommend import Paper, moments, ndcg
from papers.ranking.recommend import RankedPaper, RankerSettings, ReaderProfile, rank_for_reader, scores_for
from papers.ranking.stream import Example, PaperStream, term_hash, term_hashes
from papers.ranking.terms import terms_of

FLOW = [f"Flow matching for {thing}" for thing in ("molecules", "speech", "robots", "weather", "proteins")]
GRAPHS = [f"Graph neural networks for {thing}" for thing in ("molecules", "traffic", "circuits", "law", "fraud")]
OTHERS = [f"A study of {thing}" for thing in ("sleep", "bees", "rivers", "coins", "steel", "paint", "glass", "salt")]


def example(paper_id: int, text: str, vector: Sequence[float] | None = None) -> Example:
    return Example(paper_id, term_hashes(text), None if vector is None else np.array(vector, np.float32))


def stream(*texts: str, ages: Sequence[float] = (), vectors: Sequence[Sequence[float] | None] = ()) -> PaperStream:
    """Papers 0, 1, 2, …"""
    papers = [example(place, text, vectors[place] if vectors else None) for place, text in enumerate(texts)]
    return PaperStream(papers, ages=ages or [0.0] * len(papers), dimensions=len(vectors[0] or ()) if vectors else 0)


def best(found: Sequence[RankedPaper]) -> list[int]:
    return [one.paper_id for one in found]


# --- Terms ----------------------------------------------------------------------------------------------------------


def test_terms_are_words_and_the_pairs_that_stand_together() -> None:
    found = terms_of("Diffusion Models are few-step. Models of Émile’s")
    assert found["diffusion model"] == "Diffusion Models"
    assert {"diffusion", "model", "few step", "emile"} <= set(found)
    assert "model few" not in found  # "are" stands between them
    assert "step model" not in found  # and here a sentence ends


def test_small_words_count_inside_a_compound() -> None:
    assert {"chain of", "of thought", "gpt 4"} <= set(terms_of("a chain-of-thought of GPT-4, of 4 papers"))
    assert "of" not in terms_of("a chain of thought")


def test_a_term_is_written_as_the_text_first_writes_it() -> None:
    assert terms_of("GRPO and grpo")["grpo"] == "GRPO"


@pytest.mark.parametrize(
    ("one", "other"), [("diffusion models", "Diffusion-Model"), ("Schrödinger bridges", "Schrodinger bridge")]
)
def test_two_ways_to_write_it_are_one_term(one: str, other: str) -> None:
    assert set(term_hashes(one)) & set(term_hashes(other))


def test_words_that_end_in_s_by_themselves_keep_it() -> None:
    assert {"class", "analysis", "corpus"} <= set(terms_of("class analysis corpus"))


@given(st.text(max_size=400))
def test_any_text_has_terms(text: str) -> None:
    for term, written in terms_of(text).items():
        assert written in text.replace("\n", " ")
        assert term == term.lower().strip()


# --- Ranking --------------------------------------------------------------------------------------------------------


def test_three_papers_are_enough() -> None:
    recent = stream(*OTHERS, FLOW[3], GRAPHS[3], FLOW[4])
    liked = [example(100 + place, text) for place, text in enumerate(FLOW[:3])]
    assert set(best(rank_for_reader(recent, ReaderProfile(liked), limit=2))) == {len(OTHERS), len(OTHERS) + 2}


def test_the_reason_is_a_liked_paper_and_what_both_are_about() -> None:
    recent = stream(*OTHERS, FLOW[3], GRAPHS[3])
    liked = [example(100, FLOW[0]), example(101, FLOW[1]), example(200, GRAPHS[0]), example(201, GRAPHS[1])]
    found = {one.paper_id: one for one in rank_for_reader(recent, ReaderProfile(liked), limit=2)}
    about_flow, about_graphs = found[len(OTHERS)], found[len(OTHERS) + 1]
    assert about_flow.because_of in {100, 101}
    assert about_graphs.because_of in {200, 201}
    assert term_hash("flow matching") in about_flow.shared
    assert term_hash("graph neural") in about_graphs.shared
    assert term_hash("molecule") not in about_flow.shared  # which only one of the two has


def test_two_tastes_are_both_served() -> None:
    recent = stream(*OTHERS, *FLOW[3:], *GRAPHS[3:])
    liked = [example(100 + place, text) for place, text in enumerate((*FLOW[:3], *GRAPHS[:3]))]
    assert set(best(rank_for_reader(recent, ReaderProfile(liked), limit=4))) == set(range(len(OTHERS), len(OTHERS) + 4))


def test_what_is_known_already_is_not_suggested() -> None:
    recent = stream(*OTHERS, *FLOW)
    flow = range(len(OTHERS), len(OTHERS) + 5)
    liked = [example(flow[0], FLOW[0]), example(flow[1], FLOW[1])]
    disliked = [example(flow[2], FLOW[2])]
    assert best(rank_for_reader(recent, ReaderProfile(liked, disliked, known={flow[3]}), limit=5)) == [flow[4]]


def test_a_reader_who_likes_nothing_is_told_nothing() -> None:
    assert rank_for_reader(stream(*OTHERS), ReaderProfile([], [example(1, FLOW[0])]), limit=5) == []
    assert rank_for_reader(stream(), ReaderProfile([example(1, FLOW[0])]), limit=5) == []


def test_without_any_vector_words_decide() -> None:
    found = rank_for_reader(stream(*OTHERS, FLOW[3]), ReaderProfile([example(100, FLOW[0])]), limit=1)
    assert best(found) == [len(OTHERS)]


def test_meaning_finds_what_shares_no_word() -> None:
    vectors = [[1.0, 0.1 * place, 0.0] for place in range(len(OTHERS))]
    recent = stream(*OTHERS, "Learned sleep", vectors=[*vectors, [0.0, 0.0, 1.0]])
    liked = [example(100, FLOW[0], [0.0, 0.1, 1.0])]
    found = rank_for_reader(recent, ReaderProfile(liked), limit=1, settings=replace(RankerSettings(), words=0.5))
    assert (found[0].paper_id, found[0].because_of, list(found[0].shared)) == (len(OTHERS), 100, [])


def test_a_paper_without_a_vector_is_ranked_among_those_with_one() -> None:
    vectors: list[list[float] | None] = [[1.0, 0.1 * place] for place in range(len(OTHERS))]
    recent = stream(*OTHERS, FLOW[3], vectors=[*vectors, None])
    assert best(rank_for_reader(recent, ReaderProfile([example(100, FLOW[0], [0.0, 1.0])]), limit=1)) == [len(OTHERS)]


def test_what_was_put_aside_lowers_what_is_like_it() -> None:
    recent = stream(*OTHERS, "Flow matching for weather", "Flow matching for medical images")
    liked, disliked = [example(100, FLOW[0])], [example(101, "Flow matching in medical imaging")]
    before, after = (
        scores_for(recent, ReaderProfile(liked, given_aside), RankerSettings()) for given_aside in ((), disliked)
    )
    assert before[-1] == before[-2]
    assert after[-1] < after[-2]
    assert after[-1] > max(after[:-2])  # what it has in common with the liked ones still counts


def test_what_is_liked_as_much_as_put_aside_counts_against_nothing() -> None:
    recent = stream(*OTHERS, "Flow matching for weather", "Graphs for weather")
    liked, disliked = [example(100, FLOW[0])], [example(101, FLOW[0])]
    before, after = (
        scores_for(recent, ReaderProfile(liked, given_aside), RankerSettings()) for given_aside in ((), disliked)
    )
    assert list(before) == list(after)


def test_five_that_agree_say_more_than_one() -> None:
    recent = stream(*OTHERS, "Flow matching for weather", "Flow matching for medical images")
    liked = [example(100, FLOW[0]), example(101, FLOW[1])]
    one, five = (
        scores_for(
            recent, ReaderProfile(liked, [example(200 + n, f"Medical note{n}") for n in range(count)]), RankerSettings()
        )
        for count in (1, 5)
    )
    assert five[-1] < one[-1] < one[-2]


def test_of_two_as_good_the_newer_goes_first() -> None:
    recent = stream(*OTHERS, FLOW[3], FLOW[3], ages=[0.0] * len(OTHERS) + [9.0, 1.0])
    assert best(rank_for_reader(recent, ReaderProfile([example(100, FLOW[0])]), limit=2)) == [
        len(OTHERS) + 1,
        len(OTHERS),
    ]


def test_what_has_nothing_to_do_with_it_is_left_out() -> None:
    found = rank_for_reader(stream(*OTHERS, FLOW[3]), ReaderProfile([example(100, FLOW[0])]), limit=9)
    assert best(found) == [len(OTHERS)]


def test_the_same_comes_out_every_time() -> None:
    liked = [example(100 + place, text) for place, text in enumerate(FLOW[:3])]
    runs = [rank_for_reader(stream(*OTHERS, *GRAPHS, *FLOW[3:]), ReaderProfile(liked), limit=9) for _ in range(2)]
    assert [(one.paper_id, one.score) for one in runs[0]] == [(one.paper_id, one.score) for one in runs[1]]


# --- How it is measured ---------------------------------------------------------------------------------------------


def a_history() -> list[Paper]:
    """A paper a day for 120 days, every second one of flows."""
    words = (frozenset({"flow matching"}), frozenset({"graphs"}))
    return [Paper(f"paper {day}", 738_000 + day, 0, words[day % 2]) for day in range(120)]


def test_a_simulated_reader_never_likes_what_is_to_be_ranked() -> None:
    history = a_history()
    found = moments(history)
    assert {moment.reader for moment in found} == {"flow matching", "graphs"}
    for moment in found:
        assert max(history[place].day for place in moment.liked(10)) < moment.day
        assert {history[place].day - moment.day for place in moment.candidates} <= set(range(30))
        assert all(moment.likes[moment.liked(5)])


def test_with_two_tastes_a_reader_likes_both() -> None:
    found = moments(a_history(), two=True)
    assert found
    for moment in found:
        assert len(moment.liked(3)) == 6
        assert all(moment.likes[moment.candidates])


def test_the_score_is_that_of_the_textbook() -> None:
    relevant = np.array([True, False, True])
    assert ndcg(np.array([3.0, 2.0, 1.0]), relevant) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))
    assert ndcg(np.array([1.0, 0.0, 1.0]), relevant) == pytest.approx(1.0)
