"""Where a paper stands: pinned, in which order, on which day, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from django.utils import timezone

from papers.models import CurationEvent, Edition, Listing, Paper
from papers.services.curation.audit_log import Actor, CurationError, paper_subject, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.editions.listing import ListingEntry, ListingRule, add_listings
from papers.services.ingest.re_release import re_release
from papers.services.operations.installation import group_settings
from papers.text.cleaning import safe_text

MAX_DAY_NOTE_LENGTH = 5_000


def pin_paper(*, paper_id: int, day: date, on: bool, by: Actor) -> CurationEvent | None:
    """Put a paper behind what is pinned on top of a day, or let it go from there. Idempotent."""
    scope = ActionScope(papers=(paper_id,))
    with record_action(by, "pin" if on else "unpin", subject=paper_subject(paper_id), scope=scope, day=day) as act:
        listed = Listing.objects.filter(day=day, paper=paper_id)
        if on:
            last = Listing.objects.filter(day=day, is_pinned=True).order_by("-place").values_list("place", flat=True)
            listed.filter(pinned_at=None).update(pinned_at=by.now, place=(last.first() or 0) + 1)
        else:
            listed.update(pinned_at=None, place=0)
    return act.event


def order_pinned(*, day: date, paper_ids: Sequence[int], by: Actor) -> CurationEvent | None:
    """Let these papers of a day be its first, in this order; they are pinned for it. Idempotent."""
    scope = ActionScope(papers=tuple(sorted(set(paper_ids))), days=(day,))
    with record_action(by, "order", subject=f"day:{day}", scope=scope, day=day) as act:
        act.paper_id = None
        for place, paper_id in enumerate(dict.fromkeys(paper_ids), start=1):
            listed = Listing.objects.filter(day=day, paper=paper_id)
            listed.filter(pinned_at=None).update(pinned_at=by.now)
            listed.filter(is_pinned=True).exclude(place=place).update(place=place)
    return act.event


def take_off_day(*, paper_id: int, day: date, on: bool, by: Actor) -> CurationEvent | None:
    """Take a paper off one day, or put it back there; all else of it stays. Idempotent."""
    scope = ActionScope(papers=(paper_id,))
    with record_action(
        by, "take-off" if on else "put-back", subject=paper_subject(paper_id), scope=scope, day=day
    ) as act:
        listed = Listing.objects.filter(day=day, paper=paper_id, hidden_at__isnull=on)
        if listed.update(hidden_at=by.now if on else None) and not on:
            re_release([paper_id], now=by.now)
    return act.event


def hide_paper(*, paper_id: int, on: bool, by: Actor) -> CurationEvent | None:
    """Take a paper off every page, or show it again. Curators still see it. Idempotent."""
    with record_action(
        by, "hide" if on else "show", subject=paper_subject(paper_id), scope=ActionScope(papers=(paper_id,))
    ) as act:
        changed = Paper.objects.filter(pk=paper_id, hidden_at__isnull=on).update(hidden_at=by.now if on else None)
        if changed and not on:
            re_release([paper_id], now=by.now)
    return act.event


def add_to_day(*, paper_id: int, day: date, by: Actor) -> CurationEvent | None:
    """Put a paper on a day. Idempotent."""
    scope = ActionScope(papers=(paper_id,), days=(day,))
    with record_action(by, "list", subject=paper_subject(paper_id), scope=scope, day=day) as act:
        _list(paper_id, day, by)
    return act.event


def move_to_day(*, paper_id: int, day: date, to: date, by: Actor) -> CurationEvent | None:
    """Take a paper from one day to another, pinned if it was. Idempotent.

    Its old place stays, hidden, so that its source does not list it there again.

    Raises:
        CurationError: it is not on that day.
    """
    if day == to:
        return None
    if to > by.now.astimezone(group_settings().zone).date():
        raise CurationError("That day is still to come: take it off here, and plan it there.")
    scope = ActionScope(papers=(paper_id,), days=(day, to))
    with record_action(by, "move", subject=paper_subject(paper_id), scope=scope, day=to) as act:
        here = Listing.objects.filter(day=day, paper=paper_id, hidden_at=None).first()
        if here is None:
            raise CurationError("It is not on that day any more.")
        Listing.objects.filter(pk=here.pk).update(hidden_at=by.now, pinned_at=None, place=0)
        _list(paper_id, to, by)
        if here.pinned_at is not None:
            Listing.objects.filter(day=to, paper=paper_id).update(pinned_at=by.now)
        act.before, act.after = {"day": day.isoformat()}, {"day": to.isoformat()}
    return act.event


def set_day_note(*, day: date, note: str, by: Actor) -> CurationEvent | None:
    """Write the note that stands on top of a day, in Markdown; empty: none. Idempotent."""
    note = safe_text(note).replace("\r\n", "\n").strip()[:MAX_DAY_NOTE_LENGTH]
    with record_action(by, "note", subject=f"day:{day}", scope=ActionScope(days=(day,)), day=day) as act:
        if note or Edition.objects.filter(day=day).exists():
            Edition.objects.update_or_create(day=day, defaults={"note": note})
    return act.event


def _list(paper_id: int, day: date, by: Actor) -> None:
    """Inside a transaction that holds the paper's lock."""
    listed = Listing.objects.filter(day=day, paper=paper_id)
    if listed.exclude(hidden_at=None).update(hidden_at=None):
        re_release([paper_id], now=by.now)
    elif not listed.exists():
        add_listings(
            [ListingEntry(paper_id, day)], ListingRule(by=Listing.By.CURATOR, user_id=by.curator.pk), now=by.now
        )


def _around(event: CurationEvent) -> Callable[[], None]:
    """A paper that is back is news to whoever was sent a mail without it."""

    def finish() -> None:
        if event.paper_id is not None:
            re_release([event.paper_id], now=timezone.now())

    return finish


for _action in ("hide", "take-off", "move"):
    UNDO_HOOKS[_action] = _around
