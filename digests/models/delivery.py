"""The outbox: each mail with the papers chosen for it, where it is on its way, and the parts it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q

from digests.models.mail_keys import key_digest_field
from digests.models.subscriber import Schedule, Subscriber

LATE_AFTER = timedelta(minutes=15)
HISTORY_RETENTION = timedelta(days=180)
"""No paper is chosen twice for a reader within this time."""
DELIVERY_RETENTION = HISTORY_RETENTION + timedelta(days=7)
"""How long mails, and what is known of merged papers in them, are kept."""


class DeliveryState(models.TextChoices):
    """Where a mail is on its way. `planned` and `retry` wait, `leased` and `sending` are in a worker's hands."""

    PLANNED = "planned", "planned"
    LEASED = "leased", "in a worker's hands"
    SENDING = "sending", "being handed over"
    SENT = "sent", "sent"
    RETRY = "retry", "to be tried again"
    SKIPPED = "skipped", "nothing to send"
    CANCELLED = "cancelled", "cancelled by the reader"
    SUPERSEDED = "superseded", "overtaken by the next one"
    FAILED = "failed", "refused for good"
    UNKNOWN = "unknown", "perhaps sent"


WAITING_STATES = (DeliveryState.PLANNED, DeliveryState.RETRY)
IN_HAND_STATES = (DeliveryState.LEASED, DeliveryState.SENDING)
OFFERED_STATES = (
    DeliveryState.PLANNED,
    DeliveryState.LEASED,
    DeliveryState.SENDING,
    DeliveryState.RETRY,
    DeliveryState.SENT,
    DeliveryState.UNKNOWN,
)
"""States in which the papers of a mail count as offered to its reader."""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def open(self) -> DeliveryQuerySet:
        """Not settled yet; served by the index `delivery_open`."""
        return self.filter(state__in=(*WAITING_STATES, *IN_HAND_STATES))

    def for_subscriber(self, subscriber: Subscriber) -> DeliveryQuerySet:
        """Newest first; served by the index `delivery_of_reader`."""
        return self.filter(subscriber=subscriber).order_by("-planned_at", "-pk")


