"""Other people's text as HTML: nothing but what we make ourselves gets through, and it is well-formed XML."""

import re
import time

import pytest
from django.template import Context, Template
from django.utils.html import format_html
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from papers.text import mathml
from papers.text.cleaning import clean_abstract, clean_title
from papers.text.formulas import find_formulas
from papers.text.html import _MARKDOWN, LINK_REL, excerpt, inline, markdown, paragraphs, plain_text

TEX = st.text(alphabet="\\{}$^_[]()'\"<>&;:/.%#=+-0123abcefhilmnoprstux \n", max_size=80)
ANY_TEXT = TEX | st.text(max_size=60)
HTML_ELEMENTS = {"p", "a", "code"}
HTML_ATTRIBUTES = {"a": {"href", "rel"}, "code": {"class"}}


def parsed(markup: str) -> etree._Element:
    """The markup as XML; fails where it is not well-formed."""
    return etree.fromstring(f"<r>{markup}</r>")


def text_of(markup: str) -> str:
    """What is shown, without the sources of formulas that could not be drawn."""
    root = parsed(markup)
    for code in list(root.iter("code")):
        code.text = ""
    return str("".join(map(str, root.itertext())))


def assert_is_safe(markup: str) -> None:
    for element in parsed(markup).iterdescendants():
        name = str(element.tag)
        allowed = HTML_ATTRIBUTES.get(name, set()) | set(mathml.ATTRIBUTES.get(name, ()))
        assert name in HTML_ELEMENTS or name in mathml.ELEMENTS
        assert set(map(str, element.attrib)) <= allowed
        assert name != "a" or re.match(r"https?://", str(element.get("href")))


# --- Safety ---


@given(ANY_TEXT)
def test_any_text_gives_safe_and_well_formed_markup(text: str) -> None:
    for cleaned in (text, clean_title(text), clean_abstract(text)):
        assert_is_safe(inline(cleaned))
        assert_is_safe(paragraphs(cleaned))
        assert_is_safe(inline(excerpt(cleaned, 20)))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "$<script>alert(1)</script>$",
        r"$\text{<script>alert(1)</script>}$",
        r"$\text{</mtext></math><img src=x onerror=alert(1)>}$",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\style{background:url(//evil.example)}{x}$",
        r"$\class{evil}{x}$",
        r"$\color{red;background:red}x$",
        r'$x" onclick="alert(1)$',
        "$&lt;script&gt;$",
        r"$\unicode{x3c}script\unicode{x3e}alert(1)$",
        "$&#x3c;script&#x3e;$",
        r"$\foo{<script>alert(1)</script>}$",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="https://a.example/" onclick="alert(1)">x</a>',
        "javascript:alert(1) data:text/html,x",
        'https://a.example/"onmouseover="alert(1)',
        "https://a.example/<script>",
        "<math><mi style='x'>x</mi></math><!-- x --><![CDATA[ x ]]>",
        "</p></article><p>",
        "a\x00b\x0c\x1f\ud800\ufffe]]>",
    ],
)
def test_nothing_of_others_gets_through(text: str) -> None:
    for markup in (inline(text), paragraphs(text), paragraphs(clean_abstract(text))):
        assert_is_safe(markup)
        # What looks like a tag or a handler is there as text or in the source of a formula, never as itself.
        assert not parsed(markup).xpath("//script|//img|//@onclick|//@style|//@onmouseover|//@onerror")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("p<0.001 & 3 < 4", "p&lt;0.001 &amp; 3 &lt; 4"),
        ("<think>so</think>", "&lt;think&gt;so&lt;/think&gt;"),
        ("0", "0"),
        ("", ""),
        ("over $1 billion", "over $1 billion"),
        (r"costs \$5 of \$x\$", "costs $5 of $x$"),
        ("6.2% ± 2.8% 🧀 飞 叶", "6.2% ± 2.8% 🧀 飞 叶"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert inline(text) == shown


# --- Paragraphs and links ---


def test_an_abstract_has_a_paragraph_each() -> None:
    assert paragraphs("One.\n\nTwo & three.\n \nFour.") == "<p>One.</p><p>Two &amp; three.</p><p>Four.</p>"


def test_no_abstract_gives_no_paragraph() -> None:
    assert paragraphs("") == paragraphs(" \n\n ") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See https://a.example/b_(c).", "See {https://a.example/b_(c)}."),
        ("(http://a.example/?x=1&y=2)", "({http://a.example/?x=1&amp;y=2})"),
        ("our page (https://a.example/x), and", "our page ({https://a.example/x}), and"),
        ("HTTPS://A.example/x", "{HTTPS://A.example/x}"),
        ('<a href="https://a.example/">this https URL.</a>', "{https://a.example/}."),
        ("ftp://a.example https:// https://user@a.example", "ftp://a.example https:// https://user@a.example"),
        ("www.a.example", "www.a.example"),
    ],
)
def test_only_web_addresses_become_links(text: str, shown: str) -> None:
    expected = re.sub(r"\{(.*?)\}", rf'<a href="\1" rel="{LINK_REL}">\1</a>', shown)
    assert paragraphs(text) == f"<p>{expected}</p>"


