"""What may have been meant by a mistyped word."""

from __future__ import annotations

import pytest

from papers.text.spelling import closest, deletions, edit_distance, group_lookup_keys, letter_groups, lookup_keys

WORDS = [("language", 900), ("model", 700), ("graph", 300), ("graphs", 200), ("transformer", 400), ("gauge", 5)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("langauge", "language"),
        ("lnaguage", "language"),
        ("languge", "language"),
        ("languaage", "language"),
        ("modle", "model"),
        ("grpah", "graph"),
        ("trasnforrmer", "transformer"),
    ],
)
def test_a_letter_or_two_amiss_lead_to_the_word(typed: str, meant: str) -> None:
    found = closest(typed, WORDS)
    assert found is not None
    assert found[0] == meant
    assert lookup_keys(typed) & deletions(meant)


@pytest.mark.parametrize(
    "typed", ["tranformr", "trnsfrmer", "trasfomer", "transforrrmer", "trxnsfoxmer", "transormre", "trnasofrmer"]
)
def test_two_mistakes_in_a_long_word_leave_letters_by_which_it_is_found(typed: str) -> None:
    found = closest(typed, WORDS)
    assert found is not None
    assert found[0] == "transformer"
    assert group_lookup_keys(typed) & letter_groups("transformer")


def test_groups_of_letters_are_few_and_of_long_words_alone() -> None:
    assert letter_groups("model") == group_lookup_keys("model") == set()
    assert max(len(group_lookup_keys("abcdefghijklmnopqrstuvwx"[:length])) for length in range(1, 25)) <= 15
    assert max(len(letter_groups("abcdefghijklmnopqrstuvwxyz"[:length])) for length in range(1, 27)) <= 22


@pytest.mark.parametrize("typed", ["zzzzqqqq", "language", "mxdxl", "a"])
def test_what_is_right_or_far_from_all_leads_nowhere(typed: str) -> None:
    assert closest(typed, [("language", 900), ("model", 700)]) is None


def test_distance_counts_a_swap_once() -> None:
    assert [edit_distance("abcd", other) for other in ("abcd", "abdc", "abc", "xbcd", "", "dcba")] == [0, 1, 1, 1, 4, 3]


def test_what_is_looked_up_is_bounded() -> None:
    assert max(len(lookup_keys("abcdefghijklmnopqrstuvwx"[:length])) for length in range(25)) <= 137
