"""What happened to accounts that matters for their safety: who came in, and what was changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SecurityEventQuerySet(models.QuerySet["SecurityEvent"]):
    def newest(self, *, before: int | None = None) -> SecurityEventQuerySet:
        """The newest first, those stored before the one with the key `before`; along the primary key."""
        found = self if before is None else self.filter(pk__lt=before)
        return found.select_related("user", "by").order_by("-pk")


class SecurityEvent(models.Model):
    """One thing that happened to an account. Kept for a year, and gone with the account."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed-in", "signed in"
        NEW_DEVICE = "new-device", "signed in on a new device"
        PASSWORD = "password", "password changed"
        ADDRESS = "address", "address changed"
        FACTOR_ON = "factor-on", "second factor on"
        FACTOR_OFF = "factor-off", "second factor off"
        CODES = "codes", "new recovery codes"
        ROLE = "role", "role changed"
        SUSPENDED = "suspended", "suspended"
        RESTORED = "restored", "restored"

    # Its index is the one below.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="security_events", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="The administrator who did it; empty: whoever was signed in.",
    )  # fmt: skip
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    network = models.CharField(max_length=50, blank=True, help_text="An IP address; of IPv6 a household's network.")
    device = models.CharField(max_length=40, blank=True, help_text="Such as Firefox on Linux.")
    detail = models.CharField(max_length=254, blank=True, help_text="Such as the new role.")

    objects = SecurityEventQuerySet.as_manager()

    class Meta:
        indexes = [
            # Whether a device was seen before.
            models.Index(fields=["user", "kind", "device"], name="security_event_device"),
            models.Index(fields=["at"], name="security_event_old"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
