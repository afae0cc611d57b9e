"""Exports, read back with the libraries that reference managers and style processors use."""

from __future__ import annotations

import csv
import io
import json
import warnings
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import rispy
from bibtexparser.entrypoint import parse_string as parse_bibtex
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import parse_string
from pylatexenc.latex2text import LatexNodes2Text

from papers.citations.latex import title_to_latex, to_latex
from papers.citations.markdown import to_markdown
from papers.citations.page_metadata import highwire_tags, json_ld
from papers.citations.person_names import parse_name
from papers.citations.record import citation_key, citation_record
from papers.citations.registry import CITATION_FORMATS, format_papers


def a_paper(**fields: Any) -> Any:
    """A paper as it is stored, but for what no writer reads."""
    known: dict[str, Any] = {
        "public_id": "2603.01234",
        "title": "On $\\alpha$-stable BERT & friends",
        "abstract": "We show that 5% of {sets} cost $3 a_1 < b$.\n\nAnd more.",
        "authors": [{"name": "Émilie du Châtelet"}, {"name": "ATLAS Collaboration"}, {"name": "Łukasz Kaiser"}],
        "categories": ["cs.CL", "cs.LG"],
        "primary_category": "cs.CL",
        "published_at": datetime(2026, 3, 2, tzinfo=UTC),
        "announced_on": date(2026, 3, 3),
        "version": 2,
        "doi": "10.1000/a_b{c}",
        "journal_ref": "",
        "comment": "12 pages",
        "venue": "ACL 2026",
        "links": {
            "abs": {"url": "https://arxiv.org/abs/2603.01234"},
            "pdf": {"url": "https://arxiv.org/pdf/2603.01234"},
        },
        "withdrawn_at": None,
    }
    return SimpleNamespace(**known | fields)


def written(name: str, *papers: Any) -> str:
    return "".join(format_papers(papers, name))


HOSTILE = [
    "Unbalanced } brace { and \\ backslash",
    "100% of A_B #1 & ~C^2",
    "=HYPERLINK(\"https://evil.example\")",
    "Ending in a backslash \\",
    "Quotes \"double\" and 'single'",
    "Line\nbreaks\r\nwithin",
    "@article{evil, title={x}}",
    "Money: $5 and $6 are not a formula",
    "Broken $\\frac{1}{2$ formula",
    "中文标题 and Ελληνικά",
    "</script><script>alert(1)</script>",
    "TY  - JOUR\nER  - ",
]  # fmt: skip


