"""Webhooks: signed so that the standard's own rules accept them, new papers of topics once each, off after failures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from digests.models import Channel, Notice
from digests.models.channel import new_signing_secret
from digests.services import notices
from digests.services.channel_client import ChannelPostError, NoticeContent, PostAnswer, build_request
from digests.services.channel_failures import MOST_FAILED
from digests.services.notices import plan_notices, post_due_notices, retry_notice
from papers.models import Paper, Topic
from papers.services.curation.audit_log import Actor
from papers.services.curation.place_paper import hide_paper
from papers.services.ingest.releases import next_release
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db


def webhook(*topics: Topic, **fields: Any) -> Channel:
    quiet = {f"notify_{name}": False for name in ("queue", "edition", "stale")}
    made = Channel.objects.create(
        name="Ours", kind="webhook", address="https://example.org/hook", secret=new_signing_secret(), **quiet, **fields
    )
    made.topics.set(topics)
    plan_notices(now=NOW)  # from now on
    return made


def match(topic: Topic, *papers: Paper) -> None:
    for paper in papers:
        factories.topic_match(paper, topic, release=next_release())


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the specification has it: what stands behind `whsec_` is base 64 in the standard alphabet, with padding."""
    prefix, _, text = secret.partition("_")
    assert prefix == "whsec"
    key = base64.b64decode(text, validate=True)
    assert 24 <= len(key) <= 64
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(
        version == "v1" and hmac.compare_digest(given, expected)
        for version, _, given in (one.partition(",") for one in headers["webhook-signature"].split(" "))
    )


def test_a_signature_is_what_the_standard_says() -> None:
    for _ in range(50):
        channel = webhook()
        sent = build_request(channel, NoticeContent("test", "größe"), uid="msg_1", happened_at=NOW, now=NOW)
        assert sent.body is not None
        assert verify(channel.secret, dict(sent.headers), sent.body)
        assert not verify(channel.secret, dict(sent.headers), sent.body + b" ")
        assert int(sent.headers["webhook-timestamp"]) == int(NOW.timestamp())
        channel.delete()


def test_new_papers_of_a_topic_are_told_once() -> None:
    topic, other = factories.topic("Trees"), factories.topic("Graphs")
    old = factories.paper()
    match(topic, old)
    channel = webhook(topic)
    first, hidden = factories.paper(title="First"), factories.paper(hidden_at=NOW)
    match(topic, first, hidden)
    match(other, factories.paper())
    assert plan_notices(now=NOW) == 1
    assert plan_notices(now=NOW + timedelta(minutes=1)) == 0
    notice = Notice.objects.get(channel=channel)
    assert [paper["id"] for paper in notice.content["papers"]] == [first.public_id]
    assert notice.content["title"] == "1 new paper in Trees"
    sent = build_request(channel, NoticeContent.of(notice.content), uid=notice.uid, happened_at=NOW, now=NOW)
    assert json.loads(sent.body or b"")["data"]["papers"][0]["url"].endswith(first.get_absolute_url())


