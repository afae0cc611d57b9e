"""What is on a meeting's agenda: papers nominated, presented, ordered by hand, carried over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from papers.models import AgendaItem, Club, ClubMeeting, ClubMember, Paper, User
from papers.models.club import ClubRights
from papers.services.clubs.meetings import (
    ClubError,
    following_meeting,
    lock_club,
    move_item,
    next_meeting,
    next_position,
    plan_meetings,
    touch_meetings,
)

MOST_ON_AGENDA = 50


def may_remove(item: AgendaItem, user: User, rights: ClubRights) -> bool:
    """Whether a paper is the user's to take off an agenda: organizers take off all, members what they nominated."""
    return rights.may_organize or (rights.may_nominate and item.nominated_by_id == user.pk)


def may_withdraw(item: AgendaItem, user: User, rights: ClubRights) -> bool:
    """Whether the user may have nobody present a paper: organizers always, members who were to present it."""
    return rights.may_organize or (rights.may_nominate and item.presenter_id == user.pk)


def nominate(
    *, club: Club, paper_id: int, user: User | None, now: datetime, meeting: ClubMeeting | None = None
) -> AgendaItem:
    """Put a paper on the agenda of a meeting, by default the next one; as it is where it stands there already.

    Raises:
        ClubError: no meeting is to come, it is over or cancelled, or its agenda is full.
        Paper.DoesNotExist: there is no visible paper with that id.
    """
    with transaction.atomic():
        lock_club(club.pk)
        plan_meetings(club, now=now)
        target = next_meeting(club, now=now) if meeting is None else ClubMeeting.objects.get(pk=meeting.pk)
        if target is None:
            raise ClubError("This club has no meeting to come.")
        if target.ends_at <= now or target.cancelled_at is not None:
            raise ClubError("This meeting is over or cancelled.")
        paper = Paper.objects.visible().only("pk").get(pk=paper_id)
        found = AgendaItem.objects.filter(meeting=target, paper=paper).first()
        if found is not None:
            return found
        if AgendaItem.objects.filter(meeting=target).count() >= MOST_ON_AGENDA:
            raise ClubError(f"There are {MOST_ON_AGENDA} papers on this agenda already.")
        touch_meetings([target.pk], now=now)
        position = next_position(target)
        return AgendaItem.objects.create(
            meeting=target, paper=paper, position=position, nominated_by=user, nominated_at=now
        )


def remove_item(*, item: AgendaItem, now: datetime) -> None:
    """Take a paper off an agenda. Idempotent."""
    with transaction.atomic():
        lock_club(item.meeting.club_id)
        AgendaItem.objects.filter(pk=item.pk).delete()
        touch_meetings([item.meeting_id], now=now)


def restore_item(
    *, meeting: ClubMeeting, paper_id: int, position: int, presenter_id: int | None, nominated_by_id: int | None,
    nominated_at: datetime, carried_from: date | None, now: datetime,
) -> None:  # fmt: skip
    """Put back what was taken off an agenda, as it was. Idempotent."""
    with transaction.atomic():
        lock_club(meeting.club_id)
        named = [pk for pk in (presenter_id, nominated_by_id) if pk is not None]
        there = set(User.objects.filter(pk__in=named).values_list("pk", flat=True))
        defaults = {
            "position": position,
            "presenter_id": presenter_id if presenter_id in there else None,
            "nominated_by_id": nominated_by_id if nominated_by_id in there else None,
            "nominated_at": nominated_at,
            "carried_from": carried_from,
        }
        AgendaItem.objects.get_or_create(meeting=meeting, paper_id=paper_id, defaults=defaults)
        touch_meetings([meeting.pk], now=now)


def set_presenter(*, item: AgendaItem, presenter: User | None, lost: bool = False, now: datetime) -> None:
    """Note who presents a paper. Idempotent.

    Raises:
        ClubError: somebody else does already, or the one who offers is no member any more.
    """
    with transaction.atomic():
        lock_club(item.meeting.club_id)
        fresh = AgendaItem.objects.select_related("presenter", "meeting").filter(pk=item.pk).first()
        if fresh is None:
            raise ClubError("This paper is no longer on the agenda.")
        if presenter is not None:
            if fresh.presenter is not None and fresh.presenter.is_active and fresh.presenter_id != presenter.pk:
                raise ClubError(f"{fresh.presenter.username} presents this paper.")
            if not ClubMember.objects.filter(club=fresh.meeting.club_id, user=presenter).exists():
                raise ClubError("Join the club first.")
        AgendaItem.objects.filter(pk=fresh.pk).update(presenter=presenter, lost_presenter=lost)
        touch_meetings([fresh.meeting_id], now=now)


def order_of(meeting: ClubMeeting) -> list[int]:
    """The keys of an agenda's items in their order. One query."""
    return list(AgendaItem.objects.filter(meeting=meeting).order_by("position", "pk").values_list("pk", flat=True))


def shift_item(*, item: AgendaItem, by: int, now: datetime) -> None:
    """Move a paper up (-1) or down (1) on its agenda; at an end it stays."""
    with transaction.atomic():
        lock_club(item.meeting.club_id)
        keys = order_of(item.meeting)
        if item.pk not in keys:
            return
        place = keys.index(item.pk)
        keys.remove(item.pk)
        keys.insert(max(place + by, 0), item.pk)
        _store_order(item.meeting, keys, now)


def set_order(*, meeting: ClubMeeting, keys: Sequence[int], now: datetime) -> None:
    """Put an agenda into an order; what `keys` does not name stands behind. Idempotent."""
    with transaction.atomic():
        lock_club(meeting.club_id)
        there = order_of(meeting)
        _store_order(meeting, [*(key for key in keys if key in there), *(key for key in there if key not in keys)], now)


def _store_order(meeting: ClubMeeting, keys: Sequence[int], now: datetime) -> None:
    items = {item.pk: item for item in AgendaItem.objects.filter(pk__in=keys)}
    for place, key in enumerate(keys):
        items[key].position = place
    AgendaItem.objects.bulk_update(items.values(), ["position"])
    touch_meetings([meeting.pk], now=now)


def carry_over(*, item: AgendaItem, now: datetime) -> ClubMeeting:
    """Move a paper to the next meeting: there was no time for it. Returns that meeting.

    Raises:
        ClubError: no meeting is to come, or the paper is no longer there.
    """
    with transaction.atomic():
        lock_club(item.meeting.club_id)
        fresh = AgendaItem.objects.select_related("meeting__club").filter(pk=item.pk).first()
        if fresh is None:
            raise ClubError("This paper is no longer on the agenda.")
        plan_meetings(fresh.meeting.club, now=now)
        target = following_meeting(fresh.meeting, now=now)
        if target is None:
            raise ClubError("This club has no further meeting.")
        move_item(fresh, target, now=now)
    return target


def carry_back(*, paper_id: int, source: ClubMeeting, target: ClubMeeting, position: int, carried_from: date | None,
               now: datetime) -> None:  # fmt: skip
    """Undo `carry_over`: the paper stands again where it stood on the agenda of `target`. Idempotent."""
    with transaction.atomic():
        lock_club(target.club_id)
        if not AgendaItem.objects.filter(meeting=target, paper=paper_id).exists():
            AgendaItem.objects.filter(meeting=source, paper=paper_id).update(
                meeting=target, position=position, carried_from=carried_from
            )
        touch_meetings([source.pk, target.pk], now=now)
