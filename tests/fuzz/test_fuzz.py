"""Half a minute of what `make fuzz` does for as long as one likes, and that it finds what it is for."""

from __future__ import annotations

import random
import re

import pytest

from tests.fuzz.campaign import BOUNDED, run
from tests.fuzz.growth import grows_too_fast
from tests.fuzz.patterns import METHODS, Pattern, all_patterns, attacks
from tests.fuzz.readers import READERS


def found_in(source: str, *, method: str = "search") -> tuple[int, float] | None:
    pattern = Pattern("a", "b", re.compile(source), frozenset({method}))
    made = attacks(pattern.compiled, random.Random(1))
    for before, unit, after in (next(made) for _ in range(80)):
        if slow := grows_too_fast(lambda n, b=before, u=unit, a=after: pattern.run(b + u * (n // len(u)) + a)):  # type: ignore[misc]
            return slow
    return None


@pytest.mark.parametrize("source", [r"(a|a)*b", r"(?:<!--.*?-->)*<x", r"\s+$", r"(\w+,?)+;", r"q(x+)+y", r"[ ]*%"])
def test_what_grows_too_fast_is_found(source: str) -> None:
    assert found_in(source)


@pytest.mark.parametrize("source", [r"a", r"\s++$", r"<[a-z]++>", r"(?:ab)*+c", r"x{1,40}y"])
def test_what_is_linear_is_not(source: str) -> None:
    assert found_in(source, method="match") is None


def test_a_pattern_that_is_searched_for_begins_anew_at_each_place() -> None:
    assert found_in(r"\s++$", method="search")


def test_patterns_are_found_with_the_ways_in_which_they_are_used() -> None:
    patterns = {str(pattern): pattern for pattern in all_patterns()}
    assert len(patterns) > 150
    assert patterns["papers.services.ingest.clean_record._WITHDRAWN"].methods == {"finditer"}
    assert patterns["papers.services.ingest.clean_record._NAME_OF_OTHER"].methods == {"fullmatch"}
    assert all(pattern.methods <= METHODS for pattern in patterns.values())
    assert BOUNDED.keys() <= patterns.keys() | READERS.keys()


@pytest.mark.parametrize("part", ["papers", ""])
def test_nothing_is_found(part: str) -> None:
    """Patterns by themselves, and readers, whose names have no dot."""
    assert run(seconds=20, chance=random.Random(20_26), only=part) == []
