"""Papers to like, and the recent ones among which others like them are found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from papers.models import Paper, Recommendation, Tag, User
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW

LATER = NOW + timedelta(minutes=2)
FLOW = "Flow matching for {}"
GRAPH = "Graph neural networks for {}"


def make_papers(kind: str, things: str, *, age: int = 1, **fields: object) -> list[Paper]:
    """A paper for each of the words."""
    at = NOW - timedelta(days=age)
    return [factories.paper(title=kind.format(thing), listed_at=at, **fields) for thing in things.split()]


def upvote_papers(by: User, kind: str = FLOW) -> list[Paper]:
    """Three older papers that a reader voted for."""
    papers = make_papers(kind, "molecules images audio", age=60)
    for paper in papers:
        set_vote(user=by, paper_id=paper.pk, on=True)
    return papers


def suggested_titles(to: User, tag: Tag | None = None, *, now: datetime = LATER) -> list[str]:
    rows = Recommendation.objects.current_for(to, now=now, tag=tag).select_related("paper")
    return [row.paper.title for row in rows]


def title_set(papers: Sequence[Paper]) -> set[str]:
    return {paper.title for paper in papers}


def make_recent_papers() -> list[Paper]:
    """Recent papers of all kinds, four of them on flow matching."""
    make_papers("A study of {}", "sleep bees rivers coins steel paint glass salt wool clay")
    make_papers(GRAPH, "traffic circuits law fraud")
    return make_papers(FLOW, "speech robots weather proteins")
