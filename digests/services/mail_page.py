"""A mail as a page: which papers it brought, and which it only counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Q

from digests.daily_papers import daily_papers_in, window_of
from digests.models import Delivery, MergedPaper
from digests.models.delivery import OFFERED_STATES
from digests.services.mail_keys import find_by_key
from papers.models import Paper, PaperVersion
from papers.services.lists.rows import PER_PAGE, ListRow, read_list_rows


def find_delivery(key: str) -> Delivery | None:
    """The mail with this key, once it has been chosen; not one to a suspended reader.

    One query, two more for a key that was given out anew since.
    """
    found = Delivery.objects.filter(state__in=OFFERED_STATES).select_related("schedule__subscriber")
    found = found.filter(Q(subscriber__user=None) | Q(subscriber__user__is_active=True))
    return find_by_key(found.defer("content_spec"), key)


def paper_rows(ids: Sequence[int]) -> list[ListRow]:
    """Visible papers in the order of `ids`, merged ones as what they are now. Two queries."""
    now = list(dict.fromkeys(MergedPaper.objects.current_ids(ids).values()))
    rows = read_list_rows(Paper.objects.visible().filter(pk__in=now), ("pk",), per_page=len(now))
    by_id = {row.paper_id: row for row in rows}
    return [replace(by_id[pk], position=(place,)) for place, pk in enumerate(now) if pk in by_id]


def more_papers_page(mail: Delivery, *, offset: int) -> tuple[list[ListRow], int | None]:
    """A page of the papers behind "and 23 more" from the one at `offset` on; and the place of the next page."""
    ids = mail.more_ids or _rest_of_edition(mail)
    page = ids[offset : offset + PER_PAGE]
    return paper_rows(page), offset + PER_PAGE if len(ids) > offset + PER_PAGE else None


def below_page(mail: Delivery, *, offset: int) -> tuple[list[ListRow], int | None]:
    """A page of the papers that were below the line of the mail's reader, in order; and the place of the next page."""
    page = mail.below_ids[offset : offset + PER_PAGE]
    return paper_rows(page), offset + PER_PAGE if len(mail.below_ids) > offset + PER_PAGE else None


def more_papers_count(mail: Delivery) -> int:
    """How many papers `more_papers_page` has. At most one query."""
    return len(mail.more_ids or _rest_of_edition(mail))


def _rest_of_edition(mail: Delivery) -> list[int]:
    """What the daily papers had in the time of the mail, without what it brought. One query."""
    if not mail.edition_count:
        return []
    window = window_of(mail)
    brought = set(mail.paper_ids)
    return [pk for pk in daily_papers_in([window])[window] if pk not in brought]


def told_versions(ids: Sequence[int]) -> list[PaperVersion]:
    """The new versions that a mail named. One query, none for none."""
    if not ids:
        return []
    found = PaperVersion.objects.filter(pk__in=ids, paper__hidden_at=None).select_related("paper").in_bulk()
    return [found[pk] for pk in ids if pk in found]
