"""Who gets mail, when, and about what; and who must get none."""

from __future__ import annotations

import secrets
from datetime import time

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.db.models.functions import Lower

from digests.models.mail_keys import key_digest_field
from digests.schedule import RULE_FIELDS, RecurrenceRule
from papers.models.email_fields import AddressField
from papers.models.shared_list import ListVisibility, SharedListMember
from papers.text.counts import counted

MAX_PAPERS = 40
"""More in one mail, and Gmail would cut it off."""


def new_key() -> str:
    """A key as they were stored until they were derived; the first migration knows it by this name."""
    return secrets.token_urlsafe(16)


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def with_address(self, address: str) -> SubscriberQuerySet:
        """Addresses are compared without regard to case, and to how the domain is written; one query along the index
        `subscriber_once`.
        """
        return self.filter(email__iexact=address.strip())

    def confirmed(self) -> SubscriberQuerySet:
        return self.exclude(confirmed_at=None)

    def admitted(self) -> SubscriberQuerySet:
        """Without the suspended: their keys open nothing but the way out."""
        return self.filter(Q(user=None) | Q(user__is_active=True))


class Subscriber(models.Model):
    """An address that asked for mail; with an account, or without one."""

    email = AddressField("e-mail address")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="subscriber"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="Empty: nothing is sent.")
    consent = models.JSONField(default=dict, blank=True, help_text="When and how the reader agreed, and to what.")
    key_nonce = models.UUIDField(
        db_default=RandomUUID(), editable=False, help_text="Part of what the reader's keys are derived from."
    )
    key_digest = key_digest_field("Of the key to the page of preferences.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        # Keys are not `unique=True` here, with which Django has a second index of the same, for LIKE.
        constraints = [
            models.UniqueConstraint(fields=["key_digest"], name="subscriber_key"),
            models.UniqueConstraint(
                Lower("email"), name="subscriber_once", violation_error_message="This address is subscribed."
            ),
        ]
        indexes = [
            # Addresses that were never confirmed are deleted after a week.
            models.Index(fields=["created_at"], name="subscriber_pending", condition=Q(confirmed_at=None)),
        ]

    def __str__(self) -> str:
        return self.email


class Schedule(models.Model):
    """One regular mail: its hour in the reader's own time zone, and how far it has come.

    What a reader chose is the truth; `next_on` and `next_due_at` follow from it, and are written with it by
    `digests.services.schedules`.
    """

    # The first column of `schedule_once`.
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="schedules", db_index=False)
    frequency = models.CharField(max_length=20, help_text="A name in digests/schedule.py.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Such as Europe/Berlin.")
    local_time = models.TimeField(default=time(7, 30))
    weekday = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(6)], help_text="0 is Monday; for weekly mail."
    )
    month_day = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text="For monthly mail; the last day where a month has fewer.",
    )
    skips_weekends = models.BooleanField(default=False, help_text="For daily mail: Monday's brings the weekend's.")
    max_papers = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(MAX_PAPERS)]
    )
    sends_empty = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A mail also says so where papers came and none was above its line.",
    )
    paused_until = models.DateField(null=True, blank=True, help_text="The first day with mail again.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When the reader unsubscribed from all of it.")

    next_on = models.DateField(null=True, blank=True, help_text="The local date that the next mail is meant for.")
    next_due_at = models.DateTimeField(null=True, blank=True, help_text="When that is. Empty: nothing is planned.")
    last_on = models.DateField(null=True, blank=True, help_text="The local date of the last mail planned.")
    last_release = models.BigIntegerField(default=0, help_text="Releases up to this one were offered or passed over.")
    covers_from = models.DateTimeField(help_text="Nothing released before it is news to this reader.")
    key_digest = key_digest_field("Of the key in the one-click header.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "frequency"], name="schedule_once"),
            models.UniqueConstraint(fields=["key_digest"], name="schedule_unsub_key"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="schedule_weekday"),
            models.CheckConstraint(condition=Q(month_day__gte=1, month_day__lte=31), name="schedule_month_day"),
            models.CheckConstraint(condition=Q(max_papers__gte=1, max_papers__lte=MAX_PAPERS), name="schedule_size"),
            models.CheckConstraint(
                condition=Q(next_on=None, next_due_at=None) | Q(next_on__isnull=False, next_due_at__isnull=False),
                name="schedule_slot_whole",
            ),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(next_due_at=None), name="schedule_ended"),
        ]
        indexes = [
            # Each minute: what is due. Ended and unconfirmed ones are not in it.
            models.Index(fields=["next_due_at", "id"], name="schedule_due", condition=Q(next_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} mail of {self.subscriber_id}"

    @property
    def rule(self) -> RecurrenceRule:
        """When it sends, for `digests.schedule`."""
        return RecurrenceRule(self.frequency, *(getattr(self, name) for name in RULE_FIELDS))


class LineKind(models.TextChoices):
    """What is above the line of a subscription; digests/line.py has the numbers."""

    ANY = "any", "anything"
    RELATED = "related", "related"
    CLOSE = "close", "close"
    VOTED = "voted", "voted for"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def with_rights(self) -> SubscriptionQuerySet:
        """With `may_read`: False where it is to a shared list that its reader may no longer read.

        As `readable_by` of these lists says it, and digests/selection/choose_papers.py in SQL.
        """
        reader = "schedule__subscriber__user"
        named = SharedListMember.objects.filter(shared_list=OuterRef("shared_list"), user=OuterRef(reader))
        own = Q(shared_list__owner=F(reader)) | Q(Exists(named))
        seen = ~Q(shared_list__visibility=ListVisibility.NAMED)
        curated = Q(shared_list__owner=None, schedule__subscriber__user__is_curator=True)
        can = Q(shared_list=None) | (Q(schedule__subscriber__user__isnull=False) & (seen | own | curated))
        return self.annotate(may_read=Case(When(can, then=True), default=False, output_field=models.BooleanField()))

    def readable(self) -> SubscriptionQuerySet:
        """Without those to shared lists that their readers may no longer read."""
        return self.with_rights().filter(may_read=True)  # type: ignore[misc]  # annotated there


class Subscription(models.Model):
    """One thing that a schedule's mail is about."""

    class Kind(models.TextChoices):
        TOPIC = "topic", "a topic"
        DAILY = "daily", "the daily papers"
        TRENDING = "trending", "trending papers"
        TOP = "top", "the most voted of the day, week or month"
        FOLLOWED = "followed", "authors and organizations you follow"
        FOR_YOU = "for_you", "papers suggested to you"
        VERSIONS = "versions", "new versions of saved papers"
        LIST = "list", "a shared list"

    Line = LineKind

    # The first column of `subscription_once`.
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="subscriptions", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    topic = models.ForeignKey(
        "papers.Topic", on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions"
    )
    shared_list = models.ForeignKey(
        "papers.SharedList", on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions"
    )
    max_papers = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="At most so many in one mail; empty: its share of the mail."
    )
    line = models.CharField(
        max_length=8,
        choices=LineKind,
        default=LineKind.ANY,
        db_default="any",
        help_text="Only what is above it is in the mail.",
    )
    min_votes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="The line in votes; 0 for other lines."
    )
    line_set_at = models.DateTimeField(
        null=True, blank=True, help_text="Papers that stood below an earlier line stay there."
    )
    paused_until = models.DateField(null=True, blank=True, help_text="The first day it counts again.")
    key_digest = key_digest_field("Of the key in the mail's link to its end.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "kind", "topic", "shared_list"], name="subscription_once", nulls_distinct=False
            ),
            models.UniqueConstraint(fields=["key_digest"], name="subscription_unsub_key"),
            models.CheckConstraint(
                condition=Q(kind="topic", topic__isnull=False) | (~Q(kind="topic") & Q(topic=None)),
                name="subscription_topic",
            ),
            models.CheckConstraint(
                condition=Q(kind="list", shared_list__isnull=False) | (~Q(kind="list") & Q(shared_list=None)),
                name="subscription_list",
            ),
            models.CheckConstraint(
                condition=Q(max_papers=None) | Q(max_papers__gte=1, max_papers__lte=MAX_PAPERS),
                name="subscription_size",
            ),
            models.CheckConstraint(
                condition=Q(line="voted", min_votes__gte=1) | Q(line__in=["any", "related", "close"], min_votes=0),
                name="subscription_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.schedule_id}"

    @property
    def subject(self) -> tuple[str, int | None, int | None]:
        """Its kind, and the topic or the shared list where it is one."""
        return self.kind, self.topic_id, self.shared_list_id

    @property
    def label(self) -> str:
        """What readers call it. A query where `topic` and `shared_list` were not read with it.

        Read `with_rights`, a list that is no longer for its reader is not named.
        """
        if not getattr(self, "may_read", True):
            return "a shared list that you can no longer read"
        named = self.topic or self.shared_list
        return named.name if named is not None else self.get_kind_display()

    @property
    def limits_in_words(self) -> str:
        """How much of it comes: `only close, at most 5`."""
        lines = {
            LineKind.ANY: "anything",
            LineKind.VOTED: f"only with {counted(self.min_votes, 'vote')} or more",
        }
        line = lines.get(LineKind(self.line), f"only {self.get_line_display()}")
        return line if self.max_papers is None else f"{line}, at most {self.max_papers}"


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def of(self, address: str) -> SuppressionQuerySet:
        return self.filter(address__iexact=address.strip())


class Suppression(models.Model):
    """An address that gets no mail, whatever is subscribed for it."""

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "unsubscribed from everything"
        BOUNCED = "bounced", "the mailbox does not exist"
        COMPLAINED = "complained", "marked our mail as spam"

    address = AddressField("e-mail address")
    reason = models.CharField(max_length=12, choices=Reason)
    detail = models.TextField(blank=True, help_text="What the receiving server said.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("address"), name="suppression_once")]

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"
