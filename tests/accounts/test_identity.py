"""“Is it you?”: what counts as an answer, and what an account is told that has none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from papers.accounts import identity
from papers.models import User
from papers.services.accounts.login_links import create_login_link
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit
from tests.support.people import PASSWORD, anonymous_client, client_of, reader
from tests.support.second_factor import code_of, early_code_of, forget_used_codes, turn_on

pytestmark = pytest.mark.django_db

NEW = "another-horse-battery"
NEW_TWICE = {"new_password1": NEW, "new_password2": NEW}
ASKING = ("/account/two-factor/on", "/account/two-factor/keys/new", "/account/delete")


def by_link(email: str = "lena@example.org") -> Client:
    """The browser of somebody who came by a link a moment ago; the account has no password unless it had one."""
    browser = anonymous_client()
    browser.post(create_login_link(email).partition(":8000")[2])
    return browser


def later(browser: Client) -> Client:
    """The same browser, after more minutes than an answer counts."""
    session = browser.session
    for row in session.get("account_authentication_methods", []):
        row["at"] -= 301
    session.save()
    return browser


def set_up_app(browser: Client) -> str:
    page = browser.get("/account/two-factor/on")
    assert page.status_code == 200
    secret = str(page.context["form"].secret)
    assert browser.post("/account/two-factor/on", {"code": early_code_of(secret)}).status_code == 302
    return secret


class TestLink:
    @pytest.mark.parametrize("path", ASKING)
    def test_counts_for_some_minutes(self, path: str) -> None:
        browser = by_link()
        assert browser.get(path).status_code == 200
        assert later(browser).get(path)["Location"].startswith("/sign-in/again?next=")

    def test_is_enough_to_turn_a_second_factor_on_without_a_password(self) -> None:
        secret = set_up_app(by_link())
        browser = by_link()
        assert "_auth_user_id" not in browser.session, "a link does not stand in for the second factor"
        forget_used_codes()
        assert browser.post("/sign-in/code", {"code": code_of(secret)}).status_code == 302
        assert browser.get("/account/two-factor/codes").status_code == 200

    def test_is_enough_for_the_first_administrator_who_must_have_one(self, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        browser = by_link(settings.ADMIN_EMAIL)
        step = browser.get("/setup", follow=True)
        assert step.request["PATH_INFO"] == "/account/two-factor/on"
        assert step.status_code == 200
        set_up_app(browser)
        assert browser.get("/setup").status_code == 200

    def test_of_an_account_with_a_password_counts_too(self) -> None:
        reader()
        browser = by_link("rita@example.org")
        assert browser.get("/account/two-factor/on").status_code == 200
        again = later(browser).get("/account/two-factor/on")["Location"]
        assert "password" in browser.get(again).context["form"].fields

    def test_of_somebody_else_does_not_count(self) -> None:
        browser = by_link()
        session = browser.session
        session["account_authentication_methods_user"] = "1"
        session.save()
        assert browser.get("/account/two-factor/on").status_code == 302


class TestNothingToShow:
    def page(self, browser: Client, path: str = "/account/two-factor/on") -> tuple[str, str]:
        where = later(browser).get(path)["Location"]
        answer = browser.get(where)
        assert answer.status_code == 200
        return where, answer.content.decode()

    @pytest.mark.parametrize("path", [*ASKING, "/account/password"])
    def test_no_page_is_forbidden(self, path: str) -> None:
        assert later(by_link()).get(path, follow=True).status_code == 200

    def test_a_new_address_is_not_forbidden_either(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = True
        browser = later(by_link())
        answer = browser.post("/account/address", {"email": "lena@new.example.org", "action_add": "1"}, follow=True)
        assert answer.status_code == 200
        assert "no password yet" in answer.content.decode()
        assert mail.outbox == []

    def test_a_password_set_first_leads_back(self) -> None:
        browser = by_link()
        _, page = self.page(browser)
        (path,) = re.findall(r'href="(/account/password\?next=[^"]+)"', page)
        assert browser.post(path, NEW_TWICE)["Location"] == "/account/two-factor/on"
        again = browser.get("/account/two-factor/on")["Location"]
        browser.post(again, {"password": NEW})
        assert browser.get("/account/two-factor/on").status_code == 200

    def test_a_new_link_comes_by_mail_and_counts(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = True
        browser = by_link()
        where, _ = self.page(browser)
        assert browser.post(where).status_code == 200
        (sent,) = mail.outbox
        assert sent.to == ["lena@example.org"]
        (link,) = re.findall(r"http://127\.0\.0\.1:8000(/sign-in/link/\S+)", str(sent.body))
        browser.post(link)
        assert browser.get(where)["Location"] == "/account/two-factor/on"
        assert browser.get("/account/two-factor/on").status_code == 200

    def test_few_links_are_mailed(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = True
        browser = by_link()
        where, _ = self.page(browser)
        for _ in range(5):
            assert browser.post(where).status_code == 200
        assert len(mail.outbox) == 3

    def test_without_mail_it_says_who_gives_a_link(self, settings: Any) -> None:
        """An administrator is told the command; a reader, whom to ask."""
        settings.MAIL_IS_SENT = False
        browser = by_link()
        where, page = self.page(browser)
        assert "ask an administrator" in page
        assert "manage.py" not in page
        assert "E-mail me" not in page
        browser.post(where)
        assert mail.outbox == []
        User.objects.filter(email="lena@example.org").update(is_staff=True)
        assert "manage.py login_link" in self.page(by_link())[1]

    def test_it_leads_to_no_other_site(self) -> None:
        browser = later(by_link())
        page = browser.get("/sign-in/again", {"next": "https://evil.example/"}).content.decode()
        assert 'href="/account/password"' in page
        answer = browser.post("/account/password?next=https://evil.example/", NEW_TWICE)
        assert answer["Location"] == "/account"


class TestPassword:
    def test_is_asked_for_once_it_was_set_in_the_session_of_a_link(self) -> None:
        browser = by_link()
        assert browser.post("/account/password", NEW_TWICE).status_code == 302
        assert "old_password" in browser.get("/account/password").context["form"].fields
        third = {"new_password1": "third-horse-battery", "new_password2": "third-horse-battery"}
        assert browser.post("/account/password", third).status_code == 200
        assert User.objects.get(email="lena@example.org").check_password(NEW)

    def test_is_asked_for_when_the_link_is_old(self) -> None:
        rita = reader()
        browser = by_link("rita@example.org")
        assert "old_password" not in browser.get("/account/password").context["form"].fields
        assert later(browser).post("/account/password", NEW_TWICE).status_code == 200
        rita.refresh_from_db()
        assert rita.check_password(PASSWORD)

    def test_is_not_asked_for_twice(self) -> None:
        browser = client_of(reader())
        browser.post(browser.get("/account/delete")["Location"], {"password": PASSWORD})
        assert "old_password" not in browser.get("/account/password").context["form"].fields

    def test_the_first_one_is_set_behind_the_second_factor_where_there_is_one(self) -> None:
        browser = by_link()
        set_up_app(browser)
        answer = later(browser).post("/account/password", NEW_TWICE)
        assert answer["Location"].startswith("/sign-in/code/again")
        assert not User.objects.get().has_usable_password()

    def test_until_now_has_few_tries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "password-again": RateLimit(3, 600)})
        rita = reader()
        browser = client_of(rita)
        for _ in range(3):
            browser.post("/account/password", {**NEW_TWICE, "old_password": "wrong"})
        browser.post("/account/password", {**NEW_TWICE, "old_password": PASSWORD})
        rita.refresh_from_db()
        assert rita.check_password(PASSWORD)

    def test_a_second_factor_that_was_shown_stays_shown(self) -> None:
        browser = client_of(reader())
        turn_on(browser)
        browser.post("/account/password", NEW_TWICE)
        assert browser.get("/account/two-factor/codes").status_code == 200


def test_an_account_is_deleted_after_its_password() -> None:
    browser = client_of(reader())
    answer = browser.post("/account/delete", {"username": "rita"})
    assert answer["Location"].startswith("/sign-in/again?next=")
    assert User.objects.exists()
    assert browser.post(answer["Location"], {"password": "wrong"}).status_code == 200
    assert User.objects.exists()
    assert browser.post(answer["Location"], {"password": PASSWORD}).status_code == 302
    assert not User.objects.exists()


def test_a_wrong_name_after_the_password_deletes_nothing() -> None:
    browser = client_of(reader())
    answer = browser.post("/account/delete", {"username": "carla"})
    assert browser.post(answer["Location"], {"password": PASSWORD}).status_code == 200
    assert User.objects.exists()


def test_a_link_is_spent_without_the_other_answers(rf: Any) -> None:
    request = rf.get("/")
    request.session = {"account_authentication_methods": [{"method": "link"}, {"method": "mfa"}]}
    identity.spend_link(request)
    assert request.session["account_authentication_methods"] == [{"method": "mfa"}]
