"""What a topic asks, as one query of the search language: its own words, within its categories."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from papers.catalogue.categories import expand_pattern
from papers.query.nodes import And, CategoryTerm, LikeTerm, Node, Or, TopicTerm, all_terms, is_personal
from papers.query.parser import Query, parse
from papers.services.topics.bitset_evaluator import ViewerQuery


@lru_cache(maxsize=20_000)
def topic_query(query: str, categories: tuple[str, ...] = ()) -> Query:
    """The query that a paper of the topic fulfils. Asks for nothing where the topic has examples alone.

    No queries; remembered, because all topics are asked of every batch of papers.
    """
    found = parse(query)
    # What `like:` names are the topic's examples, and judged by meaning.
    asked = [part for part in found.required() if not isinstance(part, LikeTerm)]
    nodes = [node for node in (_within(categories), *asked) if node is not None]
    root = And(tuple(nodes)) if len(nodes) > 1 else nodes[0] if nodes else None
    return Query(root, found.problems)


def _within(categories: Iterable[str]) -> Node | None:
    nodes = tuple(
        dict.fromkeys(CategoryTerm(pattern, codes) for pattern in categories if (codes := expand_pattern(pattern)))
    )
    return Or(nodes) if len(nodes) > 1 else nodes[0] if nodes else None


@lru_cache(maxsize=20_000)
def viewer_query(root: Node, owner_id: int | None) -> ViewerQuery:
    """The query with its reader, where it depends on who asks."""
    return ViewerQuery(root, owner_id if is_personal(root) else None)


def referenced_topics(root: Node | None) -> frozenset[str]:
    """The slugs of the topics that a query asks for."""
    if root is None:
        return frozenset()
    return frozenset(leaf.slug for leaf in all_terms(root) if isinstance(leaf, TopicTerm))
