"""The pages of shared lists: made, filled from a paper and by pasting, ordered, undone; feeds, files, queries."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import Paper, SharedList, User
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.shared_lists.entries import add_papers, write_note
from papers.services.shared_lists.settings import ListDraft, create_list, name_member, unname_member
from tests.support import factories
from tests.support.factories import NOW
from tests.support.feed_rules import atom_problems, json_feed_problems
from tests.support.pages import get_page, next_page_url, page_text, parse_html, text_of, titles_on
from tests.support.people import anonymous_client, client_of, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return reader()


def a_list(owner: User, *titles: str, visibility: str = "members") -> tuple[SharedList, list[Paper]]:
    made = create_list(ListDraft("Tides", "On *water*.", visibility), owner=owner, now=NOW)
    papers = [factories.paper(title=title, listed_at=NOW - timedelta(days=len(title))) for title in titles]
    for number, paper in enumerate(papers):
        add_papers(made, paper_ids=[paper.pk], by=owner, now=NOW + timedelta(minutes=number))
    return made, papers


def notice_of(client: object, path: str) -> tuple[str, str]:
    """What the line under a page says, and the word that undoes it."""
    (notice,) = get_page(path, client).xpath("//*[@id='notice']")  # type: ignore[arg-type]
    words = [field.get("value") for field in notice.iter("input") if field.get("name") == "word"]
    return text_of(notice), words[0] if words else ""


class TestMaking:
    def test_made_changed_deleted(self, rita: User) -> None:
        client = client_of(rita)
        made = client.post("/lists/new", {"name": "Tides", "description": "On *water*.", "visibility": "members"})
        assert made["Location"] == "/lists/tides"
        page = page_text("/lists/tides", client)
        assert "Tides a list by rita, 0 papers" in page
        assert "On water." in page
        assert "Tides" in page_text("/lists", client)
        assert "Tides" not in page_text("/lists")
        client.post("/lists/tides/edit", {"name": "Ebb", "description": "", "visibility": "everybody"})
        assert "Ebb" in page_text("/lists")
        assert client.post("/lists/tides/delete")["Location"] == "/lists"
        assert client.get("/lists/tides").status_code == 404

    def test_a_members_only_site_has_no_lists_for_everybody(self, rita: User, settings: object) -> None:
        settings.ACCESS = "members"  # type: ignore[attr-defined]
        client = client_of(rita)
        assert "without an account" not in page_text("/lists/new", client)
        answer = client.post("/lists/new", {"name": "Tides", "visibility": "everybody"})
        assert answer.status_code == 422

    def test_a_description_can_do_no_harm(self, rita: User) -> None:
        made, _ = a_list(rita)
        SharedList.objects.update(description="<script>x</script> [a](javascript:x) <img src=x onerror=y>")
        html = client_of(rita).get(made.get_absolute_url()).content.decode()
        assert "<script>x" not in html
        assert 'href="javascript' not in html
        assert "<img src=x" not in html


class TestOnePaper:
    def test_put_on_lists_and_a_new_one_and_undone(self, rita: User) -> None:
        made, _ = a_list(rita)
        paper, client = factories.paper(title="Of rivers"), client_of(rita)
        here = f"{paper.get_absolute_url()}/lists"
        assert "Tides" in page_text(here, client)
        answer = client.post(here, {"lists": [made.pk], "new": "Rivers"})
        assert answer.status_code == 302
        said, word = notice_of(client, paper.get_absolute_url())
        assert said.startswith("Added to “Tides”, “Rivers”.")
        assert titles_on(made.get_absolute_url(), client) == ["Of rivers"]
        assert SharedList.objects.get(name="Rivers").visibility == "named"
        assert "On the lists Rivers Tides" in page_text(paper.get_absolute_url(), client)
        assert "Rivers" not in page_text(paper.get_absolute_url(), client_of(factories.user()))
        client.post("/undo", {"word": word})
        assert titles_on(made.get_absolute_url(), client) == []

    def test_taking_a_tick_away_removes_what_others_did_meanwhile_stays(self, rita: User) -> None:
        made, (paper,) = a_list(rita, "Of rivers")
        other, _ = a_list(rita)
        client, here = client_of(rita), f"{paper.get_absolute_url()}/lists"
        add_papers(other, paper_ids=[paper.pk], by=rita, now=NOW)  # after the form was shown
        client.post(here, {"was": [made.pk], "lists": []})
        assert not made.entries.exists()
        assert other.entries.exists()
        assert client.post(here, {"lists": [10**9]}).status_code == 200
        assert not made.entries.exists()

    def test_in_a_card_by_htmx(self, rita: User) -> None:
        made, _ = a_list(rita)
        paper, client = factories.paper(), client_of(rita)
        headers = {"HX-Request": "true"}
        panel = client.get(f"{paper.get_absolute_url()}/lists", headers=headers).content.decode()
        assert f'hx-target="#own-{paper.pk}"' in panel
        assert "<html" not in panel
        answer = client.post(f"{paper.get_absolute_url()}/lists", {"lists": [made.pk]}, headers=headers)
        page = parse_html(answer.content.decode())
        assert "Added to “Tides”." in text_of(page)
        assert page.xpath(f"//*[@id='own-{paper.pk}']")
        mine = client.get(f"{paper.get_absolute_url()}/mine", headers=headers).content.decode()
        assert f"{paper.get_absolute_url()}/lists" in mine

    def test_a_full_list_says_so_where_it_was_pressed(self, rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
        from papers.services.shared_lists import entries

        made, _ = a_list(rita)
        monkeypatch.setattr(entries, "MAX_PAPERS", 0)
        here = f"{factories.paper().get_absolute_url()}/lists"
        answer = client_of(rita).post(here, {"lists": [made.pk]})
        assert "at most 0 papers" in answer.content.decode()


class TestTheList:
    def test_orders_and_pages(self, rita: User) -> None:
        made, papers = a_list(rita, "AAA", "B", "CC")
        client, here = client_of(rita), made.get_absolute_url()
        client.post(f"{here}/papers", {"act": f"up:{papers[2].pk}"})
        assert titles_on(here, client) == ["AAA", "CC", "B"]
        assert titles_on(f"{here}?sort=added", client) == ["CC", "B", "AAA"]
        assert titles_on(f"{here}?sort=date", client) == ["B", "CC", "AAA"]
        assert titles_on(f"{here}?sort=none", client) == ["AAA", "CC", "B"]

    @pytest.mark.parametrize("sort", ["", "added", "date"])
    def test_a_page_at_a_time(self, rita: User, sort: str) -> None:
        made = create_list(ListDraft("Tides"), owner=rita, now=NOW)
        papers = [factories.paper(title=f"P{number}") for number in range(103)]
        add_papers(made, paper_ids=[paper.pk for paper in papers], by=rita, now=NOW)
        client, here, found = client_of(rita), f"{made.get_absolute_url()}?sort={sort}", []
        while here:
            found += titles_on(here, client)
            here = next_page_url(here, client) or ""
        assert len(found) == len(set(found)) == 103
        if not sort:
            assert found == [paper.title for paper in papers]

    def test_a_note_with_who_wrote_it(self, rita: User) -> None:
        made, (paper,) = a_list(rita, "Of rivers", visibility="everybody")
        client = client_of(rita)
        assert "added by rita" in page_text(made.get_absolute_url(), client)
        assert "added by" not in page_text(made.get_absolute_url())
        answer = client.post(f"{made.get_absolute_url()}/papers/{paper.pk}", {"note": "Read *this*."})
        assert answer["Location"] == f"/lists/tides#paper-{paper.pk}"
        assert "Read this. rita, " in page_text(made.get_absolute_url())
        assert "Edit entry" not in page_text(made.get_absolute_url())

    def test_removed_undone_and_put_back_from_the_history(self, rita: User) -> None:
        made, (one, two) = a_list(rita, "One", "Two")
        client, here = client_of(rita), made.get_absolute_url()
        client.post(f"{here}/papers", {"act": f"remove:{one.pk}"})
        said, word = notice_of(client, here)
        assert said.startswith("Removed from “Tides”.")
        client.post("/undo", {"word": word})
        assert titles_on(here, client) == ["One", "Two"]
        client.post(f"{here}/papers", {"act": f"remove:{two.pk}"})
        assert "Two removed by rita" in page_text(f"{here}/history", client)
        (button,) = get_page(f"{here}/history", client).xpath(
            "//form[contains(@action, '/undo') and contains(@action, 'lists')]"
        )
        client.post(button.get("action"))
        assert titles_on(here, client) == ["One", "Two"]

    @pytest.mark.parametrize("act", ["", "up", "up:x", "sideways:1", f"up:{10**20}"])
    def test_what_is_no_act(self, rita: User, act: str) -> None:
        made, _ = a_list(rita)
        assert client_of(rita).post(f"{made.get_absolute_url()}/papers", {"act": act}).status_code == 404

    def test_hidden_papers_vanish_and_come_back(self, rita: User) -> None:
        made, (one, _) = a_list(rita, "One", "Two")
        client, here = client_of(rita), made.get_absolute_url()
        Paper.objects.filter(pk=one.pk).update(hidden_at=NOW)
        assert titles_on(here, client) == ["Two"]
        assert "1 paper" in page_text(here, client)
        for end in ("/history", "/feed.atom", ".bib"):
            assert one.public_id not in client.get(here + end).getvalue().decode()
        Paper.objects.filter(pk=one.pk).update(hidden_at=None)
        assert titles_on(here, client) == ["One", "Two"]


class TestPeople:
    def test_named_by_username_handed_over_and_left(self, rita: User) -> None:
        otto, (made, _) = factories.user("otto"), a_list(rita, visibility="named")
        client, here = client_of(rita), made.get_absolute_url()
        assert client_of(otto).get(here).status_code == 404
        answer = client.post(f"{here}/people", {"act": "name", "username": "nobody", "role": "editor"})
        assert answer.status_code == 422
        client.post(f"{here}/people", {"act": "name", "username": "@Otto", "role": "editor"})
        assert "otto editor" in page_text(f"{here}/people", client)
        assert client_of(otto).get(f"{here}/add").status_code == 200
        assert client_of(otto).post(f"{here}/people", {"act": "unname", "person": otto.pk}).status_code == 404
        client.post(f"{here}/people", {"act": "owner", "person": otto.pk})
        assert "otto owner" in page_text(f"{here}/people", client)
        client.post(f"{here}/people", {"act": "leave"})
        assert client.get(here).status_code == 404


class TestPasting:
    def test_what_is_here_is_added_and_the_rest_is_named(self, rita: User) -> None:
        made, _ = a_list(rita)
        factories.paper(public_id="2603.70001", title="Here")
        client, here = client_of(rita), made.get_absolute_url()
        answer = client.post(f"{here}/add", {"papers": "2603.70001\nhttps://arxiv.org/abs/2603.70009"})
        page = text_of(parse_html(answer.content.decode()))
        assert "1 paper added." in page
        assert "2603.70009" in page
        assert titles_on(here, client) == ["Here"]
        assert client.post(f"{here}/add", {"papers": "arXiv:2603.70001v3"})["Location"] == here
        assert notice_of(client, here)[0].startswith("0 papers added.")
        assert client.post(f"{here}/add", {"papers": " "}).status_code == 422


class TestFeedsAndFiles:
    def test_a_public_list(self, rita: User) -> None:
        made, (one, two) = a_list(rita, "One", "Two", visibility="everybody")
        visitor, here = anonymous_client(), made.get_absolute_url()
        atom, as_json = visitor.get(f"{here}/feed.atom"), visitor.get(f"{here}/feed.json")
        assert atom_problems(atom.content) == []
        assert json_feed_problems(as_json.content) == []
        assert [item["title"] for item in json.loads(as_json.content)["items"]] == ["Two", "One"]
        again = visitor.get(f"{here}/feed.atom", headers={"If-None-Match": atom["ETag"]})
        assert again.status_code == 304
        page = get_page(here)
        assert [link.get("href") for link in page.xpath("//head/link[@rel='alternate']")] == [
            f"{here}/feed.atom",
            f"{here}/feed.json",
        ]
        assert f"{here}/feed.atom" in [link.get("href") for link in page.xpath("//main//a")]
        add_papers(made, paper_ids=[factories.paper().pk], by=rita, now=NOW + timedelta(days=1))
        assert visitor.get(f"{here}/feed.atom", headers={"If-None-Match": atom["ETag"]}).status_code == 200
        for form, said in (("bib", one.public_id), ("ris", two.public_id), ("csl.json", ""), ("md", "One")):
            if form in ("bib", "ris", "md"):
                assert said in visitor.get(f"{here}.{form}").getvalue().decode()

    def test_the_order_of_a_file_is_the_list_s(self, rita: User) -> None:
        made, _ = a_list(rita, "AAA", "B", "CC", visibility="everybody")
        for sort, titles in (("", ["AAA", "B", "CC"]), ("added", ["CC", "B", "AAA"]), ("date", ["B", "CC", "AAA"])):
            rows = json.loads(anonymous_client().get(f"{made.get_absolute_url()}.json?sort={sort}").getvalue())
            assert [row["title"] for row in rows] == titles

    def test_a_key_ends_with_the_right(self, rita: User) -> None:
        otto, (made, _) = factories.user("otto"), a_list(rita, "One", visibility="named")
        name_member(made, person=otto, role="reader", now=NOW)
        address = f"/feeds/{feed_key_of(otto)}/lists/{made.slug}.json"
        assert address in client_of(otto).get(made.get_absolute_url()).content.decode()
        visitor = anonymous_client()
        assert json.loads(visitor.get(address).content)["items"][0]["title"] == "One"
        assert "private" in visitor.get(address)["Cache-Control"]
        unname_member(made, person=otto)
        assert visitor.get(address).status_code == 404

    def test_the_directory_of_feeds(self, rita: User) -> None:
        made, _ = a_list(rita, visibility="everybody")
        closed, _ = a_list(rita, visibility="named")
        assert f"{made.get_absolute_url()}/feed.atom" in anonymous_client().get("/feeds").content.decode()
        own = client_of(rita).get("/feeds").content.decode()
        assert f"/lists/{closed.slug}.atom" in own
        assert closed.slug not in client_of(factories.user()).get("/feeds").content.decode()


class TestQueries:
    def test_a_list_costs_the_same_for_few_and_for_many(self, rita: User) -> None:
        made, papers = a_list(rita, *(f"P{number}" for number in range(5)), visibility="everybody")
        write_note(made, paper_id=papers[0].pk, note="Read this.", by=rita, now=NOW)
        visitor, member, here = anonymous_client(), client_of(rita), made.get_absolute_url()
        for client in (visitor, member):
            count_queries(here, client)
        few = count_queries(here, visitor), count_queries(here, member)
        add_papers(made, paper_ids=[factories.paper().pk for _ in range(40)], by=rita, now=NOW)
        for client in (visitor, member):
            count_queries(here, client)
        assert (count_queries(here, visitor), count_queries(here, member)) == few
        assert few[0] <= 6
        assert few[1] <= 10

    def test_the_page_of_lists(self, rita: User) -> None:
        a_list(rita, "One")
        client = client_of(rita)
        count_queries("/lists", client)  # reads the group's choices, which are kept
        few = count_queries("/lists", client)
        for _ in range(60):
            a_list(factories.user(), visibility="everybody")
        assert count_queries("/lists", client) == few
        here, found = "/lists", []
        while here:
            page = get_page(here)
            found += [link.get("href") for link in page.xpath("//ul[@class='sessions']//a")]
            more = page.xpath("//a[text()='More lists']")
            here = f"/lists{more[0].get('href')}" if more else ""
        assert len(found) == len(set(found)) == 60
        with CaptureQueriesContext(connection) as captured:
            client.get("/lists")
        assert "OFFSET" not in " ".join(query["sql"] for query in captured).upper()
