"""Which papers are close in meaning to the examples of topics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from papers.services.embeddings.model_switch import current_model
from papers.services.topics.bitset_evaluator import PaperBatch, bits_from_positions

_WITH_VECTOR = """
    SELECT asked.place - 1 FROM unnest(%(papers)s::bigint[]) WITH ORDINALITY AS asked (id, place)
    JOIN papers_papervector paper ON paper.paper_id = asked.id AND paper.model = %(model)s
"""
# The nearest of a topic's examples counts. Examples themselves are of their topic.
_CLOSE = """
    SELECT topic.id, asked.place - 1, asked.id, max(1 - (paper.vector <=> example.vector)) AS closeness
    FROM papers_topic topic
    JOIN papers_topic_examples link ON link.topic_id = topic.id
    JOIN papers_papervector example ON example.paper_id = link.paper_id AND example.model = %(model)s
    JOIN unnest(%(papers)s::bigint[]) WITH ORDINALITY AS asked (id, place) ON true
    JOIN papers_papervector paper ON paper.paper_id = asked.id AND paper.model = %(model)s
    WHERE topic.id = ANY(%(topics)s)
    GROUP BY topic.id, asked.place, asked.id
    HAVING max(1 - (paper.vector <=> example.vector)) >= topic.closeness
"""


@dataclass(slots=True)
class ExampleMatches:
    """The papers that are close to a topic's examples."""

    bits: int = 0
    unknown: int = 0
    """Those without a vector yet: they come again once it is there."""
    scores: dict[int, float] = field(default_factory=dict)
    """How close, by paper."""


def match_examples(topic_ids: Sequence[int], papers: PaperBatch) -> dict[int, ExampleMatches]:
    """The papers close to each topic's examples, by topic. Without a model all are unknown. Two queries."""
    model = current_model() if topic_ids else None
    if model is None:
        return {topic_id: ExampleMatches(unknown=papers.all) for topic_id in topic_ids}
    places: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_WITH_VECTOR, {"model": model.name, "papers": papers.ids})
        unknown = papers.all & ~bits_from_positions([place for (place,) in cursor.fetchall()])
        found = {topic_id: ExampleMatches(unknown=unknown) for topic_id in topic_ids}
        cursor.execute(_CLOSE, {"model": model.name, "papers": papers.ids, "topics": list(topic_ids)})
        for topic_id, place, paper_id, closeness in cursor.fetchall():
            places[topic_id].append(place)
            found[topic_id].scores[paper_id] = closeness
    for topic_id, of_topic in places.items():
        found[topic_id].bits = bits_from_positions(of_topic)
    return found
