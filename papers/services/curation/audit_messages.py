"""What the public log says of each act, and what it keeps to curators. No queries."""

from __future__ import annotations

from papers.models import CurationEvent

# What was done, with the paper's title behind it.
MESSAGES: dict[str, str] = {
    "submission-accepted": "accepted the submission",
    "submission-rejected": "did not take the submission",
    "candidate-listed": "put on the page",
    "candidate-left-out": "left out",
    "comment-kept": "let a reported comment stand on",
    "comment-removed": "removed a comment on",
    "record-dismissed": "dismissed a record that could not be read",
    "record-read": "had a record read that could not be read before:",
    "merge": "merged a second record into",
    "told-apart": "told apart from one like it",
    "edit": "edited",
    "note": "wrote the note of the day",
    "plan": "planned",
    "unplan": "took off what is planned",
    "schedule": "set when the day is published",
    "topic-tagged": "put into a topic",
    "topic-untagged": "took out of a topic",
    "topic-promoted": "made a reader’s saved search a topic for all",
    "topic-declined": "left a saved search to its reader",
    "pin": "pinned",
    "unpin": "unpinned",
    "order": "ordered what is pinned",
    "take-off": "took off the day",
    "put-back": "put back on the day",
    "list": "put on the day",
    "move": "moved to another day",
    "hide": "hid",
    "show": "showed again",
    "undo": "undid",
    "author-merged": "took two names for one author",
    "author-split": "told two authors of one name apart",
    "author-orcid": "set an author’s ORCID",
}
# That somebody reported a comment, or offered a search in vain, is between them and the curators.
PRIVATE_ACTIONS = frozenset({"comment-kept", "topic-declined"})


def describe(event: CurationEvent) -> str:
    """What was done, without who and to which paper; an undo says what was undone."""
    if event.action == "undo" and event.undoes is not None:
        return f"undid: {MESSAGES.get(event.undoes.action, event.undoes.action)}"
    return MESSAGES.get(event.action, event.action.replace("-", " "))
