"""The link that confirms an address: what it does in the hands of the owner of an address that a stranger typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from papers.models import SecurityEvent, User
from papers.services.accounts.login_links import create_login_link
from tests.support.people import PASSWORD, anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

VICTIM = "vera@example.org"
THEIRS, HERS = "mallory-knows-this", "only-vera-knows-this"


@pytest.fixture(autouse=True)
def _open_with_mail(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    settings.SIGNUP = "open"


def link_in(number: int) -> str:
    (found,) = re.findall(r"http://127\.0\.0\.1:8000(/account/address/confirm/\S+)", str(mail.outbox[number].body))
    return str(found)


def sign_up(name: str = "mallory", password: str = THEIRS) -> Client:
    browser = anonymous_client()
    browser.post("/sign-up", {"email": VICTIM, "username": name, "password1": password})
    return browser


def lets_in(password: str) -> bool:
    browser = anonymous_client()
    browser.post("/sign-in", {"username": VICTIM, "password": password})
    return "_auth_user_id" in browser.session


def is_confirmed() -> bool:
    return bool(EmailAddress.objects.filter(email=VICTIM, verified=True).exists())


class TestSignedUpByAStranger:
    def test_the_strangers_password_is_not_left_in_force(self) -> None:
        sign_up()
        vera = sign_up("vera", HERS)
        link = link_in(0)
        assert "enter the password of this account" in vera.get(link).content.decode()
        assert vera.post(link).status_code == 200
        assert not is_confirmed()
        assert vera.post(link, {"password": HERS})["Location"] == "/sign-in"
        assert is_confirmed()
        assert not lets_in(THEIRS)
        assert lets_in(HERS)
        assert SecurityEvent.objects.filter(kind=SecurityEvent.Kind.PASSWORD).count() == 1

    def test_the_strangers_browser_is_not_let_in_either(self) -> None:
        mallory = sign_up()
        anonymous_client().post(link_in(0), {"password": HERS})
        assert is_confirmed()
        mallory.get("/account/address/sent")
        mallory.get("/sign-in")
        assert mallory.get("/account").status_code == 302
        assert mallory.post(link_in(0)).status_code == 404

    def test_nor_is_the_strangers_account_at_the_provider(self) -> None:
        sign_up()
        SocialAccount.objects.create(user=User.objects.get(), provider="oidc", uid="mallory")
        anonymous_client().post(link_in(0), {"password": HERS})
        assert is_confirmed()
        assert not SocialAccount.objects.exists()

    def test_a_sign_in_link_from_the_operator_does_not_change_that(self) -> None:
        sign_up()
        vera = anonymous_client()
        vera.post(create_login_link(VICTIM).partition(":8000")[2])
        assert vera.post(link_in(0)).status_code == 200
        assert not is_confirmed()

    @pytest.mark.parametrize("password", ["", "short", "12345678901"])
    def test_a_weak_password_confirms_nothing(self, password: str) -> None:
        sign_up()
        assert anonymous_client().post(link_in(0), {"password": password}).status_code == 200
        assert not is_confirmed()


class TestSignedUpByTheOwner:
    def test_the_same_browser_is_asked_for_nothing(self) -> None:
        vera = sign_up("vera", HERS)
        assert "password" not in vera.get(link_in(0)).content.decode()
        vera.post(link_in(0))
        assert is_confirmed()

    def test_another_browser_takes_the_password_and_keeps_it(self) -> None:
        sign_up("vera", HERS)
        before = User.objects.get().password
        anonymous_client().post(link_in(0), {"password": HERS})
        assert is_confirmed()
        assert User.objects.get().password == before
        assert not SecurityEvent.objects.filter(kind=SecurityEvent.Kind.PASSWORD).exists()


class TestChangedByAStranger:
    def ask(self) -> tuple[Client, str]:
        mallory = client_of(reader("mallory"))
        again = mallory.post("/account/address", {"email": VICTIM, "action_add": "1"})["Location"]
        mallory.post(again, {"password": PASSWORD})
        return mallory, link_in(-1)

    def test_the_link_alone_gives_the_address_to_nobody(self) -> None:
        _, link = self.ask()
        vera = client_of(reader("carla"))
        assert "Sign in to that account" in vera.get(link).content.decode()
        assert vera.post(link, {"password": HERS}).status_code == 200
        assert not is_confirmed()
        assert User.objects.get(username="mallory").check_password(PASSWORD)
        assert "_auth_user_id" in vera.session, "somebody else's mail signs nobody out"

    def test_whoever_is_signed_in_to_the_account_confirms_it(self) -> None:
        mallory, link = self.ask()
        mallory.post(link)
        assert is_confirmed()
