"""Where papers come from: sources, the runs of their fetches, rejected records, host slots, heartbeats, imports."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from papers.models.encrypted import EncryptedTextField
from papers.sources.registry import announcing_kinds


class SourceQuerySet(models.QuerySet["Source"]):
    def due(self, now: datetime) -> SourceQuerySet:
        """Those to be fetched now, the longest waiting first."""
        return self.filter(is_enabled=True, next_fetch_at__lte=now).order_by("next_fetch_at", "pk")

    def announcing(self) -> SourceQuerySet:
        """Those that are on and whose lists say how many papers of arXiv there must be on a day."""
        return self.filter(is_enabled=True, kind__in=announcing_kinds())


class Source(models.Model):
    """One place that papers are fetched from, its schedule, and what of it stands on the day's edition."""

    class Lists(models.TextChoices):
        NOTHING = "nothing", "nothing"
        ALL = "all", "everything announced"
        AT_MOST = "at_most", "at most N a day"

    kind = models.CharField(max_length=20, help_text="A kind of `sources/registry.py`, which knows all else of it.")
    name = models.CharField(max_length=120)
    base_url = models.TextField(blank=True, help_text="Empty: the service's own address. For a feed: its address.")
    categories = ArrayField(models.TextField(), default=list, blank=True, help_text="arXiv categories, such as cs.CL.")
    query = models.TextField(blank=True, help_text="For arXiv search: a query in its own language.")
    api_key = EncryptedTextField(blank=True, default="", help_text="For services that want one. Never shown again.")
    lists = models.CharField(
        max_length=8, choices=Lists, default=Lists.NOTHING, help_text="What it puts on the edition."
    )
    list_limit = models.PositiveIntegerField(default=0, help_text="N, for at most N a day.")
    list_categories = ArrayField(
        models.TextField(), default=list, blank=True, help_text="Only papers in these; empty: all it brings."
    )
    is_enabled = models.BooleanField("fetch on schedule", default=True)
    interval_seconds = models.PositiveIntegerField(default=3600)
    next_fetch_at = models.DateTimeField(null=True, blank=True)
    cursor = models.JSONField(default=dict, blank=True)
    etag = models.TextField(blank=True)
    last_modified = models.TextField(blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    error_count = models.PositiveIntegerField(default=0, help_text="Failures in a row.")
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["next_fetch_at"], name="source_due", condition=Q(is_enabled=True))]

    def __str__(self) -> str:
        return self.name


class FetchRun(models.Model):
    """One fetch of a source: what it was asked, what came, what was stored."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        PARTIAL = "partial", "done, with some records refused"
        STALE = "stale", "the source served an old batch"
        FAILED = "failed", "failed"
        ABANDONED = "abandoned", "stopped in the middle"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(
        help_text="Moved on while the run lives; a run that stopped moving is taken over."
    )
    progress = models.TextField(blank=True, help_text="Such as: fetching cs.CL, 40 of 68.")
    announced = models.PositiveIntegerField(null=True, blank=True)
    fetched = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text="Records that could not be read.")
    requests = models.JSONField(default=list)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["source", "-started_at"], name="run_of_source")]
        constraints = [
            # Two workers never fetch one source at once, whatever the broker delivers twice.
            models.UniqueConstraint(fields=["source"], name="one_run_a_source", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} at {self.started_at:%Y-%m-%d %H:%M}"


class SourceDay(models.Model):
    """What a source's own list of a day held when it was last read to its end, and how much of it is stored.

    Of kinds with `has_daily_list`. What arXiv announced is kept id by id instead, and compared for the edition.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(help_text="The list's own day; for a feed, the day on which it was read. In UTC.")
    record_count = models.PositiveIntegerField(help_text="Records in it, those that could not be read too.")
    stored = models.PositiveIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "day"], name="source_day_once")]

    def __str__(self) -> str:
        return f"{self.source_id} on {self.day}: {self.stored} of {self.record_count}"


class RejectedRecord(models.Model):
    """A record that could not be read, kept with its error for the curator while the rest of its run went on."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, blank=True, related_name="rejected")
    source_kind = models.CharField(max_length=20)
    identifier = models.TextField(blank=True, help_text="As far as it could be told.")
    digest = models.CharField(max_length=64, help_text="Of source and payload: the same bad record is kept once.")
    payload = models.TextField(help_text="As received, cut at 64 KB.")
    error = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="rejected_record_once")]
        indexes = [models.Index(fields=["-last_seen_at"], name="rejected_open", condition=Q(resolved_at=None))]

    def __str__(self) -> str:
        return f"{self.identifier or '?'}: {self.error[:80]}"


class HostSlot(models.Model):
    """One connection that a group of hosts allows to all workers and machines together, and who holds it.

    See services/fetching/rate_limiter.py.
    """

    group = models.TextField(primary_key=True)
    holder = models.UUIDField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField()
    refusal_count = models.PositiveSmallIntegerField(
        default=0, help_text="Answers in a row that asked for fewer requests."
    )

    def __str__(self) -> str:
        return self.group


class HostWaiter(models.Model):
    """A request that waits for a slot of a group: the highest priority goes first, then who came first.

    See services/fetching/rate_limiter.py.
    """

    id = models.UUIDField(primary_key=True)
    group = models.TextField()
    priority = models.SmallIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="By when it looks again; whoever does not is dead, and is not waited for.")

    class Meta:
        indexes = [models.Index(fields=["group"], name="waiter_of_group")]

    def __str__(self) -> str:
        return f"{self.group}: {self.id}"


class Heartbeat(models.Model):
    """When a background process was last alive; a row, because a lost cache must not look like a dead process."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ImportedPart(models.Model):
    """A part of a file whose papers are stored, written by the same transaction.

    An import that was stopped goes on behind it. Removed when its file is through.
    """

    file = models.CharField(max_length=64, help_text="Digest of the file and of what was asked for.")
    number = models.PositiveIntegerField()
    last_place = models.BigIntegerField(help_text="Line of its last row, so that a part cut otherwise is none.")
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    rejected = models.JSONField(default=list, help_text="Line, identifier, reason and text of each rejected row.")
    stored_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="imported_part_once")]

    def __str__(self) -> str:
        return f"{self.file[:8]} {self.number}"
