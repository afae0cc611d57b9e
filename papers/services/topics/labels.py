"""Which topics a page names beside its papers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from papers.models import Topic, User
from papers.models.arrays import array_of

MAX_ON_CARD = 3
MAX_ON_PAGE = 12

# Of a topic of whole categories the paper's own categories say as much. Enters the index by each paper.
_NAMES = """
    SELECT paper.id, named.slug, named.name
    FROM unnest(%(papers)s::bigint[]) AS paper (id)
    CROSS JOIN LATERAL (
        SELECT topic.slug, topic.name
        FROM papers_topicmatch found JOIN papers_topic topic ON topic.id = found.topic_id
        WHERE found.paper_id = paper.id AND topic.query <> '' AND topic.id IS DISTINCT FROM %(exclude)s
          AND (topic.owner_id IS NULL OR topic.owner_id = %(viewer)s)
        ORDER BY topic.owner_id, lower(topic.name), topic.id LIMIT %(limit)s
    ) AS named
"""


class TopicName(NamedTuple):
    """A topic as a card or a page names it."""

    slug: str
    name: str


TopicNamesByPaper: TypeAlias = Mapping[int, Collection[TopicName]]


def topic_names(
    papers: Collection[int], *, viewer: User | AnonymousUser, exclude: Topic | None = None, limit: int = MAX_ON_CARD
) -> TopicNamesByPaper:
    """By paper: the first of the topics that it is in and `viewer` may see, their own before the others. One query."""
    asked: dict[str, Any] = {
        "papers": array_of(papers),
        "viewer": viewer.pk,
        "exclude": exclude and exclude.pk,
        "limit": limit,
    }
    found: dict[int, list[TopicName]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, asked)
        for paper_id, slug, name in cursor.fetchall():
            found.setdefault(paper_id, []).append(TopicName(slug, name))
    return found
