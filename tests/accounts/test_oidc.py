"""The provider that a group may sign in at: whom it opens the door to, and what its answers may be."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone

from papers.accounts import oidc
from papers.models import User
from papers.services.accounts.invitations import create_invitation
from tests.support.fake_oidc import CLIENT_ID, SECRET, Answer, Provider, fake_provider
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader
from tests.support.second_factor import turn_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with fake_provider() as found:
        settings.OIDC_URL, settings.OIDC_NAME = found.url, "the institute"
        app: dict[str, Any] = {"provider_id": "oidc", "name": "the institute", "client_id": CLIENT_ID, "secret": SECRET}
        app["settings"] = {"server_url": found.url, "email_authentication": True}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
        found.claims = {"sub": "n-1", "email": "nora@example.org", "email_verified": True, "preferred_username": "nora"}
        yield found


def come_back(browser: Client, code: str = "good") -> Any:
    """From the button to what the callback answers; the button's own answer where it leads nowhere."""
    there = browser.post("/sign-in/with/oidc")
    if there.status_code != 302:
        return there
    state = parse_qs(urlsplit(there["Location"]).query)["state"][0]
    return browser.get("/sign-in/with/oidc/back", {"code": code, "state": state})


class TestProvider:
    def come_back(self, browser: Client, code: str = "good") -> Any:
        return come_back(browser, code)

    def test_an_account_with_the_address_that_it_verified_is_opened(self, provider: Provider) -> None:
        nora, browser = reader("nora"), anonymous_client()
        assert "Sign in with the institute" in browser.get("/sign-in").content.decode()
        assert self.come_back(browser)["Location"] == "/"
        assert browser.session["_auth_user_id"] == str(nora.pk)
        assert provider.verifiers, "PKCE"

    def test_the_account_is_found_however_the_domain_is_written(self, provider: Provider) -> None:
        nora, browser = User.objects.create_user("nora@xn--strae-oqa.example", "nora", PASSWORD), anonymous_client()
        User.objects.create_user("nora@strasse.example", "other", PASSWORD)
        provider.claims["email"] = "nora@straße.example"
        assert self.come_back(browser)["Location"] == "/"
        assert browser.session["_auth_user_id"] == str(nora.pk)

    def test_a_new_account_has_the_one_form_of_its_address(self, provider: Provider, settings: Any) -> None:
        settings.OIDC_SIGNUP = True
        provider.claims["email"] = "nora@straße.example"
        assert self.come_back(anonymous_client())["Location"] == "/"
        assert User.objects.get().email == "nora@xn--strae-oqa.example"

    @pytest.mark.parametrize("said", [False, "false", "False", "no", "", None, 0, 1, "1", [], ["x"]])
    def test_not_one_whose_address_it_did_not_verify(self, provider: Provider, said: Any) -> None:
        provider.claims["email_verified"] = said
        reader("nora")
        browser = anonymous_client()
        self.come_back(browser)
        assert "_auth_user_id" not in browser.session

    def test_a_new_account_only_where_that_is_allowed_and_the_domain_is_welcome(
        self, provider: Provider, settings: Any
    ) -> None:
        assert "by invitation" in self.come_back(anonymous_client()).content.decode()
        settings.OIDC_SIGNUP, settings.SIGNUP_DOMAINS = True, ("lab.example.org",)
        assert "by invitation" in self.come_back(anonymous_client()).content.decode()
        settings.SIGNUP_DOMAINS = ()
        provider.claims["preferred_username"] = "no such name!"
        browser = anonymous_client()
        assert self.come_back(browser)["Location"] == "/"
        assert User.objects.get().email == "nora@example.org"
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,29}", User.objects.get().username)

    def test_a_second_factor_is_asked_for_there_too(self, provider: Provider) -> None:
        turn_on(client_of(reader("nora")))
        assert self.come_back(anonymous_client())["Location"].startswith("/sign-in/code")

    def test_a_code_that_is_none_or_a_state_that_is_not_ours_says_so(self, provider: Provider) -> None:
        for answer in (
            self.come_back(anonymous_client(), code="bad"),
            anonymous_client().get("/sign-in/with/oidc/back", {"code": "good", "state": "made-up"}),
            anonymous_client().get("/sign-in/with/oidc/back"),
        ):
            assert "Sign-in failed" in answer.content.decode()

    def test_following_a_link_alone_signs_nobody_in(self, provider: Provider) -> None:
        assert anonymous_client().get("/sign-in/with/oidc").status_code == 200

    def test_there_is_none_unless_it_is_named(self) -> None:
        assert "Sign in with" not in anonymous_client().get("/sign-in").content.decode()
        assert anonymous_client().post("/sign-in/with/oidc").status_code == 404

    def test_a_provider_that_is_away_says_so(self, settings: Any) -> None:
        with fake_provider() as found:
            pass
        app: dict[str, Any] = {"provider_id": "oidc", "name": "x", "client_id": CLIENT_ID, "secret": SECRET}
        app["settings"] = {"server_url": found.url}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        assert "Sign-in failed" in anonymous_client().post("/sign-in/with/oidc").content.decode()


