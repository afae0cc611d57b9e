"""The addresses of exports: what they hold, in which order, and what an account takes along."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pybtex.database import parse_string

from papers import hooks
from papers.citations.registry import CITATION_FORMATS
from papers.models import FormerAddress, LibraryItem, Tag, TaggedPaper
from papers.services.accounts.invitations import create_invitation
from papers.services.accounts.login_links import create_login_link
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags
from papers.services.search import result_page
from papers.services.search.timeouts import SearchTimeout
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db


def text_of(path: str) -> str:
    answer = anonymous_client().get(path)
    assert answer.status_code == 200
    return b"".join(answer).decode()


class TestLists:
    @pytest.fixture(autouse=True)
    def _papers(self) -> None:
        for votes in (1, 5, 3):
            factories.listing(factories.paper(public_id=f"2603.0000{votes}", vote_count=votes))
        factories.listing(factories.paper(public_id="2603.00009", hidden_at=NOW))

    @pytest.mark.parametrize("path", ["date/2026-03-04", "week/2026-W10", "month/2026-03"])
    def test_all_of_a_list_in_its_order_and_nothing_hidden(self, path: str) -> None:
        ids = [row["id"] for row in json.loads(text_of(f"/papers/{path}.json"))]
        assert ids == ["2603.00005", "2603.00003", "2603.00001"]
        assert len(parse_string(text_of(f"/papers/{path}.bib"), "bibtex").entries) == 3

    def test_as_a_file_with_a_name(self) -> None:
        answer = anonymous_client().get("/papers/date/2026-03-04.csv")
        assert answer["Content-Disposition"] == 'attachment; filename="papers-2026-03-04.csv"'
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert len(list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))) == 3

    def test_as_many_queries_for_many_as_for_few(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(2):
            text_of("/papers/date/2026-03-04.bib")

    def test_the_page_offers_them(self) -> None:
        page = parse_html(anonymous_client().get("/papers/date/2026-03-04").content.decode())
        links = page.xpath("//details[contains(@class, 'export')]//a/@href")
        assert [link.rsplit(".", 1)[1] for link in links] == [*CITATION_FORMATS, "atom", "json"]  # and its feeds


class TestPaper:
    def test_by_its_address_with_the_format_behind(self) -> None:
        factories.paper(public_id="hep-th/9901001", title="Old")
        assert "title = {Old}" in text_of("/papers/hep-th/9901001.bib")
        assert text_of("/papers/hep-th/9901001.md").startswith("# [Old](")

    def test_an_address_it_had_before_leads_on(self) -> None:
        FormerAddress.objects.create(public_id="doi/10.1/x", paper=factories.paper(public_id="2603.00001"))
        assert anonymous_client().get("/papers/doi/10.1/x.bib")["Location"] == "/papers/2603.00001.bib"

    def test_a_doi_that_ends_like_a_format_is_the_paper(self) -> None:
        factories.paper(public_id="doi/10.1/notes.md", doi="10.1/notes.md", title="Notes")
        assert "<h1" in text_of("/papers/doi/10.1/notes.md")
        assert text_of("/papers/doi/10.1/notes.md.md").startswith("# [Notes](https://doi.org/")

    def test_its_page_says_it_to_reference_managers(self) -> None:
        factories.paper(public_id="2603.00001", title="A <b> & $x^2$", authors=["Ada Lovelace", "Émilie du Châtelet"])
        page = parse_html(anonymous_client().get("/papers/2603.00001").content.decode())
        assert page.xpath("//meta[@name='citation_title']/@content") == ["A <b> & x²"]
        assert page.xpath("//meta[@name='citation_author']/@content") == ["Lovelace, Ada", "du Châtelet, Émilie"]
        assert json.loads(page.xpath("//script[@type='application/ld+json']")[0].text)["name"] == "A <b> & x²"
        assert page.xpath("//meta[@property='og:title']/@content") == ["A <b> & x²"]
        assert "lovelace2026-2603.00001" in page.xpath("string(//details[@class='cite'])")

    def test_a_members_only_site_tells_chats_nothing(self, settings: Any) -> None:
        settings.ACCESS = "members"
        factories.paper(public_id="2603.00001")
        page = parse_html(client_of(reader()).get("/papers/2603.00001").content.decode())
        assert page.xpath("//meta[@property]") == []
        assert anonymous_client().get("/papers/2603.00001.bib").status_code == 302


def ids_of(path: str, client: Client | None = None) -> list[str]:
    answer = (client or anonymous_client()).get(path)
    assert answer.status_code == 200, path
    return [row["id"] for row in json.loads(b"".join(answer))]


def menu_of(path: str, client: Client) -> list[str]:
    """Where the export menu of a page leads."""
    page = parse_html(client.get(path).content.decode())
    return list(page.xpath("//details[contains(@class, 'export')]//a/@href"))


class TestOwnLists:
    @pytest.fixture(autouse=True)
    def _papers(self) -> None:
        self.rita = reader()
        self.client = client_of(self.rita)
        papers = [factories.paper(public_id=f"2601.0000{number}", title=f"Ice {number}") for number in range(1, 5)]
        papers.append(factories.paper(public_id="2601.00009", hidden_at=NOW))
        set_library_state(user=self.rita, paper_ids=[paper.pk for paper in papers[:3]], state="to_read")
        set_library_state(user=self.rita, paper_ids=[papers[0].pk], state="read")
        for place, paper in enumerate(papers):
            LibraryItem.objects.filter(paper=paper).update(added_at=NOW + timedelta(days=place))
        self.tag = Tag.objects.create(user=self.rita, name="cold", shared_at=NOW)
        for paper in papers:
            TaggedPaper.objects.create(tag=self.tag, paper=paper)

    def test_a_tag_last_tagged_first_and_nothing_hidden(self) -> None:
        assert ids_of("/tags/rita/cold.json") == [f"2601.0000{number}" for number in (4, 3, 2, 1)]
        Tag.objects.update(shared_at=None)
        assert anonymous_client().get("/tags/rita/cold.json").status_code == 404
        assert len(ids_of("/tags/RITA/Cold.json", self.client)) == 4

    def test_a_tag_that_ends_like_a_format_is_a_page(self) -> None:
        Tag.objects.create(user=self.rita, name="notes.md", shared_at=NOW)
        assert "<h1" in anonymous_client().get("/tags/rita/notes.md").content.decode()
        assert ids_of("/tags/rita/notes.md.json") == []

    @pytest.mark.parametrize("name", ["ünïcode 中文", 'a"b', "c++ & co", "50%"])
    def test_a_tag_of_any_name(self, name: str) -> None:
        Tag.objects.update(name=name)
        links = menu_of(self.tag.get_absolute_url().replace("cold", quote(name)), self.client)
        assert len(ids_of(next(link for link in links if link.endswith(".json")), self.client)) == 4

    @pytest.mark.parametrize(
        ("asked", "numbers"),
        [
            ("", [3, 2, 1]),
            ("?state=read", [1]),
            ("?tag=cold&state=to_read", [3, 2]),
            ("?q=ti:%22Ice+2%22", [2]),
            ("?tag=none&state=none&sort=none", [3, 2, 1]),
        ],
    )
    def test_the_library_as_it_is_filtered(self, asked: str, numbers: list[int]) -> None:
        assert ids_of(f"/library.json{asked}", self.client) == [f"2601.0000{number}" for number in numbers]
        links = [link for link in menu_of(f"/library{asked}", self.client) if ".json" in link]
        assert ids_of(links[0], self.client) == [f"2601.0000{number}" for number in numbers]

    def test_the_library_of_one_reader(self) -> None:
        assert ids_of("/library.json", client_of(reader("otto"))) == []
        assert anonymous_client().get("/library.json")["Location"].startswith("/sign-in?next=")

    @pytest.mark.parametrize(
        "path", ["/library.bib", "/tags/rita/cold.bib", "/papers/search.bib?q=ice", "/papers/search.bib?q=before:2030"]
    )
    def test_as_many_queries_for_many_as_for_few(self, path: str) -> None:
        self.client.get(path)  # reads what a process keeps
        counts = []
        for _ in range(2):
            cache.clear()
            with CaptureQueriesContext(connection) as captured:
                assert len(parse_string(b"".join(self.client.get(path)).decode(), "bibtex").entries) >= 3
            counts.append(len(captured))
            papers = [factories.paper(title="Ice again") for _ in range(20)]
            set_library_state(user=self.rita, paper_ids=[paper.pk for paper in papers], state="reading")
            add_tags(user=self.rita, paper_ids=[paper.pk for paper in papers], names=["cold"])
        assert counts[0] == counts[1]


class TestSearch:
    @pytest.fixture(autouse=True)
    def _papers(self) -> None:
        factories.paper(public_id="2603.00001", title="Ice", vote_count=1)
        factories.paper(public_id="2603.00002", title="Ice and more ice", vote_count=2)
        factories.paper(public_id="2603.00003", title="Fire", vote_count=3)
        factories.paper(public_id="2603.00009", title="Ice, hidden", hidden_at=NOW)

    def test_what_is_found_in_the_order_of_the_page(self) -> None:
        for asked in ("q=ice", "q=ice&sort=votes", "q=ice&sort=newest", "q=before:2030"):
            page = parse_html(anonymous_client().get(f"/papers?{asked}").content.decode())
            shown = [link.removeprefix("/papers/") for link in page.xpath("//*[@class='card-title']/a/@href")]
            assert ids_of(f"/papers/search.json?{asked}") == shown != []
        assert ids_of("/papers/search.json?q=ice&sort=votes") == ["2603.00002", "2603.00001"]

    def test_the_first_of_many_which_the_menu_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(result_page, "EXPORT_LIMIT", 1)
        assert len(ids_of("/papers/search.json?q=ice")) == len(ids_of("/papers/search.json?q=before:2030")) == 1
        page = anonymous_client().get("/papers?q=ice&sort=votes")
        assert "The first 400" in page.content.decode()
        assert menu_of("/papers?q=ice&sort=votes", anonymous_client())[0] == "/papers/search.bib?q=ice&sort=votes"

    def test_where_there_can_be_none_the_page_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert anonymous_client().get("/papers/search.bib")["Location"] == "/papers?q=&sort="
        assert anonymous_client().get("/papers/search.bib?q=2603.00001")["Location"] == "/papers/2603.00001.bib"

        def slow(*_: Any, **__: Any) -> None:
            raise SearchTimeout

        monkeypatch.setattr(result_page, "search_papers", slow)
        assert anonymous_client().get("/papers/search.bib?q=ice")["Location"] == "/papers?q=ice&sort="


class TestAccount:
    def zip_of(self, user: Any) -> zipfile.ZipFile:
        answer = client_of(user).post("/account/export")
        assert answer["Content-Type"] == "application/zip"
        return zipfile.ZipFile(io.BytesIO(b"".join(answer)))

    def test_all_that_it_holds_and_no_key_to_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rita, carla = reader(), reader("carla")
        voted, tagged, noted = (factories.paper(public_id=f"2603.0000{number}") for number in range(3))
        factories.vote(voted, rita)
        factories.comment(voted, rita, "Well said.")
        factories.comment(voted, carla, "Not hers.")
        TaggedPaper.objects.create(tag=Tag.objects.create(user=rita, name="graphs"), paper=tagged)
        LibraryItem.objects.create(user=rita, paper=noted, note="Read **this**.")
        LibraryItem.objects.create(user=carla, paper=noted, note="Carla's.")
        token = create_login_link(rita.email).rsplit("/", 1)[1]
        create_invitation(by=rita, email="x@example.org", now=NOW)
        monkeypatch.setattr(hooks.account_exported, "_functions", [lambda user, parts: parts.update(more=[user.pk])])
        archive = self.zip_of(rita)
        data = json.loads(archive.read("account.json"))
        assert data["profile"]["email"] == rita.email
        assert [row["paper__public_id"] for row in data["votes"]] == ["2603.00000"]
        assert [row["body"] for row in data["comments"]] == ["Well said."]
        assert data["tagged_papers"][0]["tag__name"] == "graphs"
        assert data["invitations"][0]["email"] == "x@example.org"
        assert data["more"] == [rita.pk]
        assert archive.read("notes/2603.00002.md").decode() == "# Paper 2603.00002\n\nRead **this**.\n"
        assert len(parse_string(archive.read("papers.bib").decode(), "bibtex").entries) == 3
        everything = b"".join(archive.read(name) for name in archive.namelist())
        for secret in (token.encode(), b"digest", b"session_key", rita.password.encode(), b"Carla's", b"Not hers"):
            assert secret not in everything

    def test_an_empty_one(self) -> None:
        archive = self.zip_of(reader())
        assert json.loads(archive.read("account.json"))["votes"] == []
        assert archive.read("papers.bib") == b""
