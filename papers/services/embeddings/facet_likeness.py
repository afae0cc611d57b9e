"""Papers like one in its subject, its method or its results: the nearest, ordered by the words of those sentences.

No model is asked: the order needs the vectors that are stored and the texts of the papers that are near.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.core.cache import cache

from papers.models import Paper
from papers.query.nodes import LikeTerm
from papers.ranking.likeness import LikenessText, matching_sentence, rank_by_facet
from papers.services.embeddings.model_switch import current_model
from papers.services.embeddings.nearest import PaperDistance, nearest_papers, similar_papers, title_key
from papers.text.abstract_roles import LikenessFacet

CANDIDATES = 100
"""How many of the nearest are looked at for a facet."""
_SPARE = 4
_KEPT_SECONDS = 60 * 30
_QUOTED = 300
_A_LITTLE = 1e-6
"""Between the distances of two papers whose order is to last."""


@dataclass(frozen=True, slots=True)
class SimilarPaper:
    """A paper that is like another one."""

    paper: Paper
    sentence: str = ""
    """What it says of the facet that was asked for, as far as one sentence does."""


@dataclass(frozen=True, slots=True)
class LikenessAnswer:
    """The papers like one, and in what."""

    items: list[SimilarPaper]
    facet: LikenessFacet | None = None
    """None: on the whole."""
    note: str = ""
    """Why they are not what was asked for, in a sentence for the reader."""


def similar_in(paper: Paper, facet: LikenessFacet | None, *, limit: int = 6) -> LikenessAnswer:
    """The papers like `paper` in a facet, the most first; on the whole where that is asked, or the facet is not known.

    As `similar_papers`: neither hidden nor withdrawn ones, which ones is kept for half an hour. One query where it is,
    else four and a transaction.
    """
    if facet is None:
        return LikenessAnswer([SimilarPaper(other) for other in similar_papers(paper, limit=limit)])
    own = LikenessText(paper.title, paper.abstract, paper.sentence_roles)
    if not own.sentences(facet):
        return replace(similar_in(paper, None, limit=limit), note=unknown_facet_note(paper, facet))
    model = current_model()
    if model is None:
        return LikenessAnswer([], facet)
    # The paper's texts are in the key: a new version tells of something else.
    parts = (model.name, facet, paper.pk, own.told_of(facet))
    key = f"similar-in:{hashlib.sha256(repr(parts).encode(errors='replace')).hexdigest()}"
    ids: list[int] = cache.get(key) or []
    if not ids:
        ids = order_by_facets([(own, facet)], nearest_papers([paper.pk], limit=CANDIDATES))[: limit + _SPARE]
        if ids:
            cache.set(key, ids, _KEPT_SECONDS)
    found = Paper.objects.visible().filter(withdrawn_at=None).for_cards().in_bulk(ids) if ids else {}
    others = [found[pk] for pk in ids if pk in found and title_key(found[pk].title) != title_key(paper.title)]
    return LikenessAnswer([_with_sentence(own, other, facet) for other in others[:limit]], facet)


def unknown_facet_note(paper: Paper, facet: LikenessFacet) -> str:
    """Why a paper cannot be compared by a facet, in a sentence for the reader."""
    if paper.abstract and paper.sentence_roles is None:
        return f"Which sentences tell of the {facet} is not known yet, so these are similar overall."
    return f"No sentence of the abstract seems to tell of the {facet}, so these are similar overall."


def order_by_facets(asked: Sequence[tuple[LikenessText, LikenessFacet]], near: Sequence[PaperDistance]) -> list[int]:
    """Papers that are near anyway, by how like they are in the facets asked for. One query."""
    if not asked or not near:
        return [found.paper_id for found in near]
    texts = _texts_of([found.paper_id for found in near])
    candidates = {
        found.paper_id: (1 - found.distance, texts[found.paper_id]) for found in near if found.paper_id in texts
    }
    return rank_by_facet(asked, candidates)


def reordered(near: Sequence[PaperDistance], examples: Sequence[LikeTerm]) -> list[PaperDistance]:
    """What is nearest to some examples, ordered by the facets in which it is to be like them; the first of a new order
    gets the distance of the first before. Two queries where one of them has a facet that is known, else one or none."""
    facets = {example.public_id: example.facet for example in examples if example.facet is not None}
    if not facets or not near:
        return list(near)
    rows = (
        Paper.objects.visible()
        .filter(public_id__in=facets)
        .values_list("public_id", "title", "abstract", "sentence_roles")
    )
    texts = [(LikenessText(title, abstract, roles), facets[name]) for name, title, abstract, roles in rows]
    known = [(text, facet) for text, facet in texts if text.sentences(facet)]
    if not known:
        return list(near)
    order = order_by_facets(known, near)
    return [
        PaperDistance(pk, found.distance + place * _A_LITTLE)
        for place, (pk, found) in enumerate(zip(order, near, strict=False))
    ]


def _texts_of(paper_ids: Collection[int]) -> dict[int, LikenessText]:
    rows = Paper.objects.filter(pk__in=paper_ids).values_list("pk", "title", "abstract", "sentence_roles")
    return {pk: LikenessText(title, abstract, roles) for pk, title, abstract, roles in rows}


def _with_sentence(own: LikenessText, other: Paper, facet: LikenessFacet) -> SimilarPaper:
    text = LikenessText(other.title, other.abstract, other.sentence_roles)
    sentence = " ".join(matching_sentence(own, text, facet).split())
    return SimilarPaper(other, sentence if len(sentence) <= _QUOTED else f"{sentence[:_QUOTED].rsplit(' ', 1)[0]} …")
