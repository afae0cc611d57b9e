"""Security keys as a second factor: added, shown, taken off; where they work; and what no browser sends."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from config.site_url import Site
from papers.accounts.security_keys import loopback_name_url
from papers.models import User
from tests.support.people import PASSWORD, client_of, reader, staff
from tests.support.second_factor import code_of, forget_used_codes, turn_on
from tests.support.security_key import SecurityKey

pytestmark = pytest.mark.django_db

NEW = "/account/two-factor/keys/new"


@pytest.fixture(autouse=True)
def _a_name(settings: Any) -> None:
    settings.SITE = Site.from_url("http://127.0.0.1:8000")
    settings.ALLOWED_HOSTS = settings.SITE.allowed_hosts()


def at_localhost(user: User) -> Client:
    browser = client_of(user)
    browser.defaults["HTTP_HOST"] = "localhost:8000"
    return browser


def a_key() -> SecurityKey:
    return SecurityKey("http://localhost:8000", "localhost")


def add(browser: Client, key: SecurityKey, name: str = "Ring") -> Any:
    """Give the password again, and add the key."""
    browser.post("/sign-in/again", {"password": PASSWORD})
    options = browser.get(NEW).context["options"]
    return browser.post(NEW, {"name": name, "credential": key.register(options)})


def half_in(email: str = "rita@example.org") -> Client:
    browser = Client(headers={"host": "localhost:8000"})
    answer = browser.post("/sign-in", {"username": email, "password": PASSWORD})
    assert answer["Location"].startswith("/sign-in/code")
    return browser


class TestAKey:
    def test_is_asked_for_after_the_password(self) -> None:
        key = a_key()
        assert add(at_localhost(reader()), key)["Location"] == "/account/two-factor/codes"
        browser = half_in()
        page = browser.get("/sign-in/code")
        assert "Use security key" in page.content.decode()
        answer = browser.post("/sign-in/code", {"credential": key.sign(page.context["options"])})
        assert answer["Location"] == "/"
        assert "_auth_user_id" in browser.session

    def test_of_another_account_or_of_another_page_opens_nothing(self) -> None:
        mine, other = a_key(), a_key()
        add(at_localhost(reader()), mine)
        add(at_localhost(reader("otto")), other)
        browser = half_in()
        options = browser.get("/sign-in/code").context["options"]
        assert browser.post("/sign-in/code", {"credential": other.sign(options)}).status_code == 200
        elsewhere = SecurityKey("https://evil.example", "localhost", mine._private, mine._id)
        options = browser.get("/sign-in/code").context["options"]
        assert browser.post("/sign-in/code", {"credential": elsewhere.sign(options)}).status_code == 200
        # What was signed once is not signed for the next page.
        before = half_in().get("/sign-in/code").context["options"]
        browser.get("/sign-in/code")
        assert browser.post("/sign-in/code", {"credential": mine.sign(before)}).status_code == 200
        assert "_auth_user_id" not in browser.session

    def test_that_is_lost_leaves_the_recovery_codes(self) -> None:
        browser = at_localhost(reader())
        add(browser, a_key())
        codes = browser.get("/account/two-factor/codes/file").content.decode().split()
        assert half_in().post("/sign-in/code", {"code": codes[0]})["Location"] == "/"

    def test_an_administrator_shows_it_for_what_needs_the_code(self) -> None:
        browser, key = at_localhost(staff()), a_key()
        add(browser, key)
        assert browser.get("/curate/people").status_code == 200  # adding it has shown it
        session = browser.session
        session.pop("account_authentication_methods")
        session.save()
        asked = browser.get("/curate/people")["Location"]
        assert asked == "/sign-in/key/again?next=%2Fcurate%2Fpeople"
        options = browser.get(asked).context["options"]
        answer = browser.post(asked, {"credential": key.sign(options), "next": "/curate/people"})
        assert answer["Location"] == "/curate/people"
        assert browser.get("/curate/people").status_code == 200

    @pytest.mark.django_db(transaction=True)  # a mail is sent after the commit
    def test_its_owner_is_told(self) -> None:
        browser = at_localhost(reader())
        add(browser, a_key())
        browser.post(f"/account/two-factor/keys/{Authenticator.objects.get(type='webauthn').pk}/remove")
        said = [sent.subject.split(" · ")[0] for sent in mail.outbox]
        assert said == ["A security key was added", "A security key was removed"]


class TestTwoFactors:
    """Neither is taken off, and none is added, without one of them."""

    @pytest.fixture
    def browser(self) -> Client:
        browser = at_localhost(reader())
        secret = turn_on(browser)
        add(browser, a_key())
        assert Authenticator.objects.count() == 3
        session = browser.session
        session.pop("account_authentication_methods")
        session["the-secret"] = secret
        session.save()
        browser.post("/sign-in/again", {"password": PASSWORD})
        return browser

    @pytest.mark.parametrize("page", ["off", "keys/{key}/remove", "codes", "codes/new", "codes/file", "keys/new"])
    def test_the_password_is_not_enough(self, browser: Client, page: str) -> None:
        key = Authenticator.objects.get(type="webauthn")
        path = f"/account/two-factor/{page.format(key=key.pk)}"
        for answer in (browser.get(path), browser.post(path)):
            assert answer["Location"].startswith("/sign-in/code/again?next=")
        assert Authenticator.objects.count() == 3

    def test_nor_is_it_for_an_app_beside_a_key(self, browser: Client) -> None:
        Authenticator.objects.filter(type="totp").delete()
        assert browser.get("/account/two-factor/on")["Location"].startswith("/sign-in/key/again?next=")

    def test_with_the_code_it_is_taken_off(self, browser: Client) -> None:
        forget_used_codes()
        browser.post("/sign-in/code/again", {"code": code_of(browser.session["the-secret"])})
        key = Authenticator.objects.get(type="webauthn")
        assert browser.post(f"/account/two-factor/keys/{key.pk}/remove")["Location"] == "/account/two-factor"
        assert browser.post("/account/two-factor/off")["Location"] == "/account/two-factor"
        assert not Authenticator.objects.exists()

    def test_not_that_of_somebody_else(self, browser: Client) -> None:
        key = Authenticator.objects.get(type="webauthn")
        other = at_localhost(reader("otto"))
        other.post("/sign-in/again", {"password": PASSWORD})
        assert other.post(f"/account/two-factor/keys/{key.pk}/remove").status_code == 404


class TestWhere:
    def test_an_address_of_numbers_names_the_one_with_a_name(self) -> None:
        browser = client_of(reader())
        browser.defaults["HTTP_HOST"] = "127.0.0.1:8000"
        browser.post("/sign-in/again", {"password": PASSWORD})
        for path in ("/account/two-factor", NEW):
            page = browser.get(path).content.decode()
            assert 'href="http://localhost:8000"' in page
            assert "security_key.js" not in page

    @pytest.mark.parametrize(
        ("url", "host", "domain"),
        [
            ("https://papers.example.org/lab", "papers.example.org", "papers.example.org"),
            ("http://papers.example.org", "papers.example.org", ""),
            ("https://192.0.2.7", "192.0.2.7", ""),
            ("https://[2001:db8::7]", "[2001:db8::7]", ""),
            ("http://localhost:8000", "localhost:8000", "localhost"),
        ],
    )
    def test_a_name_and_https_or_localhost(self, url: str, host: str, domain: str, settings: Any) -> None:
        settings.SITE = Site.from_url(url)
        settings.ALLOWED_HOSTS = settings.SITE.allowed_hosts()
        browser = client_of(reader())
        browser.defaults["HTTP_HOST"] = host
        browser.post("/sign-in/again", {"password": PASSWORD})
        page = browser.get(NEW)
        assert page.context["keys_at"].domain == domain
        assert ("Security keys need" in page.content.decode()) is (not domain)
        assert (f'"id": "{domain}"' in page.context["options"]) is bool(domain)

    def test_by_the_site_s_name_not_by_who_asks(self, settings: Any) -> None:
        settings.SITE = Site.from_url("https://papers.example.org")
        settings.ALLOWED_HOSTS = ["*"]
        browser = client_of(reader())
        browser.defaults["HTTP_HOST"] = "evil.example"
        browser.post("/sign-in/again", {"password": PASSWORD})
        assert '"id": "papers.example.org"' in browser.get(NEW).context["options"]


STRANGE = [
    "",
    "x",
    "null",
    "[]",
    "7",
    '"x"',
    "{}",
    "[" * 20_000,
    '{"response": null}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {}}',
    '{"id": "eA", "rawId": "eA", "response": {"clientDataJSON": "eA", "attestationObject": "eA"}}',
    '{"id": 7, "rawId": 7, "type": 7, "response": {"clientDataJSON": 7, "attestationObject": [], "signature": {}}}',
    '{"rawId": "eA", "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"}}',
    '{"rawId": "eA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
]


@pytest.mark.parametrize("sent", STRANGE, ids=range(len(STRANGE)))
def test_what_no_browser_sends_is_an_error_on_the_page(sent: str) -> None:
    browser = at_localhost(reader())
    add(browser, a_key())
    assert "banner error" in browser.post(NEW, {"credential": sent}).content.decode()
    assert "banner error" in browser.post("/sign-in/key/again", {"credential": sent}).content.decode()
    half = half_in()
    half.get("/sign-in/code")
    assert "banner error" in half.post("/sign-in/code", {"credential": sent}).content.decode()


def test_an_account_has_ten_at_most() -> None:
    browser = at_localhost(reader())
    for number in range(11):
        add(browser, a_key(), f"Key {number}")
    assert Authenticator.objects.filter(type="webauthn").count() == 10


def test_a_signature_is_for_one_sign_in() -> None:
    key = a_key()
    add(at_localhost(reader()), key)
    browser = half_in()
    signed = key.sign(browser.get("/sign-in/code").context["options"])
    assert browser.post("/sign-in/code", {"credential": signed})["Location"] == "/"
    again = half_in()
    again.get("/sign-in/code")
    assert again.post("/sign-in/code", {"credential": signed}).status_code == 200


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://[::1]:8000/lab", "http://localhost:8000/lab"),
        ("http://localhost:8000", ""),
        ("https://papers.example.org", ""),
    ],
)
def test_the_start_names_an_address_with_a_name(url: str, named: str, settings: Any) -> None:
    settings.SITE = Site.from_url(url)
    assert loopback_name_url() == named


def test_the_second_factor_is_not_asked_for_by_way_of_the_password() -> None:
    browser = at_localhost(staff())
    add(browser, a_key())
    page = browser.get("/sign-in/key/again?next=/curate/people").content.decode()
    assert "Use a code or a recovery code" in page
    assert 'href="/sign-in/again' not in page
    assert "/sign-in/code/again?next=%2Fcurate%2Fpeople" in page
