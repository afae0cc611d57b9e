"""Papers close in meaning: to a paper, or to several examples."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from psycopg import sql

from papers.models import Paper, PaperVector
from papers.services.embeddings.embedder import EmbeddingError, unit_vector
from papers.services.embeddings.model_switch import CurrentModel, current_model
from papers.services.embeddings.vector_sql import cosine_distance

# More than is asked for are looked at, because hidden and withdrawn ones drop out.
_LOOKED_AT = 40
_SPARE = 4
# How much of the index is searched; finds 99 of the 100 closest at 165,000 papers, where 40, the default, finds 90.
_EF_SEARCH = 100
_KEPT_SECONDS = 60 * 30


@dataclass(frozen=True, slots=True)
class PaperDistance:
    """A paper and how far it is: 0 the same meaning, 1 nothing in common, 2 the opposite (cosine distance)."""

    paper_id: int
    distance: float


def similar_papers(paper: Paper, *, limit: int = 6) -> list[Paper]:
    """The papers closest in meaning, the closest first, as cards need them; without itself and other records of it.

    Neither hidden nor withdrawn ones. Empty where the paper has no vector yet. Which ones is kept for half an hour, if
    there are any; so one query mostly, else three and a transaction.
    """
    model = current_model()
    if model is None:
        return []
    key = f"similar:{hashlib.sha256(model.name.encode()).hexdigest()[:16]}:{paper.pk}"
    ids: list[int] = cache.get(key) or []
    if not ids and (ids := [each.paper_id for each in nearest_papers([paper.pk], limit=limit + _SPARE)]):
        cache.set(key, ids, _KEPT_SECONDS)
    papers = Paper.objects.visible().filter(withdrawn_at=None).for_cards().in_bulk(ids) if ids else {}
    own = title_key(paper.title)
    in_order = (papers[paper_id] for paper_id in ids if paper_id in papers)
    return [other for other in in_order if title_key(other.title) != own][:limit]


def nearest_papers(paper_ids: Collection[int], *, limit: int, exclude_ids: Collection[int] = ()) -> list[PaperDistance]:
    """The papers closest to the middle of these examples: none of them or of `exclude_ids`, none hidden or withdrawn.

    Examples without a vector don't count; empty where none has one. At most three queries.
    """
    model = current_model()
    if model is None or not paper_ids:
        return []
    middle = mean_vector(paper_ids, model.name)
    if middle is None:
        return []
    return nearest_to_vector(model, middle, limit=limit, exclude_ids={*paper_ids, *exclude_ids})


def mean_vector(paper_ids: Collection[int], model: str) -> tuple[float, ...] | None:
    """The middle of these papers' vectors, of length 1; None where none has one, or they cancel out. One query."""
    rows = PaperVector.objects.filter(model=model, paper__in=list(paper_ids)).values_list("vector", flat=True)
    try:
        return tuple(unit_vector([sum(values) for values in zip(*map(_numbers, rows), strict=True)]))
    except EmbeddingError:
        return None


def _numbers(vector: Any) -> Sequence[float]:
    numbers: Sequence[float] = vector.to_list() if hasattr(vector, "to_list") else vector
    return numbers


def nearest_to_vector(
    model: CurrentModel, vector: Sequence[float], *, limit: int, exclude_ids: Collection[int] = ()
) -> list[PaperDistance]:
    """The papers closest to a vector of `model`, the closest first, by its index."""
    query = sql.SQL(
        "SELECT nearest.paper_id, nearest.distance FROM ("
        " SELECT paper_id, {distance} AS distance FROM papers_papervector WHERE model = {model}"
        " ORDER BY {distance} LIMIT {looked_at}) nearest"
        " JOIN papers_paper paper ON paper.id = nearest.paper_id"
        " WHERE paper.hidden_at IS NULL AND paper.withdrawn_at IS NULL AND paper.id <> ALL(%s)"
        " ORDER BY nearest.distance LIMIT %s"
    ).format(
        distance=cosine_distance(vector),
        model=sql.Literal(model.name),
        looked_at=sql.Literal(max(_LOOKED_AT, min(2 * limit, limit + _LOOKED_AT)) + len(exclude_ids)),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # Until as many are found as are asked for, past what was deleted or written again since the index was built.
        cursor.execute(
            "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', %s, true)",
            [str(max(_EF_SEARCH, limit))],
        )
        cursor.execute(query, [list(exclude_ids), limit])
        return [PaperDistance(*row) for row in cursor.fetchall()]


def title_key(title: str) -> str:
    """A title to compare, whatever its case and spaces: two records of one paper have the same."""
    return " ".join(title.casefold().split())