class TestBibTeX:
    def test_read_back_by_pybtex_and_bibtexparser(self) -> None:
        text = written("bib", a_paper(), a_paper(public_id="hep-th/9901001"), a_paper(public_id="doi/10.1/x"))
        entries = parse_string(text, "bibtex").entries
        library = parse_bibtex(text)
        assert library.failed_blocks == []
        assert list(entries) == [entry.key for entry in library.entries]
        first = next(iter(entries.values()))
        assert [str(person) for person in first.persons["author"]] == [
            "du Ch{\\^a}telet, {\\'E}milie",
            "{ATLAS Collaboration}",
            "Kaiser, {\\L}ukasz",
        ]
        assert first.persons["author"][0].prelast_names == ["du"]
        assert first.fields["title"] == "On {$\\alpha$}-stable {BERT} \\& friends"
        assert first.fields["eprint"] == "2603.01234"
        assert first.fields["doi"] == "10.1000/a_b%7Bc%7D"

    @pytest.mark.parametrize("title", HOSTILE)
    def test_no_text_breaks_an_entry(self, title: str) -> None:
        text = written(
            "bib", a_paper(title=title, authors=[{"name": title}], venue=title), a_paper(public_id="2603.00001")
        )
        assert parse_bibtex(text).failed_blocks == []
        assert len(parse_string(text, "bibtex").entries) == 2

    @given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
    def test_nothing_at_all_does(self, title: str) -> None:
        text = written("bib", a_paper(title=title, venue=title), a_paper(public_id="2603.00001"))
        assert len(parse_bibtex(text).entries) == 2

    @pytest.mark.parametrize(
        "text", ["Émilie du Châtelet", "Jürgen Groß", "Łukasz Øst", "Dvořák–Čapek", "Erdős", "50% & $x_1", "ÅÆŒ ł ß ı"]
    )
    def test_tex_sets_what_was_written(self, text: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert LatexNodes2Text().latex_to_text(to_latex(text)) == text

    @pytest.mark.parametrize(
        ("title", "expected"),
        [
            ("Attention Is All You Need", "Attention Is All You Need"),
            ("BERT: Pre-training of Deep Transformers", "{BERT}: Pre-training of Deep Transformers"),
            ("A note on the work of Bayes and Laplace", "A note on the work of {Bayes} and {Laplace}"),
            ("Learning in $\\mathbb{R}^n$ with GPT-4", "Learning in {$\\mathbb{R}^n$} with {GPT}-4"),
        ],
    )  # fmt: skip
    def test_capitals_that_matter_are_kept(self, title: str, expected: str) -> None:
        assert title_to_latex(title) == expected


class TestKeys:
    def test_one_a_paper_for_good(self) -> None:
        keys = {
            citation_record(a_paper(public_id=name)).key
            for name in ("2603.01234", "2603.01235", "hep-th/9901001", "doi/10.1/a-b", "doi/10.1/a/b", "p-abcdefghij")
        }
        assert len(keys) == 6
        assert "duchatelet2026-2603.01234" in keys
        assert "duchatelet1999-hep-th_9901001" in keys
        again = citation_record(a_paper(title="Another", published_at=None, version=9)).key
        assert again == "duchatelet2026-2603.01234"

    @given(st.text(min_size=1), st.text())
    def test_of_characters_that_every_program_takes(self, public_id: str, name: str) -> None:
        import re

        assert re.fullmatch(r"[A-Za-z0-9._-]+", citation_key(public_id, (parse_name(name),), 2026))


@pytest.mark.parametrize(
    ("text", "family", "given", "suffix"),
    [
        ("Ada Lovelace", "Lovelace", "Ada", ""),
        ("Ludwig van Beethoven", "van Beethoven", "Ludwig", ""),
        ("Juan Carlos de la Cruz", "de la Cruz", "Juan Carlos", ""),
        ("Van Morrison", "Morrison", "Van", ""),
        ("Martin Luther King Jr.", "King", "Martin Luther", "Jr."),
        ("Lovelace, Ada", "Lovelace", "Ada", ""),
        ("The LIGO Scientific Collaboration", "The LIGO Scientific Collaboration", "", ""),
        ("Plato", "Plato", "", ""),
    ],
)
def test_names_in_parts(text: str, family: str, given: str, suffix: str) -> None:
    name = parse_name(text)
    assert (name.family, name.given, name.suffix) == (family, given, suffix)


class TestOthers:
    @pytest.mark.parametrize("title", ["On BERT", *HOSTILE])
    def test_ris_is_read_back_by_rispy(self, title: str) -> None:
        first, second = rispy.loads(written("ris", a_paper(title=title), a_paper(public_id="2603.00001", venue="")))
        assert first["type_of_reference"] == "UNPB"
        assert first["authors"] == ["du Châtelet, Émilie", "ATLAS Collaboration", "Kaiser, Łukasz"]
        assert first["year"] == "2026"
        assert first["doi"] == "10.1000/a_b{c}"
        assert second["accession_number"] == "arXiv:2603.00001"

    def test_csl_json_is_set_by_citeproc(self) -> None:
        from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
        from citeproc.source.json import CiteProcJSON

        data = json.loads(written("csl", a_paper(), a_paper(public_id="2603.00001", title="Another")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = CiteProcJSON(data)
            style = CitationStylesStyle("harvard-cite-them-right", validate=False)
            bibliography = CitationStylesBibliography(style, source, formatter.plain)
            bibliography.register(Citation([CitationItem(data[0]["id"])]))
            (text,) = [str(entry) for entry in bibliography.bibliography()]
        assert "Châtelet" in text
        assert "2026" in text
        assert "On α-stable BERT & friends" in text

    @pytest.mark.parametrize("title", HOSTILE)
    def test_csv_has_no_cell_that_a_spreadsheet_would_run(self, title: str) -> None:
        text = written("csv", a_paper(title=title, authors=[{"name": "=cmd|' /C calc'!A0"}], comment="+1", doi="@x"))
        (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert row["arxiv"] == "2603.01234"

    def test_json_has_the_texts_as_stored(self) -> None:
        (found,) = json.loads(written("json", a_paper()))
        assert found["title"] == "On $\\alpha$-stable BERT & friends"
        assert found["authors"][0] == "Émilie du Châtelet"
        assert found["published"] == "2026-03-02"

    def test_markdown_shows_the_words_and_keeps_the_formulas(self) -> None:
        text = written("md", a_paper(title="On *stars* and $a_1*b$ [x](y) <b>", abstract="# no head\n1. no list"))
        assert text.startswith("# [On \\*stars\\* and $a_1*b$ \\[x\\](y) \\<b\\>](https://arxiv.org/abs/2603.01234)\n")
        assert "\n\\# no head\n\\1. no list\n" in text

    @pytest.mark.parametrize("name", CITATION_FORMATS)
    def test_an_empty_list_is_one(self, name: str) -> None:
        text = written(name)
        assert json.loads(text) == [] if name in ("json", "csl") else len(text.splitlines()) <= 1

    @pytest.mark.parametrize("name", CITATION_FORMATS)
    def test_a_paper_of_which_little_is_known(self, name: str) -> None:
        bare = a_paper(
            **dict.fromkeys(("abstract", "primary_category", "doi", "venue", "comment"), ""),
            **{"public_id": "p-abcdefghij", "authors": [], "categories": [], "published_at": None, "version": None},
            **{"announced_on": None, "links": {}},
        )
        assert "None" not in written(name, bare)


class TestMeta:
    def test_highwire(self) -> None:
        tags = highwire_tags(citation_record(a_paper()))
        assert ("citation_title", "On α-stable BERT & friends") in tags
        assert next(value for name, value in tags if name == "citation_author") == "du Châtelet, Émilie"
        assert ("citation_publication_date", "2026/03/02") in tags
        assert ("citation_arxiv_id", "2603.01234") in tags
        assert ("citation_pdf_url", "https://arxiv.org/pdf/2603.01234") in tags

    @pytest.mark.parametrize("title", [*HOSTILE, "\u2028\u2029<!--"])
    def test_json_ld_can_not_end_its_element(self, title: str) -> None:
        text = json_ld(citation_record(a_paper(title=title)), page="https://papers.lab/papers/2603.01234")
        assert not set(text) & set("<>&\u2028\u2029")
        assert json.loads(text)["@type"] == "ScholarlyArticle"


def test_markdown_of_nothing() -> None:
    assert to_markdown("") == ""
