"""A mail as a page: which papers it brought, and which it only counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digests.models import Delivery, MergedPaper
from digests.models.delivery import CHOSEN
from papers.models import Listing, Paper, PaperVersion
from papers.services.cards import PER_PAGE, Row, read_rows


def mail_of_key(key: str) -> Delivery | None:
    """The mail with this key, once it has been chosen. One query."""
    found = Delivery.objects.filter(key=key, state__in=CHOSEN).select_related("schedule__subscriber")
    return found.defer("made_of").first()


def papers_of(ids: Sequence[int]) -> list[Row]:
    """Visible papers in the order of `ids`, merged ones as what they are now. Two queries."""
    merged = dict(MergedPaper.objects.filter(gone_id__in=ids).values_list("gone_id", "kept_id"))
    now = list(dict.fromkeys(merged.get(pk, pk) for pk in ids))
    rows = read_rows(Paper.objects.visible().filter(pk__in=now), ("pk",), per_page=len(now))
    by_id = {row.paper_id: row for row in rows}
    return [replace(by_id[pk], position=(place,)) for place, pk in enumerate(now) if pk in by_id]


def rest_of(mail: Delivery, *, skip: int) -> tuple[list[Row], int | None]:
    """A page of the papers behind "and 23 more" from the one at place `skip` on; and the place of the next page."""
    ids = mail.more_ids or _rest_of_edition(mail)
    page = ids[skip : skip + PER_PAGE]
    return papers_of(page), skip + PER_PAGE if len(ids) > skip + PER_PAGE else None


def _rest_of_edition(mail: Delivery) -> list[int]:
    """What the daily papers had in the time of the mail, without what it brought. One query."""
    listed = Listing.objects.filter(
        release__gt=mail.from_release, release__lte=mail.to_release, hidden_at=None, paper__withdrawn_at=None
    )
    order = listed.order_by("-vote_count", "-source_votes", "-paper_id").values_list("paper_id", flat=True)
    brought = set(mail.paper_ids)
    return [pk for pk in dict.fromkeys(order) if pk not in brought]


def versions_of(ids: Sequence[int]) -> list[PaperVersion]:
    """The new versions that a mail told of. One query, none for none."""
    if not ids:
        return []
    found = PaperVersion.objects.filter(pk__in=ids, paper__hidden_at=None).select_related("paper").in_bulk()
    return [found[pk] for pk in ids if pk in found]
