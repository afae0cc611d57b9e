"""What happens to an account stands in the log, and its owner is told by mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from papers.models import SecurityEvent, User
from papers.services.accounts.people import restore_account, suspend_account
from papers.services.accounts.security_log import KEPT, record_event
from papers.services.operations.cleanup import delete_expired_rows
from tests.support.factories import NOW
from tests.support.pages import parse_html
from tests.support.people import PASSWORD, client_of, reader, staff
from tests.support.second_factor import turn_on

pytestmark = pytest.mark.django_db
FIREFOX, SAFARI = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Mozilla/5.0 (iPhone) Safari/604.1"
NEW = "another-horse-battery"


@pytest.fixture(autouse=True)
def _with_mail(settings: Any) -> None:
    settings.MAIL_IS_SENT = True


def sign_in(agent: str, **options: str) -> Client:
    browser = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR="::ffff:192.0.2.7")
    browser.post("/sign-in", {"username": "rita@example.org", "password": PASSWORD, **options})
    return browser


def kinds() -> list[str]:
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))


def subjects() -> list[str]:
    return [sent.subject.partition(" · ")[0] for sent in mail.outbox]


def test_a_sign_in_on_a_device_that_was_never_seen_is_told_and_others_are_not() -> None:
    reader()
    for agent in (FIREFOX, FIREFOX, SAFARI, SAFARI, FIREFOX):
        sign_in(agent)
    assert kinds() == ["signed-in", "signed-in", "new-device", "signed-in", "signed-in"]
    (told,) = mail.outbox
    assert told.to == ["rita@example.org"]
    assert "Safari on iPhone" in told.body
    assert "192.0.2.7" in told.body
    event = SecurityEvent.objects.get(kind="new-device")
    assert (event.network, event.device) == ("192.0.2.7", "Safari on iPhone")


def test_a_wrong_password_is_no_sign_in() -> None:
    reader()
    sign_in(FIREFOX, password="wrong")
    assert kinds() == []


@pytest.mark.django_db(transaction=True)  # what is said of a second factor comes after the commit
def test_what_one_changes_of_one_s_own_account() -> None:
    rita = reader()
    browser = sign_in(FIREFOX)
    turn_on(browser)
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    browser.post("/account/password", fields)
    browser.post("/account/two-factor/off")
    assert {"signed-in", "factor-on", "codes", "password", "factor-off"} == set(kinds())
    assert "Your password was changed" in subjects()
    assert set(SecurityEvent.objects.values_list("user", "by")) == {(rita.pk, None)}


def test_another_address_names_the_one_before() -> None:
    reader()
    browser = sign_in(FIREFOX)
    answer = browser.post("/account/address", {"email": "rita@new.example.org", "action_add": "1"})
    if answer["Location"].startswith("/sign-in/again"):
        browser.post(answer["Location"], {"password": PASSWORD})
    (link,) = {word for word in str(mail.outbox[-1].body).split() if "/account/address/confirm/" in word}
    browser.post(link.partition(":8000")[2])
    assert SecurityEvent.objects.get(kind="address").detail == "was rita@example.org"


@pytest.mark.parametrize(("role", "words"), [("curator", "a curator"), ("administrator", "an administrator")])
def test_a_role_is_told_with_who_gave_it(role: str, words: str) -> None:
    rita, ada = reader(), staff()
    administrator = client_of(ada)
    for _ in range(2):
        administrator.post(f"/curate/people/{rita.pk}/role", {"role": role})
    event = SecurityEvent.objects.get(kind="role")
    assert (event.user, event.by, event.detail) == (rita, ada, role)
    (told,) = mail.outbox
    assert told.to == ["rita@example.org"]
    assert f"You are now {words} here" in told.body
    assert "ada changed it" in told.body


def test_a_second_factor_that_an_administrator_turned_off() -> None:
    rita = reader()
    turn_on(client_of(rita))
    mail.outbox.clear()
    administrator = client_of(staff())
    for _ in range(2):
        administrator.post(f"/curate/people/{rita.pk}/second-factor")
    assert kinds().count("factor-off") == 1
    assert subjects() == ["Your second factor was turned off"]


def test_suspending_and_restoring() -> None:
    rita, ada = reader(), staff()
    suspend_account(person=rita, by=ada, reason="Spam", now=NOW)
    restore_account(person=rita, by=ada)
    assert kinds() == ["suspended", "restored"]


def test_the_page_has_the_newest_first_and_more_behind_the_last() -> None:
    rita = reader()
    for number in range(60):
        record_event(user=rita, kind=SecurityEvent.Kind.ROLE, detail=f"<b>{number}</b>", now=timezone.now())
    administrator = client_of(staff())
    page = parse_html(administrator.get("/curate/people/log").content.decode())
    rows = page.xpath("//tbody/tr")
    assert len(rows) == 50
    assert "<b>59</b>" in rows[0].text_content()
    (more,) = page.xpath("//a[text()='More']/@href")
    older = parse_html(administrator.get(f"/curate/people/log{more}").content.decode()).xpath("//tbody/tr")
    assert len(older) == 10
    assert client_of(rita).get("/curate/people/log").status_code == 404


def test_a_year_later_and_with_the_account_it_is_gone() -> None:
    rita, carla = reader(), reader("carla")
    record_event(user=rita, kind=SecurityEvent.Kind.ROLE, now=NOW - KEPT - timedelta(hours=1))
    record_event(user=carla, kind=SecurityEvent.Kind.ROLE, now=NOW)
    delete_expired_rows(now=NOW)
    assert SecurityEvent.objects.get().user == carla
    User.objects.filter(pk=carla.pk).delete()
    assert not SecurityEvent.objects.exists()
