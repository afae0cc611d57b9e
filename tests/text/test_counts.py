"""Numbers of things in words."""

from __future__ import annotations

import pytest

from papers.text.counts import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 papers"), (1, "1 paper"), (2, "2 papers"), (12_000, "12,000 papers")]
)
def test_one_is_one(count: int, words: str) -> None:
    assert counted(count, "paper") == words
