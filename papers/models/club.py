"""Journal clubs: their members, their meetings, and the papers on each meeting's agenda."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Deferrable, Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse

from papers.meeting_times import MeetingRule, Repeats
from papers.models.keyset import row_greater_than, row_less_than
from papers.models.user import User, can_curate

MINUTES_WORDS = SearchVector("note", "minutes", "decisions", config="english")
"""What the archive's search reads of a meeting; the index below has exactly this expression."""


def may_manage_clubs(user: User | AnonymousUser) -> bool:
    """Whether `user` may make clubs and change them, here and now: curators and administrators."""
    return can_curate(user) or (user.is_authenticated and user.may_administer)


class ClubQuerySet(models.QuerySet["Club"]):
    def readable_by(self, user: User | AnonymousUser) -> ClubQuerySet:
        """Those that `user` may see: private ones are for their members, curators and administrators."""
        if may_manage_clubs(user):
            return self
        own = ClubMember.objects.filter(club=OuterRef("pk"), user=user.pk) if user.is_authenticated else None
        return self.filter(is_private=False) if own is None else self.filter(Q(is_private=False) | Exists(own))

    def open(self) -> ClubQuerySet:
        """Those that still meet."""
        return self.filter(ended_at=None)

    def by_name(self) -> ClubQuerySet:
        """Those that still meet by their names, then those that have ended, the last ended first."""
        return self.order_by(F("ended_at").desc(nulls_first=True), Lower("name"), "pk")


class Club(models.Model):
    """A group that meets at regular times to talk about papers."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=90, unique=True)
    description = models.TextField(blank=True, max_length=2_000, help_text="Markdown.")
    repeats = models.CharField(max_length=12, choices=[(one.value, one.label) for one in Repeats], default="weekly")
    weekday = models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)], help_text="0 is Monday.")
    local_time = models.TimeField(default=time(16), help_text="By the clock of the time zone.")
    time_zone = models.CharField(max_length=64, help_text="Such as Europe/Berlin.")
    duration = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(5), MaxValueValidator(720)], help_text="Minutes."
    )
    starts_on = models.DateField(help_text="No meeting before it; every second week is counted from it.")
    place = models.CharField(max_length=200, blank=True)
    link = models.URLField(max_length=500, blank=True, help_text="Of a video call, say.")
    is_private = models.BooleanField(default=False, help_text="Only its members see it.")
    reminder_hours = models.PositiveSmallIntegerField(
        default=24, validators=[MaxValueValidator(336)], help_text="How long before a meeting the reminder is sent."
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="No more meetings are planned.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClubQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="club_weekday"),
            models.CheckConstraint(condition=Q(repeats__in=[one.value for one in Repeats]), name="club_repeats"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("papers:club", args=[self.slug])

    @property
    def rule(self) -> MeetingRule:
        """When it meets, for `papers.meeting_times`."""
        return MeetingRule(
            repeats=Repeats(self.repeats),
            weekday=self.weekday,
            local_time=self.local_time,
            time_zone=self.time_zone,
            starts_on=self.starts_on,
        )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class ClubMember(models.Model):
    """Somebody who takes part in a club."""

    club = models.ForeignKey(Club, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clubs")
    is_organizer = models.BooleanField(default=False, help_text="May order, cancel, move and write minutes.")
    wants_mail = models.BooleanField(default=True, help_text="Is reminded of meetings.")
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["club", "user"], name="club_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.club_id}"


class MeetingPosition(NamedTuple):
    """What a club's meetings are sorted by."""

    starts_at: datetime
    pk: int


class ClubMeetingQuerySet(models.QuerySet["ClubMeeting"]):
    def upcoming(self, now: datetime, *, after: MeetingPosition | None = None) -> ClubMeetingQuerySet:
        """Those that are not over at `now`, cancelled ones among them, the next first."""
        found = self.filter(ends_at__gt=now)
        if after is not None:
            found = found.filter(row_greater_than(MeetingPosition._fields, after))
        return found.order_by("starts_at", "pk")

    def held(self, now: datetime, *, after: MeetingPosition | None = None) -> ClubMeetingQuerySet:
        """Those that took place before `now`, the last first."""
        found = self.filter(ends_at__lte=now, cancelled_at=None)
        if after is not None:
            found = found.filter(row_less_than(MeetingPosition._fields, after))
        return found.order_by("-starts_at", "-pk")