def test_many_papers_are_several_notices_and_all_of_them() -> None:
    topic = factories.topic("Trees")
    channel = webhook(topic)
    papers = [factories.paper() for _ in range(450)]
    match(topic, *papers)
    plan_notices(now=NOW)
    told = [paper["id"] for notice in Notice.objects.filter(channel=channel) for paper in notice.content["papers"]]
    assert sorted(told) == sorted(paper.public_id for paper in papers)
    assert Notice.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_lose_no_paper_and_repeat_none() -> None:
    from django.db import transaction

    topic = factories.topic("Trees")
    channel = webhook(topic)
    papers = [factories.paper() for _ in range(40)]

    def write(part: list[Paper]) -> None:
        for paper in part:
            with transaction.atomic():
                match(topic, paper)
        connection.close()

    writers = [threading.Thread(target=write, args=(papers[start::4],)) for start in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        plan_notices(now=NOW + timedelta(seconds=random.randrange(60)))
    plan_notices(now=NOW)
    told = [paper["id"] for notice in Notice.objects.filter(channel=channel) for paper in notice.content["papers"]]
    assert sorted(told) == sorted(paper.public_id for paper in papers)


def fail(channel: Channel, count: int, monkeypatch: Any, *, status: int = 404) -> None:
    def refuse(*_: Any, **__: Any) -> PostAnswer:
        raise ChannelPostError("It answered.", is_final=True, status=status)

    monkeypatch.setattr(notices, "post", refuse)
    for number in range(count):
        key = f"topic:{status}:{channel.failed_count}:{number}"
        notices._row(channel, key, NoticeContent("topic", "x"), NOW).save()
        post_due_notices(now=NOW)


def test_a_channel_that_fails_is_turned_off_and_others_are_told(monkeypatch: Any) -> None:
    other = Channel.objects.create(name="Desk", kind="mail", address="desk@example.org", notify_queue=False)
    channel = webhook()
    fail(channel, MOST_FAILED - 1, monkeypatch)
    channel.refresh_from_db()
    assert channel.is_enabled
    monkeypatch.setattr(notices, "post", lambda *_, **__: PostAnswer("It answered 200.", 200))
    notices._row(channel, "topic:good", NoticeContent("topic", "x"), NOW).save()
    post_due_notices(now=NOW)
    channel.refresh_from_db()
    assert channel.failed_count == 0
    fail(channel, MOST_FAILED, monkeypatch, status=403)
    channel.refresh_from_db()
    assert not channel.is_enabled
    assert channel.disabled_at == NOW
    assert Notice.objects.filter(channel=other, key__startswith=f"channel:{channel.pk}:").count() == 1
    browser = client_of(staff())
    page = browser.get("/curate/channels").content.decode()
    assert "turned off: its notices failed" in page
    asked = {"name": "Ours", "kind": "webhook", "where": "", "edition_size": 5, "edition_at": "09:00", "is_enabled": 1}
    browser.post(f"/curate/channels/{channel.pk}", asked)
    channel.refresh_from_db()
    assert channel.is_enabled
    assert (channel.failed_count, channel.disabled_at) == (0, None)


def test_gone_is_the_end_at_once(monkeypatch: Any) -> None:
    channel = webhook()
    fail(channel, 1, monkeypatch, status=410)
    channel.refresh_from_db()
    assert not channel.is_enabled


def test_a_delivery_shows_its_answer_and_time_and_may_be_sent_again(monkeypatch: Any) -> None:
    channel = webhook()
    monkeypatch.setattr(notices, "post", lambda *_, **__: PostAnswer("It answered 204.", 204))
    notices._row(channel, "topic:1:1", NoticeContent("topic", "x"), NOW).save()
    assert post_due_notices(now=NOW) == 1
    notice = Notice.objects.get()
    assert (notice.state, notice.status) == ("sent", 204)
    assert notice.seconds is not None
    page = client_of(staff()).get("/curate/channels").content.decode()
    assert "It answered 204." in page
    assert f"/curate/notices/{notice.pk}/again" in page
    before = notice.uid
    retry_notice(notice, now=NOW)
    assert post_due_notices(now=NOW) == 1
    notice.refresh_from_db()
    assert (notice.state, notice.uid) == ("sent", before)


def hide_and_show(paper: Paper, actor: Actor) -> None:
    for on in (True, False):
        hide_paper(paper_id=paper.pk, on=on, actor=actor)


def test_a_paper_that_is_hidden_and_shown_again_is_told_once() -> None:
    topic, actor = factories.topic("Trees"), Actor(curator=staff(), now=timezone.now())
    channel = webhook(topic)
    paper = factories.paper(listed_at=timezone.now())
    match(topic, paper)
    plan_notices(now=timezone.now())
    hide_and_show(paper, actor)
    late = factories.paper(listed_at=timezone.now(), hidden_at=timezone.now())
    match(topic, late)
    plan_notices(now=timezone.now())
    hide_paper(paper_id=late.pk, on=False, actor=actor)
    plan_notices(now=timezone.now())
    assert told(channel) == [paper.public_id, late.public_id]  # the other was never told before


def told(channel: Channel) -> list[str]:
    rows = Notice.objects.filter(channel=channel).order_by("pk")
    return [paper["id"] for notice in rows for paper in notice.content["papers"]]


def test_a_disabled_channel_keeps_no_other_waiting(monkeypatch: Any) -> None:
    off, on = webhook(), webhook()
    for number in range(notices.NOTICES_A_RUN):
        notices._row(off, f"topic:1:{number}", NoticeContent("topic", "x"), NOW).save()
    Channel.objects.filter(pk=off.pk).update(is_enabled=False)
    notices._row(on, "topic:1:1", NoticeContent("topic", "x"), NOW).save()
    monkeypatch.setattr(notices, "post", lambda *_, **__: PostAnswer("It answered 204.", 204))
    assert post_due_notices(now=NOW) == 1
