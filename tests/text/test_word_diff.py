"""Two versions of a text, word by word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.word_diff import DiffPart, Side, around_changes, word_diff

SENTENCES = st.lists(st.sampled_from(["we", "show", "that", "$x + y$", "is", "3.1", "large", "$5", "."]), max_size=12)


def written(before: str, after: str) -> str:
    """As wdiff writes it."""
    marks = {Side.SAME: "{}", Side.REMOVED: "[-{}-]", Side.ADDED: "{{+{}+}}"}
    return " ".join(marks[side].format(text.strip()) for side, text in word_diff(before, after) or ())


def test_the_words_that_differ_are_told() -> None:
    assert written("We win by 3.1 points.", "We win by 3.4 points.") == "We win by [-3.1-] {+3.4+} points."
    assert written("On ice now", "On\nice  now").split() == ["On", "ice", "now"]
    assert written("", "On ice") == "{+On ice+}"
    assert written("On ice", "") == "[-On ice-]"


def test_a_formula_is_one_word() -> None:
    assert written("We show ($a + b$), too", "We show ($a + c$), too") == "We show [-($a + b$),-] {+($a + c$),+} too"


def test_texts_with_nothing_in_common_have_no_marks() -> None:
    assert word_diff("We melt ice in spring", "A theory of everything else") is None


@given(SENTENCES, SENTENCES)
def test_each_text_can_be_read_out_of_the_parts(before: list[str], after: list[str]) -> None:
    parts = word_diff(" ".join(before), " ".join(after))
    if parts is not None:
        assert " ".join("".join(text for side, text in parts if side is not Side.ADDED).split()) == " ".join(before)
        assert " ".join("".join(text for side, text in parts if side is not Side.REMOVED).split()) == " ".join(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("k " * 5_000, "k " * 4_000),
        (" ".join(f"a{n} k" for n in range(400)), " ".join(f"b{n} k" for n in range(400))),
        ("$a$ " * 3_000, "$ " * 3_000),
        (" " * 100_000, "x"),
    ],
)
def test_texts_made_to_be_slow_are_not(before: str, after: str) -> None:
    start = time.process_time()
    word_diff(before, after)
    assert time.process_time() - start < 1


def test_around_changes_some_words_stay() -> None:
    parts = word_diff("a b c d e f g h two i j k l m n o", "a b c d e f g h three i j k l m n o")
    assert parts is not None
    assert around_changes(parts, words=2) == [
        DiffPart(Side.SAME, "… g h "),
        DiffPart(Side.REMOVED, "two "),
        DiffPart(Side.ADDED, "three "),
        DiffPart(Side.SAME, "i j … "),
    ]
