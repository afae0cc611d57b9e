"""Which token may do what: each address and method, by the table in tests/support/api_rights.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from config.api_urls import api as site_api
from papers.models import ApiToken, Tag, User
from papers.services.accounts.api_tokens import create_token
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.api_rights import TOKEN_ROWS, TokenRow
from tests.support.people import curator, reader, staff
from tests.support.rights_of_clubs import clubs_for_rights
from tests.support.rights_of_lists import make_lists

pytestmark = pytest.mark.django_db

CASES = [pytest.param(row, id=f"{row.name} {row.method} {row.path}") for row in TOKEN_ROWS]


@pytest.fixture(scope="module", autouse=True)
def _things(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What all tests of this file find. What each of them does to it is taken back after it, as always."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_things()
        yield
        transaction.set_rollback(True)


def make_things() -> None:
    rita = reader()
    paper = factories.paper(public_id="2603.99001", organization="CERN")
    factories.listing(paper)
    factories.paper(public_id="2603.99002", hidden_at=factories.NOW)
    factories.topic("curated")
    factories.topic("rita-s", owner=rita)
    factories.comment(paper, rita, pk=9001)
    factories.comment(paper, pk=9002)
    factories.submission("10.1000/ice", pk=990001)
    factories.submission("10.1000/fire", pk=990002, by=rita)
    factories.rejected_record(pk=990001)
    make_lists(paper, rita)
    reader("paul")
    clubs_for_rights(rita, paper)
    Tag.objects.create(user=rita, name="own")
    Tag.objects.create(user=rita, name="shared", shared_at=factories.NOW)
    reader("otto")
    curator()


@contextmanager
def undone() -> Iterator[None]:
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client: ApiClient, row: TokenRow) -> Any:
    answer = client.call(row.method, row.path, row.body)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer


def of(name: str, *scopes: str) -> ApiClient:
    return ApiClient(User.objects.get(username=name), scopes=scopes)


@pytest.mark.parametrize("access", ["public", "members"])
@pytest.mark.parametrize("row", CASES)
def test_each_token(row: TokenRow, access: str, settings: Any) -> None:
    settings.ACCESS = access
    tokens = {
        "reader": ("rita", "read", "write"),
        "another": ("otto", "read", "write"),
        "plain": ("carl", "read", "write"),
        "curator": ("carl", "read", "write", "curate"),
    }
    found = {}
    for person, about in tokens.items():
        with undone():
            found[person] = ask(of(*about), row).status_code
    assert found == {person: getattr(row, person) for person in tokens}
    with undone():
        stranger = ask(ApiClient(), row).status_code
    assert stranger == (row.another if row.is_public and access == "public" else 401)


@pytest.mark.parametrize("row", [row for row in TOKEN_ROWS if row.scope], ids=lambda row: f"{row.method} {row.path}")
def test_the_scope_is_needed(row: TokenRow) -> None:
    others = {"read", "write", "curate"} - {row.scope}
    answer = ask(of("carl", *others), row)
    assert answer.status_code == 403
    assert row.scope in answer["WWW-Authenticate"]


def test_the_table_has_every_operation() -> None:
    operations = {
        (operation["operationId"], method.upper())
        for address in site_api.get_openapi_schema()["paths"].values()
        for method, operation in address.items()
    }
    assert operations == {(row.name, row.method) for row in TOKEN_ROWS}


def test_what_opens_nothing() -> None:
    rita, now = User.objects.get(username="rita"), timezone.now()
    client = ApiClient(rita)
    assert client.get("/me").status_code == 200
    for key in ("bsh_x", "bsh_" + "x" * 43, client.key[:-1], client.key + "x", "", "\x00", "é" * 47):
        other = ApiClient(key=key or " ")
        assert other.get("/me").status_code == 401
        assert other.get("/papers").status_code == 401  # a wrong token is not a visitor
    assert client.client.get("/api/v1/me", headers={"Authorization": f"Basic {client.key}"}).status_code == 401
    for query in ("access_token", "token", "key"):
        assert ApiClient().get(f"/me?{query}={client.key}").status_code == 422
        assert client.key not in ApiClient().get(f"/me?{query}={client.key}").content.decode()
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert client.get("/me").status_code == 401
    User.objects.filter(pk=rita.pk).update(is_active=True)
    ApiToken.objects.update(expires_at=now)
    assert client.get("/me").status_code == 401
    ApiToken.objects.update(expires_at=now + timedelta(days=1), revoked_at=now)
    assert client.get("/me").status_code == 401
    ApiToken.objects.update(revoked_at=None)
    assert client.get("/me").status_code == 200
    rita.delete()
    assert client.get("/me").status_code == 401


def test_a_token_has_no_more_rights_than_its_owner() -> None:
    carl = User.objects.get(username="carl")
    client = of("carl", "read", "curate")
    assert client.get("/curation/queue").status_code == 200
    User.objects.filter(pk=carl.pk).update(is_curator=False)
    assert client.get("/curation/queue").status_code == 403
    assert client.get("/papers/2603.99002").status_code == 404


def test_an_administrator_needs_the_second_factor_that_the_site_wants(settings: Any) -> None:
    _, key = create_token(user=staff(), name="desk", scopes=["read", "curate"], now=timezone.now())
    client = ApiClient(key=key)
    assert client.get("/curation/queue").status_code == 200
    settings.ADMIN_SECOND_FACTOR = True
    assert client.get("/curation/queue").status_code == 403
    assert client.get("/library").status_code == 200


def test_the_last_use_is_written_every_few_minutes() -> None:
    client = ApiClient(User.objects.get(username="rita"))
    client.get("/me")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    client.get("/me")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=6))
    client.get("/me")
    later = ApiToken.objects.get().last_used_at
    assert later is not None
    assert later >= first
