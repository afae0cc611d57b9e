"""Webhooks for lists: what each kind of list tells, each paper once; whose lists a reader may choose; the pages."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from digests.models import Channel, Notice
from digests.models.channel import new_signing_secret
from digests.services import notices
from digests.services.channel_client import ChannelPostError, PostAnswer
from digests.services.channel_lists import (
    MAX_LISTS,
    MAX_WEBHOOKS,
    ListNotFoundError,
    find_lists,
    save_lists,
)
from digests.services.notices import plan_notices, post_due_notices
from papers.models import Paper, SecurityEvent, Tag, TaggedPaper, User
from papers.services.accounts.data_export import export_account
from papers.services.authors.lookup import find_author
from papers.services.curation.audit_log import Actor
from papers.services.curation.place_paper import hide_paper
from papers.services.ingest.releases import next_release
from papers.services.reading.follows import follow, match_followed_papers
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db


def webhook(owner: User | None, *addresses: str, **fields: Any) -> Channel:
    quiet = {f"notify_{name}": False for name in ("queue", "edition", "stale", "late")}
    made = Channel.objects.create(
        name="Ours",
        kind="webhook",
        address="https://example.org/hook",
        secret=new_signing_secret(),
        owner=owner,
        **quiet,
        **fields,
    )
    chosen = find_lists(addresses, owner=owner)
    made.topics.set(chosen.topics)
    save_lists(made, chosen.lists, now=timezone.now())
    plan_notices(now=timezone.now())  # from now on
    return made


def told(channel: Channel) -> list[str]:
    plan_notices(now=timezone.now())
    rows = Notice.objects.filter(channel=channel).order_by("pk")
    return [paper["id"] for notice in rows for paper in notice.content["papers"]]


def new_paper(**fields: Any) -> Paper:
    return factories.paper(listed_at=timezone.now(), **fields)


def tag(owner: User, name: str = "ice", *, shared_at: datetime | None = None) -> Tag:
    return Tag.objects.create(user=owner, name=name, shared_at=shared_at)


# --- What each kind of list tells ------------------------------------------------------------------------------------


def test_a_category_tells_its_new_papers_once() -> None:
    new_paper(categories=["cs.CL"], created_at=timezone.now() - timedelta(days=1))
    Paper.objects.update(created_at=timezone.now() - timedelta(days=1))
    channel = webhook(reader(), "/papers/new?category=cs.CL")
    old = Paper.objects.get()
    Paper.objects.filter(pk=old.pk).update(vote_count=7)  # a change, but no news
    first, later = new_paper(categories=["cs.CL", "cs.LG"]), new_paper(categories=[])
    new_paper(categories=["cs.LG"])
    factories.paper(categories=["cs.CL"], listed_at=timezone.now() - timedelta(days=40))
    assert told(channel) == [first.public_id]
    Paper.objects.filter(pk__in=[first.pk, later.pk]).update(categories=["cs.CL"], vote_count=3)
    assert told(channel) == [first.public_id, later.public_id]
    notice = Notice.objects.filter(channel=channel).earliest("pk")
    assert notice.content["title"] == "1 new paper in cs.CL"
    assert notice.content["about"] == "list"
    assert notice.content["url"].endswith("/papers/new?category=cs.CL")


def test_an_author_and_an_organization_tell_theirs() -> None:
    names = [{"name": "Ada Lovelace"}]
    new_paper(organization="CERN")
    channel = webhook(None, "/authors/ada-lovelace", "/organizations/cern")
    by_ada = new_paper(authors=names, author_keys=["ada lovelace"])
    eve = {"authors": [{"name": "Eve"}], "author_keys": ["eve"]}
    of_cern = new_paper(organization="CERN", **eve)
    new_paper(**eve)
    assert sorted(told(channel)) == sorted([by_ada.public_id, of_cern.public_id])
    titles = set(Notice.objects.filter(channel=channel).values_list("content__title", flat=True))
    assert titles == {"1 new paper by ada lovelace", "1 new paper from cern"}


def test_following_tells_the_papers_of_whom_its_reader_follows() -> None:
    rita, other = reader("rita"), reader("otto")
    follow(user=rita, contributor=find_author("ada-lovelace"), name="Ada Lovelace", now=timezone.now())
    channel, of_other = webhook(rita, "/following"), webhook(other, "/following")
    paper = new_paper(authors=[{"name": "Ada Lovelace"}], author_keys=["ada lovelace"])
    match_followed_papers([paper.pk], release=next_release(), now=timezone.now())
    assert told(channel) == [paper.public_id]
    assert told(of_other) == []


def test_a_tag_tells_what_it_is_given_while_it_may_be_read() -> None:
    rita, other = reader("rita"), reader("otto")
    shared = tag(rita, shared_at=timezone.now())
    TaggedPaper.objects.create(tag=shared, paper=new_paper())
    channel = webhook(other, "/tags/rita/ice")
    paper, secret = new_paper(), new_paper()
    TaggedPaper.objects.create(tag=shared, paper=paper)
    assert told(channel) == [paper.public_id]
    TaggedPaper.objects.filter(paper=paper).delete()
    TaggedPaper.objects.create(tag=shared, paper=paper)
    assert told(channel) == [paper.public_id]
    Tag.objects.update(shared_at=None)
    TaggedPaper.objects.create(tag=shared, paper=secret)
    assert told(channel) == [paper.public_id]


def test_a_saved_search_tells_its_reader() -> None:
    rita = reader()
    search = factories.topic("Trees", owner=rita)
    channel = webhook(rita, search.get_absolute_url())
    paper = new_paper()
    factories.topic_match(paper, search, release=next_release())
    assert told(channel) == [paper.public_id]


def test_what_is_hidden_and_shown_again_is_told_once_in_every_list() -> None:
    rita, actor = reader(), Actor(curator=staff(), now=timezone.now())
    own = tag(rita)
    channel = webhook(rita, "/papers/new?category=cs.CL", "/tags/rita/ice")
    paper = new_paper(categories=["cs.CL"])
    TaggedPaper.objects.create(tag=own, paper=paper)
    before = told(channel)
    for on in (True, False):
        hide_paper(paper_id=paper.pk, on=on, actor=actor)
    assert told(channel) == before == [paper.public_id] * 2  # once for each list


def test_many_papers_are_several_notices() -> None:
    channel = webhook(reader(), "/papers/new?category=cs.CL")
    papers = [new_paper(categories=["cs.CL"]) for _ in range(410)]
    assert sorted(told(channel)) == sorted(paper.public_id for paper in papers)
    assert Notice.objects.count() == 3


# --- Whose lists, and how many ---------------------------------------------------------------------------------------


def test_only_lists_that_the_owner_may_read_are_found() -> None:
    rita, other = reader("rita"), reader("otto")
    tag(rita)
    search = factories.topic("Mine", owner=rita)
    private = ["/tags/rita/ice", search.get_absolute_url(), "/following"]
    assert len(find_lists(private, owner=rita)) == 3
    for address in private[:2]:
        with pytest.raises(ListNotFoundError):
            find_lists([address], owner=other)
    bad = [*private, "/papers/new", "/papers/new?category=none", "/", "javascript:x", "http://[", "/organizations/none"]
    for address in bad:
        with pytest.raises(ListNotFoundError):
            find_lists([address], owner=None)
    both = ["http://testserver/papers/new?category=CS.cl", "/papers/new?category=cs.CL"]
    assert [row.key for row in find_lists(both, owner=None).lists] == ["cs.CL"]


def test_lists_that_stay_keep_their_places() -> None:
    channel = webhook(reader(), "/papers/new?category=cs.CL", "/papers/new?category=cs.LG")
    before = dict(channel.lists.values_list("key", "pk"))
    save_lists(
        channel, find_lists(["/papers/new?category=cs.LG", "/following"], owner=channel.owner).lists, now=timezone.now()
    )
    after = dict(channel.lists.values_list("key", "pk"))
    assert after.keys() == {"cs.LG", ""}
    assert after["cs.LG"] == before["cs.LG"]


def test_a_suspended_readers_webhook_is_told_nothing(monkeypatch: Any) -> None:
    rita = reader()
    channel = webhook(rita, "/papers/new?category=cs.CL")
    new_paper(categories=["cs.CL"])
    plan_notices(now=timezone.now())
    User.objects.filter(pk=rita.pk).update(is_active=False)
    monkeypatch.setattr(notices, "post", lambda *_, **__: PostAnswer("It answered 204.", 204))
    assert post_due_notices(now=timezone.now()) == 0
    assert Notice.objects.get(channel=channel).state == Notice.State.WAITING


def test_curators_notices_are_no_readers_business() -> None:
    channel = webhook(reader())
    Channel.objects.filter(pk=channel.pk).update(notify_queue=True, notify_stale=True, notify_late=True)
    factories.source(next_fetch_at=timezone.now() - timedelta(days=9))
    desk = Channel.objects.create(name="Desk", kind="mail", address="desk@example.org", notify_edition=False)
    factories.candidate()
    plan_notices(now=timezone.now())
    assert Notice.objects.filter(channel=desk).exists()
    assert not Notice.objects.filter(channel=channel).exists()


def test_a_readers_webhook_that_fails_is_turned_off_and_the_reader_is_told(monkeypatch: Any) -> None:
    rita = reader()
    desk = Channel.objects.create(name="Desk", kind="mail", address="desk@example.org", notify_queue=False)
    channel = webhook(rita, "/papers/new?category=cs.CL")
    new_paper(categories=["cs.CL"])

    def refuse(*_: Any, **__: Any) -> PostAnswer:
        raise ChannelPostError("It answered.", is_final=True, status=410)

    monkeypatch.setattr(notices, "post", refuse)
    post_due_notices(now=timezone.now())
    channel.refresh_from_db()
    assert not channel.is_enabled
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.WEBHOOK_OFF)
    assert (event.user, event.detail, event.mail_at is not None) == (rita, "“Ours”", True)
    assert not Notice.objects.filter(channel=desk, key__startswith="channel:").exists()


# --- The pages -------------------------------------------------------------------------------------------------------


def made(browser: Any, **fields: Any) -> Any:
    asked = {
        "name": "Lab",
        "where": "https://example.org/hook?key=abc",
        "lists": "/papers/new?category=cs.CL",
        "edition_size": 10,
        "edition_at": "09:00",
        "is_enabled": "on",
    }
    return browser.post("/account/webhooks/new", asked | fields)


def test_a_reader_makes_changes_and_removes_a_webhook() -> None:
    rita = reader()
    browser = client_of(rita)
    assert (
        "/papers/new?category=cs.CL"
        in browser.get("/account/webhooks/new?list=/papers/new%3Fcategory=cs.CL").content.decode()
    )
    page = made(browser)
    channel = Channel.objects.get()
    assert channel.secret in page.content.decode()
    assert (channel.owner, channel.kind, channel.notify_queue) == (rita, "webhook", False)
    assert SecurityEvent.objects.get(kind=SecurityEvent.Kind.WEBHOOK_MADE).user == rita
    form = browser.get(f"/account/webhooks/{channel.pk}").content.decode()
    assert "http://localhost:8000/papers/new?category=cs.CL" in form or "/papers/new?category=cs.CL" in form
    for secret in ("key=abc", channel.secret):
        assert secret not in form
        assert secret not in browser.get("/account/webhooks").content.decode()
    search = factories.topic("Trees", owner=rita)
    asked = {
        "name": "New",
        "lists": search.get_absolute_url(),
        "edition_size": 5,
        "edition_at": "09:00",
        "is_enabled": "on",
    }
    assert browser.post(f"/account/webhooks/{channel.pk}", asked).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.address, list(channel.topics.all())) == (
        "New",
        "https://example.org/hook?key=abc",
        [search],
    )
    assert not channel.lists.exists()
    assert client_of(reader("otto")).post(f"/account/webhooks/{channel.pk}/remove").status_code == 404
    assert client_of(staff()).get(f"/curate/channels/{channel.pk}").status_code == 404
    assert browser.post(f"/account/webhooks/{channel.pk}/remove").status_code == 302
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": ""},
        {"where": "ftp://example.org"},
        {"lists": "/papers/new?category=none"},
        {"lists": ""},
        {"lists": "\n".join(["/following"] * (MAX_LISTS + 1))},
        {"name": "\u0000 "},
    ],
)
def test_what_is_wrong_is_said_and_nothing_made(wrong: dict[str, str]) -> None:
    assert made(client_of(reader()), **wrong).status_code == 422
    assert not Channel.objects.exists()


def test_a_reader_has_so_many_and_no_more() -> None:
    browser = client_of(reader())
    for _ in range(MAX_WEBHOOKS):
        assert made(browser).status_code == 200
    answer = made(browser)
    assert answer.status_code == 422
    assert f"at most {MAX_WEBHOOKS}" in answer.content.decode()
    assert Channel.objects.count() == MAX_WEBHOOKS


def test_deliveries_are_seen_and_sent_again_by_their_reader_alone(monkeypatch: Any) -> None:
    rita = reader()
    channel = webhook(rita, "/papers/new?category=cs.CL")
    new_paper(categories=["cs.CL"])
    monkeypatch.setattr(notices, "post", lambda *_, **__: PostAnswer("It answered 204.", 204))
    assert post_due_notices(now=timezone.now()) == 1
    notice = Notice.objects.get(channel=channel)
    again = f"/account/webhooks/deliveries/{notice.pk}/again"
    page = client_of(rita).get("/account/webhooks").content.decode()
    assert "It answered 204." in page
    assert again in page
    desk = client_of(staff())
    assert "It answered 204." not in desk.get("/curate/channels").content.decode()
    assert desk.post(f"/curate/notices/{notice.pk}/again").status_code == 404
    assert client_of(reader("otto")).post(again).status_code == 404
    assert anonymous_client().post(again).status_code == 302
    assert client_of(rita).post(again).status_code == 302
    assert post_due_notices(now=timezone.now()) == 1


def test_a_groups_channel_takes_lists_too() -> None:
    browser = client_of(staff())
    asked = {
        "name": "Room",
        "kind": "mail",
        "where": "room@example.org",
        "lists": "/papers/new?category=cs.CL",
        "edition_size": 5,
        "edition_at": "09:00",
        "is_enabled": 1,
    }
    browser.post("/curate/channels/new", asked)
    channel = Channel.objects.get()
    assert [row.key for row in channel.lists.all()] == ["cs.CL"]
    assert "category=cs.CL" in browser.get(f"/curate/channels/{channel.pk}").content.decode()


def test_an_export_has_webhooks_without_their_secrets() -> None:
    rita = reader()
    channel = webhook(rita, "/papers/new?category=cs.CL")
    with export_account(rita) as file, zipfile.ZipFile(file) as archive:
        text = archive.read("account.json").decode()
    assert json.loads(text)["webhooks"][0]["lists"] == ["/papers/new?category=cs.CL"]
    assert channel.secret not in text
    assert "/hook" not in text


def test_privacy_tells_that_readers_have_webhooks() -> None:
    webhook(reader(), "/papers/new?category=cs.CL")
    page = anonymous_client().get("/privacy").content.decode()
    assert "readers’ own webhooks" in page
    assert "example.org" not in page
