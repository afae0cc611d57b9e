"""What is the viewer's own on a list of papers: votes, library, tags, what was seen; and, for members, who voted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from papers.models import CardLead, User
from papers.models.arrays import array_of
from papers.services.reading.seen import DONE_WITH_LIST

MAX_NAMED_VOTERS = 2

# One statement for all of it, of the parts that are asked for: each takes its time to be planned. Each enters an index
# by the reader and the papers of the page, or by one paper. What was seen comes as one row, as a list has thousands.
_VIEWER_STATE = """
    SELECT 'voted', paper_id, '' FROM papers_vote WHERE user_id = %(user)s AND paper_id = ANY(%(papers)s::bigint[])
    UNION ALL
    SELECT 'library', paper_id, state FROM papers_libraryitem
        WHERE user_id = %(user)s AND paper_id = ANY(%(papers)s::bigint[])
    UNION ALL
    SELECT CASE WHEN bool_or(done_on = %(done_with_list)s) THEN 'seen-done' ELSE 'seen' END,
            (array_agg(paper_id ORDER BY seen_at DESC) FILTER (WHERE done_on IS NULL))[1],
            coalesce(string_agg(paper_id::text, ','), '')
        FROM papers_seenpaper WHERE user_id = %(user)s AND paper_id = ANY(%(list)s::bigint[])
    UNION ALL
    (SELECT 'tag', tagged.paper_id, tag.name
        FROM papers_tag tag JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
        WHERE tag.user_id = %(user)s AND tagged.paper_id = ANY(%(papers)s::bigint[]) ORDER BY lower(tag.name))
    UNION ALL
    SELECT 'mute', id, query FROM papers_mutedquery WHERE user_id = %(user)s
"""
_VOTERS = """
    UNION ALL
    SELECT 'voter', voted.id, voter.username
        FROM unnest(%(voters_of)s::bigint[]) AS voted(id)
        CROSS JOIN LATERAL (
            SELECT person.username FROM papers_vote vote JOIN papers_user person ON person.id = vote.user_id
            WHERE vote.paper_id = voted.id AND NOT vote.is_unnamed AND person.is_active
            ORDER BY vote.created_at LIMIT %(names)s
        ) AS voter
"""
_DONE_DAYS = """
    UNION ALL
    SELECT 'done', 0, asked.day::text FROM unnest(%(days)s::date[]) AS asked(day)
        WHERE EXISTS (SELECT 1 FROM papers_seenpaper WHERE user_id = %(user)s AND done_on = asked.day)
"""


@dataclass(slots=True)
class ViewerState:
    """What a reader has done with the papers of a list, by their keys."""

    owner: str
    """The reader's username."""
    card_lead: str = CardLead.LINE
    """What the reader wants to see of an abstract."""
    voted: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    """Of the whole list, where that was asked for."""
    library_states: dict[int, str] = field(default_factory=dict)
    """The state of those in the library."""
    tags: dict[int, list[str]] = field(default_factory=dict)
    voters: dict[int, list[str]] = field(default_factory=dict)
    """The first two who voted and show their names."""
    muted: list[str] = field(default_factory=list)
    """The reader's muted queries."""
    last_seen: int | None = None
    """The paper of the list that the reader saw last, not counting those of a day that was marked as done."""
    is_done: bool = False
    """The reader marked the day that was asked about as done, or each of several; or the whole list, where it has no
    days, and nothing has come to it since."""


def read_viewer_state(
    viewer: User | AnonymousUser,
    paper_ids: Collection[int],
    *,
    voters_of: Collection[int] = (),
    days: Collection[date] = (),
    whole_list: Collection[int] = (),
) -> ViewerState | None:
    """The viewer's own of `paper_ids`, and the voters of those in `voters_of`; None for a visitor. One query.

    `whole_list` has all papers of a list of which `paper_ids` are one page: what was seen is told of each.
    """
    if not viewer.is_authenticated:
        return None
    state = ViewerState(viewer.username, card_lead=viewer.card_lead)
    asked: dict[str, Any] = {
        "user": viewer.pk,
        "papers": array_of(paper_ids),
        "list": array_of({*paper_ids, *whole_list}),
        "voters_of": array_of(voters_of),
        "names": MAX_NAMED_VOTERS,
        "days": list(days),
        "done_with_list": DONE_WITH_LIST,
    }
    statement = _VIEWER_STATE + (_VOTERS if voters_of else "") + (_DONE_DAYS if days else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows = cursor.fetchall()
    for kind, paper_id, word in rows:
        _note(state, kind, paper_id, word)
    if days:
        state.is_done = sum(kind == "done" for kind, _, _ in rows) == len(days)
    else:
        state.is_done = any(kind == "seen-done" for kind, _, _ in rows) and state.seen.issuperset(whole_list)
    return state


def _note(state: ViewerState, kind: str, paper_id: Any, word: str) -> None:
    match kind:
        case "voted":
            state.voted.add(paper_id)
        case "seen" | "seen-done":
            state.seen.update(map(int, word.split(",")) if word else ())
            state.last_seen = paper_id
        case "library":
            state.library_states[paper_id] = word
        case "tag":
            state.tags.setdefault(paper_id, []).append(word)
        case "voter":
            state.voters.setdefault(paper_id, []).append(word)
        case "mute":
            state.muted.append(word)
