"""What stands in a mail: never too much for Gmail, nothing from elsewhere, every link in both parts, exact counts."""

from __future__ import annotations

import email
import email.policy
import itertools
import re
from collections.abc import Iterable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from config.site_url import Site
from digests.models import Delivery
from digests.services.planning import plan_due
from digests.services.sending import send_waiting
from papers.models import LibraryItem, Listing, Paper, PaperVersion, Topic, TopicMatch
from papers.services.ingest.releases import next_release
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.mail import RecordingTransport, mail_key

pytestmark = pytest.mark.django_db

DUE = factories.at_hour(TODAY + timedelta(days=1), 7) + timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    settings.DEFAULT_FROM_EMAIL = "Language Lab <papers@example.org>"


def match_all(papers: Iterable[Paper], topics: Iterable[Topic]) -> None:
    """These papers came to these topics before the mail was due."""
    pairs, release = list(itertools.product(papers, topics)), next_release()
    Paper.objects.filter(pk__in=[paper.pk for paper, _ in pairs]).update(created_at=NOW)
    TopicMatch.objects.bulk_create(
        TopicMatch(paper=paper, topic=topic, release=release, matched_at=NOW) for paper, topic in pairs
    )


def sent() -> list[EmailMessage]:
    """The mails that were planned."""
    post = RecordingTransport()
    send_waiting(clock=lambda: DUE, transport=post)
    found = [email.message_from_bytes(message, policy=email.policy.default) for _, message in post.taken]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def the_mail() -> EmailMessage:
    (mail,) = sent()
    return mail


def bodies(mail: EmailMessage) -> tuple[str, str]:
    """Its text and its HTML."""
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    return text, html


@pytest.mark.parametrize("word", ["学習による言語理解", "<b>&amp;</b> ", "🧪📄 "])
def test_no_letters_make_a_mail_that_gmail_cuts(word: str) -> None:
    """Three and four bytes a letter, many topics with long names: what has no room is on the mail's page."""
    topics = [Topic.objects.create(name=f"{number} {word * 60}"[:120], slug=f"t{number}") for number in range(45)]
    links = {kind: {"url": "https://arxiv.org/abs/2603.00001", "found": "arxiv"} for kind in ("abs", "pdf")}
    papers = []
    for number in range(45):
        paper = factories.paper(
            title=f"{number} {word * 60}",
            abstract=word * 200,
            authors=[word * 4] * 30,
            organization=word * 20,
            links=links,
        )
        papers.append(paper)
    match_all(papers, topics[:12])
    factories.schedule(factories.subscriber(user=factories.user()), *topics, max_papers=40)
    plan_due(now=DUE)
    mail = the_mail()
    text, html = bodies(mail)
    assert len(html.encode()) <= 90_000
    shown, more = html.count("<h2"), int(re.findall(r">And (\d+) more<", html)[0])
    assert shown > 5
    assert shown + more == 45
    assert str(mail["Subject"]).endswith("… and 44 more")
    assert len(re.findall(r"^\* ", text, re.M)) == shown, "the text has the same papers"
    assert f"And {more} more:" in text
    for act in ("Vote", "Save", "Seen"):
        assert html.count(f">{act}</a>") == text.count(f"  {act}: https://") == shown
    assert "and 25 more" in html, "topics in the foot"
    assert "and 7 more" in html, "topics of a paper"
    key = mail_key(Delivery.objects.get())
    page = re.findall(r'<a href="([^"]+)"[^>]*>And', html)[0]
    assert page == f"https://papers.example.org/mail/{key}{'/more' if shown == 40 else ''}"


def test_a_mail_asks_for_nothing_from_anywhere() -> None:
    links = {"abs": {"url": "https://arxiv.org/abs/2603.00001", "found": "arxiv"}}
    match_all([factories.paper(links=links) for _ in range(3)], [topic := factories.topic("LLM agents")])
    factories.schedule(factories.subscriber(user=factories.user()), topic)
    plan_due(now=DUE)
    mail = the_mail()
    text, html = bodies(mail)
    assert not re.search(r"(?i)src=|srcset|url\(|@import|<link|<script|<img|<iframe|background=", html)
    addresses = re.findall(r'href="([^"]+)"', html)
    assert {urlsplit(address).hostname for address in addresses} == {"papers.example.org", "arxiv.org"}
    assert set(addresses) == set(re.findall(r"https://\S+", text)), "the text has every link"


def test_the_two_parts_have_the_same_papers_and_links_in_the_same_order() -> None:
    links = {kind: {"url": f"https://arxiv.org/{kind}/2603.00001", "found": "arxiv"} for kind in ("abs", "pdf")}
    papers = [factories.paper(title=f"Ice {number}", links=links) for number in range(45)]
    match_all(papers, topics := [factories.topic("Ice"), factories.topic("Snow")])
    factories.schedule(factories.subscriber(user=factories.user()), *topics, max_papers=40)
    plan_due(now=DUE)
    text, html = bodies(the_mail())
    assert re.findall(r"https://[^\s)]+", text) == re.findall(r'href="([^"]+)"', html)
    titles = re.findall(r"<h2[^>]*><a[^>]*>([^<]+)", html)
    assert len(titles) > 5
    assert re.findall(r"^\* (.+)", text, re.M) == titles


