"""What curators and the log do: each action by name, in the words of the public log. No queries."""

from __future__ import annotations

from django.db.models import TextChoices

from papers.models import CurationEvent


class CurationAction(TextChoices):
    """As `CurationEvent.action` has it, and what was done; the paper's title stands behind it."""

    SUBMISSION_ACCEPTED = "submission-accepted", "accepted the submission"
    SUBMISSION_REJECTED = "submission-rejected", "declined the submission"
    CANDIDATE_LISTED = "candidate-listed", "listed the candidate"
    CANDIDATE_LEFT_OUT = "candidate-left-out", "dismissed the candidate"
    COMMENT_KEPT = "comment-kept", "kept a reported comment on"
    COMMENT_REMOVED = "comment-removed", "removed a comment on"
    RECORD_DISMISSED = "record-dismissed", "dismissed an unreadable record"
    RECORD_READ = "record-read", "imported a previously unreadable record of"
    MERGE = "merge", "merged a duplicate into"
    TOLD_APART = "told-apart", "ruled out a duplicate of"
    EDIT = "edit", "edited"
    NOTE = "note", "wrote the note for the day"
    PLAN = "plan", "planned"
    UNPLAN = "unplan", "cancelled the planned listing of"
    SCHEDULE = "schedule", "set the publication time of the day"
    TOPIC_TAGGED = "topic-tagged", "assigned a topic to"
    TOPIC_UNTAGGED = "topic-untagged", "removed a topic from"
    TOPIC_PROMOTED = "topic-promoted", "made a saved search a topic"
    TOPIC_DECLINED = "topic-declined", "kept a saved search private"
    PIN = "pin", "pinned"
    UNPIN = "unpin", "unpinned"
    ORDER = "order", "reordered the pinned papers"
    TAKE_OFF = "take-off", "delisted"
    PUT_BACK = "put-back", "relisted"
    LIST = "list", "listed"
    MOVE = "move", "moved to another day"
    HIDE = "hide", "hid"
    SHOW = "show", "showed again"
    UNDO = "undo", "undid"
    AUTHOR_MERGED = "author-merged", "merged two author names"
    AUTHOR_SPLIT = "author-split", "split an author name"
    AUTHOR_ORCID = "author-orcid", "set an author’s ORCID"


MESSAGES: dict[str, str] = dict(CurationAction.choices)
"""What was done, by the name of the action."""
PRIVATE_ACTIONS = frozenset({CurationAction.COMMENT_KEPT, CurationAction.TOPIC_DECLINED})
"""That somebody reported a comment, or offered a search in vain, is between them and the curators."""


def describe(event: CurationEvent) -> str:
    """What was done, without who and to which paper; an undo says what was undone."""
    if event.action == CurationAction.UNDO and event.undoes is not None:
        return f"undid: {MESSAGES.get(event.undoes.action, event.undoes.action)}"
    return MESSAGES.get(event.action, event.action.replace("-", " "))
