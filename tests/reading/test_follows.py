"""Following: the button, the list, the feed, and which papers are news."""

from __future__ import annotations

import json
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.core.cache import cache
from django.test import Client

from digests.models import Delivery
from digests.services.planning import plan_due
from papers.models import Follow, Followed, FollowedPaper, Paper, TopicBacklog, User
from papers.services.authors.lookup import find_author, find_organization
from papers.services.ingest.releases import next_release
from papers.services.reading import follows
from papers.services.reading.follows import FollowError, delete_unfollowed, follow, match_followed_papers
from papers.services.topics.matcher import match_waiting
from tests.support import factories
from tests.support.pages import get_page, titles_on
from tests.support.people import anonymous_client, client_of, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db

ADA = "/authors/ada-lovelace"
WORDS = "New papers by the authors and organizations you follow"


def follow_ada(user: User) -> None:
    follow(user=user, contributor=find_author("ada-lovelace"), name="Ada Lovelace", now=factories.NOW)


def test_one_press_follows_and_one_stops() -> None:
    rita = reader()
    client = client_of(rita)
    factories.paper(title="Old")
    for _ in range(2):
        assert client.post(ADA + "/follow", {"on": "1"})["Location"] == ADA
    assert Follow.objects.count() == 1
    assert titles_on("/following", client) == ["Old"]
    client.post("/following/stop", {"kind": "author", "key": "ada lovelace"})
    assert not Follow.objects.exists()
    assert delete_unfollowed() > 0
    assert not Followed.objects.exists()


def test_nobody_can_be_followed_who_has_no_papers() -> None:
    client = client_of(reader())
    assert client.post("/authors/nobody/follow").status_code == 404
    assert client.post("/organizations/nowhere/follow").status_code == 404
    assert not Followed.objects.exists()


def test_new_papers_of_those_followed_come_with_the_matching() -> None:
    rita = reader()
    factories.paper(title="Old", organization="CERN")
    follow_ada(rita)
    follow(user=rita, contributor=find_organization("cern"), name="CERN", now=factories.NOW)
    factories.paper(title="By Ada", listed_at=factories.NOW + timedelta(hours=1))
    factories.paper(title="At CERN", authors=["B"], organization="Cern", listed_at=factories.NOW + timedelta(hours=2))
    factories.paper(title="By others", authors=["B"])
    match_waiting(now=factories.NOW)
    assert titles_on("/following", client_of(rita)) == ["At CERN", "By Ada", "Old"]
    assert not TopicBacklog.objects.exists()


def test_a_paper_of_two_who_are_followed_is_there_once() -> None:
    rita = reader()
    factories.paper(title="Both", authors=["Ada Lovelace", "Charles Babbage"])
    follow_ada(rita)
    follow(user=rita, contributor=find_author("charles-babbage"), name="Charles Babbage", now=factories.NOW)
    assert titles_on("/following", client_of(rita)) == ["Both"]


def test_a_paper_that_is_no_longer_theirs_goes() -> None:
    rita = reader()
    paper = factories.paper()
    follow_ada(rita)
    Paper.objects.filter(pk=paper.pk).update(author_keys=["somebody else"])
    match_followed_papers([paper.pk], release=next_release(), now=factories.NOW)
    assert not FollowedPaper.objects.exists()


def test_what_was_there_before_and_what_is_old_is_in_nobody_s_mail() -> None:
    before = factories.paper()
    follow_ada(reader())
    old, new = factories.paper(listed_at=factories.NOW - timedelta(days=400)), factories.paper()
    release = next_release()
    match_followed_papers([before.pk, old.pk, new.pk], release=release, now=factories.NOW)
    assert dict(FollowedPaper.objects.values_list("paper_id", "release")) == {before.pk: 0, old.pk: 0, new.pk: release}


def test_there_is_a_limit_to_whom_one_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follows, "MAX_FOLLOWED", 0)
    factories.paper()
    with pytest.raises(FollowError, match="Unfollow someone first"):
        follow_ada(reader())


