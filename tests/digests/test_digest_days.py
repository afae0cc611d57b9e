"""Thirty simulated days of mail, each mail parsed and compared with what support/digest_reference.py says of it."""

from __future__ import annotations

import email
import email.policy
import random
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction

from digests.models import Delivery, Schedule, Subscription
from digests.models.delivery import DeliveryState
from digests.services.planning import plan_due
from digests.services.schedules import pause_schedule
from digests.services.sending import send_waiting
from papers.models import LibraryItem, Listing, Paper, PaperVersion, Topic, TopicMatch
from papers.services.curation.audit_log import Actor
from papers.services.curation.place_paper import hide_paper, move_to_day
from papers.services.ingest.paper_merge import move_related_rows
from tests.support import factories
from tests.support.digest_reference import Mail, Plan, World
from tests.support.mail import RecordingTransport

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

START = datetime(2026, 3, 2, tzinfo=UTC)  # clocks change in New York on the 8th, in Berlin on the 29th
DAYS = 30
STEP = timedelta(minutes=30)
DAY = timedelta(days=1)
READERS = 80
MORE_READERS = 200
TOPICS = 16
# No tick for three days; no mail server for thirty hours.
OUTAGE = (START + 11 * DAY + timedelta(hours=5), START + 14 * DAY + timedelta(hours=5))
NO_SERVER = (START + 20 * DAY + timedelta(hours=5), START + 21 * DAY + timedelta(hours=11))
CLOCKS = [
    ("Europe/Berlin", time(7, 30)), ("America/New_York", time(7, 30)), ("Asia/Tokyo", time(18, 0)),
    ("America/New_York", time(18, 0)),
]  # fmt: skip


