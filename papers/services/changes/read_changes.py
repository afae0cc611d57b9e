"""The changes behind a position, each with the paper as it is now, or that it is gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from papers.models import ChangedPaper, Identifier, Listing, Paper
from papers.services.changes.paper_rows import COLUMNS, paper_row

MAX_CHANGES = 500
_COUNTS = ("hidden_at", "listed_at", "vote_count", "comment_count")


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in the order of their positions."""

    changes: list[dict[str, Any]]
    position: int
    """How far this page goes."""
    has_more: bool


def read_changes(*, after: int, limit: int) -> ChangePage:
    """At most `limit` changes behind the position `after`. Four queries, whatever there is.

    A paper is as it was when its position was looked up, or newer; of what is newer comes a further change.
    """
    rows = list(ChangedPaper.objects.filter(position__gt=after).order_by("position")[: limit + 1])
    shown = rows[:limit]
    papers = _papers([row.paper_id for row in shown])
    return ChangePage(
        changes=[_change(row, papers.get(row.paper_id)) for row in shown],
        position=shown[-1].position if shown else after,
        has_more=len(rows) > limit,
    )


def _change(row: ChangedPaper, paper: dict[str, Any] | None) -> dict[str, Any]:
    about = {
        "key": row.paper_id,
        "id": row.public_id,
        "changed_at": row.changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    if paper is None:
        return {"type": "gone", **about}
    return {"type": "paper", **about, "id": paper.pop("id"), "paper": paper}


def _papers(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """By key, the papers that readers may see. Three queries."""
    papers = list(Paper.objects.visible().filter(pk__in=ids).only(*COLUMNS, *_COUNTS))
    names = identifiers_of([paper.pk for paper in papers])
    days: dict[int, list[dict[str, Any]]] = {}
    listings = Listing.objects.filter(paper__in=[paper.pk for paper in papers], hidden_at=None).order_by("day")
    for paper_id, day, by, kind in listings.values_list("paper_id", "day", "by", "kind"):
        days.setdefault(paper_id, []).append({"day": day.isoformat(), "by": by, "kind": kind})
    return {
        paper.pk: {
            "id": paper.public_id,
            **paper_row(paper, names.get(paper.pk, {})),
            "votes": paper.vote_count,
            "comments": paper.comment_count,
            "listings": days.get(paper.pk, []),
        }
        for paper in papers
    }


def identifiers_of(ids: Collection[int]) -> dict[int, dict[str, str]]:
    """By paper, one value of each scheme, the first by its text. One query."""
    found: dict[int, dict[str, str]] = {}
    rows = Identifier.objects.filter(paper__in=ids).order_by("paper_id", "scheme", "value")
    for paper_id, scheme, value in rows.values_list("paper_id", "scheme", "value"):
        found.setdefault(paper_id, {}).setdefault(scheme, value)
    return found
