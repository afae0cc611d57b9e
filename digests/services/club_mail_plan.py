"""Which mails about meetings there are: one row each, written once, whatever is planned again.

A reminder is due so many hours before a meeting as its club says. Who was reminded is told when the meeting is
cancelled, moved or takes place after all: what the last mail told is kept with it, and compared with the meeting as it
is. So a change that is undone within a few minutes is told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value

from digests.models import ClubMail
from papers.models import ClubMeeting, ClubMember
from papers.services.clubs.meetings import lock_club

SETTLES_AFTER = timedelta(minutes=5)
"""How long a change may still be undone before it is told."""
_HOUR = Value(timedelta(hours=1), output_field=DurationField())


def plan_club_mail(*, now: datetime) -> int:
    """Write a row for each mail that is due and has none; returns how many. Idempotent, also for two at once."""
    return sum(_remind(meeting.pk, now) for meeting in _to_remind(now)) + sum(
        _tell_changes(meeting.pk, now) for meeting in _changed(now)
    )


def facts_of(meeting: ClubMeeting) -> dict[str, Any]:
    """What a mail tells of a meeting, as JSON: another value is worth another mail."""
    return {
        "starts": meeting.starts_at.isoformat(),
        "ends": meeting.ends_at.isoformat(),
        "place": meeting.place,
        "link": meeting.link,
        "cancelled": meeting.cancelled_at is not None,
    }


def _to_remind(now: datetime) -> list[ClubMeeting]:
    """Meetings to come whose reminder is due. One query."""
    notice = ExpressionWrapper(F("club__reminder_hours") * _HOUR, output_field=DurationField())
    found = ClubMeeting.objects.filter(reminded_at=None, cancelled_at=None, starts_at__gt=now, club__ended_at=None)
    return list(found.filter(starts_at__lte=now + notice).order_by("starts_at", "pk"))


def _remind(pk: int, now: datetime) -> int:
    with transaction.atomic():
        meeting = _locked(pk)
        if meeting is None or meeting.reminded_at is not None or meeting.cancelled_at is not None:
            return 0
        ClubMeeting.objects.filter(pk=pk).update(reminded_at=now)
        wanting = ClubMember.objects.filter(club=meeting.club_id, wants_mail=True, user__is_active=True)
        return _store(meeting, list(wanting.values_list("user", flat=True)), ClubMail.Kind.REMINDER, now)


def _changed(now: datetime) -> list[ClubMeeting]:
    """Meetings that people were reminded of, and that have been as they are for some minutes. One query."""
    found = ClubMeeting.objects.exclude(reminded_at=None)
    return list(found.filter(ends_at__gt=now, changed_at__gt=F("reminded_at"), changed_at__lte=now - SETTLES_AFTER))


def _tell_changes(pk: int, now: datetime) -> int:
    """Two queries for a meeting of which everybody knows the newest."""
    with transaction.atomic():
        meeting = _locked(pk)
        if meeting is None or meeting.reminded_at is None:
            return 0
        facts, told, waiting = facts_of(meeting), dict[int, Any](), set[int]()
        for mail in ClubMail.objects.filter(meeting=pk).order_by("pk"):
            if mail.state in ClubMail.TOLD:
                told[mail.user_id] = mail.facts
            elif mail.state in ClubMail.OPEN:  # it will tell what holds when it is sent
                waiting.add(mail.user_id)
        behind = [user for user, known in told.items() if known != facts and user not in waiting]
        if not behind:
            return 0
        wanting = ClubMember.objects.filter(club=meeting.club_id, wants_mail=True, user__in=behind)
        count = _store(meeting, list(wanting.values_list("user", flat=True)), ClubMail.Kind.CHANGE, now)
        if meeting.cancelled_at is None and meeting.starts_at > now + 2 * timedelta(hours=meeting.club.reminder_hours):
            # It was moved far away: people are reminded of it in time once more.
            ClubMeeting.objects.filter(pk=pk).update(reminded_at=None)
        return count


def _locked(pk: int) -> ClubMeeting | None:
    """The meeting as it is, with nobody changing it until the transaction ends; None where it is gone."""
    club_id = ClubMeeting.objects.filter(pk=pk).values_list("club", flat=True).first()
    if club_id is None:
        return None
    lock_club(club_id)
    return ClubMeeting.objects.select_related("club").filter(pk=pk).first()


def _store(meeting: ClubMeeting, users: Sequence[int], kind: ClubMail.Kind, now: datetime) -> int:
    rows = [
        ClubMail(meeting=meeting, user_id=user, kind=kind, sequence=meeting.sequence, not_before=now, planned_at=now)
        for user in users
    ]
    before = ClubMail.objects.filter(meeting=meeting).count()
    ClubMail.objects.bulk_create(rows, ignore_conflicts=True)
    return ClubMail.objects.filter(meeting=meeting).count() - before
