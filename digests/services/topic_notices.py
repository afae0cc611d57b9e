"""New papers of topics, told to channels as they are matched: each once, whatever dies in between.

A channel has read up to a release (`papers/services/ingest/releases.py`), and moves on in the transaction that writes
the notice. Releases grow in the order of commits, so no match is passed over.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from digests.models import Channel, MergedPaper, Notice
from digests.services.channel_client import NoticeContent
from papers.models import Paper, Topic, TopicMatch
from papers.services.ingest.releases import current_release
from papers.text.html import plain_text

PAPERS_A_NOTICE = 200
"""More in one release are in one notice all the same: a notice never ends inside a release."""


def new_notice(
    channel: Channel, key: str, content: NoticeContent, *, now: datetime, papers: Sequence[Paper] = ()
) -> Notice:
    """A notice that is due now, not stored; `papers` are the new ones that it tells."""
    return Notice(
        channel=channel,
        key=key,
        content=content.as_json(),
        paper_ids=[paper.pk for paper in papers],
        uid=secrets.token_hex(16),
        not_before=now,
        created_at=now,
    )


def untold(channel: Channel, prefix: str, papers: Sequence[Paper]) -> list[Paper]:
    """The papers that no notice of a list told its channel, nor one that was merged into them. Two queries, if any.

    A paper that was hidden and is shown again is released again, for whoever missed it. Notices are kept longer than
    papers are news (`RELEASE_WINDOW`), so they remember all that could come twice.
    """
    if not papers:
        return []
    merged = MergedPaper.objects.filter(kept_id__in=[paper.pk for paper in papers]).values_list("gone_id", "kept_id")
    kept = dict(merged)
    asked = [*kept, *(paper.pk for paper in papers)]
    notices = Notice.objects.filter(channel=channel, key__startswith=prefix, paper_ids__overlap=asked)
    told = {kept.get(pk, pk) for ids in notices.values_list("paper_ids", flat=True) for pk in ids}
    return [paper for paper in papers if paper.pk not in told]


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
            readable = Topic.objects.readable_by(fresh.owner or AnonymousUser())
            for topic in fresh.topics.filter(pk__in=readable).order_by("pk"):
                _plan(fresh, topic, after=last, upto=newest, now=now)
        Channel.objects.filter(pk=channel.pk).update(topics_release=newest)


def _plan(channel: Channel, topic: Topic, *, after: int, upto: int, now: datetime) -> None:
    found = TopicMatch.objects.visible().filter(topic=topic, release__gt=after, release__lte=upto)
    rows = list(found.select_related("paper").defer("paper__search_vector").order_by("release", "paper_id"))
    fresh = {paper.pk for paper in untold(channel, _prefix(topic), [row.paper for row in rows])}
    batch: list[TopicMatch] = []
    for row in rows:
        if row.paper_id not in fresh:
            continue
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
    key = f"{_prefix(topic)}{rows[-1].release}"
    Notice.objects.bulk_create([new_notice(channel, key, content, now=now, papers=papers)], ignore_conflicts=True)


def _prefix(topic: Topic) -> str:
    """What the keys of a topic's notices begin with."""
    return f"topic:{topic.pk}:"