def test_only_a_reader_with_an_account_is_shown_links_that_vote_save_and_mark_as_seen() -> None:
    topic, user = factories.topic("LLM agents"), factories.user()
    for reader in (factories.subscriber(), factories.subscriber(user=user)):
        factories.schedule(reader, topic)
    paper = factories.paper()
    match_all([paper], [topic])
    plan_due(now=DUE)
    by_reader = {str(mail["To"]): bodies(mail) for mail in sent()}
    key = mail_key(user.subscriber)
    for place in (0, 1):
        found = {reader: re.findall(r"https://[^/]+(/s/[^\s\"]+)", both[place]) for reader, both in by_reader.items()}
        acts = [f"/s/{key}/{paper.pk}{act}" for act in ("/vote", "", "/seen", "/more", "/less")]
        assert sorted(found.values()) == [[], acts]
        assert found[user.subscriber.email]


def test_a_new_version_of_a_saved_paper_says_what_changed() -> None:
    user = factories.user()
    text_of_v2 = "We train on three & more datasets. " + "It is as it was before. " * 20 + "We win by $3.4$ points."
    paper = factories.paper(title="On ice", abstract=text_of_v2, version=2)
    LibraryItem.objects.create(user=user, paper=paper)
    LibraryItem.objects.update(added_at=NOW - timedelta(days=1))
    before = text_of_v2.replace("three & more", "two").replace("3.4", "3.1")
    PaperVersion.objects.create(paper=paper, version=1, seen_at=NOW - timedelta(days=2), abstract=before)
    PaperVersion.objects.create(paper=paper, version=2, seen_at=NOW + timedelta(hours=1))
    factories.schedule(factories.subscriber(user=user), kinds=["versions"])
    plan_due(now=DUE)
    text, html = bodies(the_mail())
    said = " ".join(text.split())
    assert "New abstract: We train on [-two-] {+three & more+} datasets. It is as … before. We win" in said
    assert "win by [-3.1-] {+3.4+} points." in said
    plain_html = re.sub(r"<(ins|del)[^>]*>", r"<\1>", html)
    assert "<del>two </del><ins>three &amp; more </ins>" in plain_html
    assert "before. It" not in html.partition("is out")[2]


def test_a_mail_of_the_daily_papers_counts_exactly_what_its_page_shows() -> None:
    old = factories.paper(title="Listed before")
    factories.listing(old, created_at=NOW)
    schedule = factories.schedule(kinds=["daily"], max_papers=5)
    schedule.last_release = next_release()
    schedule.save()
    for number in range(60):
        factories.listing(factories.paper(title=f"Paper {number}"), position=number, created_at=NOW)
    factories.listing(old, TODAY + timedelta(days=1))
    factories.listing(factories.paper(hidden_at=NOW))
    factories.listing(factories.paper(withdrawn_at=NOW))
    factories.listing(factories.paper(is_sample=True))
    far = factories.listing(factories.paper(title="Long ago"))
    Listing.objects.filter(pk=far.pk).update(created_at=DUE - timedelta(days=8))
    Listing.objects.exclude(pk=far.pk).update(created_at=NOW)
    plan_due(now=DUE)
    mail = the_mail()
    text, html = bodies(mail)
    assert str(mail["Subject"]) == "Paper 59 and 59 more"
    assert "· 60 new papers" in text
    assert ">And 55 more<" in html
    assert "And 55 more:" in text
    key = mail_key(Delivery.objects.get())
    assert "And 55 more" in Client().get(f"/mail/{key}").content.decode()
    shown = [Client().get(f"/mail/{key}/more{page}").content.decode().count("<article") for page in ("", "?from=50")]
    assert shown == [50, 5]


def test_the_foot_offers_what_its_link_can_change() -> None:
    match_all([factories.paper()], [topic := factories.topic("LLM agents")])
    factories.schedule(None, topic)
    plan_due(now=DUE)
    for part in bodies(the_mail()):
        assert "Change topics and times" in part
        assert "address" not in part.partition("You get this")[2]


def test_a_mail_says_unsubscribe_in_this_word_in_both_parts() -> None:
    match_all([factories.paper()], [topic := factories.topic("LLM agents")])
    schedule = factories.schedule(None, topic)
    plan_due(now=DUE)
    text, html = bodies(the_mail())
    whole, one = mail_key(schedule), mail_key(schedule.subscriptions.get())
    assert re.search(rf'href="[^"]+/u/{whole}"[^>]*>Unsubscribe</a>', html)
    assert re.search(rf'href="[^"]+/u/{mail_key(schedule.subscriber)}"[^>]*>Unsubscribe from all e-mails</a>', html)
    assert re.search(rf'LLM agents \(<a[^>]*href="[^"]+/u/{one}"[^>]*>unsubscribe</a>\)', html)
    assert f"Unsubscribe:\nhttps://papers.example.org/u/{whole}" in text
    assert "End " not in text + html
