"""The shelf: states, notes, what is new of a paper on it; the library's page, its filters, sorts and bulk acts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from papers.models import LibraryItem, Paper, SeenPaper, TaggedPaper, User
from papers.services.lists.rows import PER_PAGE
from papers.services.reading.library import (
    mark_opened,
    read_library_entry,
    save_annotations,
    set_library_note,
    set_library_state,
)
from papers.services.reading.tags import add_tags
from tests.support import factories
from tests.support.factories import NOW
from tests.support.pages import get_page, page_text, titles_on
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


def save(user: User, *papers: Paper, state: str = "to_read", **fields: Any) -> None:
    set_library_state(user=user, paper_ids=[paper.pk for paper in papers], state=state)
    if fields:
        LibraryItem.objects.filter(user=user, paper__in=papers).update(**fields)


class TestTheService:
    def test_saving_twice_keeps_one_row_and_its_note(self, rita: User) -> None:
        paper = factories.paper(version=2)
        save(rita, paper)
        set_library_note(user=rita, paper_id=paper.pk, note="Read it.")
        save(rita, paper, state="read")
        item = LibraryItem.objects.get()
        assert (item.state, item.note, item.version_seen) == ("read", "Read it.", 2)

    def test_what_is_saved_or_put_aside_has_been_seen(self, rita: User) -> None:
        one, other = factories.paper(), factories.paper()
        save(rita, one)
        save(rita, other, state="not_interested")
        assert set(SeenPaper.objects.values_list("paper_id", flat=True)) == {one.pk, other.pk}

    def test_a_hidden_paper_can_t_be_saved(self, rita: User) -> None:
        save(rita, factories.paper(hidden_at=NOW))
        assert not LibraryItem.objects.exists()

    def test_off_the_list_is_off(self, rita: User) -> None:
        paper = factories.paper()
        save(rita, paper)
        save(rita, paper, state="")
        assert read_library_entry(user=rita, paper_id=paper.pk).state == ""

    def test_a_note_brings_a_paper_onto_the_shelf(self, rita: User) -> None:
        paper = factories.paper()
        save_annotations(user=rita, paper_id=paper.pk, state="", tags=["a"], note="Hm.")
        assert read_library_entry(user=rita, paper_id=paper.pk) == type(read_library_entry(user=rita, paper_id=0))(
            "to_read", "Hm."
        )

    def test_shelves_are_apart(self, rita: User) -> None:
        paper, other = factories.paper(), factories.user()
        save(rita, paper)
        save(other, paper, state="read")
        save(other, paper, state="")
        assert read_library_entry(user=rita, paper_id=paper.pk).state == "to_read"


class TestTheButton:
    def test_it_saves_and_leads_back(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        response = client.post(f"{paper.get_absolute_url()}/shelf", {"state": "to_read", "next": "/papers/new"})
        assert response.headers["Location"] == f"/papers/new#paper-{paper.pk}"
        assert read_library_entry(user=rita, paper_id=paper.pk).state == "to_read"

    def test_htmx_gets_the_button_alone(self, client: Client) -> None:
        paper = factories.paper()
        response = client.post(f"{paper.get_absolute_url()}/shelf", {"state": "read"}, headers={"HX-Request": "true"})
        html = response.content.decode()
        assert html.startswith("<button")
        assert 'data-state="read"' in html
        assert 'value="none"' in html

    @pytest.mark.parametrize("state", ["", "eaten", "\x00"])
    def test_there_are_no_other_states(self, client: Client, state: str) -> None:
        assert client.post(f"{factories.paper().get_absolute_url()}/shelf", {"state": state}).status_code == 400

    def test_a_card_shows_the_state_and_the_tags(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        save(rita, paper, state="reading")
        add_tags(user=rita, paper_ids=[paper.pk], names=["b", "A & <b>"])
        card = get_page("/papers/new", client).find_class("card")[0]
        assert card.find_class("save")[0].get("data-state") == "reading"
        assert [tag.text_content() for tag in card.find_class("tag")] == ["A & <b>", "b"]
        assert "seen" in card.get("class")
        assert not get_page("/papers/new", client_of(factories.user())).find_class("card")[0].find_class("tag")


class TestOwnWords:
    def test_the_form_keeps_state_tags_and_note(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        path = f"{paper.get_absolute_url()}/mine"
        client.post(path, {"state": "reading", "tags": "one, two ,One", "note": "So $x$."})
        assert read_library_entry(user=rita, paper_id=paper.pk).note == "So $x$."
        assert sorted(TaggedPaper.objects.values_list("tag__name", flat=True)) == ["One", "two"]
        page = get_page(path, client)
        assert page.xpath("//input[@name='tags']/@value") == ["One, two"]
        assert "So" in page_text(paper.get_absolute_url(), client)

    def test_htmx_gets_the_tags_and_the_button(self, client: Client) -> None:
        path = f"{factories.paper().get_absolute_url()}/mine"
        response = client.post(path, {"state": "read", "tags": "x", "note": ""}, headers={"HX-Request": "true"})
        html = response.content.decode()
        assert html.startswith('<div class="own"')
        assert 'hx-swap-oob="true"' in html

    @pytest.mark.parametrize("tags", ["a/b", "x" * 61, ",".join(map(str, range(21)))])
    def test_what_is_no_tag_is_said(self, client: Client, tags: str) -> None:
        path = f"{factories.paper().get_absolute_url()}/mine"
        response = client.post(path, {"state": "read", "tags": tags, "note": ""})
        assert response.status_code == 200
        assert "banner error" in response.content.decode()
        assert not LibraryItem.objects.exists()


class TestTheLibrary:
    def test_all_but_what_was_put_aside(self, client: Client, rita: User) -> None:
        for state in LibraryItem.State.values:
            save(rita, factories.paper(title=state), state=state)
        assert titles_on("/library", client) == ["read", "reading", "to_read"]
        assert titles_on("/library?state=not_interested", client) == ["not_interested"]
        assert titles_on("/library?state=none", client) == ["read", "reading", "to_read"]

    def test_it_is_the_reader_s_own(self, client: Client) -> None:
        save(factories.user(), factories.paper())
        assert "Your library is empty" in page_text("/library", client)

    def test_sorts(self, client: Client, rita: User) -> None:
        old = factories.paper(title="old", listed_at=NOW - timedelta(days=9))
        new = factories.paper(title="new")
        save(rita, new, added_at=NOW - timedelta(days=1))
        save(rita, old, added_at=NOW, opened_at=NOW)
        assert titles_on("/library", client) == ["old", "new"]
        assert titles_on("/library?sort=published", client) == ["new", "old"]
        assert titles_on("/library?sort=opened", client) == ["old", "new"]
        assert titles_on("/library?sort=x&after=x", client) == ["old", "new"]

    @pytest.mark.parametrize("sort", ["added", "published", "opened"])
    def test_pages_follow_each_other(self, client: Client, rita: User, sort: str) -> None:
        papers = [factories.paper(title=f"{number:03}") for number in range(PER_PAGE + 3)]
        save(rita, *papers, opened_at=None)
        path = f"/library?sort={sort}"
        first = titles_on(path, client)
        link = get_page(path, client).find_class("more")[0].xpath(".//a/@href")[0]
        rest = titles_on("/library" + link, client)
        assert sorted(first + rest) == [paper.title for paper in papers]
        assert len(first) == PER_PAGE

    def test_of_one_tag(self, client: Client, rita: User) -> None:
        one, other = factories.paper(title="one"), factories.paper(title="other")
        save(rita, one, other)
        add_tags(user=rita, paper_ids=[one.pk], names=["x"])
        assert titles_on("/library?tag=x", client) == ["one"]
        assert titles_on("/library?tag=nothing", client) == ["other", "one"]

    def test_a_new_version_is_told_until_the_paper_is_opened(self, client: Client, rita: User) -> None:
        paper = factories.paper(version=1)
        save(rita, paper)
        assert "is out" not in page_text("/library", client)
        Paper.objects.filter(pk=paper.pk).update(version=3)
        assert "v3 available, you saw v1" in page_text("/library", client)
        Paper.objects.filter(pk=paper.pk).update(version=4, withdrawn_at=NOW, changed_at=NOW + timedelta(seconds=1))
        assert "v4 was withdrawn" in page_text("/library", client)
        client.get(paper.get_absolute_url())
        assert "was withdrawn" not in page_text("/library", client)
        assert "withdrawn" in page_text("/library", client)

    def test_how_many_have_a_newer_version_is_said_and_they_can_be_seen_alone(self, client: Client, rita: User) -> None:
        papers = [factories.paper(title=f"p{number}", version=1) for number in range(3)]
        save(rita, *papers)
        assert "newer version" not in page_text("/library", client)
        assert "No papers found" in page_text("/library?news=1", client)
        Paper.objects.filter(pk__in=[paper.pk for paper in papers[:2]]).update(version=2)
        save(rita, papers[1], state="not_interested")
        assert "1 paper has a newer version than you have seen" in page_text("/library", client)
        assert titles_on("/library?news=1", client) == ["p0"]

    def test_a_note_is_shown_and_safe(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        set_library_note(user=rita, paper_id=paper.pk, note="**So** <script>x</script>")
        (note,) = get_page("/library", client).find_class("note")
        assert note.xpath(".//strong")[0].text_content() == "So"
        assert not note.xpath(".//script")

    def test_a_hidden_paper_is_gone_from_it(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        save(rita, paper)
        Paper.objects.filter(pk=paper.pk).update(hidden_at=NOW)
        assert titles_on("/library", client) == []


class TestManyAtOnce:
    def test_move_tag_and_untag(self, client: Client, rita: User) -> None:
        papers = [factories.paper() for _ in range(3)]
        add_tags(user=rita, paper_ids=[papers[0].pk], names=["old"])
        form = {"paper": [paper.pk for paper in papers], "state": "read", "tags": "x, y", "off": "old"}
        client.post("/library/bulk", form)
        assert set(LibraryItem.objects.values_list("state", flat=True)) == {"read"}
        assert TaggedPaper.objects.count() == 6
        assert not TaggedPaper.objects.filter(tag__name="old").exists()

    def test_off_the_list(self, client: Client, rita: User) -> None:
        paper = factories.paper()
        save(rita, paper)
        client.post("/library/bulk", {"paper": [paper.pk], "state": "none"})
        assert not LibraryItem.objects.exists()

    @pytest.mark.parametrize("papers", [[], ["x"], ["-1"], ["9" * 30], ["1e3"], ["²"]])
    def test_nothing_chosen_is_said(self, client: Client, papers: list[str]) -> None:
        response = client.post("/library/bulk", {"paper": papers, "state": "read"}, follow=True)
        assert "Select at least one paper" in response.content.decode()

    def test_any_list_can_be_picked_from(self, client: Client) -> None:
        paper = factories.paper()
        assert not get_page("/papers/new", client).xpath("//input[@name='paper']")
        boxes = get_page("/papers/new?pick=1", client).xpath("//input[@name='paper']")
        assert [(box.get("value"), box.get("form"), box.get("checked")) for box in boxes] == [
            (str(paper.pk), "bulk", None)
        ]
        assert get_page("/papers/new?pick=all", client).xpath("//input[@name='paper']")[0].get("checked") is not None
        assert not get_page("/papers/new?pick=1").xpath("//input[@name='paper']")


def test_opening_a_paper_is_noted(client: Client, rita: User) -> None:
    paper = factories.paper(version=2)
    save(rita, paper, version_seen=1, opened_at=None)
    client.get(paper.get_absolute_url(), headers={"Sec-Purpose": "prefetch"})
    assert LibraryItem.objects.get().opened_at is None
    client.get(paper.get_absolute_url())
    item = LibraryItem.objects.get()
    assert item.opened_at is not None
    assert item.version_seen == 2
    other = factories.paper()
    mark_opened(user=rita, paper=other)
    assert not LibraryItem.objects.filter(paper=other).exists()