def test_a_title_has_no_links() -> None:
    assert inline("https://a.example/ $x$").startswith("https://a.example/ <math")


# --- Formulas ---


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        (r"\ell_1", "<msub><mi>ℓ</mi><mn>1</mn></msub>"),
        ("d^N=0", "<mrow><msup><mi>d</mi><mi>N</mi></msup><mo>=</mo><mn>0</mn></mrow>"),
        ("n", "<mi>n</mi>"),
        (r"\mathbb{E}\mathbf{x}\mathcal{L}\mathfrak g", "<mrow><mi>𝔼</mi><mi>𝐱</mi><mi>ℒ</mi><mi>𝔤</mi></mrow>"),
        (r"T_{\rm eff}", "<msub><mi>T</mi><mrow><mi>eff</mi></mrow></msub>"),
        (r"\mathrm{Re}_x", "<msub><mrow><mi>Re</mi></mrow><mi>x</mi></msub>"),
        (r"x \not= y", "<mrow><mi>x</mi><mo>≠</mo><mi>y</mi></mrow>"),
        (r"\hat{x}", '<mover accent="true"><mi>x</mi><mo>^</mo></mover>'),
        (r"\text{if } x", "<mrow><mtext>if\xa0</mtext><mi>x</mi></mrow>"),
        (r"a \lesssim -25", '<mrow><mi>a</mi><mo>≲</mo><mo form="prefix">−</mo><mn>25</mn></mrow>'),
        (r"\textrm{a_b \emph{c}}", "<mtext>a_b c</mtext>"),
        (r"\operatorname{arg-max}", "<mtext>arg-max</mtext>"),
        (r"\mathds{R}^d", "<msup><mi>ℝ</mi><mi>d</mi></msup>"),
        (r"\boxed{x}", "<mi>x</mi>"),
        (r"\unicode{x2030}x", "<mrow><mi>‰</mi><mi>x</mi></mrow>"),
        ("50%x", "<mrow><mn>50</mn><mi>%</mi><mi>x</mi></mrow>"),
    ],
)
def test_formulas_are_drawn(source: str, drawn: str) -> None:
    alttext = source.replace("&", "&amp;")
    assert inline(f"a ${source}$ b") == f'a <math alttext="{alttext}">{drawn}</math> b'


def test_names_of_functions_have_a_little_space_around_them() -> None:
    space = '<mspace width="0.167em"></mspace>'
    assert f"<mi>n</mi>{space}<mi>log</mi>{space}<mi>n</mi>" in inline(r"$O(n \log n)$")
    assert '<mi>log</mi><mo stretchy="false">(</mo>' in inline(r"$\log(n)$")
    assert "<mo>(</mo><mi>log</mi>" in inline(r"$\left(\log x\right)$").replace(
        ' stretchy="true" fence="true" form="prefix"', ""
    )