class ClubMeeting(models.Model):
    """One meeting of a club. Rows are made for some weeks ahead, so that calendars know them by a lasting name."""

    club = models.ForeignKey(Club, on_delete=models.CASCADE, related_name="meetings", db_index=False)
    slot_on = models.DateField(help_text="The local date that the club's rule gives it, wherever it is moved to.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    place = models.CharField(max_length=200, blank=True)
    link = models.URLField(max_length=500, blank=True)
    is_moved = models.BooleanField(default=False, help_text="Changed by hand: a new rule of the club leaves it alone.")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, max_length=500, help_text="Why it was cancelled or moved.")
    minutes = models.TextField(blank=True, help_text="Markdown.")
    decisions = models.TextField(blank=True, help_text="Markdown.")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="Its name in calendars.")
    sequence = models.PositiveIntegerField(default=0, help_text="Raised when time, place or state change (RFC 5545).")
    reminded_at = models.DateTimeField(null=True, blank=True, help_text="When its reminders were put into the outbox.")
    changed_at = models.DateTimeField(help_text="When what calendars show of it changed last.")

    objects = ClubMeetingQuerySet.as_manager()

    class Meta:
        constraints = [
            # Checked at the commit: a new rule moves all meetings to come at once.
            models.UniqueConstraint(
                fields=["club", "slot_on"], name="club_meeting_once", deferrable=Deferrable.DEFERRED
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="club_meeting_lasts"),
        ]
        indexes = [
            # The next ones of a club, and its archive.
            models.Index(fields=["club", "starts_at"], name="club_meeting_order"),
            # Each minute: whose reminder is due.
            models.Index(
                fields=["starts_at"], name="club_meeting_remind", condition=Q(reminded_at=None, cancelled_at=None)
            ),
            GinIndex(MINUTES_WORDS, name="club_meeting_words"),
        ]

    def __str__(self) -> str:
        return f"{self.club_id} on {self.slot_on}"

    def get_absolute_url(self) -> str:
        """Asks for the club, so with `select_related("club")`."""
        return reverse("papers:club-meeting", args=[self.club.slug, self.slot_on.isoformat()])

    @property
    def local_start(self) -> datetime:
        """By the club's clock."""
        return self.starts_at.astimezone(self.club.zone)

    @property
    def local_day(self) -> date:
        """The day on which it takes place, by the club's clock; not `slot_on` where it was moved."""
        return self.local_start.date()


class AgendaItem(models.Model):
    """A paper on a meeting's agenda."""

    meeting = models.ForeignKey(ClubMeeting, on_delete=models.CASCADE, related_name="agenda", db_index=False)
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="agenda_items")
    position = models.IntegerField(default=0)
    nominated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="nominations"
    )
    nominated_at = models.DateTimeField()
    presenter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="presentations"
    )
    lost_presenter = models.BooleanField(default=False, help_text="Whoever was to present it left the club.")
    carried_from = models.DateField(null=True, blank=True, help_text="The meeting at which there was no time for it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meeting", "paper"], name="agenda_item_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} at {self.meeting_id}"

    @property
    def needs_presenter(self) -> bool:
        """Whether whoever was to present it left, or is suspended. Asks for the presenter, so with `select_related`."""
        return self.lost_presenter or (self.presenter is not None and not self.presenter.is_active)


@dataclass(frozen=True, slots=True)
class ClubRights:
    """What somebody may do in a club. Whoever may organize is a member, a curator or an administrator."""

    is_member: bool = False
    wants_mail: bool = False
    may_nominate: bool = False
    """Nominate papers, and volunteer to present them."""
    may_organize: bool = False
    """Order, cancel, move, carry over, write minutes, look after members."""


def rights_in_club(user: User | AnonymousUser, club: Club) -> ClubRights:
    """What `user` may do in a club that the same user may see. One query, none for a visitor."""
    if not user.is_authenticated:
        return ClubRights()
    member = ClubMember.objects.filter(club=club, user=user).first()
    return ClubRights(
        is_member=member is not None,
        wants_mail=member is not None and member.wants_mail,
        may_nominate=member is not None,
        may_organize=may_manage_clubs(user) or (member is not None and member.is_organizer),
    )
