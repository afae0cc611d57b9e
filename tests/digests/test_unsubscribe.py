"""Leaving: one click of a mail program, buttons on a page, taking it back; for ever, and on a members-only site."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from digests.models import Delivery, Subscription
from digests.services.limits import set_limits
from digests.services.unsubscribe import UNDO_LIFETIME
from tests.support import factories
from tests.support.mail import mail_key
from tests.support.pages import parse_html

pytestmark = pytest.mark.django_db

# As Gmail and Yahoo send it (RFC 8058): in either encoding, with no cookie.
ONE_CLICK = {
    "form": ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
    "multipart": (
        '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "nothing": ("", "application/x-www-form-urlencoded"),
    "broken": ("--", "multipart/form-data; boundary=" + "b" * 300),
    "other": ("{}", "application/json"),
}


def strict() -> Client:
    """A browser whose posts are refused without Django's token, as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("form", ONE_CLICK)
@pytest.mark.parametrize("access", ["public", "members"])
def test_one_click_ends_the_mail_at_once(form: str, access: str, settings: Any) -> None:
    settings.ACCESS = access
    settings.SECRET_KEY = "another key than the one the mail was sent with"
    schedule = factories.schedule(kinds=["trending"])
    waiting = factories.delivery(schedule)
    body, content_type = ONE_CLICK[form]
    answer = strict().generic("POST", f"/u/{mail_key(schedule)}", body, content_type, headers={"origin": "null"})
    assert answer.status_code == 200
    assert not answer.cookies
    schedule.refresh_from_db()
    assert schedule.ended_at is not None
    assert schedule.next_due_at is None
    assert Delivery.objects.get(pk=waiting.pk).state == "cancelled"
    again = strict().generic("POST", f"/u/{mail_key(schedule)}", body, content_type)
    assert again.status_code == 200


def test_it_is_never_limited() -> None:
    schedule = factories.schedule(kinds=["trending"])
    assert {strict().post(f"/u/{mail_key(schedule)}").status_code for _ in range(120)} == {200}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(method: str) -> None:
    schedule = factories.schedule(kinds=["trending"])
    strict().generic(method, f"/u/{mail_key(schedule)}")
    schedule.refresh_from_db()
    assert schedule.ended_at is None