class Days:
    """The database and the reference, each told the same."""

    def __init__(self, seed: int, readers: int) -> None:
        self.chance = random.Random(seed)
        self.world = World()
        self.post = RecordingTransport()
        self.topics = [factories.topic(f"Topic {number}") for number in range(TOPICS)]
        self.papers: list[int] = []
        self.schedules: dict[tuple[str, str], Schedule] = {}
        self.curator = factories.user()
        self.hidden: set[int] = set()
        self.compared = 0
        for number in range(readers):
            self._reader(number)

    def _reader(self, number: int) -> None:
        with_account = number % 10 == 0
        user = factories.user() if with_account else None
        reader = factories.subscriber(confirmed_at=START, user=user)
        frequencies = ["daily"] if number % 5 else ["daily", "weekly"]
        if number % 25 == 3:
            frequencies = ["weekly", "monthly"]
        zone, at = CLOCKS[number % len(CLOCKS)]
        for frequency in frequencies:
            topics = self.chance.sample(self.topics, self.chance.randint(1, 6))
            plan = Plan(
                reader=reader.email, frequency=frequency, zone=zone, at=at,
                topics=[topic.pk for topic in topics], size=self.chance.choice([3, 5, 20]),
                covers_from=START - DAY, next_on=date(2026, 3, 3) if frequency == "daily" else date(2026, 3, 9),
                day=9, wants_versions=with_account and frequency == "daily", wants_daily=number % 4 == 1,
            )  # fmt: skip
            schedule = Schedule.objects.create(
                subscriber=reader, frequency=frequency, time_zone=zone, local_time=at, weekday=0, month_day=9,
                max_papers=plan.size, covers_from=plan.covers_from, next_on=plan.next_on,
                next_due_at=plan.moment(plan.next_on),
            )  # fmt: skip
            Subscription.objects.bulk_create(Subscription(schedule=schedule, kind="topic", topic=one) for one in topics)
            if plan.wants_versions:
                Subscription.objects.create(schedule=schedule, kind="versions")
            if plan.wants_daily:
                Subscription.objects.create(schedule=schedule, kind="daily")
            self.world.plans.append(plan)
            self.schedules[reader.email, frequency] = schedule

    def run(self) -> None:
        now = START
        while now < START + DAYS * DAY:
            if now.hour % 8 == 1 and now.minute == 0:
                self._news(now)
            if not OUTAGE[0] <= now < OUTAGE[1]:
                self._tick(now)
            if not OUTAGE[0] <= now < OUTAGE[1] and not NO_SERVER[0] <= now < NO_SERVER[1]:
                self._send(now)
            now += STEP

    # What happens in the world.

    def _news(self, now: datetime) -> None:
        for _ in range(self.chance.randint(2, 9)):
            self._paper(now)
        if self.papers:
            self._old_paper_gains_a_topic(now)
            self._withdraw(now)
            self._show(now)
            self._move(now)
            self._merge()
            self._new_version(now)
        self._edit_topic()
        self._save(now)
        self._pause(now)

    def _paper(self, now: datetime) -> None:
        votes = self.chance.choice([0, 0, 0, 1, 5])
        paper = factories.paper(title="Paper", vote_count=votes)
        Paper.objects.filter(pk=paper.pk).update(created_at=now, listed_at=now, title=f"Paper {paper.pk}")
        self.papers.append(paper.pk)
        self.world.votes[paper.pk] = votes
        for topic in self.chance.sample(self.topics, self.chance.choice([0, 1, 1, 2, 4])):
            self._match(topic.pk, paper.pk, now)
        if self.chance.random() < 0.4:
            made = factories.listing(paper, now.date())
            Listing.objects.filter(pk=made.pk).update(created_at=now)
            self.world.put_on(paper.pk, now.date(), now)

    def _match(self, topic: int, paper: int, now: datetime) -> None:
        if TopicMatch.objects.filter(topic=topic, paper=paper).exists():
            return
        score = round(self.chance.random(), 3)
        made = factories.topic_match(Paper(pk=paper, listed_at=now), Topic(pk=topic), score=score)
        TopicMatch.objects.filter(pk=made.pk).update(matched_at=now)
        self.world.match(topic, paper, score, now)

    def _old_paper_gains_a_topic(self, now: datetime) -> None:
        """As when a topic was edited, and papers match it that were there before."""
        for _ in range(2):
            self._match(self.chance.choice(self.topics).pk, self._some_paper(), now)

    def _some_paper(self) -> int:
        return self.chance.choice([pk for pk in self.papers if pk not in self.world.into])

    def _withdraw(self, now: datetime) -> None:
        paper = self._some_paper()
        if self.chance.random() < 0.5:
            Paper.objects.filter(pk=paper).update(withdrawn_at=now)
            self.hidden.discard(paper)
        elif paper not in self.world.gone:
            hide_paper(paper_id=paper, on=True, actor=Actor(self.curator, now))
            self.hidden.add(paper)
        self.world.gone.add(paper)

    def _show(self, now: datetime) -> None:
        if len(self.hidden) > 2:
            paper = self.chance.choice(sorted(self.hidden))
            self.hidden.discard(paper)
            hide_paper(paper_id=paper, on=False, actor=Actor(self.curator, now))
            self.world.show(paper, now)

    def _move(self, now: datetime) -> None:
        """What stands on the newest day goes to the one before, and the other way round."""
        on = [one for one in self.world.listings if one.is_on and now - one.at < 2 * DAY]
        if on:
            listed = self.chance.choice(on)
            to = listed.day - DAY
            if any(one.paper == listed.paper and one.day == to for one in self.world.listings):
                return
            move_to_day(paper_id=listed.paper, day=listed.day, to=to, actor=Actor(self.curator, now))
            self.world.move(listed.paper, listed.day, to, now)

    def _merge(self) -> None:
        saved = {paper for papers in self.world.saved.values() for paper in papers}
        listed = {one.paper for one in self.world.listings}
        taken = {*self.world.into, *saved, *self.world.gone, *listed}
        free = [pk for pk in self.papers if pk not in taken]
        if len(free) < 2:
            return
        gone, kept = self.chance.sample(free, 2)
        with transaction.atomic():
            move_related_rows({gone: kept})
        self.world.merge(gone, kept)

    def _new_version(self, now: datetime) -> None:
        saved = sorted({paper for papers in self.world.saved.values() for paper in papers})
        for paper in self.chance.sample(saved, min(2, len(saved))):
            known = self.world.versions.setdefault(paper, [])
            number = known[-1][0] + 1 if known else 2
            PaperVersion.objects.create(paper_id=paper, version=number, seen_at=now)
            known.append((number, now))

    def _save(self, now: datetime) -> None:
        plan = self.chance.choice([plan for plan in self.world.plans if plan.wants_versions])
        user = self.schedules[plan.reader, "daily"].subscriber.user
        paper = self._some_paper()
        _, is_new = LibraryItem.objects.get_or_create(user=user, paper_id=paper)
        if is_new:
            LibraryItem.objects.filter(user=user, paper_id=paper).update(added_at=now - STEP / 2)
            self.world.saved.setdefault(plan.reader, {})[paper] = now - STEP / 2

    def _edit_topic(self) -> None:
        """A reader adds a topic, and leaves another."""
        plan = self.chance.choice(self.world.plans)
        schedule = self.schedules[plan.reader, plan.frequency]
        new = self.chance.choice(self.topics)
        if new.pk in plan.topics:
            return
        old = self.chance.choice(plan.topics)
        Subscription.objects.filter(schedule=schedule, topic=old).delete()
        Subscription.objects.create(schedule=schedule, kind="topic", topic=new)
        plan.topics[plan.topics.index(old)] = new.pk

    def _pause(self, now: datetime) -> None:
        plan = self.chance.choice([plan for plan in self.world.plans if plan.frequency == "daily"])
        if OUTAGE[0] - DAY <= now < OUTAGE[1] + DAY or NO_SERVER[0] - DAY <= now < NO_SERVER[1] + DAY:
            return
        until = max(plan.next_on, now.date()) + 3 * DAY
        keeps = self.chance.random() < 0.5
        schedule = self.schedules[plan.reader, "daily"]
        pause_schedule(schedule=schedule, until=until, keeps_papers=keeps, now=now)
        plan.next_on = until
        if not keeps:
            plan.covers_from = max(plan.covers_from, plan.moment(until) - DAY)

    # What follows from it.

    def _tick(self, now: datetime) -> None:
        plan_due(now=now)
        for plan, mail in self.world.tick(now):
            schedule = self.schedules[plan.reader, plan.frequency]
            delivery = Delivery.objects.get(schedule=schedule, period_on=mail.on)
            assert delivery.more_ids == mail.more, (plan, mail)
            assert delivery.state == DeliveryState.PLANNED

    def _send(self, now: datetime) -> None:
        waiting: dict[str, list[tuple[Plan, Mail]]] = {plan.reader: [] for plan in self.world.plans}
        for plan in self.world.plans:
            for mail in plan.mails:
                if not mail.is_sent:
                    waiting[plan.reader].append((plan, mail))
        done = send_waiting(clock=lambda: now, transport=self.post)
        assert set(done.counts) <= {"sent", "skipped"}
        for recipient, message in self.post.taken:
            self._compare(recipient, message, waiting[recipient])
        self.post.taken.clear()
        left = [(plan, mail) for mails in waiting.values() for plan, mail in mails if self._is_empty(mail)]
        for plan, mail in left:
            plan.since = min(plan.since, mail.since)
            mail.is_sent = True
            mail.papers, mail.more, mail.versions = [], [], []
        assert all(mail.is_sent for mails in waiting.values() for _, mail in mails), "a mail is missing"

    def _shown(self, mail: Mail) -> list[int]:
        """What was hidden or merged between plan and sending is not in the mail, or under its new name."""
        papers = [self.world.now_is(paper) for paper in mail.papers]
        return list(dict.fromkeys(paper for paper in papers if paper not in self.world.gone))

    def _told(self, mail: Mail) -> list[tuple[int, int]]:
        return [one for one in mail.versions if one[0] not in self.world.gone]

    def _is_empty(self, mail: Mail) -> bool:
        return not mail.is_sent and not self._shown(mail) and not self._told(mail)

    def _compare(self, recipient: str, message: bytes, waiting: list[tuple[Plan, Mail]]) -> None:
        parsed = email.message_from_bytes(message, policy=email.policy.default)
        frequency = str(parsed["List-Id"]).partition("<")[2].partition(".")[0]
        text, html = (part.get_content() for part in parsed.iter_parts())
        ((plan, mail),) = [one for one in waiting if one[0].frequency == frequency and not one[1].is_sent]
        body, _, versions = text.partition("NEW VERSIONS")
        wanted = [f"Paper {paper}" for paper in self._shown(mail)]
        told = [f"Paper {paper}" for paper, _ in self._told(mail)]
        assert re.findall(r"(?m)^\* (Paper \d+)", body) == wanted, (recipient, mail)
        shown = re.findall(r"(?m)^\* (Paper \d+)", versions)
        assert sorted(shown) == sorted(told), (recipient, mail)
        assert re.findall(r"<h2[^>]*><a[^>]*>(Paper \d+)</a>", html) == wanted + shown
        if not plan.wants_daily:  # of the daily papers the rest is counted, too
            assert (f"And {len(mail.more)} more" in text) is bool(mail.more)
        mail.is_sent = True
        self.compared += 1


@pytest.fixture
def site(settings: Any) -> None:
    settings.MAIL_IS_SENT = False  # the mails go to `Post`


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("readers", [READERS, pytest.param(MORE_READERS, marks=pytest.mark.long)])
def test_thirty_days_of_mail_are_as_a_plain_reckoning_says(readers: int) -> None:
    """Of each kind of reader there are several among the few, too: who they are goes by their number."""
    days = Days(seed=20260302, readers=readers)
    days.run()
    assert days.compared > 15 * readers
    _every_match_was_offered_once(days)


def _every_match_was_offered_once(days: Days) -> None:
    """Over all of a reader's mails, no paper stands twice, in the mails or behind their "more"."""
    offered: dict[int, list[int]] = {}
    for delivery in Delivery.objects.filter(state=DeliveryState.SENT):
        offered.setdefault(delivery.subscriber_id, []).extend([*delivery.paper_ids, *delivery.more_ids])
    for papers in offered.values():
        assert len(papers) == len(set(papers))
