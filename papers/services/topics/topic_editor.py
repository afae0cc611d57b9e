"""Making, changing and deleting topics. Whoever calls has seen to it that the reader may."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.text import slugify

from papers.models import Paper, Topic, User
from papers.models.paper import PaperQuerySet
from papers.query.parser import parse
from papers.services.topics.backfill import find_topic_papers
from papers.services.topics.topic_queries import referenced_topics, topic_query

MAX_SAVED_SEARCHES = 200
"""So many searches a reader may save."""
PREVIEW_WINDOW = timedelta(days=7)
PREVIEW_TITLES = 5


class TopicError(Exception):
    """The words say what to do; for the reader."""


@dataclass(frozen=True, slots=True)
class TopicDraft:
    """What a topic is called and asks. Papers that the query names with `like:` are its examples."""

    name: str
    query: str
    description: str = ""
    categories: tuple[str, ...] = ()
    closeness: float | None = None


def create_topic(wording: TopicDraft, *, owner: User | None, now: datetime, slug: str = "") -> Topic:
    """A topic for all, or a reader's own. Its papers come with the next tick.

    Raises:
        TopicError: it asks for nothing, or the reader has too many.
    """
    _check(wording, slug="")
    with transaction.atomic():
        if owner is not None:
            User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # two at once may not pass the limit together
            if Topic.objects.filter(owner=owner).count() >= MAX_SAVED_SEARCHES:
                raise TopicError(f"You have saved {MAX_SAVED_SEARCHES} searches. Delete one first.")
        topic = Topic(slug=slug or _free_slug(wording.name, owner), owner=owner, pending_since=now)
        _write(topic, wording)
        topic.save()
        topic.examples.set(_examples(wording))
    return topic


def update_topic(topic: Topic, wording: TopicDraft, *, now: datetime) -> None:
    """Word it anew. When it asks something else than before, the last 30 days are asked again. Idempotent.

    Raises:
        TopicError: it asks for nothing, or for itself.
    """
    _check(wording, slug=topic.slug)
    with transaction.atomic():
        topic = Topic.objects.select_for_update(no_key=True).get(pk=topic.pk)
        before = _asks(topic)
        examples = set(_examples(wording).values_list("pk", flat=True))
        same_examples = examples == set(topic.examples.values_list("pk", flat=True))
        _write(topic, wording)
        if not same_examples or _asks(topic) != before:
            topic.version += 1
            topic.pending_since = now
        topic.save()
        topic.examples.set(examples)


def delete_topic(topic: Topic) -> None:
    """Remove it with its matches and whatever asked for it. The papers stay."""
    with transaction.atomic():
        Topic.objects.select_for_update().filter(pk=topic.pk).delete()


@dataclass(frozen=True, slots=True)
class TopicPreview:
    """What a topic would have brought last week."""

    count: int
    titles: tuple[tuple[str, float], ...]
    """Some of the papers, the best or the newest, with how close each is to an example; 0 without examples."""
    has_examples: bool


def preview_topic(wording: TopicDraft, *, owner: User | None, now: datetime) -> TopicPreview:
    """Ask it of the last seven days, without leaving a trace.

    Raises:
        TopicError: it asks for nothing.
    """
    _check(wording, slug="")
    with transaction.atomic():
        topic = Topic(slug=f"preview-{secrets.token_hex(8)}", owner=owner, pending_since=None)
        _write(topic, wording)
        topic.save()
        topic.examples.set(_examples(wording))
        recent = Paper.objects.visible().filter(listed_at__gte=now - PREVIEW_WINDOW, listed_at__lte=now)
        scores = find_topic_papers(topic, now=now).scores
        found = list(recent.filter(pk__in=scores).order_by("-listed_at", "-pk").values_list("pk", "title"))
        has_examples = topic.examples.exists()
        transaction.set_rollback(True)
    if has_examples:
        # The last that are let in are the ones that tell whether the threshold is right.
        found.sort(key=lambda row: scores[row[0]])
    return TopicPreview(len(found), tuple((title, scores[pk]) for pk, title in found[:PREVIEW_TITLES]), has_examples)


def _write(topic: Topic, wording: TopicDraft) -> None:
    topic.name, topic.description = wording.name, wording.description
    topic.query, topic.categories = wording.query, list(wording.categories)
    if wording.closeness is not None:
        topic.closeness = wording.closeness


def _asks(topic: Topic) -> tuple[object, ...]:
    return (str(topic_query(topic.query, tuple(topic.categories))), topic.closeness)


def _examples(wording: TopicDraft) -> PaperQuerySet:
    return Paper.objects.visible().filter(public_id__in=parse(wording.query).examples())


def _check(wording: TopicDraft, *, slug: str) -> None:
    query = topic_query(wording.query, wording.categories)
    examples = parse(wording.query).examples()
    if query.root is None and not examples:
        raise TopicError("It asks for nothing. Give words, a category, or an example such as like:2401.00001.")
    if examples and not _examples(wording).exists():
        raise TopicError("None of the papers behind like: is here.")
    if slug and _leads_to(slug, referenced_topics(query.root)):
        raise TopicError("It asks for itself, by topic:. Leave that out.")


def _leads_to(slug: str, named: frozenset[str]) -> bool:
    """Whether a topic that names these asks for `slug` in the end."""
    seen: set[str] = set()
    waiting = set(named)
    while waiting:
        if slug in waiting:
            return True
        seen |= waiting
        queries = Topic.objects.filter(slug__in=waiting).values_list("query", flat=True)
        waiting = {name for query in queries for name in referenced_topics(topic_query(query).root)} - seen
    return False


def _free_slug(name: str, owner: User | None) -> str:
    """Words of the name. A reader's own ends with letters nobody guesses, as it tells by its being taken."""
    base = slugify(name)[:60] or "topic"
    if owner is not None:
        return f"{base}-{secrets.token_hex(4)}"
    taken = set(Topic.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(len(taken) + 2) if (slug := base if n == 0 else f"{base}-{n + 1}") not in taken)


__all__ = [
    "MAX_SAVED_SEARCHES",
    "TopicDraft",
    "TopicError",
    "TopicPreview",
    "create_topic",
    "delete_topic",
    "preview_topic",
    "update_topic",
]