def test_displayed_formulas_are_blocks() -> None:
    assert paragraphs(r"\[x^2\]").startswith('<p><math display="block"')
    aligned = clean_abstract(r"\begin{align}a&=b\\c&=d\end{align}")
    assert len(parsed(paragraphs(aligned)).findall(".//mtr")) == 2


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"\sim", "∼"),
        (r"10 \times 10", "10 × 10"),
        (r"> 90\%", "&gt; 90%"),
        (r"\pm 0.5", "±0.5"),
        (r"\rightarrow", "→"),
        ("-1", "−1"),
    ],
)
def test_numbers_and_signs_are_shown_as_text(source: str, shown: str) -> None:
    assert inline(f"${source}$") == shown


@pytest.mark.parametrize(
    "source",
    [
        r"\Tmix(x)",
        r"x^",
        r"\sqrt",
        r"x^a^b",
        r"\left( x",
        r"\begin{matrix} x",
        r"\def\a{\a\a}\a",
        r"\newcommand{\x}[1]{#1#1}\x{\x{y}}",
        "x" * 2_001,
        "{" * 30 + "x" + "}" * 30,
    ],
)
def test_what_cannot_be_drawn_is_shown_as_source(source: str) -> None:
    markup = inline(f"a ${source}$ b")
    code = parsed(markup).find("code")
    assert code is not None
    assert (code.get("class"), code.text) == ("tex", source)


@pytest.mark.parametrize(
    "source",
    [
        r"\mathcal{O}(n)",
        r"\textit{word} + \textbf{bold}",
        r"{\rm SU}(2) \times {\bf x} + {\cal L}",
        r"\mathrm{km\,s^{-1}}",
        r"50\% \& \# \_ \{x\}",
        r"\operatorname{Tr}\,\rho \le \operatorname*{arg\,max}_x f",
        r"\bar{x} \tilde{y} \vec{z} \dot{q} \overline{AB} \widehat{ABC} \underline{u}",
        r"\lesssim \gtrsim \ll \gg \simeq \approx \propto \mapsto \hookrightarrow",
        r"\left\{ \frac{a}{b} \right\} \big( x \Big| y \bigr) \langle x | y \rangle",
        r"\begin{cases} x & y>0 \\ 0 & \text{else} \end{cases}",
        r"\sum\limits_{i=1}^{n} \int_0^\infty \prod_{k} \lim_{n \to \infty} \max_x",
        r"A \xrightarrow{f} B \stackrel{d}{=} C \overset{!}{=} D",
        r"M_\odot \, h^{-1} \; \ell_\infty \quad \hbar \! \partial_t",
        r"\boldsymbol{\theta} \bm{x} \mathsf{A} \mathtt{b} \mathscr{D} \mathds{1}",
        r"\cP \calL \bbR \RR \eps \wt{x} \GL_n \Msun",
    ],
)
def test_common_commands_leave_no_backslash(source: str) -> None:
    markup = inline(f"${source}$")
    assert "<code" not in markup
    assert "\\" not in text_of(markup)


@pytest.mark.parametrize(
    "source",
    [
        r"\hat" * 490 + " x",
        r"x^{" * 300,
        "{x" * 600,
        r"\frac{1}{" * 200,
        r"\left(" * 250,
        r"\sqrt[" * 300,
        "x_" * 900,
        "x" + "'" * 1_900,
        r"\begin{matrix}" * 100,
        r"a \over " * 200 + "b",
        r"\not" * 450,
        r"\text{" * 280,
        r"\hspace{9999em}x",
    ],
    ids=lambda source: source[:8],
)
def test_hostile_formulas_cost_little_and_break_nothing(source: str) -> None:
    started = time.process_time()
    assert_is_safe(inline(f"${source}$"))
    assert plain_text(f"${source}$").count("\\") == 0
    assert time.process_time() - started < 1  # seconds
    assert "9999" not in re.sub('alttext="[^"]*"', "", inline(r"$\hspace{9999em}x$"))


