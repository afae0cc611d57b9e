"""What sources are known to send, from the record to the page: one table, each case by what it is.

The records are made up in the shape of real ones. Cases that one page does not show are pointed at below the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from lxml.html import tostring

from papers.models import Paper
from papers.services.ingest.paper_store import store_papers
from tests.support import factories
from tests.support.pages import cards_on, parse_html, text_of
from tests.support.people import anonymous_client


@dataclass(frozen=True)
class Case:
    """A record, and what its page and card say then."""

    record: dict[str, Any]
    title: str = "A paper"
    """As it is read on the page; empty where a formula is drawn."""
    authors: str | None = None
    shown: tuple[str, ...] = ()
    """In the words of the abstract, or of the page where there is none."""
    markup: tuple[str, ...] = ()
    """In the HTML of the page."""
    absent: tuple[str, ...] = ()
    """Not in the HTML of the page."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the stored paper."""


LONG_TITLE = " ".join(["A Title Whose Words Go On And On"] * 12)
ONE_NAME = " and ".join(f"Person{number} Surname{number}and" for number in range(200))

CASES = {
    "a formula in the title is drawn, and is plain text where no HTML can be": Case(
        {"title": r"Maps: $\ell_1$-Products of Spaces"},
        title="",
        markup=("<math", "<title>Maps: ℓ₁-Products of Spaces"),
        absent=("$",),
    ),
    "accents in TeX become letters, and what was sent is kept": Case(
        {"title": r"Uni\'on of Moir\'e and {\"U}berlagerung"},
        title="Unión of Moiré and Überlagerung",
        fields={"title_raw": r"Uni\'on of Moir\'e and {\"U}berlagerung"},
    ),
    "a title of nothing but mathematics can be clicked": Case({"title": "$d^N=0$"}, title="", markup=("<msup>",)),
    "a title may be one zero": Case({"title": "0"}, title="0", markup=("<title>0",)),
    "a title may be one word": Case({"title": "WORDv3"}, title="WORDv3"),
    "a line break in a title is a space": Case(
        {"title": "A Title for Large Wrapped\n  Models"}, title="A Title for Large Wrapped Models"
    ),
    "a line break and two spaces begin a paragraph, other line breaks are wraps": Case(
        {"abstract": "It begins\nhere.\n  To this end it goes on."},
        markup=("<p>It begins here.</p><p>To this end it goes on.</p>",),
    ),
    "TeX markup goes, its words stay, citations go": Case(
        {"abstract": "We call it \\textbf{Personal\nThings}, as \\emph{others} do~\\cite{someone2020open}."},
        shown=("We call it Personal Things, as others do.",),
        absent=("\\textbf", "\\emph", "cite"),
    ),
    "a link in TeX is one safe link": Case(
        {"abstract": r"Code: \href{https://example.org/x}{https://example.org/x}."},
        markup=('<a href="https://example.org/x" rel="nofollow ugc noopener">https://example.org/x</a>',),
    ),
    "a link that runs a script is none": Case(
        {"abstract": r"Code: \href{javascript:alert(1)}{press here}."}, absent=('href="javascript', "<script>alert")
    ),
    "a dollar is money where no formula closes": Case(
        {"abstract": "It costs a lot (over $1 billion) each year."}, shown=("(over $1 billion)",), absent=("<math",)
    ),
    "braces without a partner break nothing": Case(
        {"title": "A {Title} with}} {{Braces", "abstract": r"Then \frac{1 and \textbf{never closed."},
        title="A Title with}} {{Braces",
        shown=("never closed",),
    ),
    "a less-than sign is no tag": Case({"abstract": "significant (p<0.001), n<m>k"}, shown=("(p<0.001), n<m>k",)),
    "a link in HTML becomes a safe one": Case(
        {"abstract": 'See <a href="https://example.org/code">this\nhttps URL.</a>'},
        markup=('<a href="https://example.org/code" rel="nofollow ugc noopener">',),
        absent=("&lt;a href",),
    ),
    "other HTML is shown, not run": Case(
        {"title": "<b>Bold</b><script>alert(1)</script>"},
        title="<b>Bold</b><script>alert(1)</script>",
        absent=("<b>Bold", "<script>alert"),
    ),
    "entities are decoded once": Case(
        {"abstract": "6.2% &#177; 2.8%, F&#248;lner, &amp;lt;"}, shown=("6.2% ± 2.8%, Følner, &lt;",)
    ),
    "control characters are dropped": Case(
        {"title": "On \x00NUL\x02", "authors": ("Sophie G\x7fötz",), "abstract": "H\x7földer\x85 here\x1b"},
        title="On NUL",
        authors="Sophie Götz",
    ),
    "text that was decoded wrongly is repaired or shown as it is": Case(
        {"title": "On â€œspikinessâ€\x9d and AlzheimerÃ¢..s"}, title="On “spikiness” and Alzheimerâ..s"
    ),
    "what nobody sees is dropped": Case({"title": "\ufeffSegmen\u200btation\u200b"}, title="Segmentation"),
    "controls of direction are dropped from names": Case(
        {"authors": ("\u202aAvi Sample\u202c\u200f",)}, authors="Avi Sample"
    ),
    "accents that stand apart are joined": Case({"authors": ("Ales\u0306 Sample",)}, authors="Ales̆ Sample"),
    "decomposed letters are composed": Case({"authors": ("Jose\u0301 Sample",)}, authors="Jos\u00e9 Sample"),
    "names in Chinese stay whole": Case({"authors": ("飞 叶", "江常皓")}, authors="飞 叶, 江常皓"),
    "emoji and letters beyond the first plane stay": Case(
        {"title": "On the Holes 🧀 of 𝛼NLI"}, title="On the Holes 🧀 of 𝛼NLI"
    ),
    "separators of lines and pages are spaces": Case(
        {"title": "One\u2028Two\x0cThree\x0bFour"}, title="One Two Three Four"
    ),
    "a colon is no author, a collaboration is one": Case(
        {"authors": ("The Sample Team", ":", "Euclid Collaboration")},
        authors="The Sample Team, Euclid Collaboration",
        fields={"author_count": 2},
    ),
    "all authors may stand in one name": Case({"authors": (ONE_NAME,)}, fields={"author_count": 1}),
    "no authors": Case({"authors": ()}, fields={"author_count": 0}),
    "et al. is no author": Case({"authors": ("A. Sample", "et. al.")}, authors="A. Sample", fields={"author_count": 1}),
    "brackets hold affiliations": Case(
        {"authors": None, "authors_text": "C. Sample (A Bank, London, UK), D. Other"},
        authors="C. Sample, D. Other",
        markup=('title="A Bank, London, UK"',),
    ),
    "an abstract may be missing": Case({"abstract": ""}, shown=("No abstract available.",)),
    "an abstract may be one word": Case({"abstract": "Yes. "}, shown=("Yes.",)),
    "an abstract may be very long": Case({"abstract": "So many words. " * 1100 + "The end."}, shown=("The end.",)),
    "a title may be very long": Case({"title": LONG_TITLE}, title=LONG_TITLE),
    "a paper that its authors withdrew says so": Case(
        {"comment": "This paper has been withdrawn by the author due to an error"},
        shown=("What it says.",),
        markup=("This paper was withdrawn",),
    ),
    "a paper that was removed says so": Case(
        {"comment": "This submission has been removed; the article has been withdrawn by arXiv administrators"},
        markup=("This paper was withdrawn",),
    ),
    "foreign codes are no categories": Case(
        {"categories": ("math.OC", "68U10, 90C26", "I.2.7; I.2.6")}, fields={"categories": ["math.OC"]}
    ),
    "renamed categories go by their name of today, once": Case(
        {"categories": ("cmp-lg", "cs.CL", "alg-geom")}, fields={"categories": ["cs.CL", "math.AG"]}
    ),
    "an id with a version": Case({"arxiv_id": "2606.31503v2"}, fields={"public_id": "2606.31503", "version": 2}),
    "an id with a subject class": Case({"arxiv_id": "math.CA/0611800"}, fields={"public_id": "math/0611800"}),
    "an id as an address": Case(
        {"arxiv_id": "https://arxiv.org/pdf/2606.31504v1.pdf"}, fields={"public_id": "2606.31504"}
    ),
    "two DOIs in one field": Case({"doi": "10.1000/ONE 10.1000/two"}, fields={"doi": "10.1000/one"}),
    "a DOI that is broken": Case({"arxiv_id": "2603.09002", "doi": "10.016/j.nothing"}, fields={"doi": ""}),
    "a DOI full of signs": Case(
        {"arxiv_id": "2603.09003", "doi": "10.1016/0550-3213(94)00102-2<1::AID-X>3.0.CO;2-P"},
        markup=("https://doi.org/10.1016/0550-3213%2894%2900102-2%3C1%3A%3Aaid-x%3E3.0.co%3B2-p",),
    ),
    "quotation marks of TeX": Case({"title": "On ``Quoted'' Words"}, title="On “Quoted” Words"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_from_the_record_to_the_page(name: str) -> None:
    case = CASES[name]
    stored = store_papers([factories.raw_paper(**case.record)], now=factories.NOW, kind="arxiv_oai")
    assert (stored.new, stored.rejected) == (1, 0)
    paper = Paper.objects.get()
    assert {key: getattr(paper, key) for key in case.fields} == case.fields
    response = anonymous_client().get(paper.get_absolute_url())
    assert response.status_code == 200
    page = response.content.decode()
    check_page(page, case)
    (card,) = cards_on(reverse("papers:new"))
    assert card.title == case.title if case.title else card.title.strip()
    assert "\x00" not in page
    assert not re.search("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", page)


def check_page(page: str, case: Case) -> None:
    root = parse_html(page)
    if case.title:
        assert text_of(root.find(".//h1")) == case.title
    if case.authors is not None:
        assert text_of(root.find_class("authors")[0]) == case.authors
    abstract = text_of(root.find_class("paper-abstract")[0])
    for text in case.shown:
        assert text in abstract
    for text in case.markup:
        assert text in page
    assert_absent(root, case.absent)


def assert_absent(root: Any, texts: tuple[str, ...]) -> None:
    """Nowhere on the page itself; what is there to be cited keeps its TeX, for LaTeX reads that."""
    main = root.get_element_by_id("content")
    for cite in main.find_class("cite"):
        cite.drop_tree()
    shown = tostring(main, encoding="unicode")
    for text in texts:
        assert text not in shown


@pytest.mark.django_db
def test_the_words_of_the_archive_replace_those_of_a_listing() -> None:
    listing = factories.raw_paper("arxiv_rss", arxiv_id="2603.09001", abstract="Code is at this https URL")
    record = factories.raw_paper("arxiv_oai_raw", arxiv_id="2603.09001", abstract="Code is at https://example.org/code")
    for order in ([listing, record], [record, listing]):
        Paper.objects.all().delete()
        for raw in order:
            store_papers([raw], now=factories.NOW, kind=raw.source)
        assert Paper.objects.get().abstract == "Code is at https://example.org/code"


@pytest.mark.django_db
def test_who_follows_a_category_finds_what_was_filed_under_its_old_name() -> None:
    store_papers([factories.raw_paper(title="An old one", categories=("cmp-lg",))], now=factories.NOW, kind="arxiv_oai")
    assert [card.title for card in cards_on(f"{reverse('papers:new')}?category=cs.CL")] == ["An old one"]


# Cases that are about more than one record, or about how records come.
ELSEWHERE = {
    "ligatures and letters of mathematics are folded for search": "text/test_cleaning.py::"
    "test_text_is_folded_for_search",
    "thousands of authors: stored": "ingest/test_store_papers.py::test_paper_of_3303_authors_is_stored",
    "thousands of authors: shown": "reading/test_paper_page.py::test_three_thousand_authors_fold",
    "withdrawn: votes stay": "ingest/test_store_papers.py::test_withdrawn_paper_keeps_its_votes",
    "withdrawn: words about something else": "ingest/test_record_cleaning.py::"
    "test_comment_about_something_else_withdrawn_is_not_a_withdrawal",
    "a new version with a new title": "ingest/test_store_papers.py::"
    "test_newer_version_updates_in_place_and_keeps_what_it_changed",
    "a new version is no news": "sources/test_sources_arxiv_rss.py::test_a_new_version_is_not_announced_anew",
    "one paper at arXiv and in a journal": "ingest/test_record_resolution.py::"
    "test_doi_brings_sources_together_in_any_order",
    "one DOI, two arXiv ids": "ingest/test_store_papers.py::test_two_arxiv_papers_with_one_doi_stay_two",
    "one title, many papers": "ingest/test_store_papers.py::test_papers_of_one_title_stay_apart",
    "items written as Python writes them": "sources/test_sources_huggingface.py::"
    "test_items_in_another_languages_notation_cost_only_themselves",
    "rows written as Python writes them": "ingest/test_paper_import.py::"
    "test_a_bad_row_is_named_with_line_and_reason_and_the_rest_goes_in",
    "dates that can't be": "ingest/test_record_cleaning.py::"
    "test_elsewhere_a_date_long_after_the_month_in_the_id_is_no_date",
    "dates to come": "ingest/test_record_merge.py::test_future_date_orders_nothing_until_it_has_come",
    "the day of a list is its own": "sources/test_sources_huggingface.py::"
    "test_the_list_day_is_the_day_of_its_submission_not_of_the_paper",
    "an old paper comes back on a list": "sources/test_sources_arxiv_rss.py::"
    "test_an_old_paper_that_is_cross_listed_was_announced_before",
    "ids in any spelling": "catalogue/test_identifiers.py::test_every_spelling_of_an_arxiv_id_gives_the_same_id",
    "ids as numbers": "catalogue/test_identifiers.py::test_damaged_and_old_arxiv_ids_are_repaired",
    "one id on two pages": "sources/test_sources_arxiv_oai.py::test_records_that_come_twice_do_no_harm",
    "an empty page that should not be": "sources/test_sources_arxiv_api.py::"
    "test_an_empty_page_that_should_not_be_is_asked_for_again",
    "an id that the answer lacks": "sources/test_sources_arxiv_api.py::test_a_look_up_names_what_is_missing",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_other_cases_have_their_tests(name: str) -> None:
    file, _, test = ELSEWHERE[name].partition("::")
    source = (Path(settings.BASE_DIR) / "tests" / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {test}\(", source, re.MULTILINE)
