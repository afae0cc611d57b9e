"""Where formulas are in a text, and where dollars are money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.formulas import find_formulas


def sources(text: str) -> list[str]:
    return [formula.source for formula in find_formulas(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no formula", []),
        ("$d^N=0$", ["d^N=0"]),
        ("a $x$ and $ y $ there", ["x", "y"]),
        (r"\(a\) and \[ b \] and $$c$$", ["a", "b", "c"]),
        ("$a$$b$", ["a", "b"]),
        (r"$\sim$10 and $>$5 and $\times$2", [r"\sim", ">", r"\times"]),
        (r"$O(n \log n)$ time", [r"O(n \log n)"]),
        (r"$\text{with $n$ points}$ and $m$", [r"\text{with $n$ points}", "m"]),
        (r"\begin{equation}E=mc^2\end{equation}", ["E=mc^2"]),
        (r"\begin{align*}a&=b\\c&=d\end{align*}", [r"\begin{aligned}a&=b\\c&=d\end{aligned}"]),
        (r"$\begin{pmatrix}1&2\\3&4\end{pmatrix}$", [r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"]),
    ],
)
def test_formulas_are_found(text: str, expected: list[str]) -> None:
    assert sources(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "over $1 billion",
        "over $1 billion in 2020 and $5 million in 2021",
        "costs between $10 and $20",
        "costs $10-$20",
        "from US$5 to US$7",
        "$5k or $7k, in total $12k",
        r"escaped \$x\$ dollars",
        "a lone $ sign",
        "$ and nothing",
        "$$",
        "$ $",
        "starts $x here\n\nends there$",
        r"\(never closed",
        r"\[ never closed $x",
        r"\begin{equation} never closed",
        "the $HOME and the $PATH variables are set",
    ],
)
def test_other_dollars_are_text(text: str) -> None:
    assert sources(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over $1 billion, with $O(n)$ steps", ["O(n)"]),
        ("we use $n$ nodes for $5 each and $m$ edges", ["n", "m"]),
        ("$x$ costs $3", ["x"]),
    ],
)
def test_a_formula_beside_money_is_found(text: str, expected: list[str]) -> None:
    assert sources(text) == expected


def test_displayed_formulas_are_told_from_inline_ones() -> None:
    found = find_formulas(r"$a$ \(b\) $$c$$ \[d\] \begin{gather}e\end{gather}")
    assert [formula.is_display for formula in found] == [False, False, True, True, True]


@given(st.text(alphabet="$\\()[]{}ab 1\n^_", max_size=60))
def test_formulas_never_overlap_and_lie_inside_the_text(text: str) -> None:
    position = 0
    for formula in find_formulas(text):
        assert position <= formula.start < formula.end <= len(text)
        position = formula.end
