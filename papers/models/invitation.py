"""Invitations to make an account."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from papers.models.email_fields import AddressField
from papers.models.user import Role


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self, now: datetime) -> InvitationQuerySet:
        """Those that somebody may still come by; none of a suspended person, who could come back by them."""
        made_by = models.Q(made_by=None) | models.Q(made_by__is_active=True)
        return self.filter(made_by, used_at=None, revoked_at=None, expires_at__gt=now)

    def newest(self) -> InvitationQuerySet:
        return self.select_related("made_by", "used_by").order_by("-created_at")


class Invitation(models.Model):
    """One person may make an account by it. Only a digest of its token is stored, so a leaked table opens nothing."""

    token_digest = models.CharField(max_length=64, unique=True)
    email = AddressField("e-mail address", blank=True, help_text="Empty: whoever has the link.")
    role = models.CharField(max_length=13, choices=Role, default=Role.READER)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="invitations"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation of {self.email or 'anyone'}"

    def state(self, now: datetime) -> str:
        """In a word: used, revoked, expired or waiting."""
        if self.used_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        return "waiting" if self.expires_at > now else "expired"
