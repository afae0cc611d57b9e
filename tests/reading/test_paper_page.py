"""A paper's own page: all that is known, folded where it is much; and every name that leads to it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from papers.models import FormerAddress, Paper, PaperEdit, PaperVersion
from papers.services.reading.library import save_annotations
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import get_page, page_text, text_of, text_of_class
from tests.support.people import anonymous_client, client_of, curator, reader

pytestmark = pytest.mark.django_db


def about(paper: Paper) -> dict[str, str]:
    """The list of facts."""
    (facts,) = get_page(paper.get_absolute_url()).find_class("about")
    return {text_of(row[0]): text_of(row[1]) for row in facts}


def test_what_is_known_is_told() -> None:
    paper = factories.paper(
        published_at=datetime(2026, 3, 2, tzinfo=UTC),
        announced_on=TODAY,
        categories=["cs.CL", "stat.ML"],
        venue="ACL 2026",
        comment="12 pages",
        journal_ref="J. Papers 3 (2026) 12",
        doi="10.1000/182",
        license="http://creativecommons.org/licenses/by/4.0/",
    )
    factories.listing(paper)
    factories.listing(paper, date(2026, 3, 5))
    assert about(paper) == {
        "Published": "2 March 2026",
        "Announced": "4 March 2026",
        "Listed on": "4 March 2026, 5 March 2026",
        "Categories": "cs.CL Computation and Language stat.ML Machine Learning",
        "Accepted at": "ACL 2026",
        "Authors’ comment": "12 pages",
        "Journal reference": "J. Papers 3 (2026) 12",
        "DOI": "10.1000/182",
        "Licence": "CC BY 4.0",
    }


def test_what_is_not_known_is_left_out() -> None:
    paper = factories.paper(categories=[], authors=[], abstract="")
    assert about(paper) == {}
    assert "No abstract available" in page_text(paper.get_absolute_url())


def test_versions_newest_first_with_what_changed() -> None:
    paper = factories.paper(version=3)
    for number, texts in ((1, {"title": "Old title", "abstract": "Old."}), (2, {"comment": "8 pages"}), (3, {})):
        PaperVersion.objects.create(
            paper=paper, version=number, seen_at=NOW, released_at=datetime(2026, 3, number, tzinfo=UTC), **texts
        )
    assert about(paper)["Versions"] == (
        "v3, 3 March 2026: new comment What changed in v3 Comment: 8 pages "
        "v2, 2 March 2026: new title, abstract v1, 1 March 2026"
    )


def test_the_words_that_a_version_changed_are_marked() -> None:
    paper = factories.paper(title="On <thick> ice", abstract="We melt $n + 1$ cubes of ice in May.", version=3)
    texts: tuple[dict[str, str], ...] = (
        {"title": "On <thin> ice", "abstract": "We melt $n$ cubes of ice in April."},
        {"abstract": "We melt $n + 1$ cubes of ice in April."},
        {},
    )
    for number, own in enumerate(texts, start=1):
        PaperVersion.objects.create(paper=paper, version=number, seen_at=NOW, **own)
    marked = [
        [f"{word.tag} {text_of(word)}" for word in change.iter("ins", "del")]
        for change in get_page(paper.get_absolute_url()).find_class("word-diff")
    ]
    assert marked == [["del April.", "ins May."], ["del <thin>", "ins <thick>"], ["del n", "ins n+1"]]


def test_what_a_curator_wrote_is_no_change_of_a_version() -> None:
    paper = factories.paper(title="The curator's", version=2)
    PaperEdit.objects.create(paper=paper, field="title", value="The curator's", source_value="On ice", edited_at=NOW)
    for number, text in ((1, "On thin ice"), (2, "")):
        PaperVersion.objects.create(paper=paper, version=number, seen_at=NOW, title=text)
    (change,) = get_page(paper.get_absolute_url()).find_class("word-diff")
    assert text_of(change) == "Title: On thin ice"


def test_three_thousand_authors_fold() -> None:
    paper = factories.paper(authors=[f"Author {number}" for number in range(3000)])
    page = get_page(paper.get_absolute_url())
    (fold,) = page.find_class("fold")
    assert text_of(fold[0]) == "and 2,970 others"
    assert len(fold.find_class("author")) == 2970
    assert "Author 2999" in text_of(fold)


def test_links_say_where_they_were_found() -> None:
    links = {
        "abs": {"url": "https://arxiv.org/abs/1", "found": "arxiv"},
        "code": {"url": "https://github.com/a/b", "found": "abstract"},
        "project": {"url": "https://a.github.io", "found": "comment"},
    }
    (found,) = get_page(factories.paper(links=links).get_absolute_url()).find_class("links")
    said = [text_of(link) for link in found]
    assert said == ["arXiv", "Code found in the abstract", "Project page found in the authors' comment"]


def test_a_withdrawn_paper_says_so_first() -> None:
    paper = factories.paper(withdrawn_at=NOW, comment="Withdrawn because of an error in Lemma 3")
    (banner,) = get_page(paper.get_absolute_url()).find_class("banner")
    assert text_of(banner) == "This paper was withdrawn: Withdrawn because of an error in Lemma 3"


def test_a_sample_summary_is_said_to_be_ours() -> None:
    assert "This summary is from the sample" in page_text(factories.paper(is_sample=True).get_absolute_url())


def test_the_figures_of_other_sites_stand_apart() -> None:
    paper = factories.paper()
    factories.external_counts(paper, votes=212, comments=1, submitted_by="akira", url="https://huggingface.co/papers/1")
    page = get_page(paper.get_absolute_url())
    assert text_of_class(page, "figures") == "212 votes and 1 comment on Hugging Face, submitted there by akira"
    assert text_of_class(page, "number") == "0"


def test_the_vote_of_the_reader() -> None:
    paper, user = factories.paper(), reader()
    set_vote(user=user, paper_id=paper.pk, on=True)
    (vote,) = get_page(paper.get_absolute_url(), client_of(user)).find_class("vote")
    assert (vote.get("aria-pressed"), vote.get("form")) == ("true", "votes")


def test_the_head_has_its_one_address_and_plain_words() -> None:
    paper = factories.paper(title=r"On $\alpha$ & <b>", abstract="It says <this>.")
    page = get_page(f"{paper.get_absolute_url()}?utm=1")
    assert page.xpath("//link[@rel='canonical']/@href") == [f"http://127.0.0.1:8000{paper.get_absolute_url()}"]
    assert page.xpath("//meta[@name='description']/@content") == ["It says <this>."]
    assert page.findtext(".//title") == "On α & <b>"


class TestAddresses:
    @pytest.mark.parametrize("public_id", ["2603.12345", "hep-th/9901001", "doi/10.1000/x(1)<2>;3#4%5", "p-abcdefghij"])
    def test_every_kind_of_id_has_a_page(self, public_id: str) -> None:
        paper = factories.paper(public_id=public_id, title="Here")
        assert text_of_class(get_page(paper.get_absolute_url()), "paper-head").startswith("Here")

    def moved(self, path: str) -> tuple[int, str]:
        response = anonymous_client().get(path)
        return response.status_code, response.headers.get("Location", "")

    def test_a_version_leads_to_the_paper(self) -> None:
        factories.paper(public_id="2501.00001")
        factories.paper(public_id="hep-th/9901001")
        assert self.moved("/papers/2501.00001v2") == (302, "/papers/2501.00001")
        assert self.moved("/papers/hep-th/9901001v1") == (302, "/papers/hep-th/9901001")

    def test_a_former_address_leads_on_for_ever(self) -> None:
        paper = factories.paper(public_id="2501.00001")
        FormerAddress.objects.create(public_id="doi/10.1000/182", paper=paper)
        assert self.moved("/papers/doi/10.1000/182") == (301, "/papers/2501.00001")

    def test_arxiv_s_own_paths(self) -> None:
        for path in ("/abs/2501.00001", "/abs/2501.00001v3", "/pdf/2501.00001v1.pdf"):
            assert self.moved(path) == (302, "/papers/2501.00001")
        assert self.moved("/abs/hep-th/9901001") == (302, "/papers/hep-th/9901001")
        assert self.moved("/abs/nonsense")[0] == 404

    def test_a_slash_at_the_end_is_dropped(self) -> None:
        factories.paper(public_id="2501.00001")
        assert self.moved("/papers/2501.00001/") == (301, "/papers/2501.00001")

    def test_a_slash_at_the_end_of_an_escaped_address(self) -> None:
        paper = factories.paper(public_id="doi/10.1000/a?b#c%d")
        assert self.moved(f"{paper.get_absolute_url()}/") == (301, paper.get_absolute_url())

    def test_an_unknown_one_is_a_404(self) -> None:
        for path in ("/papers/2501.99999999", "/papers/doi/10.1/x", "/papers/topics"):
            assert "There is no such paper here" in page_text(path, status=404)
        assert "The arXiv paper 2501.00001 has not been fetched." in page_text("/papers/2501.00001", status=404)
        assert anonymous_client().get("/papers/2501.00001v2", follow=True).status_code == 404


def test_a_hidden_paper_is_seen_by_curators_only() -> None:
    path = factories.paper(hidden_at=NOW).get_absolute_url()
    assert anonymous_client().get(path).status_code == 404
    assert client_of(reader()).get(path).status_code == 404
    assert "Hidden by a curator" in page_text(path, client_of(curator()))


def test_the_theme_is_kept_without_javascript() -> None:
    client = anonymous_client()
    response = client.post("/theme", {"theme": "dark", "next": "/papers/new"})
    assert response.headers["Location"] == "/papers/new"
    assert get_page("/papers/new", client).get("data-theme") == "dark"
    client.post("/theme", {"theme": "purple"})
    assert get_page("/papers/new", client).get("data-theme") is None
    assert client.get(reverse("papers:theme")).status_code == 405


# --- Its id, and what is pressed -------------------------------------------------------------------------------------


def test_id_date_and_category_stand_under_the_title() -> None:
    paper = factories.paper(public_id="2608.19880", announced_on=date(2026, 11, 27), categories=["cs.AI", "cs.CL"])
    page = get_page(paper.get_absolute_url())
    assert text_of_class(page, "paper-line") == "arXiv:2608.19880 Copy arXiv:2608.19880 · 27 Nov 2026 · cs.AI"
    assert page.xpath("//p[@class='paper-line']//@data-copy-text") == ["arXiv:2608.19880"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"public_id": "hep-th/9901001"}, "arXiv:hep-th/9901001"),
        ({"public_id": "doi/10.1000/182"}, "doi:10.1000/182"),
        ({"public_id": "p-abcdefghij", "doi": "10.1000/182"}, "doi:10.1000/182"),
        ({"public_id": "p-abcdefghij"}, ""),
    ],
)
def test_an_id_is_written_as_people_write_it(fields: dict[str, str], name: str) -> None:
    page = get_page(factories.paper(**fields, categories=[]).get_absolute_url())
    assert text_of_class(page, "paper-name") == name if name else not page.find_class("paper-name")


def test_bibtex_and_address_are_there_to_be_copied() -> None:
    page = get_page(factories.paper(public_id="2608.19880").get_absolute_url())
    assert page.xpath("id('bibtex')")[0].text_content().startswith("@misc{")
    assert page.xpath("//@data-copy-from") == ["bibtex"]
    address = "http://127.0.0.1:8000/papers/2608.19880"
    assert page.xpath("//button[text()='Copy link']/@data-copy-text") == [address]
    (share,) = page.xpath("//button[@data-share]")
    assert (share.get("data-share"), share.get("hidden")) == (address, "")  # until the browser can


def test_state_tags_and_note_are_beside_save() -> None:
    paper, user = factories.paper(), reader()
    save_annotations(user=user, paper_id=paper.pk, state="reading", tags=["maps"], note="So **good**.")
    page = get_page(paper.get_absolute_url(), client_of(user))
    (actions,) = page.find_class("paper-actions")
    assert "On your list (reading)" in text_of(actions)
    assert actions.xpath(".//details[@data-mine]//input[@name='state'][@checked]/@value") == ["reading"]
    assert text_of_class(page, "own") == "maps"
    assert text_of_class(page, "note") == "So good."
    assert not get_page(paper.get_absolute_url()).xpath("//*[@data-mine]")


def test_the_way_through_the_list_asks_the_server_nothing() -> None:
    """The page is the same wherever one comes from; a script shows what is hidden."""
    page = get_page(factories.paper().get_absolute_url())
    (steps,) = page.find_class("list-steps")
    assert steps.get("hidden") == ""
    assert not steps.xpath(".//@href")
