"""A visitor's vote or save survives the sign-in; nothing else does, and no other site can have it done."""

from __future__ import annotations

import pytest
from django.core import signing
from django.test import Client

from papers.models import LibraryItem, Paper, User, Vote
from papers.services.accounts.login_links import create_login_link
from papers.services.reading.library import set_library_state
from papers.web import visitor_acts
from papers.web.visitor_acts import visitor_act_cookie
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import get_page, text_of
from tests.support.people import PASSWORD, anonymous_client, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"
HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def paper() -> Paper:
    return factories.listing().paper


@pytest.fixture
def visitor() -> Client:
    return anonymous_client()


def press(visitor: Client, paper: Paper, act: str = "vote", headers: dict[str, str] = HERE, **fields: str) -> str:
    """Where it leads."""
    answer = visitor.post(
        f"{paper.get_absolute_url()}/after-sign-in", {"act": act, "next": DAY, **fields}, headers=headers
    )
    assert answer.status_code == 302
    return str(answer["Location"])


def sign_in(visitor: Client, user: User, target: str = "") -> str:
    """Where it leads."""
    answer = visitor.post("/sign-in", {"username": user.email, "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_a_vote_is_counted_and_the_reader_is_back_at_the_paper(visitor: Client, rita: User, paper: Paper) -> None:
    place = f"{DAY}#paper-{paper.pk}"
    (form,) = get_page(DAY, visitor).xpath("//form[@id='votes']")
    assert form.xpath(".//input/@name") == ["next"]  # no token: the page is the same for all
    there = press(visitor, paper)
    assert there == f"/sign-in?next=%2Fpapers%2Fdate%2F{TODAY}%23paper-{paper.pk}"
    assert place in get_page(there, visitor).xpath("//main//input[@name='next']/@value")
    assert not Vote.objects.exists()
    assert sign_in(visitor, rita, place) == place
    assert Vote.objects.get().user == rita
    assert visitor.cookies[visitor_act_cookie()].value == ""
    (notice,) = get_page(DAY, visitor).xpath("//*[@id='notice']")
    assert text_of(notice) == "Voted. Undo"


def test_a_save_too_but_it_changes_nothing_that_is_there(visitor: Client, rita: User, paper: Paper) -> None:
    press(visitor, paper, "save")
    sign_in(visitor, rita)
    assert LibraryItem.objects.get().state == "to_read"
    set_library_state(user=rita, paper_ids=[paper.pk], state="read")
    another = anonymous_client()
    press(another, paper, "save")
    sign_in(another, rita)
    assert LibraryItem.objects.get().state == "read"


def test_a_one_time_link_leads_back_to_the_paper_too(visitor: Client, rita: User, paper: Paper) -> None:
    """It names no page itself: it may be opened long after, and in another browser, where nothing is kept."""
    link = create_login_link(rita.email).partition(":8000")[2]
    press(visitor, paper)
    assert visitor.post(link)["Location"] == f"{DAY}#paper-{paper.pk}"
    assert Vote.objects.filter(user=rita, paper=paper).exists()
    assert anonymous_client().post(create_login_link(rita.email).partition(":8000")[2])["Location"] == "/"


def test_it_is_done_once(visitor: Client, rita: User, paper: Paper) -> None:
    press(visitor, paper)
    sign_in(visitor, rita)
    Vote.objects.all().delete()
    visitor.post("/sign-out")
    sign_in(visitor, rita)
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/http://testserver/"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://[", "Referer": "http://testserver/"},
    ],
)
def test_no_other_site_can_have_it_kept(visitor: Client, paper: Paper, headers: dict[str, str]) -> None:
    path = f"{paper.get_absolute_url()}/after-sign-in"
    assert visitor.post(path, {"act": "vote"}, headers=headers).status_code == 403
    assert visitor_act_cookie() not in visitor.cookies


@pytest.mark.parametrize("headers", [{"Origin": "http://testserver"}, {"Referer": "http://testserver/papers/new"}])
def test_browsers_that_say_less_may(visitor: Client, paper: Paper, headers: dict[str, str]) -> None:
    press(visitor, paper, headers=headers)
    assert visitor_act_cookie() in visitor.cookies


def test_a_link_does_nothing(visitor: Client, paper: Paper) -> None:
    assert visitor.get(f"{paper.get_absolute_url()}/after-sign-in?act=vote", headers=HERE).status_code == 405


def test_only_a_vote_or_a_save_of_a_paper_that_is_here(visitor: Client, paper: Paper) -> None:
    path = f"{paper.get_absolute_url()}/after-sign-in"
    assert visitor.post(path, {"act": "delete-account"}, headers=HERE).status_code == 400
    assert visitor.post("/papers/2603.99999/after-sign-in", {"act": "vote"}, headers=HERE).status_code == 404
    hidden = factories.paper(hidden_at=NOW)
    there = f"{hidden.get_absolute_url()}/after-sign-in"
    assert visitor.post(there, {"act": "vote"}, headers=HERE).status_code == 404


def test_it_leads_nowhere_else(visitor: Client, paper: Paper) -> None:
    there = press(visitor, paper, next="https://evil.example/")
    assert there.startswith("/sign-in?next=%2Fpapers%2F")
    assert "evil" not in there


@pytest.mark.parametrize(
    "act",
    [
        *(["unknown", 1, "/"], ["vote", 10**17, "/"], ["vote", "1; DROP", "/"], ["vote", 1, 2], ["vote", 1]),
        *("x", {"act": "vote"}, ["vote"], 7),
    ],
)
def test_what_is_signed_and_makes_no_sense_is_left(visitor: Client, rita: User, act: object) -> None:
    visitor.cookies[visitor_act_cookie()] = signing.dumps(act, salt=visitor_acts._SALT)
    sign_in(visitor, rita)
    assert not Vote.objects.exists()


def test_what_was_made_up_is_left(visitor: Client, rita: User, paper: Paper) -> None:
    visitor.cookies[visitor_act_cookie()] = signing.dumps(["vote", paper.pk], salt="another")
    sign_in(visitor, rita)
    assert not Vote.objects.exists()


def test_who_is_signed_in_already_is_led_back_and_nothing_is_done(rita: User, paper: Paper) -> None:
    client = anonymous_client()
    client.force_login(rita)
    assert press(client, paper) == f"{DAY}#paper-{paper.pk}"
    assert not Vote.objects.exists()
    assert visitor_act_cookie() not in client.cookies
