"""New papers of topics, told to channels as they are matched: each once, whatever dies in between.

A channel has read up to a release (`papers/services/ingest/releases.py`), and moves on in the transaction that writes
the notice. Releases grow in the order of commits, so no match is passed over.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from digests.models import Channel, Notice
from digests.services.channel_client import NoticeContent
from papers.models import Paper, Topic, TopicMatch
from papers.services.ingest.releases import current_release
from papers.text.html import plain_text

PAPERS_A_NOTICE = 200
"""More in one release are in one notice all the same: a notice never ends inside a release."""


def new_notice(channel: Channel, key: str, content: NoticeContent, *, now: datetime) -> Notice:
    """A notice that is due now, not stored."""
    return Notice(
        channel=channel, key=key, content=content.as_json(), uid=secrets.token_hex(16), not_before=now, created_at=now
    )


def paper_url(paper: Paper) -> str:
    return str(settings.SITE.origin + paper.get_absolute_url())


def paper_json(paper: Paper) -> dict[str, str]:
    """A paper as webhooks have it."""
    return {"id": paper.public_id, "title": paper.title, "url": paper_url(paper), "line": plain_text(paper.line)}


def plan_topic_notices(channel: Channel, *, now: datetime) -> None:
    """Write the notices about new papers of a channel's topics. One query where it has none."""
    if not channel.topics.exists():
        if channel.topics_release is not None:  # who chooses topics again begins anew
            Channel.objects.filter(pk=channel.pk).update(topics_release=None)
        return
    newest = current_release()
    with transaction.atomic():
        fresh = Channel.objects.select_for_update().get(pk=channel.pk)
        if fresh.topics_release is not None and fresh.topics_release < newest:
            last = fresh.topics_release
            for topic in fresh.topics.order_by("pk"):
                _plan(fresh, topic, after=last, upto=newest, now=now)
        Channel.objects.filter(pk=channel.pk).update(topics_release=newest)


def _plan(channel: Channel, topic: Topic, *, after: int, upto: int, now: datetime) -> None:
    found = TopicMatch.objects.visible().filter(topic=topic, release__gt=after, release__lte=upto)
    rows = list(found.select_related("paper").defer("paper__search_vector").order_by("release", "paper_id"))
    batch: list[TopicMatch] = []
    for row in rows:
        if len(batch) >= PAPERS_A_NOTICE and row.release != batch[-1].release:
            _write(channel, topic, batch, now=now)
            batch = []
        batch.append(row)
    if batch:
        _write(channel, topic, batch, now=now)


def _write(channel: Channel, topic: Topic, rows: Sequence[TopicMatch], *, now: datetime) -> None:
    papers = [row.paper for row in rows]
    count = f"{len(papers):,} new {'paper' if len(papers) == 1 else 'papers'}"
    content = NoticeContent(
        "topic",
        f"{count} in {topic.name}",
        lines=[(paper.title, paper_url(paper)) for paper in papers[: channel.edition_size]],
        url=str(settings.SITE.origin + topic.get_absolute_url()),
        papers=[paper_json(paper) for paper in papers],
    )
    key = f"topic:{topic.pk}:{rows[-1].release}"
    Notice.objects.bulk_create([new_notice(channel, key, content, now=now)], ignore_conflicts=True)
