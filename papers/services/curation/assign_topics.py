"""Topics by hand: a paper is put into one, a reader's saved search becomes one for all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from papers.models import CurationEvent, Paper, Topic, TopicMatch, TopicPick
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import paper_subject, topic_subject
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.ingest.releases import next_release
from papers.services.topics.topic_editor import TopicDraft, TopicError, create_topic

_MATCH_AGAIN = """
    INSERT INTO papers_topicbacklog (paper_id, changes) VALUES (%s, 1)
    ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1
"""


def set_topic_pick(*, paper_id: int, slug: str, on: bool, actor: Actor) -> CurationEvent | None:
    """Put a paper into a topic for all, or leave that to what the topic asks again. Idempotent.

    Raises:
        CurationError: there is no such topic for all.
    """
    topic = Topic.objects.curated().filter(slug=slug).first()
    if topic is None:
        raise CurationError("There is no such topic.")
    action = CurationAction.TOPIC_TAGGED if on else CurationAction.TOPIC_UNTAGGED
    with record_action(actor, action, subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,))) as entry:
        if on:
            TopicPick.objects.get_or_create(topic=topic, paper_id=paper_id)
            _match(topic.pk, paper_id, actor.now)
        elif TopicPick.objects.filter(topic=topic, paper=paper_id).delete()[0]:
            with connection.cursor() as cursor:
                cursor.execute(_MATCH_AGAIN, [paper_id])
        entry.after = {"topic": topic.name}
    return entry.event


def offer_search(*, topic: Topic, on: bool, now: datetime) -> None:
    """A reader offers a saved search for all, or takes the offer back. Idempotent."""
    offered = Topic.objects.filter(pk=topic.pk, owner__isnull=False, offered_at__isnull=on)
    offered.update(offered_at=now if on else None)


def promote_search(*, topic_id: int, actor: Actor) -> CurationEvent | None:
    """Make a topic for all of a saved search that its reader offered; the reader keeps the search. Idempotent.

    Raises:
        CurationError: the search asks for nothing any more.
    """
    ids = [topic_id]
    with record_action(
        actor, CurationAction.TOPIC_PROMOTED, subject=topic_subject(topic_id), scope=ActionScope(rows={Topic: ids})
    ) as entry:
        offered = Topic.objects.select_for_update(no_key=True).filter(pk=topic_id, offered_at__isnull=False).first()
        if offered is not None:
            Topic.objects.filter(pk=topic_id).update(offered_at=None)
            try:
                with transaction.atomic():
                    made = create_topic(_draft_of(offered), owner=None, now=actor.now)
            except TopicError as error:
                raise CurationError(str(error)) from error
            ids.append(made.pk)
            entry.after = {"topic": made.name, "slug": made.slug}
    return entry.event


def decline_search(*, topic_id: int, actor: Actor) -> CurationEvent | None:
    """Leave a saved search that was offered to its reader. Idempotent."""
    with record_action(
        actor,
        CurationAction.TOPIC_DECLINED,
        subject=topic_subject(topic_id),
        scope=ActionScope(rows={Topic: [topic_id]}),
    ) as entry:
        Topic.objects.filter(pk=topic_id).update(offered_at=None)
    return entry.event


def _draft_of(topic: Topic) -> TopicDraft:
    return TopicDraft(
        name=topic.name,
        query=topic.query,
        description=topic.description,
        categories=tuple(topic.categories),
        closeness=topic.closeness,
    )


def _match(topic_id: int, paper_id: int, now: datetime) -> None:
    if TopicMatch.objects.filter(topic=topic_id, paper=paper_id).exists():
        return
    release = next_release()
    paper = Paper.objects.only("listed_at", "vote_count").get(pk=paper_id)
    TopicMatch.objects.create(
        topic_id=topic_id,
        paper_id=paper_id,
        score=1.0,
        matched_at=now,
        release=release,
        listed_at=paper.listed_at,
        vote_count=paper.vote_count,
    )


def _after_undo(event: CurationEvent) -> Callable[[], None]:
    """A pick that is back has its match again, which the matching may have taken since."""

    def finish() -> None:
        for pick in TopicPick.objects.filter(paper=event.paper_id):
            _match(pick.topic_id, pick.paper_id, event.created_at)

    return finish


UNDO_HOOKS[CurationAction.TOPIC_UNTAGGED] = _after_undo
