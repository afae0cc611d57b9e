"""Saving a paper by the link in a mail: into the library of the mail's reader, and of nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from digests.models import MergedPaper, Subscriber
from papers.models import Paper, ShelfItem, User
from papers.services.reading.library import on_shelf, set_state


@dataclass(frozen=True, slots=True)
class Saving:
    """What a link is for."""

    user: User
    paper: Paper
    is_saved: bool
    """It is on the reader's shelf."""


def saving_of(key: str, paper_id: int) -> Saving | None:
    """What a link with the key of a subscriber is for; None where there is no such reader with an account, or the
    paper is not to be seen. Merged papers are what they are now. Four queries.
    """
    reader = Subscriber.objects.confirmed().filter(key=key, user__is_active=True).select_related("user").first()
    if reader is None or reader.user is None:
        return None
    merged = MergedPaper.objects.filter(gone_id=paper_id).values_list("kept_id", flat=True).first()
    paper = Paper.objects.visible().for_cards().filter(pk=merged or paper_id).first()
    if paper is None:
        return None
    return Saving(reader.user, paper, bool(on_shelf(user=reader.user, paper_id=paper.pk).state))


def save(saving: Saving) -> None:
    """Put the paper on the shelf, to be read. What is there in another state stays so. Idempotent."""
    if not saving.is_saved:
        set_state(user=saving.user, paper_ids=[saving.paper.pk], state=ShelfItem.State.TO_READ)
