"""Where a paper stands: pinned, in which order, on which day, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from django.utils import timezone

from papers.models import CurationEvent, Edition, Listing, Paper
from papers.services.curation.audit_log import CurationError, Deciding, recording, subject_of
from papers.services.curation.row_diff import Scope
from papers.services.curation.undo import AROUND
from papers.services.editions.listing import Entry, Rule, list_papers
from papers.services.ingest.re_release import release_again
from papers.services.operations.installation import current_group
from papers.text.cleaning import safe_text

MAX_NOTE = 5_000


def pin(*, paper_id: int, day: date, on: bool, by: Deciding) -> CurationEvent | None:
    """Put a paper behind what is pinned on top of a day, or let it go from there. Idempotent."""
    scope = Scope(papers=(paper_id,))
    with recording(by, "pin" if on else "unpin", subject=subject_of(paper_id), scope=scope, day=day) as act:
        listed = Listing.objects.filter(day=day, paper=paper_id)
        if on:
            last = Listing.objects.filter(day=day, is_pinned=True).order_by("-place").values_list("place", flat=True)
            listed.filter(pinned_at=None).update(pinned_at=by.now, place=(last.first() or 0) + 1)
        else:
            listed.update(pinned_at=None, place=0)
    return act.event


def order(*, day: date, paper_ids: Sequence[int], by: Deciding) -> CurationEvent | None:
    """Let these papers of a day be its first, in this order; they are pinned for it. Idempotent."""
    scope = Scope(papers=tuple(sorted(set(paper_ids))), days=(day,))
    with recording(by, "order", subject=f"day:{day}", scope=scope, day=day) as act:
        act.paper_id = None
        for place, paper_id in enumerate(dict.fromkeys(paper_ids), start=1):
            listed = Listing.objects.filter(day=day, paper=paper_id)
            listed.filter(pinned_at=None).update(pinned_at=by.now)
            listed.filter(is_pinned=True).exclude(place=place).update(place=place)
    return act.event


def take_off(*, paper_id: int, day: date, on: bool, by: Deciding) -> CurationEvent | None:
    """Take a paper off one day, or put it back there; all else of it stays. Idempotent."""
    scope = Scope(papers=(paper_id,))
    with recording(by, "take-off" if on else "put-back", subject=subject_of(paper_id), scope=scope, day=day) as act:
        listed = Listing.objects.filter(day=day, paper=paper_id, hidden_at__isnull=on)
        if listed.update(hidden_at=by.now if on else None) and not on:
            release_again([paper_id], now=by.now)
    return act.event


def hide(*, paper_id: int, on: bool, by: Deciding) -> CurationEvent | None:
    """Take a paper off every page, or show it again. Curators still see it. Idempotent."""
    with recording(by, "hide" if on else "show", subject=subject_of(paper_id), scope=Scope(papers=(paper_id,))) as act:
        changed = Paper.objects.filter(pk=paper_id, hidden_at__isnull=on).update(hidden_at=by.now if on else None)
        if changed and not on:
            release_again([paper_id], now=by.now)
    return act.event


def put_on(*, paper_id: int, day: date, by: Deciding) -> CurationEvent | None:
    """Put a paper on a day. Idempotent."""
    scope = Scope(papers=(paper_id,), days=(day,))
    with recording(by, "list", subject=subject_of(paper_id), scope=scope, day=day) as act:
        _list(paper_id, day, by)
    return act.event


def move(*, paper_id: int, day: date, to: date, by: Deciding) -> CurationEvent | None:
    """Take a paper from one day to another, pinned if it was. Idempotent.

    Its old place stays, hidden, so that its source does not list it there again.

    Raises:
        CurationError: it is not on that day.
    """
    if day == to:
        return None
    if to > by.now.astimezone(current_group().zone).date():
        raise CurationError("That day is still to come: take it off here, and plan it there.")
    scope = Scope(papers=(paper_id,), days=(day, to))
    with recording(by, "move", subject=subject_of(paper_id), scope=scope, day=to) as act:
        here = Listing.objects.filter(day=day, paper=paper_id, hidden_at=None).first()
        if here is None:
            raise CurationError("It is not on that day any more.")
        Listing.objects.filter(pk=here.pk).update(hidden_at=by.now, pinned_at=None, place=0)
        _list(paper_id, to, by)
        if here.pinned_at is not None:
            Listing.objects.filter(day=to, paper=paper_id).update(pinned_at=by.now)
        act.before, act.after = {"day": day.isoformat()}, {"day": to.isoformat()}
    return act.event


def set_note(*, day: date, note: str, by: Deciding) -> CurationEvent | None:
    """Write the note that stands on top of a day, in Markdown; empty: none. Idempotent."""
    note = safe_text(note).replace("\r\n", "\n").strip()[:MAX_NOTE]
    with recording(by, "note", subject=f"day:{day}", scope=Scope(days=(day,)), day=day) as act:
        if note or Edition.objects.filter(day=day).exists():
            Edition.objects.update_or_create(day=day, defaults={"note": note})
    return act.event


def _list(paper_id: int, day: date, by: Deciding) -> None:
    """Inside a transaction that holds the paper's lock."""
    listed = Listing.objects.filter(day=day, paper=paper_id)
    if listed.exclude(hidden_at=None).update(hidden_at=None):
        release_again([paper_id], now=by.now)
    elif not listed.exists():
        list_papers([Entry(paper_id, day)], Rule(by=Listing.By.CURATOR, user_id=by.curator.pk), now=by.now)


def _around(event: CurationEvent) -> Callable[[], None]:
    """A paper that is back is news to whoever was sent a mail without it."""

    def finish() -> None:
        if event.paper_id is not None:
            release_again([event.paper_id], now=timezone.now())

    return finish


for _action in ("hide", "take-off", "move"):
    AROUND[_action] = _around