class Delivery(models.Model):
    """One mail: a schedule and the local date that it was meant for. Written by `digests.services`, in SQL.

    (planned) ─► leased ─► sending ─► sent
        ▲          │          ├─► unknown          (no reply came, and it must not arrive twice)
        │          ├──────────┼─► failed, skipped  (refused for good; nothing is left to send)
      retry ◄──────┴──────────┘
    planned, retry, leased ─► cancelled            (the reader left); planned, retry ─► superseded (by the next mail)
    A mail with nothing new begins and ends as skipped. docs/design.md has each step with its file.
    """

    # Both are the first column of an index below.
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    # The reader again, because what was offered counts over all of one reader's schedules.
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    period_on = models.DateField(help_text="The local date that it was meant for.")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PLANNED)
    reason = models.TextField(blank=True, help_text="Why it was skipped, put off or refused.")

    paper_ids = ArrayField(models.BigIntegerField(), default=list, help_text="In the order of the mail.")
    causes = ArrayField(
        models.TextField(), default=list, help_text="For each paper the subscriptions that it is there for: 12,15."
    )
    more_ids = ArrayField(models.BigIntegerField(), default=list, help_text="Offered behind “and 23 more”.")
    more_causes = ArrayField(models.TextField(), default=list, help_text="As causes, of more_ids.")
    cause_lists = ArrayField(
        models.TextField(),
        default=list,
        help_text="Of causes that are shared lists, which: 12:7 is subscription 12, to list 7.",
    )
    below_ids = ArrayField(
        models.BigIntegerField(), default=list, help_text="Below a reader's line: named, not offered; best first."
    )
    below_causes = ArrayField(models.TextField(), default=list, help_text="As causes, of below_ids.")
    offers_weekly = models.BooleanField(default=False, db_default=False, help_text="It offers to come weekly instead.")
    version_ids = ArrayField(models.BigIntegerField(), default=list, help_text="New versions of saved papers.")
    edition_count = models.PositiveIntegerField(default=0, help_text="How many the daily papers had in that time.")
    from_release = models.BigIntegerField(default=0)
    to_release = models.BigIntegerField(default=0)
    floor = models.DateTimeField(help_text="Nothing released before it was taken up.")
    planned_at = models.DateTimeField()

    key_digest = key_digest_field("Of the key to its page.")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="Waiting lives here, never in a message of the queue.")
    owner = models.CharField(max_length=32, blank=True, help_text="Whose lease it is.")
    leased_until = models.DateTimeField(null=True, blank=True)
    # Written with `sending`: a second attempt is made of the same parts, so it is the same to the byte.
    content_spec = models.TextField(blank=True, help_text="Parts and words of the mail, as JSON, without its keys.")
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["schedule", "period_on"], name="delivery_once_a_slot"),
            # Not `unique=True`, with which Django has a second index of the same, for LIKE; each costs at every step.
            models.UniqueConstraint(fields=["key_digest"], name="delivery_key"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state"),
            models.CheckConstraint(
                condition=Q(state__in=IN_HAND_STATES, leased_until__isnull=False) | ~Q(state__in=IN_HAND_STATES),
                name="delivery_leased",
            ),
        ]
        indexes = [
            # Workers: what may be sent now.
            models.Index(fields=["not_before", "id"], name="delivery_waiting", condition=Q(state__in=WAITING_STATES)),
            # Each minute: leases that ran out.
            models.Index(fields=["leased_until"], name="delivery_in_hand", condition=Q(state__in=IN_HAND_STATES)),
            # What is late; what the next mail of a schedule overtakes.
            models.Index(
                fields=["schedule", "due_at"],
                name="delivery_open",
                condition=Q(state__in=(*WAITING_STATES, *IN_HAND_STATES)),
            ),
            # What was offered to a reader before; a reader's archive.
            models.Index(fields=["subscriber", "planned_at"], name="delivery_of_reader"),
            # Operators: what went wrong, newest first.
            models.Index(
                fields=["-planned_at"], name="delivery_trouble", condition=Q(state__in=["failed", "unknown", "retry"])
            ),
            # Counting days: mails are stored in the order in which they were planned, and this index is tiny.
            BrinIndex(fields=["planned_at"], name="delivery_by_day", pages_per_range=32),
            # New versions are few; when papers merge, these are looked for.
            GinIndex(fields=["version_ids"], name="delivery_versions", condition=~Q(version_ids=[])),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk} of {self.schedule_id} for {self.period_on}"


class Fragment(models.Model):
    """A ready-made part of mails, named by its content: a paper, or the frame around papers. Rendered once, used often.

    Kept for as long as a mail made of it may have to be made again.
    """

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the parts.")
    text = models.TextField(help_text="For the plain part, encoded for the wire.")
    html = models.TextField(help_text="For the HTML part, encoded for the wire.")
    used_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["used_at"], name="fragment_used")]

    def __str__(self) -> str:
        return self.digest[:12]


class MergedPaperQuerySet(models.QuerySet["MergedPaper"]):
    def current_ids(self, ids: Iterable[int]) -> dict[int, int]:
        """By id: the paper that it is now, itself where it was not merged. In the order of `ids`. One query."""
        wanted = list(ids)
        merged = dict(self.filter(gone_id__in=wanted).values_list("gone_id", "kept_id"))
        return {pk: merged.get(pk, pk) for pk in wanted}


class MergedPaper(models.Model):
    """A paper that went into another: what was offered under the old id counts as the new one.

    Instead of rewriting arrays in millions of deliveries.
    """

    gone_id = models.BigIntegerField(primary_key=True)
    kept_id = models.BigIntegerField()
    merged_at = models.DateTimeField(auto_now_add=True)

    objects = MergedPaperQuerySet.as_manager()

    class Meta:
        # From a paper to the ids that its history may have.
        indexes = [models.Index(fields=["kept_id"], name="merged_paper_kept")]

    def __str__(self) -> str:
        return f"{self.gone_id} is {self.kept_id}"


class MailDay(models.Model):
    """How the mails of a day ended, by the date they were meant for: counted by the workers every few minutes.

    Counting a month of mails on a page would take seconds where there are many readers.
    """

    day = models.DateField(primary_key=True)
    sent = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="There was nothing to send.")
    failed = models.PositiveIntegerField(default=0, help_text="Refused for good, or perhaps sent.")
    ended = models.PositiveIntegerField(default=0, help_text="Cancelled by the reader or overtaken by the next one.")
    waiting = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.sent} sent on {self.day}"
