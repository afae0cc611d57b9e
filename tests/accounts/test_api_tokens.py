"""Personal tokens: made behind "Is it you?", shown once, noted, mailed, revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from config.site_url import Site
from digests.services.security_mail import send_due_security_mails
from papers.models import ApiToken, ClientKey, SecurityEvent, User
from papers.services.accounts.api_tokens import MAX_TOKENS, TokenError, create_token, grantable_scopes
from papers.services.accounts.email_addresses import reset_to_account_address
from papers.services.accounts.tokens import token_digest
from papers.services.operations.cleanup import delete_expired_rows
from tests.support.api import ApiClient
from tests.support.people import client_of, curator, reader, sure_client_of

pytestmark = pytest.mark.django_db

WANTED = {"name": "laptop", "scopes": ["read", "write"], "days": "90"}


def key_on(page: str) -> str:
    found: set[str] = set(re.findall(r"bsh_[A-Za-z0-9_-]{43}", page))
    assert len(found) == 1
    return found.pop()


def test_a_token_is_made_and_shown_once() -> None:
    rita = reader()
    browser = sure_client_of(rita)
    assert browser.get("/account/tokens/new").status_code == 200
    key = key_on(browser.post("/account/tokens/new", WANTED).content.decode())
    token = ApiToken.objects.get(user=rita)
    assert (token.name, token.scopes, token.key_digest) == ("laptop", ["read", "write"], token_digest(key))
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    assert ApiClient(key=key).get("/me").json()["token"]["name"] == "laptop"
    listed = browser.get("/account/tokens").content.decode()
    assert "laptop" in listed
    assert "last used" in listed
    assert key not in listed
    assert "bsh_" not in browser.get("/account/tokens/new").content.decode()


def test_it_asks_who_it_is_first() -> None:
    browser = client_of(reader())
    for answer in (browser.get("/account/tokens/new"), browser.post("/account/tokens/new", WANTED)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/again")
    assert not ApiToken.objects.exists()


def test_it_is_noted_and_mailed(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    rita = reader()
    reset_to_account_address(rita)
    browser = sure_client_of(rita)
    browser.post("/account/tokens/new", WANTED)
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.TOKEN_MADE)
    assert (event.user, event.detail) == (rita, "“laptop” (read, write)")
    send_due_security_mails(now=timezone.now() + timedelta(minutes=1))
    [sent] = [one for one in mail.outbox if "API token" in one.subject]
    assert "“laptop” (read, write)" in sent.body
    assert "Created an API token" in browser.get("/account/security").content.decode()
    browser.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke")
    assert SecurityEvent.objects.filter(kind=SecurityEvent.Kind.TOKEN_REVOKED).count() == 1


def test_it_is_revoked_by_its_owner_alone() -> None:
    rita = reader()
    api = ApiClient(rita)
    token = ApiToken.objects.get()
    client_of(reader("otto")).post(f"/account/tokens/{token.pk}/revoke")
    assert api.get("/me").status_code == 200
    for _ in range(2):
        assert client_of(rita).post(f"/account/tokens/{token.pk}/revoke").status_code == 302
    assert api.get("/me").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "x" * 81}, {"scopes": []}, {"scopes": ["curate"]}, {"scopes": ["all"]}, {"days": "9999"}],
)
def test_what_is_no_token(wrong: dict[str, Any]) -> None:
    assert "bsh_" not in sure_client_of(reader()).post("/account/tokens/new", WANTED | wrong).content.decode()
    assert not ApiToken.objects.exists()


def test_only_curators_give_what_curators_may() -> None:
    carl = curator()
    key_on(sure_client_of(carl).post("/account/tokens/new", WANTED | {"scopes": ["curate"]}).content.decode())
    rita = reader()
    with pytest.raises(TokenError):
        create_token(user=rita, name="x", scopes=["curate"], now=timezone.now())
    assert "curate" not in grantable_scopes(rita)


def test_there_is_an_end_to_tokens() -> None:
    rita = reader()
    for _ in range(MAX_TOKENS):
        create_token(user=rita, name="x", scopes=["read"], now=timezone.now())
    page = sure_client_of(rita).post("/account/tokens/new", WANTED).content.decode()
    assert "Revoke one first" in page


def test_old_ones_are_deleted() -> None:
    rita, now = reader(), timezone.now()
    create_token(user=rita, name="x", scopes=["read"], now=now)
    ClientKey.objects.create(user=rita, key="0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11", kind="comment", created_at=now)
    delete_expired_rows(now=now + timedelta(days=364))
    assert ApiToken.objects.exists()
    assert ClientKey.objects.exists()
    delete_expired_rows(now=now + timedelta(days=731))
    assert not ApiToken.objects.exists()
    assert not ClientKey.objects.exists()
    assert User.objects.filter(pk=rita.pk).exists()