class TestDomains:
    """Those of BROADSHEET_SIGNUP_DOMAINS alone get an account, whatever the provider says or leaves out."""

    @pytest.fixture(autouse=True)
    def _only_the_lab(self, provider: Provider, settings: Any) -> None:
        settings.OIDC_SIGNUP, settings.SIGNUP_DOMAINS = True, ("lab.example.org",)
        settings.MAIL_IS_SENT = True

    def sign_up(self, browser: Client, email: str) -> Any:
        return browser.post("/sign-in/with/sign-up", {"email": email, "username": "nora"})

    def test_an_address_of_the_group_is_welcome(self, provider: Provider) -> None:
        provider.claims["email"] = "nora@lab.example.org"
        assert come_back(anonymous_client())["Location"] == "/"
        assert User.objects.get().email == "nora@lab.example.org"

    @pytest.mark.parametrize(
        "said", [None, "", "nora", 5, ["nora@lab.example.org"], {"a": 1}, "a@b\x00.org", "x" * 300]
    )
    def test_where_none_is_given_the_typed_one_has_to_be(self, provider: Provider, said: Any) -> None:
        provider.claims["email"] = said
        browser = anonymous_client()
        assert come_back(browser)["Location"] == "/sign-in/with/sign-up"
        refused = self.sign_up(browser, "nora@evil.example")
        assert refused.status_code == 200
        assert "addresses of the group" in refused.content.decode()
        assert not User.objects.exists()
        assert self.sign_up(browser, "nora@lab.example.org")["Location"] == "/account/address/sent"
        assert mail.outbox[-1].to == ["nora@lab.example.org"], "what is typed is confirmed"
        assert "_auth_user_id" not in browser.session

    @pytest.mark.parametrize("email", ["nora@lab.example.org", "nora@evil.example"])
    def test_an_unverified_one_lets_nobody_in_by_itself(self, provider: Provider, email: str) -> None:
        provider.claims |= {"email": email, "email_verified": False}
        browser = anonymous_client()
        come_back(browser)
        assert "_auth_user_id" not in browser.session
        assert User.objects.exists() is (email == "nora@lab.example.org")

    def test_an_invitation_needs_no_domain(self, provider: Provider, settings: Any) -> None:
        browser = anonymous_client()
        link = create_invitation(by=curator(), email="", now=timezone.now())
        browser.get(urlsplit(link).path)
        assert come_back(browser)["Location"] == "/"
        assert User.objects.filter(email="nora@example.org").exists()


CONFIGURATION, TOKEN, USERINFO = "/.well-known/openid-configuration", "/token", "/userinfo"
HTML = Answer(b"<!doctype html><title>Maintenance</title>", kind="text/html")
STRANGE = {
    "html": HTML,
    "500": Answer(b"{}", status=500),
    "no json": Answer(b"{"),
    "a list": Answer(b"[]"),
    "a number": Answer(b"1e999"),
    "null": Answer(b"null"),
    "nothing": Answer(b""),
    "empty": Answer(b"{}"),
    "deep": Answer(b"[" * 200_000),
    "huge": Answer(b" " * 3_000_000),
    "latin": Answer(b'{"sub": "\xff"}'),
    "redirects for ever": Answer(b"", status=302, location="/.well-known/openid-configuration?again"),
    "into the network": Answer(b"", status=302, location="http://169.254.169.254/latest/meta-data"),
    "wrong types": Answer(
        b'{"issuer": 1, "authorization_endpoint": 5, "token_endpoint": {}, "userinfo_endpoint": [], "jwks_uri": null,'
        b' "token_endpoint_auth_methods_supported": 7, "access_token": {"a": 1}, "expires_in": "soon", "id_token": 5,'
        b' "sub": {"a": 1}, "email": 5}'
    ),
    "far times": Answer(b'{"access_token": "opens", "expires_in": 1e30, "sub": ""}'),
}


@pytest.mark.parametrize("where", [CONFIGURATION, TOKEN, USERINFO])
@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_answer_is_a_page_with_a_sentence(provider: Provider, settings: Any, where: str, what: str) -> None:
    settings.OIDC_SIGNUP = True
    provider.answers[where] = STRANGE[what]
    browser = anonymous_client()
    browser.raise_request_exception = False
    answer = come_back(browser)
    assert answer.status_code in (401, 503)
    assert "Sign-in failed" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("subject", [None, "", "x" * 300, "a\x00b", {"a": 1}, ["n-1"], True, 1.5, 10**40])
def test_who_has_no_name_there_does_not_get_in(provider: Provider, settings: Any, subject: Any) -> None:
    settings.OIDC_SIGNUP = True
    provider.claims["sub"] = subject
    browser = anonymous_client()
    browser.raise_request_exception = False
    assert "Sign-in failed" in come_back(browser).content.decode()
    assert not User.objects.exists()


def test_a_provider_that_names_two_people_is_not_believed(provider: Provider, settings: Any) -> None:
    settings.OIDC_SIGNUP = True
    provider.answers[USERINFO] = Answer(b'{"sub": "somebody-else", "email": "nora@example.org"}')
    assert "Sign-in failed" in come_back(anonymous_client()).content.decode()


@pytest.mark.parametrize("name", ["nora\x00", "x" * 5_000, 7, ["nora"], {"a": 1}, "\ud800"])
def test_a_name_that_is_none_is_left_out(provider: Provider, settings: Any, name: Any) -> None:
    settings.OIDC_SIGNUP = True
    provider.claims |= {"preferred_username": name, "name": name, "more": {"a": [name]}}
    assert come_back(anonymous_client())["Location"] == "/"
    assert "more" not in str(SocialAccount.objects.get().extra_data), "only what is used here is kept"


@pytest.mark.parametrize("where", [CONFIGURATION, TOKEN, USERINFO])
def test_a_slow_answer_is_waited_for_so_long_and_no_longer(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setitem(oidc._BOUNDS, "deadline_seconds", 1.0)
    provider.answers[where] = Answer(b"{" + b" " * 1_000, drip_seconds=0.2)
    began = time.monotonic()
    assert "Sign-in failed" in come_back(anonymous_client()).content.decode()
    assert time.monotonic() - began < 5
