"""“Vote”, “Save” and “Seen” in a mail: two taps, signed out, for the mail's reader and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client

from digests.models import MergedPaper, Subscriber
from papers.models import LibraryItem, Paper, RecommendationFeedback, SeenPaper, User, Vote
from papers.services.reading.library import set_library_state
from tests.support import factories
from tests.support.factories import NOW
from tests.support.mail import mail_key
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

ACTS = ("save", "vote", "seen", "more", "less")
ASKS = {"save": "Save this paper?", "vote": "Vote for this paper?", "seen": "Mark this paper as seen?"}
ASKS |= {"more": "More like this paper?", "less": "Less like this paper?"}
DONE = {"save": "Saved", "vote": "You voted", "seen": "Marked as seen"}
DONE |= {"more": "For you will bring more like this", "less": "For you will bring less like this"}
ALREADY = {"save": "Already saved", "vote": "You have already voted", "seen": "Already marked as seen"}
ALREADY |= {"more": DONE["more"], "less": DONE["less"]}
BUTTONS = {"save": "Save to library", "vote": "Vote", "seen": "Mark as seen"}
BUTTONS |= {"more": "More like this", "less": "Less like this"}


@pytest.fixture
def rita() -> User:
    user = reader()
    factories.subscriber(user=user, email=user.email, key="rita-s-key")
    return user


def link(paper: Paper, act: str = "save", key: str = "rita-s-key") -> str:
    return f"/s/{key}/{paper.pk}{'' if act == 'save' else f'/{act}'}"


def shelf() -> list[tuple[str, int, str]]:
    return list(LibraryItem.objects.values_list("user__username", "paper", "state"))


def noted(act: str) -> list[tuple[str, int]]:
    """Who has done it with which paper."""
    rows: dict[str, QuerySet[Any]] = {
        "save": LibraryItem.objects.all(),
        "vote": Vote.objects.all(),
        "seen": SeenPaper.objects.all(),
        "more": RecommendationFeedback.objects.filter(kind="more", by_mail=True),
        "less": RecommendationFeedback.objects.filter(kind="less", by_mail=True),
    }
    return list(rows[act].values_list("user__username", "paper"))


def heading(answer: Any) -> str:
    return str(parse_html(answer.content.decode()).xpath("normalize-space(//h1)"))


@pytest.mark.parametrize("act", ACTS)
def test_looking_does_nothing_and_the_one_button_does_it(act: str, rita: User) -> None:
    """The second tap is the button: mail scanners open links, and press nothing."""
    paper = factories.paper(title="A <graph>")
    for client in (anonymous_client(), client_of(rita)):
        page = client.get(link(paper, act))
        assert b"A &lt;graph&gt;" in page.content
        assert heading(page) == ASKS[act]
        client.head(link(paper, act))
        client.options(link(paper, act))
    buttons = parse_html(page.content.decode()).xpath("//main//form[@method='post']//button")
    assert [button.text_content().strip() for button in buttons] == [BUTTONS[act]]
    assert noted(act) == []
    for _ in range(2):
        # Without a cookie, as mail programs open pages, and with Django's checks as in a browser.
        answer = Client(enforce_csrf_checks=True).post(link(paper, act))
        assert heading(answer) == DONE[act]
        assert answer["X-Robots-Tag"] == "noindex"
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies
    assert noted(act) == [("rita", paper.pk)]
    assert heading(anonymous_client().get(link(paper, act))) == ALREADY[act]


def test_what_is_saved_is_to_be_read_and_a_vote_is_counted_once(rita: User) -> None:
    paper = factories.paper()
    for _ in range(2):
        anonymous_client().post(link(paper))
        anonymous_client().post(link(paper, "vote"))
    paper.refresh_from_db()
    assert (shelf(), paper.vote_count) == ([("rita", paper.pk, "to_read")], 1)


def test_a_vote_is_taken_back_by_a_button(rita: User) -> None:
    paper = factories.paper()
    page = parse_html(anonymous_client().post(link(paper, "vote")).content.decode())
    assert page.xpath("//button[@name='undo']/text()") == ["Remove my vote"]
    assert heading(anonymous_client().post(link(paper, "vote"), {"undo": "1"})) == "Vote removed"
    paper.refresh_from_db()
    assert (noted("vote"), paper.vote_count) == ([], 0)


@pytest.mark.parametrize("act", ["more", "less"])
def test_what_was_said_is_taken_back_by_a_button(act: str, rita: User) -> None:
    paper = factories.paper()
    page = parse_html(anonymous_client().post(link(paper, act)).content.decode())
    assert page.xpath("//button[@name='undo']/text()") == ["Undo"]
    assert heading(anonymous_client().post(link(paper, act), {"undo": "1"})) == "Taken back"
    assert noted(act) == []


def test_less_takes_the_place_of_more(rita: User) -> None:
    paper = factories.paper()
    anonymous_client().post(link(paper, "more"))
    anonymous_client().post(link(paper, "less"))
    assert (noted("more"), noted("less")) == ([], [("rita", paper.pk)])


def test_a_mail_that_was_forwarded_says_no_more_than_some_a_day(rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.services.recommend.feedback.MAX_BY_MAIL_A_DAY", 1)
    anonymous_client().post(link(factories.paper(), "less"))
    answer = anonymous_client().post(link(factories.paper(), "less"))
    assert heading(answer) == "Nothing was changed"
    assert len(noted("less")) == 1


def test_what_is_left_to_do_is_one_tap_away_afterwards(rita: User) -> None:
    paper = factories.paper()
    page = parse_html(anonymous_client().post(link(paper, "vote")).content.decode())
    assert page.xpath("//main//form/@action") == [link(paper)], "a paper voted for has been seen"
    anonymous_client().post(page.xpath("//main//form/@action")[0])
    assert noted("save") == noted("vote") == [("rita", paper.pk)]


@pytest.mark.parametrize("act", ACTS)
def test_it_is_for_the_mail_s_reader_whoever_is_signed_in(act: str, rita: User) -> None:
    paper = factories.paper()
    client_of(reader("other")).post(link(paper, act))
    assert noted(act) == [("rita", paper.pk)]


def test_what_was_read_stays_read(rita: User) -> None:
    paper = factories.paper()
    set_library_state(user=rita, paper_ids=[paper.pk], state="read")
    anonymous_client().post(link(paper))
    assert shelf() == [("rita", paper.pk, "read")]


@pytest.mark.parametrize("act", ACTS)
def test_a_link_that_is_nobody_s_does_nothing(act: str, rita: User) -> None:
    paper, hidden = factories.paper(), factories.paper(hidden_at=NOW)
    factories.subscriber(key="no-account")
    factories.subscriber(key="unconfirmed", confirmed_at=None, user=reader("una"))
    factories.subscriber(key="suspended", user=reader("sue", is_active=False))
    wrong = [link(paper, act, key) for key in ("unknown", "no-account", "unconfirmed", "suspended")]
    end = link(paper, act).removeprefix(link(paper))
    wrong += [link(hidden, act), f"/s/rita-s-key/0{end}", f"/s/rita-s-key/{'9' * 30}{end}"]
    for path in wrong:
        for ask in (anonymous_client().get, anonymous_client().post):
            assert ask(path).status_code == 404, path
    assert noted(act) == []


@pytest.mark.parametrize("act", ACTS)
def test_a_paper_that_was_merged_is_the_one_it_went_into(act: str, rita: User) -> None:
    paper = factories.paper()
    MergedPaper.objects.create(gone_id=10**6, kept_id=paper.pk)
    anonymous_client().post(link(Paper(pk=10**6), act))
    assert noted(act) == [("rita", paper.pk)]


@pytest.mark.parametrize("act", ACTS)
def test_links_hold_when_the_secret_key_changes_and_on_a_site_for_members(act: str, rita: User, settings: Any) -> None:
    paper = factories.paper()
    settings.SECRET_KEY = "another" * 10
    settings.ACCESS = "members"
    assert anonymous_client().post(link(paper, act)).status_code == 200
    assert noted(act) == [("rita", paper.pk)]
    assert mail_key(Subscriber.objects.get(user=rita)) != "rita-s-key"
    assert anonymous_client().get(link(paper, act)).status_code == 200, "the next mail's key comes beside it"
