"""Clubs themselves, and who takes part in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from papers.models import AgendaItem, Club, ClubMeeting, ClubMember, User
from papers.services.clubs.meetings import ClubError, follow_new_rule, lock_club, plan_meetings

MOST_CLUBS = 100
_TRIES = 20
_FACTS = ("repeats", "weekday", "local_time", "time_zone", "duration", "starts_on", "place", "link")
"""What the meetings to come have from their club."""


def create_club(*, by: User, fields: Mapping[str, Any], now: datetime) -> Club:
    """Make a club and plan its meetings; whoever makes it organizes it. `fields` are columns of `Club`.

    Raises:
        ClubError: there are too many clubs.
    """
    if Club.objects.count() >= MOST_CLUBS:
        raise ClubError(f"There are {MOST_CLUBS} clubs already.")
    with transaction.atomic():
        club = _store(Club(**fields))
        ClubMember.objects.create(club=club, user=by, is_organizer=True)
        plan_meetings(club, now=now)
    return club


def _store(club: Club) -> Club:
    """With an address that no other club has."""
    base = slugify(club.name)[:80] or "club"
    for number in range(_TRIES):
        club.slug = base if number == 0 else f"{base}-{number + 1}"
        if club.slug == "new":  # the address of the form
            continue
        try:
            with transaction.atomic():
                club.save(force_insert=True)
        except IntegrityError:
            club.pk = None
        else:
            return club
    raise ClubError("Choose another name.")


def update_club(*, club: Club, fields: Mapping[str, Any], now: datetime) -> None:
    """Change a club; its meetings to come follow where time, place or length change. Its address stays. Idempotent."""
    with transaction.atomic():
        lock_club(club.pk)
        fresh = Club.objects.get(pk=club.pk)
        before = [getattr(fresh, name) for name in _FACTS]
        for name, value in fields.items():
            setattr(fresh, name, value)
        fresh.save(update_fields=list(fields))
        if before != [getattr(fresh, name) for name in _FACTS]:
            follow_new_rule(fresh, now=now)
        plan_meetings(fresh, now=now)


def end_club(*, club: Club, now: datetime) -> None:
    """Plan no more meetings. Those to come go; of those that people were reminded of, a mail says so. Idempotent."""
    with transaction.atomic():
        lock_club(club.pk)
        Club.objects.filter(pk=club.pk, ended_at=None).update(ended_at=now)
        ahead = ClubMeeting.objects.filter(club=club, starts_at__gt=now)
        told = ahead.exclude(reminded_at=None).filter(cancelled_at=None)
        for meeting in told:
            meeting.cancelled_at, meeting.changed_at, meeting.sequence = now, now, meeting.sequence + 1
            meeting.save(update_fields=["cancelled_at", "changed_at", "sequence"])
        ahead.filter(reminded_at=None).delete()


def reopen_club(*, club: Club, now: datetime) -> None:
    """Let a club that has ended meet again. Idempotent."""
    with transaction.atomic():
        Club.objects.filter(pk=club.pk).update(ended_at=None)
        plan_meetings(Club.objects.get(pk=club.pk), now=now)


def join_club(*, club: Club, user: User) -> None:
    """Take part. Idempotent."""
    ClubMember.objects.get_or_create(club=club, user=user)


def leave_club(*, club: Club, user: User, now: datetime) -> None:
    """Take part no more. What somebody nominated stays; what they were to present waits for another. Idempotent."""
    with transaction.atomic():
        ClubMember.objects.filter(club=club, user=user).delete()
        release_presentations(user=user, club=club, now=now)


def set_organizer(*, club: Club, user: User, on: bool) -> None:
    """Let a member organize the club, or no more. Idempotent."""
    ClubMember.objects.filter(club=club, user=user).update(is_organizer=on)


def set_club_mail(*, club: Club, user: User, on: bool) -> None:
    """Whether a member gets mail about meetings. Idempotent."""
    ClubMember.objects.filter(club=club, user=user).update(wants_mail=on)


def release_presentations(*, user: User, club: Club | None = None, now: datetime) -> None:
    """Of meetings to come, take a presenter off the agenda: the papers stay, and organizers are told. Idempotent.

    `club` None: of all clubs, for an account that goes.
    """
    items = AgendaItem.objects.filter(presenter=user, meeting__ends_at__gt=now)
    if club is not None:
        items = items.filter(meeting__club=club)
    items.update(presenter=None, lost_presenter=True)


def members_of(club: Club) -> Iterable[ClubMember]:
    """The members whose accounts are open, organizers first. One query."""
    found = club.members.filter(user__is_active=True).select_related("user")
    return list(found.order_by("-is_organizer", "user__username"))
