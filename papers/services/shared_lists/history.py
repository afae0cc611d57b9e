"""What became of a shared list: who added and removed which paper, and taking that back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from papers.models import SharedList, SharedListChange, User
from papers.services.shared_lists.entries import remove_papers, restore_removed
from papers.services.shared_lists.rights import rights_on
from papers.services.shared_lists.settings import ListError

CHANGES_SHOWN = 100


def recent_changes(shared_list: SharedList, *, before: int | None = None) -> list[SharedListChange]:
    """The newest changes of papers that readers see, older than the one with the key `before`; and one more if there
    are more. One query.
    """
    found = shared_list.changes.filter(paper__hidden_at=None).select_related("paper", "by").order_by("-pk")
    heavy = ("paper__search_vector", "paper__abstract", "paper__abstract_raw", "paper__title_raw")
    found = found if before is None else found.filter(pk__lt=before)
    return list(found.defer(*heavy)[: CHANGES_SHOWN + 1])


def undo_changes(keys: Sequence[int], *, by: User, now: datetime) -> None:
    """Take back that papers came to lists or left them, where `by` may still edit these. Idempotent.

    Raises:
        ListError: a change is forgotten by now, `by` may not edit the list, or it is full.
    """
    with transaction.atomic():
        changes = list(
            SharedListChange.objects.filter(pk__in=keys)
            .select_related("shared_list__owner")
            .order_by("shared_list", "pk")
        )
        if len(changes) < len(set(keys)):
            raise ListError("This can no longer be undone.")
        for change in changes:
            if not rights_on(change.shared_list, by).edits:
                raise ListError("You can no longer change this list.")
            if change.kind == SharedListChange.Kind.REMOVED:
                restore_removed(change, by=by, now=now)
            else:
                remove_papers(change.shared_list, paper_ids=[change.paper_id], by=by, now=now)
