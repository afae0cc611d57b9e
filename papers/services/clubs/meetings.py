"""The meetings of clubs: made for some weeks ahead, moved, cancelled, and what was said at them.

All that changes a club's meetings holds the club's lock, so workers and people never make one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import F

from papers.locks import AdvisoryLock, lock_transaction
from papers.meeting_times import MeetingSlot, local_moment, meeting_slots
from papers.models import AgendaItem, Club, ClubMeeting

PLANNED_AHEAD = timedelta(weeks=12)
FEWEST_AHEAD = 3
"""A club that meets once a month has so many meetings to come, however far ahead they are."""
MOST_MINUTES = 40_000
"""Characters of minutes, and of decisions."""


@dataclass(frozen=True, slots=True)
class MeetingChange:
    """When and where one meeting takes place instead, by the club's clock."""

    on: date
    local_time: time
    duration: int
    """Minutes."""
    place: str = ""
    link: str = ""
    note: str = ""
    """Why, for those who come."""


class ClubError(Exception):
    """It can't be done; the message says why, for the reader."""


def lock_club(club_id: int) -> None:
    """Hold a club's lock until the transaction ends. One query."""
    lock_transaction(AdvisoryLock.CLUB, str(club_id))


def plan_all_meetings(*, now: datetime) -> int:
    """Make the meetings to come of all clubs; returns how many are new. Idempotent. Few queries a club."""
    return sum(plan_meetings(club, now=now) for club in Club.objects.open().order_by("pk"))


def plan_meetings(club: Club, *, now: datetime) -> int:
    """Make a club's meetings to come that have no row yet; returns how many. Idempotent.

    A club that was not planned for a while goes on with what is to come: nobody met meanwhile, as far as is known.
    """
    with transaction.atomic():
        lock_club(club.pk)
        known = set(ClubMeeting.objects.filter(club=club).values_list("slot_on", flat=True))
        missing = [slot for slot in slots_ahead(club, now=now) if slot.on not in known]
        ClubMeeting.objects.bulk_create([_new(club, slot, now) for slot in missing])
    return len(missing)


def slots_ahead(club: Club, *, now: datetime) -> list[MeetingSlot]:
    """The meetings that a club's rule gives for the weeks to come; none of a club that has ended. No queries."""
    if club.ended_at is not None:
        return []
    found: list[MeetingSlot] = []
    length = timedelta(minutes=club.duration)
    for slot in meeting_slots(club.rule, start=now.astimezone(club.zone).date() - timedelta(days=1)):
        if slot.starts_at + length <= now:
            continue
        if slot.starts_at > now + PLANNED_AHEAD and len(found) >= FEWEST_AHEAD:
            return found
        found.append(slot)
    return found


def follow_new_rule(club: Club, *, now: datetime) -> None:
    """After a club's rule, place or length has changed: its meetings to come follow, with their agendas and names.

    The first takes the first new date, and so on. Those that were moved or cancelled by hand stay as they are. Of those
    for which the weeks to come have no date any more, those go that have no agenda and that nobody was reminded of. The
    caller's transaction holds the club's lock.
    """
    ahead = list(ClubMeeting.objects.filter(club=club, starts_at__gt=now).order_by("starts_at", "pk"))
    fixed = {one.slot_on for one in ClubMeeting.objects.filter(club=club) if one not in ahead}
    fixed |= {one.slot_on for one in ahead if one.is_moved or one.cancelled_at}
    moving = [one for one in ahead if not (one.is_moved or one.cancelled_at)]
    slots = [slot for slot in slots_ahead(club, now=now) if slot.on not in fixed and slot.starts_at > now]
    busy = set(AgendaItem.objects.filter(meeting__in=moving).values_list("meeting", flat=True))
    busy |= {one.pk for one in moving if one.reminded_at is not None}
    kept = [one for place, one in enumerate(moving) if place < len(slots) or one.pk in busy]
    ClubMeeting.objects.filter(pk__in={one.pk for one in moving} - {one.pk for one in kept}).delete()
    _place(club, kept, _enough(club, slots, fixed, len(kept), now), now)


def _enough(club: Club, slots: list[MeetingSlot], fixed: set[date], count: int, now: datetime) -> list[MeetingSlot]:
    """So many dates, also beyond the weeks that are planned: an agenda is never lost."""
    if len(slots) >= count:
        return slots
    found: list[MeetingSlot] = []
    for slot in meeting_slots(club.rule, start=now.astimezone(club.zone).date()):
        if len(found) >= count:
            break
        if slot.starts_at > now and slot.on not in fixed:
            found.append(slot)
    return found


def _place(club: Club, meetings: Sequence[ClubMeeting], slots: Sequence[MeetingSlot], now: datetime) -> None:
    for meeting, slot in zip(meetings, slots, strict=False):
        fresh = _new(club, slot, now)
        facts = ("slot_on", "starts_at", "ends_at", "place", "link")
        if any(getattr(meeting, name) != getattr(fresh, name) for name in facts):
            for name in facts:
                setattr(meeting, name, getattr(fresh, name))
            _save_change(meeting, now, *facts)