def test_five_hundred_formulas_are_drawn() -> None:
    text = " ".join(f"$x_{{{number}}}$" for number in range(500))
    assert len(parsed(inline(text)).findall("math")) == 500


# --- Plain text and excerpts ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"PHyCLIP: $\ell_1$-Product", "PHyCLIP: ℓ₁-Product"),
        ("$d^N=0$", "dᴺ=0"),
        (r"$\alpha_1$ in $\mathbb{R}$ for \$5", "α₁ in ℝ for $5"),
        ("0", "0"),
    ],
)
def test_plain_text_reads_without_markup(text: str, shown: str) -> None:
    assert plain_text(text) == shown


@given(ANY_TEXT)
def test_a_title_with_something_in_it_has_a_text_to_click(text: str) -> None:
    title = clean_title(text)
    assert bool(inline(title)) == bool(title)


@pytest.mark.parametrize(
    ("chars", "expected"),
    [
        (200, r"We show that $O(n \log n)$ is best. Then for $\frac{a+b}{c}$ a second sentence. End."),
        (33, r"We show that $O(n \log n)$ is best."),
        (36, r"We show that $O(n \log n)$ is best."),
        (15, "We show that…"),
        (50, r"We show that $O(n \log n)$ is best. Then for $\frac{a+b}{c}$…"),
        (1, "W…"),
    ],
)
def test_an_excerpt_ends_with_a_sentence_or_a_word(chars: int, expected: str) -> None:
    text = "We show that $O(n \\log n)$ is best.\n\nThen for $\\frac{a+b}{c}$ a second sentence. End."
    assert excerpt(text, chars) == expected


@given(
    st.lists(st.sampled_from(["word", "$x_1 + y$", "End.", r"$\frac{a b}{c}$", "a $b"]), max_size=20),
    st.integers(1, 60),
)
def test_an_excerpt_never_cuts_a_formula(words: list[str], chars: int) -> None:
    text = " ".join(words)
    end = len(excerpt(text, chars).removesuffix("…"))
    assert not [formula for formula in find_formulas(text) if formula.start < end < formula.end]


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "//evil.example/papers",
        r"/\evil.example",
        r"\\evil.example",
        "</\t/evil.example>",
        "///evil.example",
        "http:evil.example",
        "http:/evil.example",
        "https:",
        "HTTPS:evil.example",
        "ftp://evil.example",
        "evil.example",
    ],
)
def test_a_reader_s_link_never_leads_elsewhere_in_disguise(address: str) -> None:
    html = markdown.__wrapped__(f"[a]({address}) <{address.strip('<>')}>")
    assert not re.search(r'href="(?!/%)', html), html


@pytest.mark.parametrize("address", ["https://a.example/b", "HTTP://a.example", "/papers/2603.01234", "/"])
def test_but_plain_ones_do(address: str) -> None:
    assert f'href="{address}"' in markdown.__wrapped__(f"[a]({address})")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_the_sanitiser_lets_no_other_address_through_even_where_markdown_would(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_MARKDOWN, "validateLink", lambda _url: True)
    html = markdown.__wrapped__(f"[x]({address})")
    assert ">x<" in html
    assert "href" not in html


def test_templates_take_our_html_as_it_is_and_what_is_added_to_it_as_text() -> None:
    made = inline("a < b")
    assert format_html("<i>{}</i>", made) == "<i>a &lt; b</i>"
    assert Template("{{ made }}{{ more }}").render(Context({"made": made, "more": made + "<"})) == (
        "a &lt; b" + "a &amp;lt; b&lt;"
    )
