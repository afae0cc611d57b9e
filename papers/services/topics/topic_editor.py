"""Making, changing and deleting topics. The caller has checked that the reader may."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.text import slugify

from papers.hooks import lists_changed
from papers.models import Paper, Topic, User
from papers.models.paper import PaperQuerySet
from papers.query.parser import parse
from papers.services.topics.backfill import find_topic_papers
from papers.services.topics.topic_queries import referenced_topics, topic_query

MAX_SAVED_SEARCHES = 200
"""How many searches a reader may save."""
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


def create_topic(draft: TopicDraft, *, owner: User | None, now: datetime, slug: str = "") -> Topic:
    """Create a topic for all, or a reader's own. Its papers come with the next collection of due work.

    Raises:
        TopicError: it asks for nothing, or the reader has too many.
    """
    _check(draft, slug="")
    with transaction.atomic():
        if owner is not None:
            User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # two at once may not pass the limit together
            if Topic.objects.filter(owner=owner).count() >= MAX_SAVED_SEARCHES:
                raise TopicError(f"You have saved {MAX_SAVED_SEARCHES} searches. Delete one first.")
        topic = Topic(slug=slug or _free_slug(draft.name, owner), owner=owner, pending_since=now)
        _write(topic, draft)
        topic.save()
        topic.examples.set(_examples(draft))
        lists_changed.notify()
    return topic


def update_topic(topic: Topic, draft: TopicDraft, *, now: datetime) -> None:
    """Change a topic. When it asks something else than before, it is matched again over the last 30 days. Idempotent.

    Raises:
        TopicError: it asks for nothing, or for itself.
    """
    _check(draft, slug=topic.slug)
    with transaction.atomic():
        topic = Topic.objects.select_for_update(no_key=True).get(pk=topic.pk)
        before = _asks(topic)
        examples = set(_examples(draft).values_list("pk", flat=True))
        same_examples = examples == set(topic.examples.values_list("pk", flat=True))
        _write(topic, draft)
        if not same_examples or _asks(topic) != before:
            topic.version += 1
            topic.pending_since = now
        topic.save()
        topic.examples.set(examples)
        lists_changed.notify()


def delete_topic(topic: Topic) -> None:
    """Remove it with its matches and whatever asked for it. The papers stay."""
    with transaction.atomic():
        Topic.objects.select_for_update().filter(pk=topic.pk).delete()
        lists_changed.notify()


@dataclass(frozen=True, slots=True)
class TopicPreview:
    """What a topic would have brought last week."""

    count: int
    titles: tuple[tuple[str, float], ...]
    """Some of the papers, the best or the newest, with how close each is to an example; 0 without examples."""
    has_examples: bool


def preview_topic(draft: TopicDraft, *, owner: User | None, now: datetime) -> TopicPreview:
    """What a topic would have brought in the last seven days. Stores nothing.

    Raises:
        TopicError: it asks for nothing.
    """
    _check(draft, slug="")
    with transaction.atomic():
        topic = Topic(slug=f"preview-{secrets.token_hex(8)}", owner=owner, pending_since=None)
        _write(topic, draft)
        topic.save()
        topic.examples.set(_examples(draft))
        recent = Paper.objects.visible().filter(listed_at__gte=now - PREVIEW_WINDOW, listed_at__lte=now)
        scores = find_topic_papers(topic, now=now).scores
        found = list(recent.filter(pk__in=scores).order_by("-listed_at", "-pk").values_list("pk", "title"))
        has_examples = topic.examples.exists()
        transaction.set_rollback(True)
    if has_examples:
        # The last that are let in are the ones that tell whether the threshold is right.
        found.sort(key=lambda row: scores[row[0]])
    return TopicPreview(len(found), tuple((title, scores[pk]) for pk, title in found[:PREVIEW_TITLES]), has_examples)


def _write(topic: Topic, draft: TopicDraft) -> None:
    topic.name, topic.description = draft.name, draft.description
    topic.query, topic.categories = draft.query, list(draft.categories)
    if draft.closeness is not None:
        topic.closeness = draft.closeness


def _asks(topic: Topic) -> tuple[object, ...]:
    return (str(topic_query(topic.query, tuple(topic.categories))), topic.closeness)


def _examples(draft: TopicDraft) -> PaperQuerySet:
    return Paper.objects.visible().filter(public_id__in=parse(draft.query).examples())


def _check(draft: TopicDraft, *, slug: str) -> None:
    query = topic_query(draft.query, draft.categories)
    examples = parse(draft.query).examples()
    if query.root is None and not examples:
        raise TopicError("The search is empty. Enter words, a category, or an example such as like:2401.00001.")
    if faceted := next((term for term in parse(draft.query).likenesses() if term.facet), None):
        raise TopicError(
            f"A topic compares papers as a whole. Leave out “{faceted.facet}” behind {str(faceted).split()[0]}."
        )
    if examples and not _examples(draft).exists():
        raise TopicError("None of the papers given with like: is here.")
    if slug and _leads_to(slug, referenced_topics(query.root)):
        raise TopicError("A topic can’t refer to itself with topic:.")


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
    """Words of the name. A reader's own ends with random letters, so that a slug being taken says nothing of it."""
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