@pytest.mark.parametrize("key", ["unknown", "%00", "x" * 500, "é"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_key_gets_a_friendly_page(key: str, method: str) -> None:
    answer = strict().generic(method, f"/u/{key}")
    assert answer.status_code == 200
    assert "already unsubscribed" in answer.content.decode()


def buttons(path: str) -> dict[str, str]:
    page = parse_html(strict().get(path).content.decode())
    return {" ".join(one.text_content().split()): one.get("value") for one in page.xpath("//button[@name='what']")}


def test_one_topic_can_be_ended_and_taken_back() -> None:
    agents, rag = factories.topic("Agents"), factories.topic("RAG")
    schedule = factories.schedule(None, agents, rag)
    one = schedule.subscriptions.get(topic=agents)
    set_limits(subscription=one, value="votes-2", max_papers=None, now=factories.NOW)
    path = f"/u/{mail_key(one)}"
    named = buttons(path)
    assert set(named) == {
        "Unsubscribe from Agents",
        "Unsubscribe from the daily e-mail",
        "Unsubscribe from all e-mails",
    }
    page = strict().post(path, {"what": named["Unsubscribe from Agents"]})
    assert [left.topic for left in schedule.subscriptions.all()] == [rag]
    schedule.refresh_from_db()
    assert schedule.ended_at is None
    (undo,) = parse_html(page.content.decode()).xpath("//button[@name='undo']/@value")
    back = strict().post(path, {"undo": undo})
    assert "subscribed again" in back.content.decode()
    assert {left.topic for left in schedule.subscriptions.all()} == {agents, rag}
    again = schedule.subscriptions.get(topic=agents)
    assert (again.pk, again.line, again.line_set_at) == (one.pk, "voted", one.line_set_at)
    assert "Unsubscribe from Agents" in buttons(path), "the link of the mail ends it once more"


def test_a_day_later_nothing_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = factories.schedule(kinds=["trending"])
    page = strict().post(f"/u/{mail_key(schedule)}")
    (undo,) = parse_html(page.content.decode()).xpath("//button[@name='undo']/@value")
    later = time.time() + UNDO_LIFETIME.total_seconds() + 60
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert "too late to undo" in strict().post(f"/u/{mail_key(schedule)}", {"undo": undo}).content.decode()
    schedule.refresh_from_db()
    assert schedule.ended_at is not None


def test_a_topic_that_is_gone_meanwhile_is_not_taken_back() -> None:
    topic, other = factories.topic("ice"), factories.topic("snow")
    schedule = factories.schedule(None, topic, other)
    one = schedule.subscriptions.get(topic=topic)
    page = strict().post(f"/u/{mail_key(one)}")
    (undo,) = parse_html(page.content.decode()).xpath("//button[@name='undo']/@value")
    topic.delete()
    back = strict().post(f"/u/{mail_key(schedule)}", {"undo": undo})
    assert "too late to undo" in back.content.decode()
    assert list(schedule.subscriptions.values_list("topic", flat=True)) == [other.pk]


def test_the_last_topic_ends_its_mail_and_comes_back_with_it() -> None:
    schedule = factories.schedule(None, factories.topic())
    path = f"/u/{mail_key(schedule.subscriptions.get())}"
    page = strict().post(path)
    schedule.refresh_from_db()
    assert schedule.ended_at is not None
    (undo,) = parse_html(page.content.decode()).xpath("//button[@name='undo']/@value")
    strict().post(path, {"undo": undo})
    schedule.refresh_from_db()
    assert schedule.ended_at is None
    assert schedule.next_due_at is not None
    assert Subscription.objects.count() == 1


def test_all_mail_can_be_ended_and_taken_back() -> None:
    reader = factories.subscriber()
    daily, weekly = (
        factories.schedule(reader, kinds=["trending"]),
        factories.schedule(reader, kinds=["top"], frequency="weekly"),
    )
    other = factories.schedule(kinds=["trending"])
    page = strict().post(f"/u/{mail_key(daily)}", {"what": "all"})
    assert set(reader.schedules.filter(ended_at=None)) == set()
    other.refresh_from_db()
    assert other.ended_at is None
    (undo,) = parse_html(page.content.decode()).xpath("//button[@name='undo']/@value")
    strict().post(f"/u/{mail_key(daily)}", {"undo": undo})
    assert set(reader.schedules.filter(ended_at=None)) == {daily, weekly}


def test_a_word_made_up_takes_nothing_back() -> None:
    schedule = factories.schedule(kinds=["trending"])
    strict().post(f"/u/{mail_key(schedule)}")
    assert "too late to undo" in strict().post(f"/u/{mail_key(schedule)}", {"undo": "x:y:z"}).content.decode()
    schedule.refresh_from_db()
    assert schedule.ended_at is not None


@pytest.mark.parametrize("what", ["999999", "x", "all; DROP TABLE", "²"])
def test_nonsense_in_the_form_ends_what_the_link_is_for(what: str) -> None:
    schedule = factories.schedule(kinds=["trending"])
    assert strict().post(f"/u/{mail_key(schedule)}", {"what": what}).status_code == 200
    schedule.refresh_from_db()
    assert schedule.ended_at is not None


def test_a_part_of_another_reader_s_mail_is_not_ended() -> None:
    mine, theirs = factories.schedule(kinds=["trending"]), factories.schedule(kinds=["top"])
    strict().post(f"/u/{mail_key(mine)}", {"what": str(theirs.subscriptions.get().pk)})
    theirs.refresh_from_db()
    assert theirs.ended_at is None
    assert theirs.subscriptions.exists()


def test_the_link_that_ends_everything_does_so_by_its_button_alone() -> None:
    reader = factories.subscriber()
    factories.schedule(reader, kinds=["trending"])
    factories.schedule(reader, kinds=["top"], frequency="weekly")
    path = f"/u/{mail_key(reader)}"
    assert list(buttons(path)) == ["Unsubscribe from all e-mails"]
    assert reader.schedules.filter(ended_at=None).count() == 2
    strict().post(path)
    assert not reader.schedules.filter(ended_at=None).exists()
    assert "already unsubscribed" in strict().get(path).content.decode()
