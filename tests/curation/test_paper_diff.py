"""Two papers side by side: which words differ, and where marking them would say nothing."""

from __future__ import annotations

import pytest

from papers.services.curation.diff_papers import diff_texts


def marked(left: str, right: str) -> tuple[list[str], list[str]]:
    found = diff_texts("Title", left, right)
    return tuple([piece.text.strip() for piece in side if piece.is_changed] for side in (found.left, found.right))  # type: ignore[return-value]


def test_the_words_that_differ_are_marked() -> None:
    assert marked("On thin ice and snow", "On thick ice and snow") == (["thin"], ["thick"])
    assert marked("On ice", "On  ice") == ([], [])
    assert diff_texts("Title", "On ice", "On\nice").is_same


def test_of_two_texts_that_have_nothing_in_common_no_word_is_marked() -> None:
    found = diff_texts("Abstract", "We melt ice in spring", "A theory of everything else")
    assert found.is_dissimilar
    assert marked("We melt ice in spring", "A theory of everything else") == ([], [])
    assert not diff_texts("DOI", "10.1000/ice", "").is_dissimilar


@pytest.mark.parametrize(("words", "is_long"), [(40, False), (41, True)])
def test_a_long_text_is_told(words: int, is_long: bool) -> None:
    assert diff_texts("Abstract", "word " * words, "word " * words).is_long == is_long
