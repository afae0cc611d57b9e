"""What each kind of request may take, 95 of 100, as a whole through the running server on two cores."""

from __future__ import annotations

from dataclasses import dataclass

LARGE = 200_000
"""From so many papers on the second figure holds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Milliseconds that 95 of 100 requests may take: up to 200,000 papers, and beyond."""

    small: float
    large: float

    def at(self, papers: int) -> float:
        return self.large if papers > LARGE else self.small


DAY = Budget(10, 15)
"""A visitor's page of 50 cards."""
OWN_DAY = Budget(15, 15)
"""The same page, signed in."""
PAPER = Budget(50, 60)
OWN_LIST = Budget(60, 60)
"""What is worked out for one reader: a library, lists without what was seen or muted."""
API = Budget(40, 40)
FEED = Budget(60, 60)
SEARCH = Budget(80, 100)
PHRASE = Budget(80, 120)
STRESS = Budget(150, 150)
"""Questions made to be slow."""

REQUESTS_A_SECOND = {"visitors": 1_000.0, "readers": 200.0}
"""Of the day's page, with eight clients at once."""
SEARCHES_A_SECOND = 40.0


def page_budget(page: str, who: str) -> Budget:
    """Of a row of `make bench-pages`."""
    if page.startswith(("API", "HF")):
        return PAPER if page == "API, paper" else SEARCH if page == "API, search" else API
    if page.startswith("feed"):
        return FEED
    if page == "paper":
        return PAPER
    if who == "visitor":
        return DAY
    return OWN_DAY if page in ("home", "day", "day, any of 60") else OWN_LIST


def search_budget(kind: str, *, is_hostile: bool) -> Budget:
    """Of a row of `make bench-search PAPERS=…`."""
    if is_hostile:
        return STRESS
    if kind == "similar papers":
        return PAPER
    return PHRASE if kind in ("a phrase", "words in a category") else SEARCH
