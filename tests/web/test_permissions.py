"""A members-only site shows strangers nothing: no page, no difference between what is there and what is not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from papers.models import User
from papers.services.operations.installation import save_group_settings
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

SECRET = "Unreleased results of our own lab"


@pytest.fixture(autouse=True)
def _members_only(settings: Any) -> None:
    settings.ACCESS = "members"
    factories.listing(factories.paper(public_id="2603.99001", title=SECRET, organization=SECRET))


def crawl(browser: Client, start: str = "/") -> dict[str, str]:
    """Every page that links lead to, address → what it says, following redirects."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting and len(found) < 100:
        address = waiting.pop()
        if address in found:
            continue
        answer = browser.get(address, follow=True)
        text = answer.content.decode() if "text/html" in answer.get("Content-Type", "") else ""
        found[address] = text
        for link in re.findall(r'(?:href|action|hx-get)="(/[^"#]*)', text):
            if not link.startswith(("/static/", "//")):
                waiting.append(link.replace("&amp;", "&"))
    return found


def test_whatever_a_stranger_follows_ends_at_the_way_in_or_says_what_is_kept_of_people() -> None:
    pages = crawl(anonymous_client())
    assert SECRET not in pages.pop("/privacy")
    assert len(pages) > 5
    for address, text in pages.items():
        assert SECRET not in text, address
        assert not text or 'name="password"' in text, address


def test_a_member_sees_it_all() -> None:
    assert any(SECRET in text for text in crawl(client_of(reader())).values())


def test_what_is_there_answers_like_what_is_not() -> None:
    there, not_there = anonymous_client().get("/papers/2603.99001"), anonymous_client().get("/papers/2603.00000")
    assert (there.status_code, not_there.status_code) == (302, 302)
    assert there.content == not_there.content == b""


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "PATCH", "DELETE"])
def test_by_no_method(method: str) -> None:
    answer = anonymous_client().generic(method, "/papers/2603.99001")
    assert answer.status_code == 302
    assert SECRET.encode() not in answer.content


def test_not_for_htmx_either() -> None:
    """The whole window goes to the page for signing in: a redirect would put that page into the place of a button."""
    answer = anonymous_client().get("/papers/date/2026-03-04", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/sign-in?next=/papers/date/2026-03-04"


@pytest.mark.parametrize("address", ["/no-such-page", "/papers/2603.99001/no-such", "/..%2fpapers", "/papers//"])
def test_error_pages_tell_nothing(address: str) -> None:
    answer = anonymous_client().get(address, follow=True)
    assert SECRET not in answer.content.decode()


def test_an_account_that_was_closed_is_a_strangers() -> None:
    browser = client_of(reader())
    assert browser.get("/").status_code == 200
    User.objects.update(is_active=False)
    assert browser.get("/").status_code == 302


def test_no_cache_on_the_way_keeps_a_page() -> None:
    assert "private" in client_of(reader()).get("/")["Cache-Control"]


def test_signing_in_leads_back() -> None:
    answer = anonymous_client().get("/papers/new?category=cs.CL")
    assert answer["Location"] == "/sign-in?next=/papers/new%3Fcategory%3Dcs.CL"


def test_the_first_run_page_closes_the_site_at_once(settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.ACCESS = None
    assert anonymous_client().get("/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        save_group_settings(name="", time_zone="UTC", access="members", now=factories.NOW)
    assert anonymous_client().get("/").status_code == 302
    assert client_of(staff()).get("/").status_code == 200