def test_the_list_goes_on_behind_its_last_card() -> None:
    rita = reader()
    for number in range(60):
        factories.paper(title=f"P{number:02}", listed_at=factories.NOW - timedelta(hours=number))
    follow_ada(rita)
    client = client_of(rita)
    page = client.get("/following").content.decode()
    more = page.split('class="more"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert titles_on("/following", client) + titles_on("/following" + more, client) == [
        f"P{number:02}" for number in range(60)
    ]


def test_the_feed_is_read_by_its_address_alone_until_it_has_another() -> None:
    rita = reader()
    factories.paper(title="On engines")
    follow_ada(rita)
    client = client_of(rita)
    address = client.get("/following").content.decode().split('href="/following/')[1].split('"')[0]
    assert "On engines" in anonymous_client().get(f"/following/{address}").content.decode()
    client.post("/following/address")
    assert anonymous_client().get(f"/following/{address}").status_code == 404


def test_who_is_followed_is_in_the_export_and_the_feed_s_key_is_not() -> None:
    from papers.services.accounts.data_export import export_account
    from papers.services.accounts.feed_keys import feed_key_of

    rita = reader()
    key = feed_key_of(rita)
    factories.paper()
    follow_ada(rita)
    with export_account(rita) as file, ZipFile(file) as archive:
        account = archive.read("account.json").decode()
    assert key not in account
    assert json.loads(account)["following"] == [{"kind": "author", "name": "Ada Lovelace", "key": "ada lovelace"}]


def test_the_list_costs_the_same_for_few_and_for_many() -> None:
    rita = reader()
    client = client_of(rita)
    factories.paper()
    follow_ada(rita)
    client.get("/following")
    costs = []
    for _ in range(2):
        for _ in range(10):
            paper = factories.paper(authors=["Ada Lovelace", "B"])
            match_followed_papers([paper.pk], release=next_release(), now=factories.NOW)
        cache.clear()
        costs.append(count_queries("/following", client))
    assert costs[0] == costs[1]


def test_the_mail_brings_each_new_paper_once() -> None:
    rita = reader()
    paper = factories.paper(authors=["Ada Lovelace", "Charles Babbage"])
    follow_ada(rita)
    follow(user=rita, contributor=find_author("charles-babbage"), name="Charles Babbage", now=factories.NOW)
    schedule = factories.schedule(factories.subscriber(user=rita, email=rita.email), kinds=["followed", "trending"])
    news = [factories.paper(authors=["Ada Lovelace", "Charles Babbage"]), factories.paper()]
    match_followed_papers([one.pk for one in news], release=next_release(), now=factories.NOW)
    assert schedule.next_due_at is not None
    for days in (0, 1):
        plan_due(now=schedule.next_due_at + timedelta(days=days))
    assert paper.pk not in {pk for mail in Delivery.objects.all() for pk in mail.paper_ids}
    (mail,) = Delivery.objects.filter(state="planned")
    assert sorted(mail.paper_ids) == sorted(one.pk for one in news)


def test_mail_about_who_is_followed_is_offered_to_accounts_only() -> None:
    rita = reader()
    assert WORDS in client_of(rita).get("/subscriptions").content.decode()
    factories.subscriber(key="key-of-a-visitor")
    assert WORDS not in anonymous_client().get("/subscriptions/key-of-a-visitor").content.decode()


def test_the_link_in_a_mail_lets_somebody_go_in_one_press() -> None:
    rita = reader()
    factories.paper()
    follow_ada(rita)
    factories.subscriber(user=rita, email=rita.email, key="key-of-rita")
    page = get_page("/subscriptions/key-of-rita", anonymous_client())
    (form,) = page.xpath("//form[contains(@action, 'unfollow')]")
    answer = Client(enforce_csrf_checks=True).post(form.get("action"), dict(form.form_values()))
    assert answer["Location"] == "/subscriptions/key-of-rita"
    assert not Follow.objects.exists()
    follow_ada(rita)
    client = client_of(rita)
    (form,) = get_page("/subscriptions", client).xpath("//form[@action='/following/stop']")
    assert client.post(form.get("action"), dict(form.form_values()))["Location"] == "/subscriptions"
    assert not Follow.objects.exists()
