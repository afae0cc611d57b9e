"""What a page says of suggestions: why each is there, which is looked up while the page is made, so that it is true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from papers.models import Paper, Recommendation, RecommendationState, Tag, User
from papers.services.embeddings.model_switch import current_model
from papers.services.lists.rows import CardNote, RecommendationReason
from papers.services.lists.viewer_state import ViewerState, read_viewer_state

USEFUL_LIKES = 3
"""Papers that a reader should like before the list is worth much."""


@dataclass(frozen=True, slots=True)
class RecommendationStatus:
    """How far the suggestions to a reader are."""

    liked_count: int = 0
    computed_at: datetime | None = None
    is_waiting: bool = False
    """The reader did something that is not taken up yet."""
    has_model: bool = True

    @property
    def is_new(self) -> bool:
        """Nothing is known of the reader."""
        return not self.liked_count and not self.is_waiting

    @property
    def has_few_likes(self) -> bool:
        return 0 < self.liked_count < USEFUL_LIKES


def recommendation_status(user: User) -> RecommendationStatus:
    """One query, and one more where the current model is not kept."""
    row = RecommendationState.objects.filter(user=user).first()
    has_model = current_model() is not None
    if row is None:
        return RecommendationStatus(has_model=has_model)
    return RecommendationStatus(row.liked_count, row.computed_at, row.stale_at is not None, has_model)


_SHOWN = """
    INSERT INTO papers_shownrecommendation (user_id, paper_id, shown_at)
    SELECT %(user)s, id, %(now)s FROM unnest(%(papers)s::bigint[]) AS id ON CONFLICT DO NOTHING
"""


def record_shown(*, user: User, paper_ids: Collection[int], now: datetime) -> None:
    """Note that these papers were suggested to a reader; what was noted earlier stays. Idempotent; one statement."""
    if paper_ids:
        with connection.cursor() as cursor:
            cursor.execute(_SHOWN, {"user": user.pk, "papers": sorted(paper_ids), "now": now})


def recommendation_reasons(*, user: User, tag: Tag | None, paper_ids: Collection[int]) -> dict[int, CardNote]:
    """By suggested paper: the liked one that it is there for, and how the reader shows to like it. Three queries."""
    rows = Recommendation.objects.filter(user=user, tag=tag, paper__in=paper_ids)
    rows = rows.select_related("paper").only("because_of_id", "shared", "paper__public_id")
    because = {row.paper_id: row for row in rows}
    liked = Paper.objects.visible().only("public_id", "title").in_bulk({row.because_of_id for row in because.values()})
    marks = read_viewer_state(user, list(liked))
    reasons = {}
    for paper_id, row in because.items():
        example = liked.get(row.because_of_id)
        did, tagged = _did(example.pk, marks, tag) if example and marks else ("", "")
        reasons[paper_id] = RecommendationReason(
            paper_id=paper_id,
            address=row.paper.get_absolute_url(),
            example=example,
            did=did,
            tag=tagged,
            shared=tuple(row.shared),
        )
    return {paper_id: CardNote(reason=reason) for paper_id, reason in reasons.items()}


def _did(paper_id: int, marks: ViewerState, tag: Tag | None) -> tuple[str, str]:
    """What the reader did with a liked paper, as far as that still holds; and the tag, if it was tagging."""
    tags, state = marks.tags.get(paper_id, []), marks.library_states.get(paper_id, "")
    if tag is not None:
        tags, state = [name for name in tags if name == tag.name], ""
    if tags:
        return "tagged", tags[0]
    if state in ("to_read", "reading"):
        return "saved", ""
    if state == "read":
        return "read", ""
    return ("voted for" if paper_id in marks.voted and tag is None else ""), ""
