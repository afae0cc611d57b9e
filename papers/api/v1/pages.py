"""Pages of lists: rows behind an opaque cursor, the papers on them, and what is the reader's own of these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from papers.api.v1.base import viewer_with_scope
from papers.api.v1.paper_schema import OwnMarks, PaperRecord, paper_record
from papers.models import Paper
from papers.services.lists.rows import ListRow, read_list_rows
from papers.services.lists.viewer_state import ViewerState, read_viewer_state
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.problems import ProblemError

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=tuple[Any, ...])


def position_of(cursor: str, kind: type[P]) -> P | None:
    """Where the page before ended; None for the first page.

    Raises:
        ProblemError: 400, this list never gave such a cursor.
    """
    if not cursor:
        return None
    found = decode_cursor(cursor, kind)
    if found is None:
        raise ProblemError(400, "This is not a cursor of this list.")
    return found


def cut_page(
    found: QuerySet[M], position: Callable[[M], tuple[bool | int | float | datetime, ...]], *, limit: int
) -> tuple[list[M], str | None]:
    """The first rows of what is left of a list, and the cursor of the following page; None on the last. One query."""
    rows = list(found[: limit + 1])
    shown = rows[:limit]
    return shown, encode_cursor(position(shown[-1])) if len(rows) > limit else None


def paper_page(
    request: HttpRequest,
    kind: type[P],
    list_after: Callable[[P | None], QuerySet[Any]],
    *,
    cursor: str,
    limit: int,
) -> dict[str, Any]:
    """A page of a list that is sorted by `kind`. Three queries, whatever its length; two for visitors."""
    rows = read_list_rows(list_after(position_of(cursor, kind)), kind._fields, per_page=limit)  # type: ignore[attr-defined]  # a named tuple
    shown = rows[:limit]
    following = encode_cursor(shown[-1].position, kind) if len(rows) > limit else None
    return {"items": records_of_rows(request, shown), "next": following}


def records_of_rows(request: HttpRequest, rows: Iterable[ListRow]) -> list[PaperRecord]:
    """The papers of these rows, in their order. Two queries; one for visitors."""
    ids = [row.paper_id for row in rows]
    papers = Paper.objects.for_cards().in_bulk(ids)
    return records_of(request, [papers[pk] for pk in ids if pk in papers])


def records_of(request: HttpRequest, papers: Collection[Paper]) -> list[PaperRecord]:
    """Papers with what is the reader's own of each. One query; none for visitors."""
    viewer = viewer_with_scope(request)
    state = read_viewer_state(viewer, [paper.pk for paper in papers]) if viewer is not None else None
    return [paper_record(paper, marks=marks_of(state, paper.pk)) for paper in papers]


def marks_of(state: ViewerState | None, paper_id: int) -> OwnMarks | None:
    """What a reader has done with one paper, of those that `state` was read for."""
    if state is None:
        return None
    return OwnMarks(
        voted=paper_id in state.voted,
        seen=paper_id in state.seen,
        library=state.library_states.get(paper_id),  # type: ignore[arg-type]  # the database holds to its values
        tags=state.tags.get(paper_id, []),
    )
