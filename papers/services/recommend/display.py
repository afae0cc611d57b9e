"""What a page says of recommendations: why each is there, looked up while the page is made, so that it is true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from papers.models import Paper, Recommendation, RecommendationState, Tag, User
from papers.services.embeddings.model_switch import current_model
from papers.services.lists.viewer_state import ViewerState, read_viewer_state

USEFUL_LIKES = 3
"""Papers that a reader should like before the list is worth much."""


@dataclass(frozen=True, slots=True)
class RecommendationStatus:
    """How far the recommendations to a reader are."""

    liked_count: int = 0
    computed_at: datetime | None = None
    is_waiting: bool = False
    """The reader did something that the list does not reflect yet."""
    has_model: bool = True

    @property
    def is_new(self) -> bool:
        """Nothing is known of the reader."""
        return not self.liked_count and not self.is_waiting

    @property
    def has_few_likes(self) -> bool:
        return 0 < self.liked_count < USEFUL_LIKES


def recommendation_status(user: User) -> RecommendationStatus:
    """How far the recommendations to a reader are. One query, and one more where the current model is not cached."""
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
    """Record that these papers were suggested to a reader at `now`; an earlier time stays. Idempotent; one query."""
    if paper_ids:
        with connection.cursor() as cursor:
            cursor.execute(_SHOWN, {"user": user.pk, "papers": sorted(paper_ids), "now": now})


@dataclass(frozen=True, slots=True)
class RecommendationReason:
    """Why a paper is suggested, as far as it still holds."""

    paper: Paper
    """With its public id only."""
    example: Paper | None
    """The liked paper that speaks for it most, with its public id and title; None where that is gone."""
    action: str
    """What the reader did with the example, in words that go between "you" and its title; empty where it is undone."""
    tag: str
    """The tag, where the reader tagged it."""
    shared_terms: list[str]
    """What both papers speak of."""


def recommendation_reasons(
    *, user: User, tag: Tag | None, paper_ids: Collection[int]
) -> dict[int, RecommendationReason]:
    """By suggested paper: the liked one that it is there for, and how the reader shows to like it. Three queries."""
    rows = Recommendation.objects.filter(user=user, tag=tag, paper__in=paper_ids)
    rows = rows.select_related("paper").only("because_of_id", "shared", "paper__public_id")
    because = {row.paper_id: row for row in rows}
    liked = Paper.objects.visible().only("public_id", "title").in_bulk({row.because_of_id for row in because.values()})
    viewer_state = read_viewer_state(user, list(liked))
    found = {}
    for paper_id, row in because.items():
        example = liked.get(row.because_of_id)
        action, tagged = _action_on(example.pk, viewer_state, tag) if example and viewer_state else ("", "")
        found[paper_id] = RecommendationReason(row.paper, example, action, tagged, row.shared)
    return found


def _action_on(paper_id: int, viewer_state: ViewerState, tag: Tag | None) -> tuple[str, str]:
    """What the reader did with a liked paper, as far as that still holds; and the tag, if it was tagging."""
    tags, state = viewer_state.tags.get(paper_id, []), viewer_state.library_states.get(paper_id, "")
    if tag is not None:
        tags, state = [name for name in tags if name == tag.name], ""
    if tags:
        return "tagged", tags[0]
    if state in ("to_read", "reading"):
        return "saved", ""
    if state == "read":
        return "read", ""
    return ("voted for", "") if paper_id in viewer_state.voted and tag is None else ("", "")
