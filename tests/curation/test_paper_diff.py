"""Two papers side by side: which words differ, and where marking them would say nothing."""

from __future__ import annotations

import pytest

from papers.services.curation.paper_diff import compared


def marked(left: str, right: str) -> tuple[list[str], list[str]]:
    found = compared("Title", left, right)
    return tuple([piece.text.strip() for piece in side if piece.is_other] for side in (found.left, found.right))  # type: ignore[return-value]


def test_the_words_that_differ_are_marked() -> None:
    assert marked("On thin ice and snow", "On thick ice and snow") == (["thin"], ["thick"])
    assert marked("On ice", "On  ice") == ([], [])
    assert compared("Title", "On ice", "On\nice").is_same


def test_of_two_texts_that_have_nothing_in_common_no_word_is_marked() -> None:
    found = compared("Abstract", "We melt ice in spring", "A theory of everything else")
    assert found.is_unlike
    assert marked("We melt ice in spring", "A theory of everything else") == ([], [])
    assert not compared("DOI", "10.1000/ice", "").is_unlike


@pytest.mark.parametrize(("words", "is_long"), [(40, False), (41, True)])
def test_a_long_text_is_told(words: int, is_long: bool) -> None:
    assert compared("Abstract", "word " * words, "word " * words).is_long == is_long
