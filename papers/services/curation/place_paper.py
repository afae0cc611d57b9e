"""Where a paper stands: pinned, in which order, on which day, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from django.utils import timezone

from papers.models import CurationEvent, Edition, Listing, Paper
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.audit_log import Actor, CurationError, record_action
from papers.services.curation.row_diff import ActionScope
from papers.services.curation.subjects import day_subject, paper_subject
from papers.services.curation.undo import UNDO_HOOKS
from papers.services.editions.listing import ListingEntry, ListingRule, add_listings
from papers.services.ingest.releases import re_release
from papers.services.operations.installation import group_today
from papers.text.cleaning import safe_text

MAX_DAY_NOTE_LENGTH = 5_000


def pin_paper(*, paper_id: int, day: date, on: bool, actor: Actor) -> CurationEvent | None:
    """Put a paper behind what is pinned on top of a day, or let it go from there. Idempotent."""
    scope = ActionScope(papers=(paper_id,))
    with record_action(
        actor, CurationAction.PIN if on else CurationAction.UNPIN, subject=paper_subject(paper_id), scope=scope, day=day
    ) as entry:
        listed = Listing.objects.filter(day=day, paper=paper_id)
        if on:
            last = Listing.objects.filter(day=day, is_pinned=True).order_by("-place").values_list("place", flat=True)
            listed.filter(pinned_at=None).update(pinned_at=actor.now, place=(last.first() or 0) + 1)
        else:
            listed.update(pinned_at=None, place=0)
    return entry.event


def order_pinned(*, day: date, paper_ids: Sequence[int], actor: Actor) -> CurationEvent | None:
    """Let these papers of a day be its first, in this order; they are pinned for it. Idempotent."""
    scope = ActionScope(papers=tuple(sorted(set(paper_ids))), days=(day,))
    with record_action(actor, CurationAction.ORDER, subject=day_subject(day), scope=scope, day=day) as entry:
        entry.paper_id = None
        for place, paper_id in enumerate(dict.fromkeys(paper_ids), start=1):
            listed = Listing.objects.filter(day=day, paper=paper_id)
            listed.filter(pinned_at=None).update(pinned_at=actor.now)
            listed.filter(is_pinned=True).exclude(place=place).update(place=place)
    return entry.event


def take_off_day(*, paper_id: int, day: date, on: bool, actor: Actor) -> CurationEvent | None:
    """Take a paper off one day, or put it back there; all else of it stays. Idempotent."""
    scope = ActionScope(papers=(paper_id,))
    with record_action(
        actor,
        CurationAction.TAKE_OFF if on else CurationAction.PUT_BACK,
        subject=paper_subject(paper_id),
        scope=scope,
        day=day,
    ) as entry:
        listed = Listing.objects.filter(day=day, paper=paper_id, hidden_at__isnull=on)
        if listed.update(hidden_at=actor.now if on else None) and not on:
            re_release([paper_id], now=actor.now)
    return entry.event


def hide_paper(*, paper_id: int, on: bool, actor: Actor) -> CurationEvent | None:
    """Take a paper off every page, or show it again. Curators still see it. Idempotent."""
    with record_action(
        actor,
        CurationAction.HIDE if on else CurationAction.SHOW,
        subject=paper_subject(paper_id),
        scope=ActionScope(papers=(paper_id,)),
    ) as entry:
        changed = Paper.objects.filter(pk=paper_id, hidden_at__isnull=on).update(hidden_at=actor.now if on else None)
        if changed and not on:
            re_release([paper_id], now=actor.now)
    return entry.event


def add_to_day(*, paper_id: int, day: date, actor: Actor) -> CurationEvent | None:
    """Put a paper on a day. Idempotent."""
    scope = ActionScope(papers=(paper_id,), days=(day,))
    with record_action(actor, CurationAction.LIST, subject=paper_subject(paper_id), scope=scope, day=day) as entry:
        _list(paper_id, day, actor)
    return entry.event


def move_to_day(*, paper_id: int, day: date, to: date, actor: Actor) -> CurationEvent | None:
    """Take a paper from one day to another, pinned if it was. Idempotent.

    Its old place stays, hidden, so that its source does not list it there again.

    Raises:
        CurationError: it is not on that day.
    """
    if day == to:
        return None
    if to > group_today(actor.now):
        raise CurationError("That day is in the future. Remove the paper here, and plan it for that day.")
    scope = ActionScope(papers=(paper_id,), days=(day, to))
    with record_action(actor, CurationAction.MOVE, subject=paper_subject(paper_id), scope=scope, day=to) as entry:
        here = Listing.objects.filter(day=day, paper=paper_id, hidden_at=None).first()
        if here is None:
            raise CurationError("It is no longer on that day.")
        Listing.objects.filter(pk=here.pk).update(hidden_at=actor.now, pinned_at=None, place=0)
        _list(paper_id, to, actor)
        if here.pinned_at is not None:
            Listing.objects.filter(day=to, paper=paper_id).update(pinned_at=actor.now)
        entry.before, entry.after = {"day": day.isoformat()}, {"day": to.isoformat()}
    return entry.event


def set_day_note(*, day: date, note: str, actor: Actor) -> CurationEvent | None:
    """Write the note that stands on top of a day, in Markdown; empty: none. Idempotent."""
    note = safe_text(note).replace("\r\n", "\n").strip()[:MAX_DAY_NOTE_LENGTH]
    with record_action(
        actor, CurationAction.NOTE, subject=day_subject(day), scope=ActionScope(days=(day,)), day=day
    ) as entry:
        if note or Edition.objects.filter(day=day).exists():
            Edition.objects.update_or_create(day=day, defaults={"note": note})
    return entry.event


def _list(paper_id: int, day: date, actor: Actor) -> None:
    """Inside a transaction that holds the paper's lock."""
    listed = Listing.objects.filter(day=day, paper=paper_id)
    if listed.exclude(hidden_at=None).update(hidden_at=None):
        re_release([paper_id], now=actor.now)
    elif not listed.exists():
        add_listings(
            [ListingEntry(paper_id, day)], ListingRule(by=Listing.By.CURATOR, user_id=actor.curator.pk), now=actor.now
        )


def _after_undo(event: CurationEvent) -> Callable[[], None]:
    """Release a paper that is back again, as a mail may have gone out without it."""

    def finish() -> None:
        if event.paper_id is not None:
            re_release([event.paper_id], now=timezone.now())

    return finish


for _action in (CurationAction.HIDE, CurationAction.TAKE_OFF, CurationAction.MOVE):
    UNDO_HOOKS[_action] = _after_undo
