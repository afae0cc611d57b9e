"""Saving a paper by the link in a mail: into the library of the mail's reader, and of nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from digests.models import MergedPaper, Subscriber
from digests.services.mail_keys import find_by_key
from papers.models import LibraryItem, Paper, User
from papers.services.reading.library import read_library_entry, set_library_state


@dataclass(frozen=True, slots=True)
class SaveLink:
    """What a link is for."""

    user: User
    paper: Paper
    is_saved: bool
    """The paper is in the reader's library."""


def find_save_link(key: str, paper_id: int) -> SaveLink | None:
    """What a link with the key of a subscriber is for; None where there is no such reader with an account, or the
    paper is not to be seen. Merged papers are what they are now. Four queries, two more for a key from before.
    """
    reader = find_by_key(Subscriber.objects.confirmed().filter(user__is_active=True).select_related("user"), key)
    if reader is None or reader.user is None:
        return None
    current = MergedPaper.objects.current_ids([paper_id])[paper_id]
    paper = Paper.objects.visible().for_cards().filter(pk=current).first()
    if paper is None:
        return None
    return SaveLink(reader.user, paper, bool(read_library_entry(user=reader.user, paper_id=paper.pk).state))


def save_paper(saving: SaveLink) -> None:
    """Put the paper into the library, to be read. What is there in another state stays so. Idempotent."""
    if not saving.is_saved:
        set_library_state(user=saving.user, paper_ids=[saving.paper.pk], state=LibraryItem.State.TO_READ)
