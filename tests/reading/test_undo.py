"""Every act is answered in one line, and can be taken back: with htmx, and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from papers.models import Follow, LibraryItem, Paper, SeenPaper, TaggedPaper, User, Vote
from papers.services.reading import bulk
from papers.services.reading.library import read_annotations, save_annotations, set_library_state
from papers.services.reading.seen import mark_seen
from papers.services.reading.undo import UndoError, before_vote, sign_act, undo
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page, parse_html, text_of
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def client(rita: User) -> Client:
    return client_of(rita)


@pytest.fixture
def paper() -> Paper:
    return factories.listing(factories.paper(title="Here", authors=["Ada Lovelace"])).paper


def line_of(page: Any) -> tuple[str, dict[str, str]]:
    """What the live region says, and the fields of its form."""
    (notice,) = page.xpath("//*[@id='notice']")
    fields = {field.get("name"): field.get("value") for field in notice.iter("input") if field.get("name") != "next"}
    fields.pop("csrfmiddlewaretoken", None)
    return text_of(notice), fields


def press(client: Client, path: str, **fields: str) -> tuple[str, dict[str, str]]:
    """By htmx."""
    answer = client.post(path, {"list": f"day:{TODAY}", **fields}, headers=HTMX)
    assert answer.status_code == 200
    return line_of(parse_html(answer.content.decode()))


class TestByHtmx:
    def test_a_vote(self, client: Client, rita: User, paper: Paper) -> None:
        said, fields = press(client, f"{paper.get_absolute_url()}/vote", on="1")
        assert said == "Voted. Undo"
        answer = client.post("/undo", fields, headers=HTMX)
        page = parse_html(answer.content.decode())
        assert line_of(page) == ("Undone.", {})
        assert page.xpath("//*[@id=$id]/@aria-pressed", id=f"vote-{paper.pk}") == ["false"]
        assert page.xpath("//*[@id='seen-count']//strong/text()") == ["0"]
        assert not Vote.objects.exists()
        assert not SeenPaper.objects.exists()
        paper.refresh_from_db()
        assert paper.vote_count == 0

    def test_a_vote_taken_back_comes_back_as_it_was(self, client: Client, rita: User, paper: Paper) -> None:
        set_vote(user=rita, paper_id=paper.pk, on=True, is_unnamed=True)
        _, fields = press(client, f"{paper.get_absolute_url()}/vote", on="0")
        client.post("/undo", fields, headers=HTMX)
        assert Vote.objects.get().is_unnamed

    @pytest.mark.parametrize(
        ("state", "said"),
        [("to_read", "Saved to read."), ("not_interested", "Marked as not interested."), ("read", "Marked as read.")],
    )
    def test_saving_and_putting_aside(self, client: Client, paper: Paper, state: str, said: str) -> None:
        found, fields = press(client, f"{paper.get_absolute_url()}/shelf", state=state)
        assert found == f"{said} Undo"
        client.post("/undo", fields, headers=HTMX)
        assert not LibraryItem.objects.exists()

    def test_what_was_taken_off_the_list_comes_back_with_note_tags_and_date(
        self, client: Client, rita: User, paper: Paper
    ) -> None:
        save_annotations(user=rita, paper_id=paper.pk, state="read", tags=["ice"], note="As **said**.")
        added_at, own = LibraryItem.objects.get().added_at, read_annotations(rita, paper)
        _, fields = press(client, f"{paper.get_absolute_url()}/shelf", state="none")
        assert not LibraryItem.objects.exists()
        client.post("/undo", fields, headers=HTMX)
        assert (read_annotations(rita, paper), LibraryItem.objects.get().added_at) == (own, added_at)

    def test_tags_and_note(self, client: Client, rita: User, paper: Paper) -> None:
        save_annotations(user=rita, paper_id=paper.pk, state="read", tags=["ice"], note="a")
        own = read_annotations(rita, paper)
        said, fields = press(client, f"{paper.get_absolute_url()}/mine", state="reading", tags="fire, air", note="b")
        assert said == "Saved. Undo"
        page = parse_html(client.post("/undo", fields, headers=HTMX).content.decode())
        assert read_annotations(rita, paper) == own
        assert [text_of(tag) for tag in page.find_class("tag")] == ["ice"]

    def test_seen(self, client: Client, paper: Paper) -> None:
        said, fields = press(client, f"{paper.get_absolute_url()}/seen", on="1")
        assert said == "Marked as seen. Undo"
        client.post("/undo", fields, headers=HTMX)
        assert not SeenPaper.objects.exists()

    def test_a_day(self, client: Client, rita: User, paper: Paper) -> None:
        said, fields = press(client, f"{DAY}/done", on="1")
        assert said == "1 paper of this day marked as seen. Undo"
        answer = client.post("/undo", fields, headers=HTMX)
        assert answer.headers["HX-Refresh"] == "true"  # which cards were seen before, only the page knows
        assert not SeenPaper.objects.exists()


class TestWithoutJavaScript:
    def test_the_line_stands_on_the_page_that_the_form_was_on(self, client: Client, paper: Paper) -> None:
        answer = client.post(f"{paper.get_absolute_url()}/vote", {"on": "1", "next": f"{DAY}?sort=newest"})
        assert answer["Location"] == f"{DAY}?sort=newest#paper-{paper.pk}"
        said, fields = line_of(get_page(f"{DAY}?sort=newest", client))
        assert said == "Voted. Undo"
        answer = client.post("/undo", {**fields, "next": f"{DAY}?sort=newest"})
        assert answer["Location"] == f"{DAY}?sort=newest#paper-{paper.pk}"
        assert line_of(get_page(DAY, client))[0] == "Undone."
        assert not Vote.objects.exists()

    def test_following(self, client: Client, paper: Paper) -> None:
        client.post("/authors/ada-lovelace/follow", {"on": "1"})
        said, fields = line_of(get_page("/authors/ada-lovelace", client))
        assert said == "You follow Ada Lovelace. Undo"
        client.post("/undo", fields)
        assert not Follow.objects.exists()
        client.post("/authors/ada-lovelace/follow", {"on": "1"})
        client.post("/authors/ada-lovelace/follow", {"on": "0"})
        get_page("/following", client)
        client.post("/undo", {"word": "x"})
        assert not Follow.objects.exists()

    def test_no_longer_following_is_undone(self, client: Client, paper: Paper) -> None:
        client.post("/authors/ada-lovelace/follow", {"on": "1"})
        client.get("/following")
        client.post("/authors/ada-lovelace/follow", {"on": "0"})
        said, fields = line_of(get_page("/following", client))
        assert said == "You no longer follow Ada Lovelace. Undo"
        client.post("/undo", fields)
        assert Follow.objects.count() == 1


class TestTheWord:
    def word(self, user: User, paper: Paper) -> str:
        word = sign_act(user, before_vote(user, paper.pk))
        set_vote(user=user, paper_id=paper.pk, on=True)
        return word

    def test_it_is_for_one_reader(self, rita: User, paper: Paper) -> None:
        word = self.word(rita, paper)
        with pytest.raises(UndoError):
            undo(user=reader("otto"), word=word)
        assert Vote.objects.filter(user=rita).exists()

    def test_it_can_not_be_made_up_or_changed(self, rita: User, paper: Paper) -> None:
        word = self.word(rita, paper)
        for wrong in ("", "x", word[:-1], word.swapcase(), "a:b:c"):
            with pytest.raises(UndoError):
                undo(user=rita, word=wrong)

    def test_it_holds_for_an_hour(self, rita: User, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
        word = self.word(rita, paper)
        later = timezone.now().timestamp() + 3700
        monkeypatch.setattr("django.core.signing.time.time", lambda: later)
        with pytest.raises(UndoError, match="no longer be undone"):
            undo(user=rita, word=word)

    def test_twice_is_once(self, rita: User, paper: Paper) -> None:
        word = self.word(rita, paper)
        undo(user=rita, word=word)
        undo(user=rita, word=word)
        assert not Vote.objects.exists()

    def test_of_a_paper_that_was_hidden_meanwhile(self, client: Client, rita: User, paper: Paper) -> None:
        word = self.word(rita, paper)
        Paper.objects.filter(pk=paper.pk).update(hidden_at=timezone.now())
        answer = client.post("/undo", {"word": word}, headers=HTMX)
        assert line_of(parse_html(answer.content.decode()))[0] == "This paper is no longer here."

    def test_it_is_a_press_of_the_reader_and_never_a_link(self, rita: User, paper: Paper) -> None:
        word = self.word(rita, paper)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(rita)
        assert strict.get("/undo", {"word": word}).status_code == 405
        assert strict.post("/undo", {"word": word}).status_code == 403
        assert Vote.objects.exists()


def test_saving_again_what_is_there_and_undoing_changes_nothing(client: Client, rita: User, paper: Paper) -> None:
    set_library_state(user=rita, paper_ids=[paper.pk], state="read")
    _, fields = press(client, f"{paper.get_absolute_url()}/shelf", state="read")
    client.post("/undo", fields, headers=HTMX)
    assert LibraryItem.objects.get().state == "read"


def test_where_nothing_was_done_the_line_is_empty_so_that_no_style_shows_it() -> None:
    for client in (anonymous_client(), client_of(reader())):
        line = get_page("/", client).get_element_by_id("notice")
        assert (line.text, len(line)) == (None, 0)


class TestOfSeveralPapers:
    """What "Select" does to several papers is taken back with one Undo."""

    @pytest.fixture
    def papers(self, rita: User) -> list[int]:
        """The first is in the library with tag and note, the second has been seen, the third is new."""
        found = [factories.listing(factories.paper(title=f"paper {number}")).paper_id for number in range(3)]
        save_annotations(user=rita, paper_id=found[0], state="read", tags=["ice"], note="As said.")
        mark_seen(user=rita, paper_ids=found[1:2])
        return found

    @staticmethod
    def all_of(rita: User) -> Any:
        return (
            set(LibraryItem.objects.values_list("paper", "state", "note", "added_at")),
            set(TaggedPaper.objects.values_list("paper", "tag__name")),
            set(SeenPaper.objects.values_list("paper", flat=True)),
        )

    @pytest.mark.parametrize(
        "fields",
        [
            {"state": "to_read"},
            {"state": "none"},
            {"tags": "Ice, fire"},
            {"off": "ice"},
            {"seen": "1"},
            {"seen": "0"},
            {"state": "none", "tags": "fire", "off": "ICE", "seen": "0"},
        ],
    )
    def test_one_undo(self, client: Client, rita: User, papers: list[int], fields: dict[str, str]) -> None:
        before = self.all_of(rita)
        client.post("/library/bulk", {"paper": papers, "next": DAY, **fields})
        assert self.all_of(rita) != before
        said, form = line_of(get_page(DAY, client))
        assert said == "Done, for 3 papers. Undo"
        client.post("/undo", form)
        assert self.all_of(rita) == before

    def test_marking_as_seen_says_nothing_of_the_library(self, client: Client, papers: list[int]) -> None:
        client.post("/library/bulk", {"paper": papers, "seen": "1"})
        assert SeenPaper.objects.count() == 3
        assert LibraryItem.objects.count() == 1

    def test_notes_that_are_too_long_to_take_along_leave_no_undo(
        self, client: Client, papers: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "MAX_NOTES_CARRIED", 5)
        client.post("/library/bulk", {"paper": papers, "state": "none", "next": DAY})
        assert line_of(get_page(DAY, client)) == ("Done, for 3 papers.", {})
