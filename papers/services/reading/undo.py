"""Taking back what a reader did a moment ago: each act notes before what it will change, and undoing puts that back.

What was there before travels with the answer, signed and for this reader alone, so that nothing is stored and nothing
has to be cleaned up; `papers/web/answers.py` shows it as "Undo".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils import timezone

from papers.models import LibraryItem, Paper, User, Vote
from papers.services.authors.lookup import (
    AuthorMovedError,
    ContributorNotFoundError,
    find_author,
    find_organization,
    slug_of,
)
from papers.services.authors.profile import read_author_profile
from papers.services.clubs.meetings import ClubError
from papers.services.clubs.undo import undo_club_act
from papers.services.reading.bulk import Before, restore_papers
from papers.services.reading.follows import FollowError, follow, unfollow
from papers.services.reading.library import set_library_note, set_library_state
from papers.services.reading.seen import is_seen, set_days_done, set_seen, unmark_list_done
from papers.services.reading.tags import set_tags, tag_names_of_paper
from papers.services.reading.votes import set_vote
from papers.services.recommend.feedback import feedback_on, read_profile, set_feedback, set_forgotten
from papers.services.shared_lists.history import undo_changes
from papers.services.shared_lists.settings import ListError

UNDO_SECONDS = 60 * 60
_SALT = "papers.undo"


class UndoError(Exception):
    """It can't be undone; the message says why, for the reader."""


def before_vote(user: User, paper_id: int) -> Before:
    """What a vote changes. Two queries."""
    unnamed = Vote.objects.filter(user=user, paper=paper_id).values_list("is_unnamed", flat=True).first()
    vote = {"on": unnamed is not None, "unnamed": unnamed}
    return {"paper": paper_id, "vote": vote, "seen": is_seen(user=user, paper_id=paper_id)}


def before_library(user: User, paper_id: int, *, with_tags: bool = False) -> Before:
    """What saving, putting aside and annotating change. Two queries, with tags three."""
    row = LibraryItem.objects.filter(user=user, paper=paper_id).values_list("state", "note", "added_at").first()
    entry = {"state": row[0], "note": row[1], "added": row[2].isoformat()} if row else {"state": ""}
    found: dict[str, Any] = {"paper": paper_id, "entry": entry, "seen": is_seen(user=user, paper_id=paper_id)}
    if with_tags:
        found["tags"] = tag_names_of_paper(user=user, paper_id=paper_id)
    return found


def before_feedback(user: User, paper_id: int) -> Before:
    """What "more like this" and "less like this" change. Two queries."""
    return {
        "paper": paper_id,
        "feedback": feedback_on(user=user, paper_id=paper_id),
        "seen": is_seen(user=user, paper_id=paper_id),
    }


def before_forgetting(user: User) -> Before:
    """What "forget what you know about me" changes. One query."""
    at = read_profile(user).forgotten_at
    return {"forgotten_at": at.isoformat() if at else ""}


def before_seen(user: User, paper_id: int) -> Before:
    """What marking a paper as seen changes. One query."""
    return {"paper": paper_id, "seen": is_seen(user=user, paper_id=paper_id)}


def before_done(first: date, last: date, *, on: bool) -> Before:
    """What being done with some days changes, or no longer being it."""
    return {"days": [first.isoformat(), last.isoformat()], "done": not on}


def before_list_done(at: datetime) -> Before:
    """What being done with a list at that time changes. No queries."""
    return {"list_done_at": at.isoformat()}


def before_follow(kind: str, key: str, *, on: bool) -> Before:
    """What following an author or organization changes, or no longer following."""
    return {"kind": kind, "key": key, "follows": not on}


def before_list(changes: Sequence[int]) -> Before:
    """What putting papers on a shared list, or taking them off, changes: as its history says. No queries."""
    return {"list_changes": list(changes)}


def sign_act(user: User, before: Before) -> str:
    """A signed token with which this reader can put back, for an hour, what was before."""
    return signing.dumps([user.pk, before], salt=_SALT, compress=True)


def undo(*, user: User, word: str) -> Before:
    """Put back what was before an act; returns what that was. Idempotent.

    Raises:
        UndoError: it is too late, the token is not this reader's, or what it was about is gone.
    """
    try:
        owner: int
        before: Before
        owner, before = signing.loads(word, salt=_SALT, max_age=UNDO_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise UndoError("This can no longer be undone.") from error
    if owner != user.pk:
        raise UndoError("This was done from another account.")
    if "list_changes" in before:
        _undo_list_changes(user, before["list_changes"])
    elif "club" in before:
        _restore_club(user, before)
    elif "paper" in before:
        _restore_paper(user, before)
    elif "papers" in before:
        restore_papers(user, before)
    elif "forgotten_at" in before:
        at = before["forgotten_at"]
        set_forgotten(user=user, at=datetime.fromisoformat(at) if at else None)
    elif "list_done_at" in before:
        unmark_list_done(user=user, at=datetime.fromisoformat(before["list_done_at"]))
    elif "days" in before:
        first, last = map(date.fromisoformat, before["days"])
        set_days_done(user=user, first=first, last=last, on=before["done"])
    else:
        _restore_follow(user, before)
    return before


def _restore_club(user: User, before: Before) -> None:
    try:
        undo_club_act(user=user, before=before, now=timezone.now())
    except ClubError as error:
        raise UndoError(str(error)) from error


def _restore_paper(user: User, before: Before) -> None:
    paper_id: int = before["paper"]
    with transaction.atomic():
        try:
            if "vote" in before:
                set_vote(user=user, paper_id=paper_id, on=before["vote"]["on"], is_unnamed=before["vote"]["unnamed"])
            if "feedback" in before:
                set_feedback(user=user, paper_id=paper_id, kind=before["feedback"], now=timezone.now())
        except Paper.DoesNotExist as error:
            raise UndoError("This paper is no longer here.") from error
        if "entry" in before:
            _restore_entry(user, paper_id, before["entry"])
        if "tags" in before:
            set_tags(user=user, paper_id=paper_id, names=before["tags"])
        set_seen(user=user, paper_id=paper_id, on=before["seen"])


def _restore_entry(user: User, paper_id: int, entry: dict[str, str]) -> None:
    set_library_state(user=user, paper_ids=[paper_id], state=entry["state"])
    if entry["state"]:
        set_library_note(user=user, paper_id=paper_id, note=entry["note"])
        LibraryItem.objects.filter(user=user, paper=paper_id).update(added_at=datetime.fromisoformat(entry["added"]))


def _undo_list_changes(user: User, keys: Sequence[int]) -> None:
    try:
        undo_changes(keys, by=user, now=timezone.now())
    except ListError as error:
        raise UndoError(str(error)) from error


def _restore_follow(user: User, before: Before) -> None:
    if not before["follows"]:
        unfollow(user=user, kind=before["kind"], key=before["key"])
        return
    find = find_author if before["kind"] == "author" else find_organization
    try:
        who = find(slug_of(before["key"]))
        follow(user=user, contributor=who, name=read_author_profile(who).name, now=timezone.now())
    except (AuthorMovedError, ContributorNotFoundError) as error:
        raise UndoError("This author no longer exists here.") from error
    except FollowError as error:
        raise UndoError(str(error)) from error
