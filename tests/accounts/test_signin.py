"""Signing in: by password, by a link that works once, and never by guessing."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.forms.accounts import SignInForm
from papers.models import LoginLink, User
from papers.services.accounts.login_links import create_login_link, use_login_link
from papers.services.operations.installation import skip_setup
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit
from tests.support.people import PASSWORD, anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

SIGN_IN = "/sign-in"


def path_of(link: str) -> str:
    return urlsplit(link).path


def token_of(link: str) -> str:
    return link.rsplit("/", 1)[1]


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


class TestPassword:
    def test_address_and_password_lead_in(self) -> None:
        rita, browser = reader(), anonymous_client()
        answer = browser.post(SIGN_IN, {"username": "Rita@Example.org", "password": PASSWORD})
        assert answer.status_code == 302
        assert answer["Location"] == reverse("papers:today")
        assert browser.session["_auth_user_id"] == str(rita.pk)

    @pytest.mark.parametrize(
        ("address", "password"),
        [("rita@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("closed@example.org", PASSWORD), ("", "")],
    )
    def test_what_does_not_belong_together_does_not(self, address: str, password: str) -> None:
        reader()
        reader("closed", is_active=False)
        browser = anonymous_client()
        answer = browser.post(SIGN_IN, {"username": address, "password": password})
        assert answer.status_code == 200
        assert not is_signed_in(browser)

    def test_the_answer_does_not_tell_who_has_an_account(self) -> None:
        reader()
        reader("closed", is_active=False)
        said = {
            str(anonymous_client().post(SIGN_IN, {"username": address, "password": "wrong"}).context["form"].errors)
            for address in ("rita@example.org", "nobody@example.org", "closed@example.org")
        }
        assert len(said) == 1

    def test_the_page_one_was_on_the_way_to(self) -> None:
        reader()
        answer = anonymous_client().post(
            SIGN_IN, {"username": "rita@example.org", "password": PASSWORD, "next": "/papers/new?cat=cs.CL"}
        )
        assert answer["Location"] == "/papers/new?cat=cs.CL"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
    def test_never_to_another_site(self, target: str) -> None:
        reader()
        browser = anonymous_client()
        assert target not in browser.get(SIGN_IN, {"next": target}).content.decode()
        answer = browser.post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD, "next": target})
        assert answer["Location"] == reverse("papers:today")

    def test_after_ten_wrong_ones_an_address_waits_and_the_right_one_waits_too(self) -> None:
        reader()
        browser = anonymous_client()
        for _ in range(10):
            assert browser.post(SIGN_IN, {"username": "rita@example.org", "password": "wrong"}).status_code == 200
        answer = browser.post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD})
        assert answer.status_code == 429
        assert answer["Retry-After"] == "600"
        elsewhere = Client(REMOTE_ADDR="192.0.2.55")
        assert elsewhere.post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD}).status_code == 302

    def test_an_account_waits_when_it_is_tried_from_everywhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "sign-in-account": RateLimit(3, 3600)})
        reader()
        for number in range(3):
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(SIGN_IN, {"username": "RITA@example.org", "password": "x"})
        answer = Client(REMOTE_ADDR="192.0.2.99").post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD})
        assert answer.status_code == 429

    def test_right_ones_are_not_counted(self) -> None:
        reader()
        for _ in range(12):
            assert (
                anonymous_client().post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD}).status_code
                == 302
            )

    def test_one_account_has_one_limit_however_its_domain_is_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "sign-in-account": RateLimit(3, 3600)})
        spellings = ("rita@bücher.example", "rita@xn--bcher-kva.example", "RITA@BÜCHER.example", "rita@bücher.example.")
        answers = [
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(SIGN_IN, {"username": address, "password": "x"}).status_code
            for number, address in enumerate(spellings)
        ]
        assert answers == [200, 200, 200, 429]

    @pytest.mark.django_db(transaction=True)
    def test_of_many_wrong_ones_at_once_no_more_are_tried_than_may(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limit = RateLimit(3, 600, survives_cache=True)
        monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "sign-in-address": limit})
        tried, all_there = [], threading.Barrier(12)

        def looks_slowly(form: SignInForm) -> None:
            tried.append(1)
            time.sleep(0.2)  # a password takes a while to be looked at
            raise ValidationError("wrong")

        def guess() -> None:
            all_there.wait(timeout=20)
            Client().post(SIGN_IN, {"username": "rita@example.org", "password": "wrong"})
            connection.close()

        monkeypatch.setattr(SignInForm, "clean", looks_slowly)
        threads = [threading.Thread(target=guess) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(tried) == 3

    def test_a_form_of_another_site_is_refused_in_words(self) -> None:
        reader()
        browser = Client(enforce_csrf_checks=True)
        answer = browser.post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD})
        assert answer.status_code == 403
        assert not is_signed_in(browser)


class TestSigningOut:
    def test_by_the_button(self) -> None:
        browser = client_of(reader())
        assert browser.post("/sign-out").status_code == 302
        assert not is_signed_in(browser)

    def test_not_by_opening_the_address(self) -> None:
        browser = client_of(reader())
        assert browser.get("/sign-out").status_code == 405
        assert is_signed_in(browser)


class TestLink:
    def test_opening_it_does_not_use_it(self) -> None:
        link = path_of(create_login_link("rita@example.org"))
        mail_scanner = anonymous_client()
        for _ in range(3):
            assert mail_scanner.get(link).status_code == 200
        assert not is_signed_in(mail_scanner)
        browser = anonymous_client()
        assert browser.post(link).status_code == 302
        assert is_signed_in(browser)

    def test_it_works_once(self) -> None:
        link = path_of(create_login_link("rita@example.org"))
        anonymous_client().post(link)
        second = anonymous_client()
        assert second.post(link).status_code == 410
        assert second.get(link).status_code == 410
        assert not is_signed_in(second)

    def test_pressing_the_button_twice_in_one_browser_leads_on(self) -> None:
        link, browser = path_of(create_login_link("rita@example.org")), anonymous_client()
        browser.post(link)
        assert browser.post(link)["Location"] == reverse("papers:today")

    def test_a_day_later_it_is_too_old(self) -> None:
        link = create_login_link("rita@example.org")
        LoginLink.objects.update(expires_at=timezone.now())
        assert anonymous_client().post(path_of(link)).status_code == 410

    def test_a_closed_account_stays_closed(self) -> None:
        link = create_login_link("rita@example.org")
        User.objects.update(is_active=False)
        assert anonymous_client().post(path_of(link)).status_code == 410

    def test_a_link_nobody_made(self) -> None:
        assert anonymous_client().get("/sign-in/link/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").status_code == 410

    def test_the_table_does_not_hold_what_opens(self) -> None:
        token = token_of(create_login_link("rita@example.org"))
        assert token not in str(LoginLink.objects.values())

    def test_it_leads_an_administrator_to_the_first_run_page_until_that_is_answered(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        ada = staff()
        assert anonymous_client().post(path_of(create_login_link(ada.email)))["Location"] == reverse("papers:setup")
        with django_capture_on_commit_callbacks(execute=True):
            skip_setup(now=timezone.now())
        assert anonymous_client().post(path_of(create_login_link(ada.email)))["Location"] == reverse("papers:today")

    def test_it_leads_a_reader_to_todays_page(self) -> None:
        assert anonymous_client().post(path_of(create_login_link("rita@example.org")))["Location"] == reverse(
            "papers:today"
        )

    def test_many_guesses_are_cut_off(self) -> None:
        browser = anonymous_client()
        answers = [browser.get(f"/sign-in/link/{number}").status_code for number in range(31)]
        assert set(answers[:30]) == {410}
        assert answers[30] == 429


class TestMakingLinks:
    def test_the_administrators_address_gets_an_administrator_and_any_other_a_reader(self, settings: Any) -> None:
        settings.ADMIN_EMAIL = "Ada@example.org"
        create_login_link("ada@example.org")
        create_login_link("rita@example.org")
        assert User.objects.get(email="ada@example.org").is_superuser
        assert not User.objects.get(email="rita@example.org").is_staff

    def test_an_account_is_made_once(self) -> None:
        create_login_link("rita@example.org")
        create_login_link("RITA@example.org")
        assert User.objects.count() == 1

    def test_two_people_whose_names_meet(self) -> None:
        create_login_link("rita@example.org")
        create_login_link("rita@example.com")
        assert len({user.username.lower() for user in User.objects.all()}) == 2

    @pytest.mark.parametrize("address", ["ü@example.org", "-.@example.org", f"{'x' * 60}@example.org", "a@example.org"])
    def test_every_address_gives_a_name_that_is_allowed(self, address: str) -> None:
        create_login_link(address)
        User.objects.get().full_clean(exclude=["password", "email"])

    def test_a_site_under_a_sub_path(self, settings: Any) -> None:
        from config.site_url import Site

        settings.SITE = Site.from_url("https://lab.example.org/papers")
        settings.FORCE_SCRIPT_NAME = "/papers"
        from django.urls import set_script_prefix

        set_script_prefix("/papers/")
        try:
            link = create_login_link("rita@example.org")
        finally:
            set_script_prefix("/")
        assert link.startswith("https://lab.example.org/papers/sign-in/link/")

    def test_old_ones_are_forgotten(self) -> None:
        create_login_link("rita@example.org")
        LoginLink.objects.update(expires_at=timezone.now() - timedelta(days=31))
        create_login_link("rita@example.org")
        assert LoginLink.objects.count() == 1

    def test_the_command_prints_it(self, settings: Any) -> None:
        out = StringIO()
        call_command("login_link", stdout=out)
        assert anonymous_client().post(path_of(out.getvalue().strip())).status_code == 302
        assert User.objects.get().email == settings.ADMIN_EMAIL

    @pytest.mark.parametrize("address", ["rita", "rita@", "@example.org"])
    def test_the_command_refuses_what_is_no_address(self, address: str) -> None:
        with pytest.raises(CommandError, match="not an e-mail address"):
            call_command("login_link", address)

    def test_the_command_says_that_an_account_is_suspended(self) -> None:
        reader(is_active=False)
        with pytest.raises(CommandError, match="suspended"):
            call_command("login_link", "rita@example.org")


@pytest.mark.django_db(transaction=True)
def test_a_link_opens_once_also_when_two_press_at_the_same_moment() -> None:
    token = token_of(create_login_link("rita@example.org"))
    start, opened = threading.Barrier(2), []

    def press() -> None:
        start.wait(5)
        opened.append(use_login_link(token, now=timezone.now()))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(user is not None for user in opened) == [False, True]


class TestOwnPassword:
    NEW = "another-horse-battery"

    def test_whoever_came_by_a_link_sets_one_without_the_old(self) -> None:
        browser = anonymous_client()
        browser.post(path_of(create_login_link("rita@example.org")))
        assert "old_password" not in browser.get("/account/password").context["form"].fields
        answer = browser.post("/account/password", {"new_password1": self.NEW, "new_password2": self.NEW})
        assert answer.status_code == 302
        assert is_signed_in(browser)
        assert (
            anonymous_client().post(SIGN_IN, {"username": "rita@example.org", "password": self.NEW}).status_code == 302
        )

    def test_whoever_came_by_password_says_the_old_one(self) -> None:
        reader()
        browser = anonymous_client()
        browser.post(SIGN_IN, {"username": "rita@example.org", "password": PASSWORD})
        new = {"new_password1": self.NEW, "new_password2": self.NEW}
        assert browser.post("/account/password", new).status_code == 200
        assert browser.post("/account/password", {**new, "old_password": PASSWORD}).status_code == 302

    def test_it_ends_other_sessions(self) -> None:
        rita = reader()
        here, elsewhere = client_of(rita), client_of(rita)
        here.post(
            "/account/password",
            {"old_password": PASSWORD, "new_password1": self.NEW, "new_password2": self.NEW},
        )
        assert here.get("/account/password").status_code == 200
        assert elsewhere.get("/account/password").status_code == 302

    def test_a_weak_one_is_refused(self) -> None:
        browser = anonymous_client()
        browser.post(path_of(create_login_link("rita@example.org")))
        answer = browser.post("/account/password", {"new_password1": "short", "new_password2": "short"})
        assert answer.status_code == 200
        assert answer.context["form"].errors


class TestAdmin:
    def test_its_own_sign_in_page_leads_to_ours_which_has_limits(self) -> None:
        answer = anonymous_client().get("/admin/", follow=True)
        assert answer.redirect_chain[-1][0] == "/sign-in?next=%2Fadmin%2F"

    def test_a_reader_is_not_sent_round_in_circles(self) -> None:
        assert client_of(reader()).get("/admin/", follow=True).status_code == 404

    def test_an_administrator_arrives(self) -> None:
        staff()
        answer = anonymous_client().post(
            SIGN_IN, {"username": "ada@example.org", "password": PASSWORD, "next": "/admin/"}
        )
        assert answer["Location"] == "/admin/"


@pytest.mark.parametrize("key", ["abcdefgh\x00xyz", "short", "ABCDEFGHIJKLMNOP", "äöüäöüäöüä", "a" * 32])
def test_a_key_that_no_session_has_is_a_visitor_s(key: str) -> None:
    """A quoted cookie may hold any byte (RFC 6265 has no escapes, Python's parser has)."""
    browser = Client()
    quoted = "".join(f"\\{byte:03o}" for byte in key.encode())
    answer = browser.get("/papers/new", headers={"cookie": f'{settings.SESSION_COOKIE_NAME}="{quoted}"'})
    assert answer.status_code == 200
    answer = browser.get("/library", headers={"cookie": f'{settings.SESSION_COOKIE_NAME}="{quoted}"'})
    assert answer.status_code == 302
