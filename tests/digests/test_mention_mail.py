"""Mails to readers who are named in comments: by choice, once, and not for what was read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from config.site_url import Site
from digests.content.transactional import MailNotSentError
from digests.models import Suppression
from digests.services import mention_mail
from papers.models import Mention, Paper, User
from papers.services.accounts.email_addresses import reset_to_account_address
from papers.services.reading.comments import add_comment, delete_comment, edit_comment, mark_mentions_read
from tests.support import factories
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=3)


@pytest.fixture(autouse=True)
def _mail_leaves(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    settings.SITE = Site.from_url("https://papers.example.org")


@pytest.fixture
def anna() -> User:
    """She asked to be told, and her address is confirmed."""
    user = reader("anna", mails_mentions=True)
    reset_to_account_address(user)
    return user


def comment(body: str, paper: Paper | None = None, *, by: str = "ben") -> Any:
    writer = User.objects.filter(username=by).first() or reader(by)
    return add_comment(user=writer, paper_id=(paper or factories.paper(title="On $x$ & frogs")).pk, body=body)


def send(after: timedelta = LATER) -> int:
    return mention_mail.send_due_mention_mails(now=timezone.now() + after)


def test_who_asked_is_told_once(anna: User) -> None:
    comment("Look, @anna")
    assert send(timedelta()) == 0, "there is time to mend a slip"
    assert send() == 1
    assert send() == 0
    (letter,) = mail.outbox
    assert letter.to == ["anna@example.org"]
    assert "ben mentioned you" in letter.subject
    assert "frogs" in letter.body
    assert "https://papers.example.org/mentions" in letter.body
    assert "https://papers.example.org/account/reading" in letter.body


def test_who_did_not_ask_is_not_told(anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(mails_mentions=False)
    comment("Look, @anna")
    assert send() == 0


def test_all_that_waits_comes_in_one_mail(anna: User) -> None:
    for number in range(12):
        comment(f"{number} @anna", factories.paper(title=f"Frogs {number}"), by="ben" if number % 2 else "cleo")
    assert send() == 1
    (letter,) = mail.outbox
    assert letter.body.count("mentioned you") == 10
    assert "And 2 more comments." in letter.body


def test_what_was_read_taken_back_or_settled_otherwise_is_not_told(anna: User) -> None:
    comment("@anna one")
    mark_mentions_read(user=anna, now=timezone.now())
    delete_comment(comment=comment("@anna two"))
    third = comment("@anna three")
    edit_comment(comment=third, body="nobody")
    assert send() == 0
    comment("@anna four")
    Suppression.objects.create(address="ANNA@example.org", reason="bounced")
    assert send() == 0
    assert not Mention.objects.exclude(mail_at=None).exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": "other@example.org"}])
def test_an_account_that_is_closed_or_unconfirmed_gets_none(anna: User, change: dict[str, Any]) -> None:
    comment("@anna")
    User.objects.filter(pk=anna.pk).update(**change)
    assert send() == 0


def test_a_mail_that_did_not_leave_is_tried_again_for_a_day(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(name: str, **options: Any) -> None:
        tries.append(name)
        raise MailNotSentError("no")

    comment("@anna")
    monkeypatch.setattr(mention_mail, "send_transactional_mail", refuse)
    assert send() == 0
    assert send() == 0, "not at once"
    for hours in (1, 5, 30, 60, 90):
        assert send(timedelta(hours=hours)) == 0
    assert len(tries) == 4
    assert not Mention.objects.exclude(mail_at=None).exists()


def test_it_is_chosen_on_the_page_of_how_one_reads(anna: User) -> None:
    client = client_of(anna)
    assert "E-mail me when I am mentioned" in client.get("/account/reading").content.decode()
    client.post("/account/reading", {"uses_shortcuts": "on"})
    anna.refresh_from_db()
    assert not anna.mails_mentions
    client.post("/account/reading", {"uses_shortcuts": "on", "mails_mentions": "on"})
    anna.refresh_from_db()
    assert anna.mails_mentions
