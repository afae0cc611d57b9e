"""Word pieces: the numbers that the reference implementation gives for the same texts."""

from __future__ import annotations

import pytest

from papers.services.embeddings.shipped import _vocabulary
from papers.text.wordpiece import MAX_WORD_LENGTH, WordPieceTokenizer, split_words

EXPECTED = {
    "Attention is all you need": [101, 3086, 2003, 2035, 2017, 2342, 102],
    "Schrödinger's naïve CAT: C++ & self-attention": [
        101,
        8040,
        8093,
        7716,
        9912,
        1005,
        1055,
        15743,
        4937,
        1024,
        1039,
        1009,
        1009,
        1004,
        2969,
        1011,
        3086,
        102,
    ],
    "注意力机制 for $\\alpha$-divergence": [
        101,
        100,
        100,
        1778,
        100,
        100,
        2005,
        1002,
        1032,
        6541,
        1002,
        1011,
        17856,
        17905,
        102,
    ],
    "λ-calculus, Ελληνικά, Привет": [
        101,
        1165,
        1011,
        19276,
        1010,
        1159,
        29727,
        29727,
        24824,
        16177,
        18199,
        29726,
        14608,
        1010,
        1194,
        16856,
        10325,
        25529,
        15290,
        22919,
        102,
    ],
    "zero\u200bwidth\xa0space\ttab\r\nline": [101, 5717, 9148, 11927, 2232, 2686, 21628, 2240, 102],
    "unaffable antidisestablishmentarianism xqzt": [
        101,
        14477,
        20961,
        3468,
        3424,
        10521,
        4355,
        7875,
        13602,
        3672,
        12199,
        2964,
        1060,
        4160,
        2480,
        2102,
        102,
    ],
    "İstanbul ﬁne ½ E=mc² 😀": [101, 9960, 1984, 2638, 1092, 1041, 1027, 11338, 10701, 100, 102],
    "한국어 처리": [101, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1465, 30008, 29994, 30019, 102],
    "0": [101, 1014, 102],
    "....!?": [101, 1012, 1012, 1012, 1012, 999, 1029, 102],
    "a\x00b�c": [101, 5925, 102],
    "GPT-4o (2024): 3.5×10⁻³": [
        101,
        14246,
        2102,
        1011,
        1018,
        2080,
        1006,
        16798,
        2549,
        1007,
        1024,
        1017,
        1012,
        1019,
        26306,
        10790,
        30079,
        18107,
        102,
    ],
}


@pytest.fixture(scope="module")
def pieces() -> WordPieceTokenizer:
    return WordPieceTokenizer(_vocabulary())


@pytest.mark.parametrize(("text", "numbers"), EXPECTED.items())
def test_numbers_are_those_of_the_reference(pieces, text, numbers):
    assert pieces.numbers(text, limit=128) == numbers


def test_a_text_is_cut_and_still_ends_as_the_model_expects(pieces):
    numbers = pieces.numbers("frog " * 500, limit=128)
    assert len(numbers) == 128
    assert (numbers[0], numbers[-1]) == (101, 102)
    assert pieces.numbers("", limit=128) == [101, 102]


def test_a_word_without_end_is_unknown_and_costs_nothing(pieces):
    assert pieces.numbers("a" * (MAX_WORD_LENGTH + 1), limit=128) == [101, 100, 102]


def test_the_marks_of_the_model_cannot_be_written_in_a_text(pieces):
    assert 102 not in pieces.numbers("a [SEP] b", limit=128)[1:-1]


def test_words_are_lower_case_without_accents_and_apart_from_punctuation():
    assert list(split_words("Schrödinger's\tCAT, naïve—C++")) == [
        "schrodinger", "'", "s", "cat", ",", "naive", "—", "c", "+", "+",
    ]  # fmt: skip
