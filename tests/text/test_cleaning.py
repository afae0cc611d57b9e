"""Titles, abstracts and names as sources send them, cleaned. The cases are those that real records have."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.cleaning import (
    clean_abstract,
    clean_line,
    clean_title,
    flatten_links,
    fold,
    is_blank,
    plain_formulas,
    safe_text,
    search_text,
    typed_line,
)
from papers.text.names import author_key, clean_name, split_authors

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


# --- Lines and titles ---


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            r"PHyCLIP: $\ell_1$-Product of Hyperbolic Factors",
            r"PHyCLIP: $\ell_1$-Product of Hyperbolic Factors",
        ),
        (r"UniDemoir\'e: Towards Universal Image Demoir\'eing", "UniDemoiré: Towards Universal Image Demoiréing"),
        ("$d^N=0$", "$d^N=0$"),
        ("DINOv3", "DINOv3"),
        ("0", "0"),
        ("A Model for Large Multimodal\n  Models", "A Model for Large Multimodal Models"),
        ("On the Latent Holes 🧀 of VAEs", "On the Latent Holes 🧀 of VAEs"),
        ("On $\\alpha$: a ``Survey''", "On $\\alpha$: a “Survey”"),
        (r"\emph{Ab initio} Theory", "Ab initio Theory"),
        ("p<0.001 & A<sub>2</sub>", "p<0.001 & A<sub>2</sub>"),
        (r"\cite{x}", r"\cite{x}"),  # nothing would be left
    ],
)
def test_titles(raw: str, expected: str) -> None:
    assert clean_title(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\tb\x0bc\x0cd\x85e\u2028f\u2029g\xa0h\u3000i", "a b c d e f g h i"),
        ("G\x7fötz H\x7folder \x02x\x00", "Götz Holder x"),
        ("\ufeffSegment\u00adation \u200b\u200bPost-training", "Segmentation Post-training"),
        ("\u202aAvishai Zagoury\u202c\u200f", "Avishai Zagoury"),
        ("Ales\u030c Leonardis", "Aleš Leonardis"),
        ("lone \ud800 surrogate, \ufffe and \uffff", "lone surrogate, and"),
        ("👩\u200d🔬 می\u200cخواهم a\u200db", "👩\u200d🔬 می\u200cخواهم ab"),
        ("6.2% &#177; 2.8%, F&#xf8;lner, &amp;lt; &unknown; AT&T", "6.2% ± 2.8%, Følner, &lt; &unknown; AT&T"),
        ("&#0;&#x1f;&#xD800;&#128;a", "\ufffd\ufffd€a"),
        ("cafÃ© â€œsoâ€\x9d 5Â°, CAFÉ”, São", "café “so” 5°, CAFÉ”, São"),
        ("AlzheimerÃ¢..s", "Alzheimerâ..s"),
    ],
)
def test_lines_lose_what_cannot_be_seen_or_stored(raw: str, expected: str) -> None:
    assert clean_line(raw) == expected


@given(ANY_TEXT)
def test_cleaned_text_can_be_stored_and_sent(raw: str) -> None:
    for text in (safe_text(raw), clean_line(raw), clean_title(raw), clean_abstract(raw), clean_name(raw)):
        assert not set(text) & {chr(code) for code in range(32)} - {"\t", "\n", "\r"}
        text.encode("utf-8")


@given(ANY_TEXT)
def test_a_cleaned_line_has_single_spaces(raw: str) -> None:
    for line in (clean_line(raw), clean_title(raw)):
        assert line == " ".join(line.split())


@given(st.text(alphabet="ab é$\\{}~-`'\n", max_size=40))
def test_a_title_without_entities_is_cleaned_once_and_for_all(raw: str) -> None:
    once = clean_line(raw)
    assert clean_line(once) == once


# --- Abstracts ---


def test_two_spaces_after_a_line_break_begin_a_paragraph() -> None:
    raw = "  First line\nwrapped here.\n  To this end, more.\n\nAnd a third.\r\n  Fourth.\n"
    assert clean_abstract(raw) == "First line wrapped here.\n\nTo this end, more.\n\nAnd a third.\n\nFourth."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (r"We \textbf{Personalize" "\n" r"Anything} as in~\cite{a,b}.", "We Personalize Anything as in."),
        (r"Known (\cite{x}), and (see \citep{y}) so.", "Known, and so."),
        (r"Code: \href{https://a.example/x}{https://a.example/x}.", "Code: https://a.example/x."),
        (r"See \href{https://a.example/x}{our page}.", "See our page (https://a.example/x)."),
        ('Code: <a href="https://a.example/x">this\nhttps URL.</a>', "Code: https://a.example/x."),
        ('Our <A class="l" HREF=https://a.example/x>page</A>', "Our page (https://a.example/x)"),
        ('<a href="javascript:alert(1)">x</a>', '<a href="javascript:alert(1)">x</a>'),
        ("over $1 billion", "over $1 billion"),
        ("p<0.001, <think>, 3 < 4", "p<0.001, <think>, 3 < 4"),
        ("unbalanced {{{ braces \\textbf{ and } more }", "unbalanced {{{ braces and more }"),
        (". ", "."),
        ("Yes. ", "Yes."),
        ("Withdrawn ", "Withdrawn"),
        ("", ""),
        ("code is at this https URL", "code is at this https URL"),
        ("we ﬁrst showed", "we ﬁrst showed"),
    ],
)
def test_abstracts(raw: str, expected: str) -> None:
    assert clean_abstract(raw) == expected


def test_a_huge_abstract_stays_whole() -> None:
    raw = "A sentence with $x_1$ and \\emph{words}.\n" * 5_000
    assert clean_abstract(raw).count("$x_1$") == 5_000


def test_links_of_html_are_flattened() -> None:
    text = 'an <a href="https://a.example/">index</a> <a href="https://b.example">https://b.example</a> <b>x</b>'
    assert flatten_links(text) == "an index (https://a.example/) https://b.example <b>x</b>"


@pytest.mark.parametrize(
    "raw",
    [
        "{" * 50_000,
        "{" * 25_000 + "a" * 50_000 + "}" * 25_000,
        "}" * 50_000,
        "\\" * 50_000,
        "$" * 50_000,
        "$x " * 20_000,
        "\\textbf{" * 7_000,
        "\\cite[" * 8_000,
        "\\'{" * 16_000,
        "``a" * 16_000,
        "https://a.example/" + "(" * 50_000,
        "\n  " * 16_000,
        "<a href='https://" * 3_000,
        "Ã¢" * 25_000,
        "a" + "\u0301" * 50_000,
        "(" * 50_000,
        "((1) a, " * 6_000,
    ],
    ids=lambda raw: f"{raw[:8]!r}",
)
def test_hostile_text_is_cleaned_in_time_proportional_to_its_length(raw: str) -> None:
    started = time.process_time()
    clean_title(raw)
    clean_abstract(raw)
    clean_name(raw)
    split_authors(raw)
    author_key(raw)
    search_text(raw)
    assert time.process_time() - started < 3  # seconds; what grows with the square of the length takes minutes


# --- Comparing and finding ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we ﬁrst", "we first"),
        ("𝛼NLI and F𝛽-based", "αnli and fβ-based"),
        ("Straße, İstanbul, Ærø, Demoiréing", "strasse, istanbul, aero, demoireing"),
        ("が 叶 हिन्दी", "が 叶 हिन्दी"),
        (r"PHyCLIP: $\ell_1$-Product of $\mathbb{R}^d$", "phyclip: l1-product of rd"),
        ("0", "0"),
    ],
)
def test_text_is_folded_for_search(text: str, expected: str) -> None:
    assert search_text(text) == expected


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_formulas_read_as_plain_text() -> None:
    text = r"On $\alpha_1$ for \$5, $\ell_1$ and \(x^2\)"
    assert plain_formulas(text) == "On α₁ for $5, ℓ₁ and x²"


def test_a_name_that_somebody_types_turns_nothing_around() -> None:
    assert typed_line(" Reading\u202e \u200bgroup\n& tea\x00 ") == "Reading group & tea"
    assert typed_line("\u2067\u200b") == ""
    assert typed_line("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬", "joiners that shape letters stay"


@pytest.mark.parametrize(
    "text", ["", " \n\t\xa0", "\u200b\u200b", "\u3164", "\u2800 \ufeff", "\ufe0f\u200d", "\U000e0041"]
)
def test_what_nobody_can_see_is_no_name(text: str) -> None:
    assert is_blank(text)
    assert typed_line(text) == ""


@pytest.mark.parametrize("text", [".", "0", "é", "👩\u200d🔬", "می\u200cخواهم", "한글", "\u200ba"])
def test_what_somebody_can_see_is_something(text: str) -> None:
    assert not is_blank(text)
    assert typed_line(text)
