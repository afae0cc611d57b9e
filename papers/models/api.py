"""Personal tokens, by which programs act for a reader; and the ids that programs gave to what they made."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from papers.models.user import User


class TokenScope(models.TextChoices):
    """What a token lets a program do; each beside the others."""

    READ = "read", "read what is yours"
    WRITE = "write", "vote, save, tag, comment and submit as you"
    CURATE = "curate", "do what curators do"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def of(self, user: User) -> ApiTokenQuerySet:
        """An account's tokens, the newest first; those that open nothing any more, too."""
        return self.filter(user=user).order_by("-pk")

    def usable(self, now: datetime) -> ApiTokenQuerySet:
        """Neither revoked nor expired, and of an account that is not suspended."""
        return self.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)


class ApiToken(models.Model):
    """A key to the API. Only a digest of it is stored, so a leaked table opens nothing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="What it is for, in its owner's words.")
    scopes = ArrayField(models.CharField(max_length=8, choices=TokenScope))
    key_digest = models.CharField(max_length=64, help_text="SHA-256 in hexadecimal.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To a few minutes.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key_digest"], name="api_token_key")]

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"

    def state(self, now: datetime) -> str:
        """`in use`, `revoked` or `expired`, for its owner's list."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "in use"


class ClientKey(models.Model):
    """The id (RFC 9562) that a program gave to what it made: the same id again makes nothing new."""

    class Kind(models.TextChoices):
        COMMENT = "comment", "a comment"
        SUBMISSION = "submission", "a submission"
        TOPIC = "topic", "a saved search"
        LIST = "list", "a shared list"

    pk = models.CompositePrimaryKey("user_id", "key")
    # The primary key serves what an index of this column would.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="client_keys", db_index=False
    )
    key = models.UUIDField()
    kind = models.CharField(max_length=12, choices=Kind)
    made_id = models.BigIntegerField(null=True, help_text="The row's key; empty where nothing had to be made.")
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.CASCADE, null=True, related_name="+", help_text="Which paper was here already."
    )
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="client_key_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} of {self.user_id}"
