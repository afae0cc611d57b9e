"""A mail on a phone: what its list of mails shows, what is read in a minute, and taps that fingers hit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import html as lxml_html

from digests.content import rendering
from digests.models import Delivery, MergedPaper
from digests.services.planning import plan_due
from papers.models import Paper, PaperVersion
from papers.services.reading.library import set_library_state
from tests.digests.test_mail_content import DUE, _site, bodies, match_all, the_mail  # noqa: F401  a fixture
from tests.support import factories

pytestmark = pytest.mark.django_db

TITLES = (
    "Long-context retrieval without attention sinks in small language models",
    "A benchmark of tool use for agents that write their own programs",
    "Sparse mixtures of experts learn to route by syntax, not by topic",
)
ABSTRACT = (
    "We study how small models keep track of long documents. A cache that forgets evenly does better than one that "
    "keeps the first words. On twelve tasks it halves memory and loses no accuracy, and we say where it fails and why. "
    "Code and data are released with this paper, and all runs can be repeated on one machine in a day."
)
# Silent reading of English, in words a minute (Brysbaert 2019, a meta-analysis of 190 studies).
WORDS_A_MINUTE = 238


@pytest.mark.parametrize(
    ("title", "others", "said"),
    [
        ("Attention is enough", 0, "Attention is enough"),
        ("Attention is enough", 11, "Attention is enough and 11 more"),
        (TITLES[0], 11, "Long-context retrieval without attention sinks… and 11 more"),
        (TITLES[0], 1_234, "Long-context retrieval without attention… and 1,234 more"),
        ("A: " + "b" * 90, 1, "A: " + "b" * 45 + "… and 1 more"),
        ("x" * 90, 0, "x" * 59 + "…"),
        ("学習による言語理解" * 9, 3, ("学習による言語理解" * 9)[:23] + "… and 3 more"),
        ("Two\r\nlines", 0, "Two lines"),
        ("", 2, " and 2 more"),
    ],
)
def test_a_subject_is_the_best_paper_s_title_as_far_as_a_phone_shows_it(title: str, others: int, said: str) -> None:
    made = rendering.subject(title, others=others)
    assert made == said
    assert len(made) <= 60


def test_the_line_below_it_has_the_titles_that_the_subject_has_not() -> None:
    following = ["Second", "x " * 40, "Fourth", "Fifth"]
    made = rendering.preheader(["First", *following], "We show.")
    assert made.startswith("Second · x x")
    assert made.endswith("… · Fourth")
    assert "First" not in made + "We show."
    assert len(rendering.preheader(["a " * 90] * 9, "")) <= 140
    assert rendering.preheader(["First"], "We show that.") == "We show that."


def mail_of(papers: int, **fields: Any) -> tuple[Any, str, str]:
    """A mail of so many papers to a reader with an account: the mail, its text and its HTML."""
    made = [
        factories.paper(
            title=f"{TITLES[number % 3]}: part {number}",
            abstract=ABSTRACT,
            authors=["Ada Lovelace", "Émilie du Châtelet", "Mary Somerville", "Sofia Kovalevskaya", "Emmy Noether"],
            organization="Language Lab",
            links={
                kind: {"url": f"https://arxiv.org/{kind}/2603.0000{number % 10}", "found": "arxiv"}
                for kind in ("abs", "pdf")
            },
        )
        for number in range(papers)
    ]
    match_all(made, [topic := factories.topic("LLM agents")])
    factories.schedule(factories.subscriber(user=factories.user()), topic, **fields)
    plan_due(now=DUE)
    mail = the_mail()
    return mail, *bodies(mail)


def read_on_a_phone(html: str) -> str:
    """Titles and abstracts as a screen of 390 px shows them; names, dates and links are not read but looked for."""
    page: Any = lxml_html.fromstring(html)
    return " ".join(" ".join(page.xpath("//h2[@class='t']//text() | //p[@class='p']//text()")).split())


def test_the_best_three_are_whole_and_the_others_are_read_in_brief() -> None:
    mail, text, html = mail_of(12)
    assert str(mail["Subject"]) == "Sparse mixtures of experts learn to route by… and 11 more"
    assert html.count('class="p"') == 3
    assert html.count('class="p b"') == 9
    assert html.count("Ada Lovelace, Émilie du Châtelet") == 3
    assert html.count("Ada Lovelace et al. · Language Lab") == 9
    assert ".b { display: none !important; }" in html
    assert text.count("We study how small models") == 12, "the plain part has a snippet of each"
    said = read_on_a_phone(html)
    assert said.count("We study how") == 3
    assert len(said.split()) <= WORDS_A_MINUTE


def test_what_a_mail_shows_below_its_subject_is_no_repetition() -> None:
    _, _, html = mail_of(2)
    shown = lxml_html.fromstring(html).xpath("string(//div[contains(@class, 'pre')])")
    assert str(shown).startswith("Long-context retrieval without attention sinks…")


def test_of_one_paper_the_preview_is_the_beginning_of_its_abstract() -> None:
    mail, _, html = mail_of(1)
    assert str(mail["Subject"]) == "Long-context retrieval without attention sinks in small…"
    shown = lxml_html.fromstring(html).xpath("string(//div[contains(@class, 'pre')])")
    assert str(shown).startswith("We study how small models keep track of long documents.")


def test_a_mail_of_new_versions_alone_says_so() -> None:
    reader = factories.user()
    papers = [factories.paper(title=title) for title in ("Frogs", "Toads")]
    set_library_state(user=reader, paper_ids=[paper.pk for paper in papers], state="to_read")
    versions = [PaperVersion.objects.create(paper=paper, version=2, seen_at=factories.NOW) for paper in papers]
    schedule = factories.schedule(factories.subscriber(user=reader), kinds=["versions"])
    factories.delivery(schedule, version_ids=[version.pk for version in versions], due_at=DUE, not_before=DUE)
    assert str(the_mail()["Subject"]) == "New version: Frogs and 1 more"


def test_fingers_hit_what_is_tapped_and_the_dark_has_its_own_colours() -> None:
    _, _, html = mail_of(4)
    acts = re.findall(r'<a class="a"[^>]* style="([^"]+)"', html)
    assert len(acts) == 12
    assert all("padding: 10px 14px" in style for style in acts), "44 px high with its line"
    dark = html.partition("prefers-color-scheme: dark")[2].partition("</style>")[0]
    for name in (".page", ".in", ".i", ".t a", ".s", ".a", ".w", ".foot"):
        assert name in dark, name
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", html.partition("</div>")[2])]
    assert min(sizes) >= 14


def test_forty_papers_stay_below_what_gmail_cuts() -> None:
    mail, _, html = mail_of(40, max_papers=40)
    assert 30 <= html.count("<h2") <= 40
    assert len(html.encode()) <= 90_000
    assert len(mail.as_bytes()) <= 100_000


def test_papers_that_were_merged_are_shown_once() -> None:
    """Also where one is among the first and the other in brief."""
    papers = [factories.paper(title=f"Paper {number}") for number in range(5)]
    match_all(papers, [topic := factories.topic("LLM agents")])
    factories.schedule(None, topic)
    plan_due(now=DUE)
    ids = Delivery.objects.get().paper_ids
    MergedPaper.objects.create(gone_id=ids[4], kept_id=ids[0])
    Paper.objects.filter(pk=ids[4]).delete()
    _, html = bodies(the_mail())
    titles = re.findall(r"<h2[^>]*><a[^>]*>(.*?)</a></h2>", html)
    assert titles == ["Paper 4", "Paper 3", "Paper 2", "Paper 1"]
