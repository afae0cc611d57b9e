"""All that is a reader's own of one paper, read and kept in one step: state, tags, note."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from papers.models import Paper, User
from papers.services.reading.library import read_library_entry, set_library_note, set_library_state
from papers.services.reading.tags import set_tags, tag_names_of_paper


def read_annotations(user: User, paper: Paper) -> dict[str, str]:
    """What stands in the form: state, tags separated by commas, note. Two queries."""
    own = read_library_entry(user=user, paper_id=paper.pk)
    return {"state": own.state, "tags": ", ".join(tag_names_of_paper(user=user, paper_id=paper.pk)), "note": own.note}


def save_annotations(*, user: User, paper_id: int, state: str, tags: Collection[str], note: str) -> None:
    """Keep what the form says. Idempotent. A note needs a place on the shelf: without a state it is to be read."""
    with transaction.atomic():
        set_library_state(user=user, paper_ids=[paper_id], state=state or ("to_read" if note else ""))
        set_library_note(user=user, paper_id=paper_id, note=note)
        set_tags(user=user, paper_id=paper_id, names=tags)
