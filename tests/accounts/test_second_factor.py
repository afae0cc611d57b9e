"""The second factor, sessions, and the provider that a group may sign in at."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from papers.models import Invitation, User
from papers.services.accounts.login_links import create_login_link
from tests.support import factories
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader, staff
from tests.support.second_factor import code_of, early_code_of, forget_used_codes, turn_on, turn_on_and_keep_code

pytestmark = pytest.mark.django_db


def half_in(email: str = "rita@example.org") -> Client:
    """A browser that has given the right password."""
    browser = anonymous_client()
    answer = browser.post("/sign-in", {"username": email, "password": PASSWORD, "next": "/papers/new"})
    assert answer["Location"].startswith("/sign-in/code")
    assert "_auth_user_id" not in browser.session
    return browser


def forget_proofs(browser: Client) -> None:
    """As in a session that has shown nothing lately."""
    session = browser.session
    session.pop("account_authentication_methods")
    session.save()


class TestSecondFactor:
    def test_the_code_is_asked_for_after_the_password_and_leads_on(self) -> None:
        secret = turn_on(client_of(reader()))
        browser = half_in()
        assert browser.get("/account").status_code == 302
        assert browser.post("/sign-in/code", {"code": "000000"}).status_code == 200
        assert browser.post("/sign-in/code", {"code": code_of(secret)})["Location"] == "/papers/new"
        assert "_auth_user_id" in browser.session

    def test_a_recovery_code_works_once(self) -> None:
        setting_up = client_of(reader())
        turn_on(setting_up)
        codes = setting_up.get("/account/two-factor/codes/file").content.decode().split()
        assert len(codes) == 10
        assert half_in().post("/sign-in/code", {"code": codes[0]})["Location"] == "/papers/new"
        assert half_in().post("/sign-in/code", {"code": codes[0]}).status_code == 200

    def test_an_account_has_few_tries_from_wherever(self) -> None:
        secret = turn_on(client_of(reader()))
        browser = half_in()
        for _ in range(10):
            browser.post("/sign-in/code", {"code": "000000"})
        assert "Too many attempts" in browser.post("/sign-in/code", {"code": code_of(secret)}).content.decode()
        elsewhere = half_in()
        elsewhere.post("/sign-in/code", {"code": code_of(secret)})
        assert "_auth_user_id" not in elsewhere.session

    def test_a_one_time_link_asks_for_it_too_unless_it_was_made_to_forget_it(self) -> None:
        rita = reader()
        turn_on(client_of(rita))
        link = urlsplit(create_login_link(rita.email)).path
        assert anonymous_client().post(link)["Location"].startswith("/sign-in/code")
        out = StringIO()
        call_command("login_link", rita.email, "--forget-second-factor", stdout=out)
        browser = anonymous_client()
        assert browser.post(urlsplit(out.getvalue().strip().splitlines()[-1]).path)["Location"] == "/"
        assert not Authenticator.objects.exists()

    def test_an_administrator_may_turn_it_off_for_somebody(self) -> None:
        rita = reader()
        turn_on(client_of(rita))
        action = {"action": "forget_second_factor", "_selected_action": [rita.pk]}
        client_of(staff()).post("/admin/papers/user/", action)
        assert not Authenticator.objects.exists()

    def test_turning_it_off_asks_for_the_code_not_for_the_password_alone(self) -> None:
        browser = client_of(reader())
        secret = turn_on(browser)
        forget_proofs(browser)
        browser.post("/sign-in/again", {"password": PASSWORD})
        answer = browser.post("/account/two-factor/off")
        assert answer["Location"].startswith("/sign-in/code/again")
        assert Authenticator.objects.exists()
        browser.post(answer["Location"], {"code": code_of(secret)})
        browser.post("/account/two-factor/off")
        assert not Authenticator.objects.exists()

    def test_the_code_that_turned_it_on_is_spent(self) -> None:
        secret, used = turn_on_and_keep_code(client_of(reader()))
        cache.clear()  # a cache may lose what it knows
        browser = half_in()
        assert "already used" in browser.post("/sign-in/code", {"code": used}).content.decode()
        forget_used_codes()
        assert browser.post("/sign-in/code", {"code": code_of(secret)})["Location"] == "/papers/new"

    def test_a_code_signs_in_once_for_as_long_as_it_is_accepted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret = turn_on(client_of(reader()))
        seen, now = early_code_of(secret), time.time()
        assert half_in().post("/sign-in/code", {"code": seen})["Location"] == "/papers/new"
        cache.clear()
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: now + 30)
        browser = half_in()
        assert "already used" in browser.post("/sign-in/code", {"code": seen}).content.decode()
        assert "_auth_user_id" not in browser.session

    @pytest.mark.django_db(transaction=True)  # the mail is sent after the commit
    def test_its_owner_is_told(self) -> None:
        turn_on(client_of(reader()))
        assert "Two-factor authentication is on" in [sent.subject.split(" · ")[0] for sent in mail.outbox]


class TestAdministratorWithoutCode:
    """A session with the password alone, or one whose code was given long ago."""

    def invite(self, browser: Client, headers: dict[str, str] | None = None) -> Any:
        return browser.post("/invitations", {"email": "x@example.org", "role": "administrator"}, headers=headers)

    @pytest.mark.parametrize("is_on", [True, False])
    def test_makes_no_administrator_where_a_code_is_wanted(self, is_on: bool, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = is_on
        answer = self.invite(client_of(staff()))
        assert Invitation.objects.exists() is not is_on
        assert answer.status_code == (302 if is_on else 200)

    def test_is_led_to_the_code_and_back(self, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        browser = client_of(staff())
        assert browser.get("/curate/people?role=reader")["Location"] == (
            "/account/two-factor/on?next=%2Fcurate%2Fpeople%3Frole%3Dreader"
        )
        sent = self.invite(browser, {"Referer": "http://testserver/setup?step=2"})
        assert sent["Location"] == "/account/two-factor/on?next=%2Fsetup%3Fstep%3D2"
        htmx = {"HX-Request": "true", "HX-Current-URL": "http://testserver/curate/channels"}
        assert self.invite(browser, htmx)["HX-Redirect"] == "/account/two-factor/on?next=%2Fcurate%2Fchannels"
        secret = turn_on(browser)
        assert self.invite(browser).status_code == 200  # its first code was shown just now
        Invitation.objects.all().delete()
        forget_proofs(browser)
        asked = self.invite(browser)["Location"]
        assert asked == "/sign-in/code/again?next=%2F"
        assert browser.post(asked, {"code": code_of(secret)})["Location"] == "/"
        assert self.invite(browser).status_code == 200
        assert Invitation.objects.get().role == "administrator"

    def test_reads_as_a_reader_does(self, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        factories.paper(public_id="2603.99002", hidden_at=factories.NOW)
        browser = client_of(staff())
        assert browser.get("/papers/2603.99002").status_code == 404
        assert browser.get("/").status_code == 200
        assert browser.get("/status").context["internals"] is None
        assert "for_all" not in browser.get("/topics/new").context["form"].fields

    def test_an_old_code_counts_no_longer_nor_is_the_password_enough_to_do_away_with_it(self) -> None:
        browser = client_of(staff())
        turn_on(browser)
        session = browser.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session.save()
        assert self.invite(browser)["Location"].startswith("/sign-in/code/again?next=")
        assert not Invitation.objects.exists()
        for path in ("off", "codes/new", "codes"):
            answer = browser.post(f"/account/two-factor/{path}")
            assert answer["Location"].startswith("/sign-in/code/again?next="), path
        assert Authenticator.objects.exists()

    def test_a_curator_needs_none(self, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        assert client_of(curator()).get("/invitations").status_code == 200


class TestSessions:
    def in_browser(self, agent: str) -> Client:
        browser = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR="2001:db8::7")
        browser.post("/sign-in", {"username": "rita@example.org", "password": PASSWORD})
        return browser

    def test_they_are_listed_and_each_can_be_ended(self) -> None:
        reader()
        here = self.in_browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        there = self.in_browser("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1")
        page = here.get("/account/sessions")
        assert [row.device for row in page.context["sessions"]] == ["Firefox on Linux", "Safari on iPhone"]
        assert "2001:db8::7" in page.content.decode()
        here.post("/account/sessions", {"which": page.context["sessions"][1].pk})
        assert there.get("/account").status_code == 302
        assert here.get("/account").status_code == 200

    def test_not_those_of_others(self) -> None:
        reader()
        here = self.in_browser("Firefox")
        pk = here.get("/account/sessions").context["sessions"][0].pk
        for which in (str(pk), "x", "9" * 30, ""):
            assert client_of(reader("carla")).post("/account/sessions", {"which": which}).status_code == 302
            User.objects.filter(username="carla").delete()
        assert here.get("/account").status_code == 200

    def test_sign_out_everywhere(self) -> None:
        reader()
        browsers = [self.in_browser("Firefox") for _ in range(3)]
        browsers[0].post("/account/sessions", {"which": "all"})
        assert [browser.get("/account").status_code for browser in browsers] == [302, 302, 302]
