"""What a stranger wrote into a title runs nowhere: not in the LaTeX of who cites it, nor in a reader of Markdown."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from papers.citations.registry import format_papers
from papers.text.tex_safety import only_draws
from tests.citations.test_citations import a_paper

_PRIMITIVES = """
input include openin openout read write immediate def edef gdef xdef let futurelet catcode csname expandafter special
newread newwrite usepackage directlua latelua luaexec ShellEscape verbatiminput lstinputlisting includegraphics href url
newcommand renewcommand providecommand DeclareMathOperator lowercase uppercase everymath string meaning message font
output shipout show bye scantokens endinput pdffiledump filename unexpanded number romannumeral the count toks chardef
mathchardef mathchar mathcode global long loop label tag verb char primitive unicode style class require pdfobj
"""
PRIMITIVES = _PRIMITIVES.split()
FILES = (
    r"\input{/etc/passwd}",
    r"\input /etc/passwd",
    r"x\immediate\write18{id}",
    r"\text{\input{x}}",
    r"^^5cinput{x}",
    r"^^^^005cinput{x}",
    r"\csname input\endcsname{x}",
    r"\begin{filecontents}{x}\end{filecontents}",
    r"\begin{verbatim}x\end{verbatim}",
    r"\begin {luacode}x\end{luacode}",
    r"a % b",
    r"a # b",
    "a\\",
    "\\begin",
    "\\begin{",
    "\\begin\n{tikzpicture}\\end{tikzpicture}",
    r"\frac{1}{2}\def\a{\a\a}\a",
    r"\catcode`\@=0 @input{x}",
    "a\x00b",
    "a$b",
)
FORMULAS = (
    r"\alpha",
    r"\mathbb{R}^n",
    r"x_1 < y",
    r"\frac{a}{b}",
    r"\ell_1",
    r"\mathcal{O}(n \log n)",
    r"\text{with $n$ points}",
    r"\begin{pmatrix}a & b \\ c & d\end{pmatrix}",
    r"\left\{x \mid x > 0\right\}",
    r"\operatorname{KL}",
    r"90\%",
    r"\hat{\theta}",
    r"\sqrt[3]{2}",
    r"\lVert x \rVert_2",
    r"\boldsymbol{\mu}",
    r"a^{b^{c}}",
    r"\mathrm{SU}(2)\,\Lambda",
    r"\sum_{i=1}^{n} x_i",
    r"\overline{AB}",
    r"\underset{x}{\arg\max}",
    r"\xrightarrow{f}",
    r"\geq 5\sigma",
    r"\rightarrow",
)


@pytest.mark.parametrize("source", [*FILES, *(rf"x\{name} y" for name in PRIMITIVES)])
def test_what_does_more_than_draw_is_known(source: str) -> None:
    assert not only_draws(source)


@pytest.mark.parametrize("source", FORMULAS)
def test_formulas_of_papers_are_wanted(source: str) -> None:
    assert only_draws(source)
    title = f"On ${source}$ and more"
    assert "{$" + source + "$}" in written("bib", title)


@pytest.mark.parametrize("source", FILES)
def test_no_command_of_a_title_or_name_is_left_in_bibtex(source: str) -> None:
    for text in (f"On ${source}$ of it", source, f"$a$ {source} $b$", rf"\({source}\)"):
        body = written("bib", text, venue=text, authors=[{"name": text}], doi=source, public_id="10.1000/x")
        words = set(re.findall(r"\\([A-Za-z]+)", body.replace("\n", " ")))
        assert words <= {
            "textbackslash",
            "textbraceleft",
            "textbraceright",
            "textasciicircum",
            "textasciitilde",
            "frac",
        }, body
        assert "^^" not in body
        assert not re.search(r"(?<!\\)[%#]", re.sub(r"(?m)^  (doi|url) .*$", "", body)), body


def test_an_address_in_bibtex_is_no_command() -> None:
    links = {"abs": {"url": "https://x.example/^^5cinput{/etc/passwd}\\write18{id}\n@x"}}
    body = written("bib", "T", links=links)
    (line,) = [line for line in body.splitlines() if line.startswith("  url")]
    assert "^" not in line
    assert "\\" not in line
    assert line.count("{") == line.count("}") == 1


@pytest.mark.parametrize(
    "text",
    [
        "$<script>alert(1)</script>$",
        "$a<img src=x onerror=alert(1)>$",
        "$[x](javascript:alert(1))$",
        "$a\n<script>\nb$",
        "$![x](https://track.example/p.png)$",
        "$</p><!-- $",
        "$<?php $",
        "$<javascript:alert(1)>$",
        r"\(<b>x</b>\)",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\text{<script>alert(1)</script>}$",
        "$$\n<svg onload=alert(1)>\n$$",
        "$[x]: javascript:alert(1)$",
        "$a$<b>$c$",
        "<script>$a$</script>",
        "$x\n# y\n- z$",
        "$a\n\n<b>$",
    ],
)
def test_a_reader_of_markdown_that_knows_no_formulas_runs_nothing(text: str) -> None:
    links = {"abs": {"url": "javascript:alert(1)"}, "pdf": {"url": "javascript:alert(1)"}}
    source = written("md", text, abstract=text, venue=text, categories=[text], authors=[{"name": text}], links=links)
    shown = MarkdownIt("commonmark", {"html": True}).render(source)
    assert set(re.findall(r"<[/!?]?\s*([A-Za-z][\w-]*)", shown)) <= {"h1", "p", "em", "strong", "code"}, shown
    assert "<!" not in shown
    assert "href=" not in shown


def test_markdown_links_lead_where_they_say() -> None:
    links = {"abs": {"url": "https://x.example/a(b)<c>\\ d\ne"}, "pdf": {"url": "ftp://x.example"}}
    shown = MarkdownIt("commonmark", {"html": True}).render(written("md", "T", links=links))
    assert re.findall(r'href="([^"]*)"', shown) == ["https://x.example/a%28b%29%3Cc%3E%5C%20d%0Ae"]


def written(form: str, title: str, **fields: object) -> str:
    return "".join(format_papers([a_paper(title=title, **fields)], form))
