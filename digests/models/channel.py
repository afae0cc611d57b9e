"""Channels through which curators and readers are notified, and each notice sent through them."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from papers.models.encrypted import EncryptedTextField, UnreadableSecret
from papers.models.user import User


def new_signing_secret() -> str:
    """What signs our posts; in the form of standardwebhooks.com."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class ChannelQuerySet(models.QuerySet["Channel"]):
    def of_group(self) -> ChannelQuerySet:
        """Those that administrators look after."""
        return self.filter(owner=None)

    def of(self, user: User) -> ChannelQuerySet:
        """A reader's own webhooks."""
        return self.filter(owner=user)

    def live(self) -> ChannelQuerySet:
        """Those that are told what happens: they are on, and nobody's whose account is suspended."""
        return self.filter(Q(owner=None) | Q(owner__is_active=True), is_enabled=True)


class Channel(models.Model):
    """A mail address or a webhook that gets notices for curators; or a reader's own webhook."""

    class Kind(models.TextChoices):
        MAIL = "mail", "Mail"
        SLACK = "slack", "Slack"
        MATTERMOST = "mattermost", "Mattermost"
        MATRIX = "matrix", "Matrix"
        WEBHOOK = "webhook", "Webhook (JSON, signed)"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind)
    # Whoever knows these can write there: they are never shown again, and stored encrypted.
    address = EncryptedTextField(help_text="Of a mailbox or a webhook; for Matrix that of the server.")
    secret = EncryptedTextField(blank=True, help_text="A token for Matrix; what signs our posts to a webhook.")
    room = models.TextField(blank=True, help_text="For Matrix, such as !abc:example.org.")
    notify_queue = models.BooleanField("something waits for a curator, once a day", default=True)
    notify_edition = models.BooleanField("the day’s papers, once a day", default=True)
    notify_stale = models.BooleanField("a source is stale or fails", default=True)
    notify_late = models.BooleanField("mail is late", default=True)
    edition_size = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(30)], help_text="So many of the day's papers."
    )
    edition_at = models.TimeField(default=time(9), help_text="Not before this, by the group's clock.")
    topics = models.ManyToManyField(
        "papers.Topic", blank=True, related_name="+", help_text="Whose new papers it is told, as they come."
    )
    topics_release = models.BigIntegerField(
        null=True, blank=True, help_text="New papers of topics are told up to this release; empty: from now on."
    )
    is_enabled = models.BooleanField("on", default=True)
    failed_count = models.PositiveSmallIntegerField(default=0, help_text="Notices given up in a row.")
    disabled_at = models.DateTimeField(null=True, blank=True, help_text="Turned off by itself after failures.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Whose own it is; empty: the group's.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChannelQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_unreadable(self) -> bool:
        """Whether its address or token was encrypted with a key that is not here: they have to be entered again."""
        return isinstance(self.address, UnreadableSecret) or isinstance(self.secret, UnreadableSecret)


class ChannelList(models.Model):
    """A list beside topics whose new papers a channel is told."""

    class Kind(models.TextChoices):
        CATEGORY = "category", "category"
        AUTHOR = "author", "author"
        ORGANIZATION = "organization", "organization"
        FOLLOWING = "following", "following"
        TAG = "tag", "tag"
        LIST = "list", "shared list"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="lists", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    key = models.TextField(
        blank=True, help_text="A category's code; of authors, organizations and lists their address."
    )
    tag = models.ForeignKey("papers.Tag", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    read_to = models.BigIntegerField(
        help_text="The position of a change, or for whom one follows the release, up to which it was told."
    )
    made_at = models.DateTimeField(help_text="What came before is no news.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "kind", "key", "tag"], name="channel_list_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key or self.tag_id or ''} to {self.channel_id}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self, now: datetime) -> NoticeQuerySet:
        """What may be posted now, the longest waiting first; along the index `notice_due`."""
        return self.filter(state__in=Notice.OPEN, not_before__lte=now).order_by("not_before", "pk")


class Notice(models.Model):
    """One notice to one channel. The unique key keeps it from being sent twice.

    waiting ─► sending ─► sent
       ▲          ├─► waiting, later  (it was refused for now)
       │          ├─► failed          (for good, or too often)
       └──────────┴─► unknown         (its worker died after it had begun, and the channel can't tell two from one)
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not sent"
        UNKNOWN = "unknown", "perhaps sent"

    OPEN = (State.WAITING, State.SENDING)

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notices", db_index=False)
    key = models.CharField(max_length=80, help_text="What it is about and of which day, such as edition:2026-03-04.")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    content = models.JSONField(default=dict, help_text="Title, lines and links; the same at each attempt.")
    paper_ids = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text="Which papers of a list it told, by their keys."
    )
    uid = models.CharField(max_length=32, unique=True, help_text="The same at each attempt, for who gets it twice.")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="While a worker is at it: when its time is up.")
    result = models.TextField(blank=True, help_text="What the other side said last, without its address.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status of the last answer.")
    seconds = models.FloatField(null=True, blank=True, help_text="How long the last attempt took.")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="notice_once")]
        indexes = [
            models.Index(fields=["not_before", "id"], name="notice_due", condition=Q(state__in=["waiting", "sending"])),
            models.Index(fields=["created_at"], name="notice_old"),
            # Whether a paper was told already.
            GinIndex(fields=["paper_ids"], name="notice_papers"),
        ]

    def __str__(self) -> str:
        return f"{self.key} to {self.channel_id}"
