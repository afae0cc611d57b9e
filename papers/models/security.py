"""What happened to accounts: sign-ins, new devices, changes of how one gets in and of what one may do."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Q

from papers.models.user import User


class SecurityPosition(NamedTuple):
    """What the security log is sorted by."""

    pk: int


class SecurityEventQuerySet(models.QuerySet["SecurityEvent"]):
    def newest(self, *, before: int | None = None) -> SecurityEventQuerySet:
        """The newest first, behind the event with this key: the primary key, backwards."""
        found = self if before is None else self.filter(pk__lt=before)
        return found.select_related("user", "by").order_by("-pk")

    def of(self, user: User) -> SecurityEventQuerySet:
        return self.filter(user=user)

    def sign_ins(self) -> SecurityEventQuerySet:
        return self.filter(kind__in=(SecurityEvent.Kind.SIGN_IN, SecurityEvent.Kind.NEW_DEVICE))

    def due_mails(self, now: datetime) -> SecurityEventQuerySet:
        """Of which their owners are to be told by mail now, the longest due first."""
        return self.filter(mail_at__lte=now).order_by("mail_at", "pk")


class SecurityEvent(models.Model):
    """Something that happened to an account, which its owner and administrators can read for a year."""

    class Kind(models.TextChoices):
        """What happened; the words stand behind the account's name."""

        SIGN_IN = "sign-in", "signed in"
        NEW_DEVICE = "new-device", "signed in on a new device"
        WRONG_CODE = "wrong-code", "gave a wrong code or key after the password"
        PASSWORD = "password", "has a new password"
        ADDRESS = "address", "has a new e-mail address"
        FACTOR_ADDED = "factor-added", "added a second factor"
        FACTOR_REMOVED = "factor-removed", "removed a second factor"
        FACTOR_RESET = "factor-reset", "had two-factor authentication turned off by an administrator"
        CODES = "codes", "created new recovery codes"
        TOKEN_MADE = "token-made", "created an API token"
        TOKEN_REVOKED = "token-revoked", "revoked an API token"
        WEBHOOK_MADE = "webhook-made", "created a webhook"
        WEBHOOK_OFF = "webhook-off", "had a webhook turned off because its notices failed"
        ROLE = "role", "was given a new role"
        SUSPENDED = "suspended", "was suspended"
        RESTORED = "restored", "was restored"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="security_events")
    kind = models.CharField(max_length=14, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The administrator who did it; empty where the account's owner did.",
    )
    network = models.CharField(max_length=45, blank=True, help_text="The first part of the network address.")
    device = models.CharField(max_length=60, blank=True, help_text="Such as Firefox on Linux.")
    detail = models.CharField(max_length=200, blank=True, help_text="Such as the new role.")
    mail_at = models.DateTimeField(null=True, blank=True, help_text="When a mail is to say so; empty: none is.")
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    objects = SecurityEventQuerySet.as_manager()

    class Meta:
        indexes = [
            # The log of one account, the log of one kind, and what is a year old.
            models.Index(fields=["user", "-id"], name="security_of_user"),
            models.Index(fields=["kind", "-id"], name="security_of_kind"),
            models.Index(fields=["at"], name="security_age"),
            # Of what the workers are to write; nearly always empty.
            models.Index(fields=["mail_at"], name="security_to_mail", condition=Q(mail_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
