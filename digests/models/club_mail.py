"""The outbox of journal clubs: reminders of meetings, and what changed about them since."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from digests.models.mail_keys import key_digest_field


class ClubMailQuerySet(models.QuerySet["ClubMail"]):
    def due(self, now: datetime) -> ClubMailQuerySet:
        """What may be sent now, and what a worker left behind whose time is up; along the index `club_mail_due`."""
        return self.filter(state__in=ClubMail.OPEN, not_before__lte=now).order_by("not_before", "pk")


class ClubMail(models.Model):
    """One mail about one meeting to one member. The unique key keeps it from being sent twice.

    waiting ─► leased ─► sending ─► sent
       ▲          │          ├─► waiting, later    (refused for now)
       │          ▼          ├─► failed            (for good, or a day late)
       └──── cancelled       └─► unknown           (no reply came, and it must not arrive twice)
    A worker that is killed before `sending` has sent nothing. After it, the mail is sent again, the same to the byte.
    """

    class Kind(models.TextChoices):
        REMINDER = "reminder", "reminder"
        CHANGE = "change", "what changed since the reminder"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        LEASED = "leased", "in a worker's hands"
        SENDING = "sending", "being handed over"
        SENT = "sent", "sent"
        CANCELLED = "cancelled", "no longer wanted"
        FAILED = "failed", "not sent"
        UNKNOWN = "unknown", "perhaps sent"

    OPEN = (State.WAITING, State.LEASED, State.SENDING)
    TOLD = (State.SENDING, State.SENT, State.UNKNOWN)
    """States in which its reader may know what it says."""

    meeting = models.ForeignKey("papers.ClubMeeting", on_delete=models.CASCADE, related_name="mails", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="club_mails")
    kind = models.CharField(max_length=8, choices=Kind)
    sequence = models.PositiveIntegerField(help_text="The meeting's, when the mail was planned.")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True, help_text="Why it was put off, refused or cancelled.")
    facts = models.JSONField(default=dict, blank=True, help_text="Time, place and state of the meeting that it tells.")
    message = models.TextField(blank=True, help_text="As it is handed over, until it is sent.")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="Its name, the same each time.")
    key_digest = key_digest_field("Of the key in its way out.")
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.CharField(max_length=32, blank=True, help_text="Whose it is, while a worker has it.")
    not_before = models.DateTimeField(help_text="While a worker has it: when its time is up.")
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = ClubMailQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "user", "kind", "sequence"], name="club_mail_once"),
            models.UniqueConstraint(fields=["key_digest"], name="club_mail_key"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["waiting", "leased", "sending", "sent", "cancelled", "failed", "unknown"],
                ),
                name="club_mail_state",
            ),
        ]
        indexes = [
            # Workers: what may be sent now.
            models.Index(
                fields=["not_before", "id"],
                name="club_mail_due",
                condition=Q(state__in=["waiting", "leased", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.meeting_id} to {self.user_id}"
