"""Where the sentences of an abstract begin and end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.sentences import find_sentences


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in find_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We study tides. They rise.", ["We study tides.", "They rise."]),
        ("As in Fig. 2 and Eq. 3, e.g. by J. Smith et al., it rises.", None),
        ("By Smith et al. We find more.", ["By Smith et al.", "We find more."]),
        ("It is 0.5 % at 3.2 GeV, cf. Ref. 4. It grows.", ["It is 0.5 % at 3.2 GeV, cf. Ref. 4.", "It grows."]),
        ("Let $f(x) = 1. Then$ hold. We show it.", ["Let $f(x) = 1. Then$ hold.", "We show it."]),
        ("It is so, i.e. $x=1$. So is it.", ["It is so, i.e. $x=1$.", "So is it."]),
        ("Aims. We date stars. Methods. We look.", ["Aims. We date stars.", "Methods. We look."]),
        ("These are equal: 1. The one. 2. The other.", ["These are equal: 1. The one.", "2. The other."]),
        ("One paragraph\n\nAnother one", ["One paragraph", "Another one"]),
        ("Is it so? It is! \"Yes.\" Good.", ["Is it so?", "It is!", '"Yes."', "Good."]),
        ("See it (Sov. Astron. Lett. 12, 1986). We agree.", ["See it (Sov. Astron. Lett. 12, 1986).", "We agree."]),
        ("We advance early SP. Tests confirm it.", ["We advance early SP.", "Tests confirm it."]),
        ("Code: https://example.org/a.b. It is free.", ["Code: https://example.org/a.b.", "It is free."]),
        ("It ends here. 12.", ["It ends here. 12."]),
        ("", []),
        (" \n\n ", []),
        ("123 456.", []),
    ],
)  # fmt: skip
def test_parts(text: str, expected: list[str] | None) -> None:
    assert parts(text) == ([text] if expected is None else expected)


@given(st.text(alphabet="aB1 .!?()[]$\\\n\"'-éΩ", max_size=200))
def test_sentences_stand_in_order_and_leave_out_no_letter(text: str) -> None:
    found = find_sentences(text)
    assert all(start < end for start, end in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    inside = "".join(text[start:end] for start, end in found)
    assert [char for char in inside if char.isalpha()] == [char for char in text if char.isalpha()]