def _new(club: Club, slot: MeetingSlot, now: datetime) -> ClubMeeting:
    return ClubMeeting(
        club=club,
        slot_on=slot.on,
        starts_at=slot.starts_at,
        ends_at=slot.starts_at + timedelta(minutes=club.duration),
        place=club.place,
        link=club.link,
        changed_at=now,
    )


def _save_change(meeting: ClubMeeting, now: datetime, *names: str) -> None:
    """Store what calendars show, as another state of the same meeting."""
    meeting.changed_at = now
    meeting.save(update_fields=[*names, "changed_at"])
    ClubMeeting.objects.filter(pk=meeting.pk).update(sequence=F("sequence") + 1)
    meeting.refresh_from_db(fields=["sequence"])


def next_meeting(club: Club, *, now: datetime) -> ClubMeeting | None:
    """The next meeting that takes place, or the one that goes on; None where none is planned. One query."""
    return ClubMeeting.objects.filter(club=club, cancelled_at=None).upcoming(now).first()


def _locked(meeting: ClubMeeting) -> ClubMeeting:
    lock_club(meeting.club_id)
    return ClubMeeting.objects.select_related("club").get(pk=meeting.pk)


def cancel_meeting(*, meeting: ClubMeeting, note: str, now: datetime) -> None:
    """Say that a meeting does not take place. What was on its agenda goes to the next one. Idempotent.

    Raises:
        ClubError: it is over.
    """
    with transaction.atomic():
        fresh = _locked(meeting)
        if fresh.ends_at <= now:
            raise ClubError("This meeting is over.")
        if fresh.cancelled_at is not None:
            return
        fresh.cancelled_at, fresh.note = now, note.strip()[:500]
        _save_change(fresh, now, "cancelled_at", "note")
        plan_meetings(fresh.club, now=now)
        if target := following_meeting(fresh, now=now):
            for item in AgendaItem.objects.filter(meeting=fresh).order_by("position", "pk"):
                move_item(item, target, now=now)


def restore_meeting(*, meeting: ClubMeeting, now: datetime) -> None:
    """Have a cancelled meeting take place after all. Its papers stay where they went. Idempotent.

    Raises:
        ClubError: it is over.
    """
    with transaction.atomic():
        fresh = _locked(meeting)
        if fresh.ends_at <= now:
            raise ClubError("This meeting is over.")
        if fresh.cancelled_at is not None:
            fresh.cancelled_at, fresh.note = None, ""
            _save_change(fresh, now, "cancelled_at", "note")


def move_meeting(*, meeting: ClubMeeting, change: MeetingChange, now: datetime) -> None:
    """Move one meeting to another time or place, by the club's clock. A new rule of the club leaves it there.

    Raises:
        ClubError: it is over, it would be over, or that date does not exist there.
    """
    with transaction.atomic():
        fresh = _locked(meeting)
        starts_at = local_moment(change.on, change.local_time, fresh.club.time_zone)
        if fresh.ends_at <= now:
            raise ClubError("This meeting is over.")
        if starts_at is None:
            raise ClubError("There is no such date in the club’s time zone.")
        if starts_at <= now:
            raise ClubError("Choose a time that is still to come.")
        fresh.starts_at, fresh.ends_at = starts_at, starts_at + timedelta(minutes=change.duration)
        fresh.place, fresh.link, fresh.note = change.place, change.link, change.note
        fresh.is_moved = True
        _save_change(fresh, now, "starts_at", "ends_at", "place", "link", "note", "is_moved")


def write_minutes(*, meeting: ClubMeeting, minutes: str, decisions: str) -> None:
    """Store what was said and decided, in Markdown; longer texts are cut. Idempotent."""
    ClubMeeting.objects.filter(pk=meeting.pk).update(
        minutes=minutes.strip()[:MOST_MINUTES], decisions=decisions.strip()[:MOST_MINUTES]
    )


def following_meeting(meeting: ClubMeeting, *, now: datetime) -> ClubMeeting | None:
    """The next meeting of the same club that takes place after this one and is not over. One query."""
    later = ClubMeeting.objects.filter(club=meeting.club_id, cancelled_at=None).upcoming(now)
    return later.exclude(pk=meeting.pk).filter(starts_at__gte=meeting.starts_at).first()


def move_item(item: AgendaItem, target: ClubMeeting, *, now: datetime) -> None:
    """Put a paper at the end of another meeting's agenda; where it is there already, nothing is left to move.

    The caller's transaction holds the club's lock.
    """
    came_from, left = item.meeting.local_day, item.meeting_id
    if AgendaItem.objects.filter(meeting=target, paper=item.paper_id).exists():
        item.delete()
    else:
        item.meeting, item.position, item.carried_from = target, next_position(target), came_from
        item.save(update_fields=["meeting", "position", "carried_from"])
    touch_meetings([target.pk, left], now=now)


def next_position(meeting: ClubMeeting) -> int:
    """The place behind all others on an agenda. One query."""
    last = AgendaItem.objects.filter(meeting=meeting).order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def touch_meetings(keys: Sequence[int], *, now: datetime) -> None:
    """Note that what calendars show of these meetings has changed. One query."""
    ClubMeeting.objects.filter(pk__in=keys).update(changed_at=now)
