"""“Save” in a mail: its link saves for the mail's reader and for nobody else, once a button is pressed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from digests.models import MergedPaper, Subscriber
from papers.models import LibraryItem, Paper, User
from papers.services.reading.library import set_library_state
from tests.support import factories
from tests.support.factories import NOW
from tests.support.mail import mail_key
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    user = reader()
    factories.subscriber(user=user, email=user.email, key="rita-s-key")
    return user


def link(paper: Paper, key: str = "rita-s-key") -> str:
    return f"/s/{key}/{paper.pk}"


def shelf() -> list[tuple[str, int, str]]:
    return list(LibraryItem.objects.values_list("user__username", "paper", "state"))


def test_looking_saves_nothing_and_the_button_does(rita: User) -> None:
    paper = factories.paper(title="A <graph>")
    for client in (anonymous_client(), client_of(rita)):
        assert b"A &lt;graph&gt;" in client.get(link(paper)).content
        client.head(link(paper))
    assert shelf() == []
    for _ in range(2):
        # Without a cookie, as mail programs open pages, and with Django's checks as in a browser.
        answer = Client(enforce_csrf_checks=True).post(link(paper))
        assert b"Saved" in answer.content
        assert answer["X-Robots-Tag"] == "noindex"
        assert "no-store" in answer["Cache-Control"]
    assert shelf() == [("rita", paper.pk, "to_read")]
    assert b"Saved already" in anonymous_client().get(link(paper)).content


def test_it_saves_for_the_mail_s_reader_whoever_is_signed_in(rita: User) -> None:
    paper = factories.paper()
    client_of(reader("other")).post(link(paper))
    assert shelf() == [("rita", paper.pk, "to_read")]


def test_what_was_read_stays_read(rita: User) -> None:
    paper = factories.paper()
    set_library_state(user=rita, paper_ids=[paper.pk], state="read")
    anonymous_client().post(link(paper))
    assert shelf() == [("rita", paper.pk, "read")]


def test_a_link_that_is_nobody_s_saves_nothing(rita: User) -> None:
    paper, hidden = factories.paper(), factories.paper(hidden_at=NOW)
    factories.subscriber(key="no-account")
    factories.subscriber(key="unconfirmed", confirmed_at=None, user=reader("una"))
    factories.subscriber(key="suspended", user=reader("sue", is_active=False))
    wrong = [link(paper, key) for key in ("unknown", "no-account", "unconfirmed", "suspended")]
    wrong += [link(hidden), "/s/rita-s-key/0", f"/s/rita-s-key/{'9' * 30}"]
    for path in wrong:
        for ask in (anonymous_client().get, anonymous_client().post):
            assert ask(path).status_code == 404, path
    assert shelf() == []


def test_a_paper_that_was_merged_is_the_one_it_went_into(rita: User) -> None:
    paper = factories.paper()
    MergedPaper.objects.create(gone_id=10**6, kept_id=paper.pk)
    anonymous_client().post("/s/rita-s-key/1000000")
    assert shelf() == [("rita", paper.pk, "to_read")]


def test_links_hold_when_the_secret_key_changes_and_on_a_site_for_members(rita: User, settings: Any) -> None:
    paper = factories.paper()
    settings.SECRET_KEY = "another" * 10
    settings.ACCESS = "members"
    assert anonymous_client().post(link(paper)).status_code == 200
    assert shelf() == [("rita", paper.pk, "to_read")]
    assert mail_key(Subscriber.objects.get(user=rita)) != "rita-s-key"
    assert anonymous_client().post(link(paper)).status_code == 200, "the next mail's key comes beside it"
