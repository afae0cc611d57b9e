"""A mail as a page: which papers it brought, and which it only counted.

Papers that came for nothing but shared lists are shown for as long as the mail's reader may read one of these lists, as
the lists' own pages are: what one knows from its inbox is not taken back, and the page tells nothing beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Q

from digests.models import Delivery, MergedPaper
from digests.models.delivery import OFFERED_STATES
from digests.selection.daily_papers import daily_papers_in, window_of
from digests.services.mail_keys import find_by_key
from papers.models import Paper, PaperVersion, SharedList
from papers.services.lists.rows import PER_PAGE, ListRow, read_list_rows


def find_delivery(key: str) -> Delivery | None:
    """The mail with this key, once it has been chosen; not one to a suspended reader.

    One query, two more for a key that was given out anew since.
    """
    found = Delivery.objects.filter(state__in=OFFERED_STATES).select_related("schedule__subscriber__user")
    found = found.filter(Q(subscriber__user=None) | Q(subscriber__user__is_active=True))
    return find_by_key(found.defer("content_spec"), key)


def paper_rows(ids: Sequence[int]) -> list[ListRow]:
    """Visible papers in the order of `ids`, merged ones as what they are now. Two queries."""
    now = list(dict.fromkeys(MergedPaper.objects.current_ids(ids).values()))
    rows = read_list_rows(Paper.objects.visible().filter(pk__in=now), ("pk",), per_page=len(now))
    by_id = {row.paper_id: row for row in rows}
    return [replace(by_id[pk], position=(place,)) for place, pk in enumerate(now) if pk in by_id]


def brought_ids(mail: Delivery) -> list[int]:
    """The papers of the mail itself, in its order. At most one query."""
    return _readable(mail, mail.paper_ids, mail.causes)


def more_ids(mail: Delivery) -> list[int]:
    """The papers behind "and 23 more". At most one query."""
    return _readable(mail, mail.more_ids, mail.more_causes) if mail.more_ids else _rest_of_edition(mail)


def below_ids(mail: Delivery) -> list[int]:
    """The papers that were below the line of the mail's reader, best first. At most one query."""
    return _readable(mail, mail.below_ids, mail.below_causes)


def page_of(ids: Sequence[int], *, offset: int) -> tuple[list[ListRow], int | None]:
    """The papers from the one at `offset` on, as many as a page has; and the place of the next page."""
    return paper_rows(ids[offset : offset + PER_PAGE]), offset + PER_PAGE if len(ids) > offset + PER_PAGE else None


def _readable(mail: Delivery, ids: Sequence[int], causes: Sequence[str]) -> list[int]:
    """Those of `ids` that came for something else than shared lists which the reader may no longer read."""
    lost = _lost_causes(mail)
    if not lost:
        return list(ids)
    # A mail from before causes of its "more" were kept shows them.
    known = [*causes, *[""] * (len(ids) - len(causes))]
    return [pk for pk, about in zip(ids, known, strict=True) if not about or not lost.issuperset(about.split(","))]


def _lost_causes(mail: Delivery) -> frozenset[str]:
    """The causes that are shared lists which the mail's reader may no longer read. One query, none for none."""
    lists = dict(pair.split(":") for pair in mail.cause_lists)
    if not lists:
        return frozenset()
    user = mail.schedule.subscriber.user
    wanted = SharedList.objects.filter(pk__in=set(lists.values()))
    readable = set(wanted.readable_by(user).values_list("pk", flat=True)) if user is not None else set()
    return frozenset(cause for cause, key in lists.items() if int(key) not in readable)


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
