"""What curators and the log do: each action by name, in the words of the public log. No queries."""

from __future__ import annotations

from django.db.models import TextChoices

from papers.models import CurationEvent


class CurationAction(TextChoices):
    """As `CurationEvent.action` has it, and what was done; the paper's title stands behind it."""

    SUBMISSION_ACCEPTED = "submission-accepted", "accepted the submission"
    SUBMISSION_REJECTED = "submission-rejected", "did not take the submission"
    CANDIDATE_LISTED = "candidate-listed", "put on the page"
    CANDIDATE_LEFT_OUT = "candidate-left-out", "left out"
    COMMENT_KEPT = "comment-kept", "let a reported comment stand on"
    COMMENT_REMOVED = "comment-removed", "removed a comment on"
    RECORD_DISMISSED = "record-dismissed", "dismissed a record that could not be read"
    RECORD_READ = "record-read", "had a record read that could not be read before:"
    MERGE = "merge", "merged a second record into"
    TOLD_APART = "told-apart", "told apart from one like it"
    EDIT = "edit", "edited"
    NOTE = "note", "wrote the note of the day"
    PLAN = "plan", "planned"
    UNPLAN = "unplan", "took off what is planned"
    SCHEDULE = "schedule", "set when the day is published"
    TOPIC_TAGGED = "topic-tagged", "put into a topic"
    TOPIC_UNTAGGED = "topic-untagged", "took out of a topic"
    TOPIC_PROMOTED = "topic-promoted", "made a reader’s saved search a topic for all"
    TOPIC_DECLINED = "topic-declined", "left a saved search to its reader"
    PIN = "pin", "pinned"
    UNPIN = "unpin", "unpinned"
    ORDER = "order", "ordered what is pinned"
    TAKE_OFF = "take-off", "took off the day"
    PUT_BACK = "put-back", "put back on the day"
    LIST = "list", "put on the day"
    MOVE = "move", "moved to another day"
    HIDE = "hide", "hid"
    SHOW = "show", "showed again"
    UNDO = "undo", "undid"
    AUTHOR_MERGED = "author-merged", "took two names for one author"
    AUTHOR_SPLIT = "author-split", "told two authors of one name apart"
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
