"""British and American spellings: what is respelled, and what only looks like it."""

from __future__ import annotations

import time

import pytest

from papers.text.english_variants import other_spellings


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("colour image colourisation", ["color image colorization"]),
        ("behavior cloning", ["behaviour cloning"]),
        ("generalised bounds", ["generalized bounds"]),
        ("optimizing fibers", ["optimising fibres"]),
        ("a generalised color analyser", ["a generalized color analyzer", "a generalised colour analyser"]),
        ("neighbourhood", ["neighborhood"]),
        ("centre-based", ["center-based"]),
    ],
)
def test_a_word_has_its_other_spelling(text: str, others: list[str]) -> None:
    assert other_spellings(text) == others


@pytest.mark.parametrize(
    "text",
    ["noise", "raise exercise promise", "four hours of our tour", "laboratory collaboration", "supervised",
     "size prize", "doctor sensor", "métre colour", "", "gpt-4"],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert other_spellings(text) == []


@pytest.mark.parametrize("text", ["al" * 200, "alis" * 100, "colour " * 57, "is" * 200, "a" * 100_000])
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    other_spellings(text)
    assert time.process_time() - started < 0.5
