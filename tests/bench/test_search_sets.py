"""Long questions made of judged sets, the intervals of what is measured with them, and what the candidates lose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import search_survival
from bench.intervals import paired_difference
from bench.search import differences
from bench.search_sets import Document, QuestionSet, document_questions, read_set
from bench.vector_cache import VectorCache


def small_set() -> QuestionSet:
    texts = {"a": "on waves", "b": "on tides", "c": "on ships", "d": ""}
    return QuestionSet(
        "sea",
        [Document(key, key.upper(), text) for key, text in texts.items()],
        {"1": "what are waves", "2": "what are tides", "3": "what are ships"},
        {"1": {"a": 1.0, "b": 2.0}, "2": {"d": 1.0, "a": 1.0, "c": 1.0}, "3": {"c": 1.0}},
    )


def test_a_relevant_text_is_the_question_and_no_answer_of_its_own() -> None:
    made = document_questions(small_set())
    assert made.name == "sea-docq"
    assert made.asked == {"1": "A\non waves", "2": "C\non ships"}  # neither twice the same, nor one without a text
    assert made.left_out == {"1": "a", "2": "c"}
    assert made.answers == {"1": {"b": 2.0}, "2": {"d": 1.0, "a": 1.0}}


def test_a_title_in_front_of_the_abstract_is_not_asked_twice() -> None:
    assert Document("1", "On waves", "On waves. They come and go.").text == "On waves. They come and go."


def test_a_folder_is_read_and_questions_without_answers_are_left_out(tmp_path: Path) -> None:
    corpus = [{"_id": 1, "title": "Waves", "text": "come", "authors": "A. One\nB. Two"}, {"_id": 2, "text": "go"}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (tmp_path / "queries.jsonl").write_text('{"_id": 7, "text": "waves?"}\n{"_id": 8, "text": "tides?"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n7\t1\t1\n7\t2\t0\n8\t2\t0\n")
    found = read_set(tmp_path)
    assert found.documents == [Document("1", "Waves", "come", ("A. One", "B. Two")), Document("2", "", "go")]
    assert (found.asked, found.answers) == ({"7": "waves?"}, {"7": {"1": 1.0}})


def test_a_gain_of_every_question_is_sure_and_one_of_few_is_not() -> None:
    others = [number / 40 for number in range(40)]
    gained = paired_difference([score + 0.1 for score in others], others)
    assert gained.is_sure
    assert (round(gained.mean, 6), round(gained.low, 6), round(gained.high, 6)) == (0.1, 0.1, 0.1)
    assert gained.ratio_low < gained.ratio < gained.ratio_high
    chance = paired_difference([0.9, *others[1:-1], 0.5], others)
    assert not chance.is_sure
    assert chance.low < 0 < chance.high
    assert chance == paired_difference([0.9, *others[1:-1], 0.5], others)
    with pytest.raises(ValueError, match="same questions"):
        paired_difference([1.0], [])


def test_differences_are_told_to_bm25_and_to_an_earlier_run() -> None:
    def run(hybrid: float) -> dict[str, object]:
        scores = {"bm25": (0.4, 0.5), "words": (0.4, 0.5), "meaning": (0.3, 0.5), "hybrid": (hybrid, 0.5)}
        return {"name": "sea", "questions": {str(number): scores for number in range(5)}}

    told = differences([run(0.6)], [run(0.5)])
    assert [line.split()[1:4] for line in told.splitlines()[2:]] == [
        ["words", "-", "bm25"], ["hybrid", "-", "bm25"],
        ["words", "-", "before"], ["meaning", "-", "before"], ["hybrid", "-", "before"],
    ]  # fmt: skip
    assert "+0.200 [+0.200 +0.200]* (1.500 [1.500 1.500])" in told
    assert "+0.100 [+0.100 +0.100]* (1.200 [1.200 1.200])" in told


@pytest.mark.django_db(transaction=True)
def test_what_survives_the_choice_of_candidates_is_counted() -> None:
    pytest.importorskip("bm25s")
    papers = [
        Document(
            str(number), f"Study {number} of tensors", f"We count tensors and w{number % 7} words, {number} times."
        )
        for number in range(60)
    ]
    found = search_survival.measure_survival(papers, VectorCache("", "m", lambda texts: []))
    for way in search_survival.WAYS:
        assert set(found["ways"][way]) == set(search_survival.KINDS)
        assert all(measured["survive"] > 0.9 for measured in found["ways"][way].values())
    assert "whole abstract" in search_survival.survival_table([found])
