"""Why a paper is suggested, as the note under its card says it."""

from __future__ import annotations

from collections.abc import Mapping

from django.template.loader import get_template

from papers.services.recommend.display import RecommendationReason
from papers.web.cards import CardNote


def render_reasons(reasons: Mapping[int, RecommendationReason]) -> dict[int, CardNote]:
    """The notes by suggested paper. No queries."""
    template = get_template("papers/_reason.html")
    notes = {}
    for paper_id, reason in reasons.items():
        context = {
            "example": reason.example,
            "did": reason.action,
            "tagged": reason.tag,
            "shared": reason.shared_terms,
            "address": reason.paper.get_absolute_url(),
            "key": paper_id,
        }
        notes[paper_id] = CardNote(html=template.render(context))
    return notes
