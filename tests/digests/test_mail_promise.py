"""What a mail says of what it left out; how many of its papers were opened; and the offer to come weekly."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from config.site_url import Site
from digests.models import Delivery, Schedule, Subscription
from digests.models.delivery import DeliveryState
from digests.opened import opened_of_schedules, opened_of_subscription
from digests.services.limits import set_limits
from digests.services.planning import plan_due
from digests.services.sending import send_waiting
from papers.models import Paper, SeenPaper, Topic, TopicMatch, User
from papers.services.reading.seen import mark_seen, set_day_done
from papers.services.reading.tags import add_tags
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.mail import RecordingTransport, mail_key
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

DUE = factories.at_hour(TODAY + timedelta(days=1), 7) + timedelta(minutes=30)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    settings.DEFAULT_FROM_EMAIL = "Language Lab <papers@example.org>"


@pytest.fixture
def rita() -> User:
    user = reader()
    factories.subscriber(user=user, email=user.email, key="rita-s-key")
    return user


def match(topic: Topic, *, at: Any = NOW, **fields: Any) -> Paper:
    paper = factories.paper(**fields)
    TopicMatch.objects.filter(pk=factories.topic_match(paper, topic).pk).update(matched_at=at)
    Paper.objects.filter(pk=paper.pk).update(created_at=at)
    return paper


def limited(topic: Topic, value: str, size: int | None = None, of: Any = None, **fields: Any) -> Schedule:
    schedule = factories.schedule(of, topic, **fields)
    set_limits(subscription=schedule.subscriptions.get(), value=value, max_papers=size, now=NOW)
    return schedule


def the_mail(now: Any = DUE) -> tuple[str, str, str]:
    """Subject, text and HTML of the one mail that is due."""
    plan_due(now=now)
    post = RecordingTransport()
    send_waiting(clock=lambda: now, transport=post)
    ((_, message),) = post.taken
    mail = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    return mail["Subject"], text, html


# --- What it left out -------------------------------------------------------------------------------------------------


def test_a_mail_says_how_many_were_below_the_line_and_leads_to_exactly_those() -> None:
    topic = factories.topic()
    limited(topic, "votes-3", 2)
    high = [match(topic, vote_count=votes, title=f"High {votes}") for votes in (6, 5, 4)]
    low = [match(topic, vote_count=votes, title=f"Low {votes}") for votes in (2, 1, 0)]
    _, text, html = the_mail()
    delivery = Delivery.objects.get()
    key = mail_key(delivery)
    assert f"3 below your line:\nhttps://papers.example.org/mail/{key}/below\n" in text
    assert f"1 more above your line:\nhttps://papers.example.org/mail/{key}/more\n" in text
    page = parse_html(html)
    assert page.xpath("//a[text()='3 below your line']/@href") == [f"https://papers.example.org/mail/{key}/below"]
    assert page.xpath("//a[text()='1 more above your line']/@href") == [f"https://papers.example.org/mail/{key}/more"]
    client = anonymous_client()
    assert titles(client.get(f"/mail/{key}/below")) == [paper.title for paper in low]
    assert titles(client.get(f"/mail/{key}/more")) == [high[2].title]
    assert "3 below your line" in client.get(f"/mail/{key}").content.decode()
    Delivery.objects.all().delete()
    assert client.get(f"/mail/{key}/below").status_code == 404


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [
        title.text_content().strip()
        for title in parse_html(answer.content.decode()).xpath("//h2[contains(@class, 'card-title')]")
    ]


def test_a_mail_without_a_line_says_nothing_of_lines() -> None:
    topic = factories.topic()
    factories.schedule(None, topic, max_papers=1)
    match(topic), match(topic)
    _, text, html = the_mail()
    assert "your line" not in text + html
    assert "And 1 more" in html


def test_a_mail_with_nothing_above_the_line_says_so_and_names_what_was_below() -> None:
    topic = factories.topic()
    limited(topic, "votes-1", sends_empty=True)
    match(topic), match(topic)
    subject, text, html = the_mail()
    assert subject == "Nothing above your line, 5 March"
    assert "nothing above your line\n2 below your line:\n" in text
    assert "nothing above your line; <a" in html
    key = mail_key(Delivery.objects.get())
    assert "Nothing was above your line." in anonymous_client().get(f"/mail/{key}").content.decode()


def test_a_mail_says_what_was_so_when_it_was_planned() -> None:
    """Votes that come until it leaves change neither what it says nor its page; the next mail brings what rose."""
    topic = factories.topic()
    limited(topic, "votes-1")
    high, low = match(topic, vote_count=1), match(topic)
    plan_due(now=DUE)
    Paper.objects.filter(pk=low.pk).update(vote_count=1)
    _, text, _ = the_mail()
    assert "1 below your line" in text
    delivery = Delivery.objects.get()
    assert (delivery.paper_ids, delivery.below_ids) == ([high.pk], [low.pk])
    the_mail(DUE + DAY)
    assert Delivery.objects.order_by("-pk")[0].paper_ids == [low.pk]


# --- How many were opened ---------------------------------------------------------------------------------------------


def test_opened_is_what_was_read_voted_saved_or_tagged_here(rita: User) -> None:
    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(rita.subscriber, one, two, frequency="daily")
    papers = [factories.paper() for _ in range(6)]
    first, second = schedule.subscriptions.order_by("pk")
    factories.delivery(
        schedule,
        state=DeliveryState.SENT,
        sent_at=NOW,
        paper_ids=[paper.pk for paper in papers],
        causes=[str(first.pk), f"{first.pk},{second.pk}", *[str(second.pk)] * 4],
    )
    mark_seen(user=rita, paper_ids=[papers[0].pk])
    set_vote(user=rita, paper_id=papers[1].pk, on=True)
    add_tags(user=rita, paper_ids=[papers[2].pk], names=["x"])
    factories.listing(papers[3], TODAY)
    set_day_done(user=rita, day=TODAY, on=True)  # which is not to open it
    assert opened_of_schedules([schedule.pk]) == {schedule.pk: (3, 6)}
    assert opened_of_subscription(schedule_id=schedule.pk, subscription_id=first.pk) == (2, 2)
    assert opened_of_subscription(schedule_id=schedule.pk, subscription_id=second.pk) == (2, 5)
    page = client_of(rita).get(f"/subscriptions/of/{second.pk}").content.decode()
    assert "You opened 2 of the last 5" in page


def test_the_last_twenty_count_and_only_those_that_were_sent(rita: User) -> None:
    topic = factories.topic()
    schedule = factories.schedule(rita.subscriber, topic)
    cause = str(schedule.subscriptions.get().pk)
    old, new, unsent = ([factories.paper().pk for _ in range(15)] for _ in range(3))
    for days, papers, state in ((3, old, "sent"), (2, new, "sent"), (1, unsent, "failed")):
        factories.delivery(
            schedule, state=state, period_on=TODAY - days * DAY, paper_ids=papers, causes=[cause] * 15, sent_at=NOW
        )
    mark_seen(user=rita, paper_ids=[*new[:4], old[0], old[10], unsent[0]])
    assert opened_of_schedules([schedule.pk]) == {schedule.pk: (5, 20)}


def test_only_the_weekly_mail_says_how_many_at_its_foot(rita: User) -> None:
    topic = factories.topic()
    for frequency, says in (("weekly", True), ("daily", False)):
        schedule = factories.schedule(rita.subscriber, topic, frequency=frequency, next_on=DUE.date(), next_due_at=DUE)
        cause = str(schedule.subscriptions.get().pk)
        before = factories.paper()
        factories.delivery(
            schedule, state="sent", period_on=TODAY - 7 * DAY, paper_ids=[before.pk], causes=[cause], sent_at=NOW
        )
        mark_seen(user=rita, paper_ids=[before.pk])
        match(topic)
        _, text, html = the_mail()
        assert ("You opened 1 of the last 1 papers." in text) is says
        assert ("You opened 1 of the last 1 papers." in html) is says


# --- Weekly instead ---------------------------------------------------------------------------------------------------


def unread_weeks(user: User, topic: Topic, *, mails: int = 22) -> Schedule:
    """A daily mail for some days, of which nothing was opened."""
    schedule = factories.schedule(user.subscriber, topic, next_on=DUE.date(), next_due_at=DUE)
    cause = str(schedule.subscriptions.get().pk)
    for days in range(1, mails + 1):
        factories.delivery(
            schedule,
            state="sent",
            period_on=DUE.date() - days * DAY,
            planned_at=DUE - days * DAY,
            sent_at=DUE - days * DAY,
            paper_ids=[factories.paper().pk],
            causes=[cause],
        )
    User.objects.filter(pk=user.pk).update(date_joined=DUE - 60 * DAY, visited_at=None, last_login=DUE - 50 * DAY)
    match(topic, at=NOW)
    return schedule


def test_after_three_unread_weeks_a_mail_offers_once_to_come_weekly(rita: User) -> None:
    topic = factories.topic()
    unread_weeks(rita, topic)
    _, text, html = the_mail()
    link = "https://papers.example.org/subscriptions/rita-s-key/weekly"
    assert f"Get this weekly instead:\n{link}\n" in text or re.search(r"/subscriptions/[\w-]+/weekly\n", text)
    assert "Get this weekly instead</a>" in html
    for days in (1, 2, 40):
        match(topic, at=DUE + (days - 0.5) * DAY)
        _, text, _ = the_mail(DUE + days * DAY)
        assert "Get this weekly" not in text


@pytest.mark.parametrize("what", ["seen", "voted", "visited", "signed in", "few mails", "new", "no account"])
def test_nothing_is_offered_to_who_reads_or_of_whom_nothing_is_known(rita: User, what: str) -> None:
    topic = factories.topic()
    schedule = unread_weeks(rita, topic, mails={"few mails": 3, "new": 15}.get(what, 22))
    brought = Delivery.objects.filter(schedule=schedule).order_by("-period_on")[0].paper_ids[0]
    match what:
        case "seen":
            mark_seen(user=rita, paper_ids=[brought])
        case "voted":
            set_vote(user=rita, paper_id=brought, on=True)
        case "visited":
            User.objects.filter(pk=rita.pk).update(visited_at=DUE - 10 * DAY)
        case "signed in":
            User.objects.filter(pk=rita.pk).update(last_login=DUE - 10 * DAY)
        case "no account":
            schedule.subscriber.user = None
            schedule.subscriber.save()
    the_mail()
    assert not Delivery.objects.filter(offers_weekly=True).exists()


def test_an_offer_that_never_left_is_made_by_the_next_mail(rita: User) -> None:
    topic = factories.topic()
    unread_weeks(rita, topic)
    plan_due(now=DUE)
    assert Delivery.objects.filter(offers_weekly=True, state="planned").count() == 1
    match(topic, at=DUE)
    _, text, _ = the_mail(DUE + DAY)
    assert "Get this weekly instead" in text
    assert set(Delivery.objects.filter(offers_weekly=True).values_list("state", flat=True)) == {"superseded", "sent"}


def test_weekly_takes_two_taps_keeps_the_lines_and_can_be_undone(rita: User) -> None:
    topic = factories.topic()
    limited(topic, "votes-3", 5, of=rita.subscriber)
    client, path = anonymous_client(), "/subscriptions/rita-s-key/weekly"
    assert "Get this weekly instead?" in client.get(path).content.decode()
    assert going() == [("daily", "voted", 3, 5)]
    page = parse_html(client.post(path).content.decode())
    assert going() == [("weekly", "voted", 3, 5)]
    client.post(path, {"undo": page.xpath("//button[@name='undo']/@value")[0]})
    assert going() == [("daily", "voted", 3, 5)]
    assert "Nothing comes daily" in client_of(reader("olga")).get("/subscriptions/weekly").content.decode()
    assert client.post("/subscriptions/nobody-s-key/weekly").status_code == 404


def going() -> list[tuple[str, str, int, int | None]]:
    rows = Subscription.objects.filter(schedule__ended_at=None).order_by("pk")
    return list(rows.values_list("schedule__frequency", "line", "min_votes", "max_papers"))


# --- The page of a subscription ---------------------------------------------------------------------------------------


def test_the_line_is_drawn_on_the_page_of_a_subscription_with_or_without_an_account(rita: User) -> None:
    topic = factories.topic()
    one = factories.schedule(rita.subscriber, topic).subscriptions.get()
    for client, path in (
        (client_of(rita), f"/subscriptions/of/{one.pk}"),
        (anonymous_client(), f"/subscriptions/rita-s-key/of/{one.pk}"),
    ):
        page = client.get(path).content.decode()
        assert "Anything" in page
        assert "3 votes or more" in page
        client.post(path, {"line": "votes-3", "max_papers": "5", "sends_empty": "on"})
        assert going() == [("daily", "voted", 3, 5)]
        assert Schedule.objects.get().sends_empty
        assert "Nothing was saved" in client.post(path, {"line": "votes-x"}).content.decode()
        client.post(path, {"line": "any", "max_papers": ""})
        assert going() == [("daily", "any", 0, None)]
    assert client_of(reader("olga")).get(f"/subscriptions/of/{one.pk}").status_code == 404
    overview = client_of(rita).get("/subscriptions").content.decode()
    assert f"/subscriptions/of/{one.pk}" in overview


def test_a_choice_that_is_undone_or_taken_up_again_keeps_its_lines(rita: User) -> None:
    from digests.services.unsubscribe import undo_unsubscribe, unsubscribe_from_one

    one, two = factories.topic(), factories.topic()
    schedule = factories.schedule(rita.subscriber, one, two)
    first = schedule.subscriptions.order_by("pk")[0]
    set_limits(subscription=first, value="close", max_papers=3, now=NOW)
    word = unsubscribe_from_one(subscription=first, now=NOW)
    assert undo_unsubscribe(word, now=NOW)
    assert ("daily", "close", 0, 3) in going()
    assert not SeenPaper.objects.exists()
