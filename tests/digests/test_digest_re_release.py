"""What was moved, hidden, or the sample's when a mail went, and is news to its reader afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from digests.models import Delivery
from digests.models.delivery import DeliveryState
from papers.models import Paper, Topic
from papers.services.curation import place_paper
from papers.services.curation.audit_log import Actor
from papers.services.curation.undo import undo_event
from papers.services.editions.listing import SAMPLE_KIND, ListingRule
from papers.services.ingest.paper_store import store_papers
from tests.digests.test_digest_planning import DAY, DUE, NOW, listing, match, plan
from tests.support import factories

pytestmark = pytest.mark.django_db


def by(now: datetime) -> Actor:
    return Actor(factories.user(), now)


def moved(paper: Paper, topic: Topic, now: datetime) -> None:
    place_paper.take_off_day(paper_id=paper.pk, day=factories.TODAY, on=True, actor=by(NOW))
    plan()
    place_paper.add_to_day(paper_id=paper.pk, day=date(2026, 3, 5), actor=by(now))


def put_back(paper: Paper, topic: Topic, now: datetime) -> None:
    place_paper.take_off_day(paper_id=paper.pk, day=factories.TODAY, on=True, actor=by(NOW))
    plan()
    place_paper.take_off_day(paper_id=paper.pk, day=factories.TODAY, on=False, actor=by(now))


def shown(paper: Paper, topic: Topic, now: datetime) -> None:
    factories.topic_match(paper, topic)
    place_paper.hide_paper(paper_id=paper.pk, on=True, actor=by(NOW))
    plan()
    place_paper.hide_paper(paper_id=paper.pk, on=False, actor=by(now))


def undone(paper: Paper, topic: Topic, now: datetime) -> None:
    deciding = by(NOW)
    event = place_paper.hide_paper(paper_id=paper.pk, on=True, actor=deciding)
    assert event is not None
    plan()
    undo_event(event_id=event.pk, curator=deciding.curator, now=now)


@pytest.mark.parametrize("again", [moved, put_back, shown, undone])
def test_what_was_off_its_day_when_the_mail_went_comes_with_the_next_one(
    again: Callable[[Paper, Topic, datetime], None],
) -> None:
    topic = factories.topic()
    schedule = factories.schedule(None, topic, kinds=["daily"])
    other, paper = listing(), listing()
    again(paper, topic, DUE + timedelta(hours=1))
    assert plan(DUE + DAY).paper_ids == [paper.pk]
    assert Delivery.objects.get(schedule=schedule, period_on=date(2026, 3, 5)).paper_ids == [other.pk]
    assert plan(DUE + 2 * DAY).state == DeliveryState.SKIPPED


def test_what_was_hidden_after_its_mail_does_not_come_twice() -> None:
    topic = factories.topic()
    factories.schedule(None, topic, kinds=["daily"])
    paper = match(topic, paper=listing())
    assert plan().paper_ids == [paper.pk]
    place_paper.hide_paper(paper_id=paper.pk, on=True, actor=by(DUE))
    place_paper.hide_paper(paper_id=paper.pk, on=False, actor=by(DUE))
    assert plan(DUE + DAY).state == DeliveryState.SKIPPED


def test_a_paper_of_the_sample_is_news_once_a_source_sends_it() -> None:
    topic = factories.topic()
    factories.schedule(None, topic, kinds=["daily"])
    sampled = factories.paper(is_sample=True, record_rank=0)
    factories.topic_match(sampled, topic)
    factories.listing(sampled, factories.TODAY, kind=SAMPLE_KIND)
    assert plan().state == DeliveryState.SKIPPED
    sent = factories.listed_raw_paper(date(2026, 3, 5), arxiv_id=sampled.public_id)
    store_papers([sent], now=DUE + timedelta(hours=1), kind="arxiv_rss", rule=ListingRule())
    mail = plan(DUE + DAY)
    assert mail.paper_ids == [sampled.pk]
    assert len(mail.causes[0].split(",")) == 2, "for the topic, and of the daily papers"
