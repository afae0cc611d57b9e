"""Addresses that were typed in and wait for their owner's confirmation; and whether mail has ever left from here."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from digests.models.subscriber import Subscriber
from papers.models.email_fields import AddressField
from papers.text.mailboxes import canonical_or_same

LINK_LIFETIME = timedelta(hours=48)
UNCONFIRMED_RETENTION = timedelta(days=7)
"""Addresses that are not confirmed by then are deleted."""


class SignUpQuerySet(models.QuerySet["SignUp"]):
    def waiting(self, now: datetime) -> SignUpQuerySet:
        """Mails still to be sent; served by the index `signup_waiting`."""
        return self.filter(not_before__lte=now)

    def of_address(self, address: str) -> SignUpQuerySet:
        return self.annotate(address=Lower("email")).filter(address=canonical_or_same(address).lower())


class SignUp(models.Model):
    """Somebody typed this address. Its owner gets a mail with a link, and only the link's button says yes.

    A row is written whatever is known of the address, and a worker looks at it later: so neither the answer nor its
    time shows whether the address is subscribed.
    """

    class Purpose(models.TextChoices):
        SUBSCRIBE = "subscribe", "get mail"
        MOVE = "move", "get mail at another address"

    email = AddressField("e-mail address")
    purpose = models.CharField(max_length=9, choices=Purpose, default=Purpose.SUBSCRIBE)
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, blank=True, related_name="sign_ups",
        help_text="Whose mail is to go to this address; empty: nobody's yet.",
    )  # fmt: skip
    topic = models.ForeignKey("papers.Topic", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, blank=True, help_text="When to send the letter; empty: settled.")
    attempts = models.PositiveSmallIntegerField(default=0)
    # Only a digest: a leaked table confirms nothing.
    token_digest = models.CharField(max_length=64, unique=True, null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = SignUpQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="signup_waiting", condition=Q(not_before__isnull=False)),
            # How often an address was written to of late.
            models.Index(Lower("email"), "asked_at", name="signup_of_address"),
            models.Index(fields=["asked_at"], name="signup_forgotten"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.email}"

    def is_expired(self, now: datetime) -> bool:
        return self.sent_at is None or self.sent_at + LINK_LIFETIME < now


class MailTest(models.Model):
    """The last test message: one row. Pages take addresses only when one has left by the settings in force."""

    tested_at = models.DateTimeField()
    settings_digest = models.CharField(
        max_length=64, help_text="Digest of server, sender and site that it was tried with."
    )
    succeeded = models.BooleanField()
    result = models.TextField(help_text="The result, in words.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="mail_trial_one_row")]

    def __str__(self) -> str:
        return self.result
