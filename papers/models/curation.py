"""What waits for curators and what they decided: candidates, pairs, edits, plans; and the public log of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, Max, OuterRef, Q

from papers.models.listing import Listing


class LogPosition(NamedTuple):
    """What the log is sorted by."""

    pk: int


class CurationEventQuerySet(models.QuerySet["CurationEvent"]):
    def newest(self, *, before: int | None = None) -> CurationEventQuerySet:
        """The log, the newest first, behind the event with this key: the primary key, backwards."""
        found = self if before is None else self.filter(pk__lt=before)
        return (
            found.select_related("actor", "paper", "undone_by", "undoes")
            .defer("changes", "undoes__changes")
            .annotate(is_undoable=ExpressionWrapper(~Q(changes=[]), output_field=models.BooleanField()))
            .order_by("-pk")
        )

    def public(self, private_actions: Collection[str]) -> CurationEventQuerySet:
        """Without events of these actions, and their undoing."""
        return self.exclude(Q(action__in=private_actions) | Q(undoes__action__in=private_actions))

    def about_paper(self, paper_id: int) -> CurationEventQuerySet:
        return self.newest().filter(paper=paper_id)

    def last_about(self, subjects: Collection[str]) -> dict[str, int]:
        """By subject, the key of the newest event; 0 where there is none. One query."""
        newest = self.filter(subject__in=subjects).values("subject").annotate(newest=Max("pk"))
        return dict.fromkeys(subjects, 0) | dict(newest.values_list("subject", "newest"))


class CurationEvent(models.Model):
    """Who did what to which paper or day, when and why: the public log, with what is needed to undo it."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="curation_events",
    )
    action = models.CharField(max_length=40)
    subject = models.TextField(
        blank=True, help_text="What was decided on, such as paper:12: two curators who decide on it take turns."
    )
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.SET_NULL, null=True, blank=True, related_name="curation_events"
    )
    day = models.DateField(null=True, blank=True)
    before = models.JSONField(default=dict, help_text="How it was, as the log may tell everybody.")
    after = models.JSONField(default=dict, help_text="How it is since.")
    reason = models.TextField(blank=True)
    changes = models.JSONField(
        default=list, help_text="The rows it changed, for undo; never shown. Deleted after a while."
    )
    batch = models.UUIDField(null=True, blank=True, help_text="The same for what was done with one press.")
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CurationEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at"], name="curation_newest"),
            # What was decided last on something, and the log narrowed down.
            models.Index(fields=["subject", "-id"], name="curation_of_subject"),
            models.Index(fields=["action", "-id"], name="curation_of_kind"),
            models.Index(fields=["actor", "-id"], name="curation_of_curator"),
            models.Index(fields=["day", "-id"], name="curation_of_day", condition=Q(day__isnull=False)),
            models.Index(fields=["batch"], name="curation_batch", condition=Q(batch__isnull=False)),
            # What can still be undone, to be deleted in time.
            models.Index(fields=["created_at"], name="curation_undoable", condition=~Q(changes=[])),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_id}"


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def waiting(self) -> CandidateQuerySet:
        """Those that nobody has decided on, and that no edition has."""
        listed = Listing.objects.filter(paper=OuterRef("paper_id"), hidden_at=None)
        return self.filter(~Exists(listed), decided_at=None, paper__hidden_at=None)


class Candidate(models.Model):
    """A paper that a topic for all has found, and no edition: a worker puts it before the curators."""

    paper = models.OneToOneField("papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="candidate")
    topic = models.ForeignKey("papers.Topic", on_delete=models.CASCADE, related_name="candidates")
    score = models.FloatField(help_text="As in TopicMatch; of the topic that it fits best.")
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-found_at", "-paper"], name="candidate_open", condition=Q(decided_at=None))]

    def __str__(self) -> str:
        return f"{self.paper_id} for {self.topic_id}"


class DuplicatePairQuerySet(models.QuerySet["DuplicatePair"]):
    def about(self, paper_id: int) -> DuplicatePairQuerySet:
        """The pairs that have this paper."""
        return self.filter(Q(first=paper_id) | Q(second=paper_id))


class DuplicatePair(models.Model):
    """Two papers that may be one: found by a worker, decided by a curator. `first` has the smaller key."""

    first = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    title_score = models.FloatField(help_text="How alike the titles are, 0 to 1.")
    author_score = models.FloatField(help_text="How many of the authors they share, 0 to 1.")
    vector_score = models.FloatField(null=True, blank=True, help_text="How close in meaning; empty without vectors.")
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
        ]
        indexes = [models.Index(fields=["-found_at", "-id"], name="duplicate_open", condition=Q(decided_at=None))]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class DuplicateCheck(models.Model):
    """A paper without an arXiv id that is to be compared with the others, at once and again some days later.

    Two arXiv ids are never one paper, so one of two that are has none: only these are checked.
    """

    paper = models.OneToOneField("papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="+")
    next_at = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="duplicate_check_due")]

    def __str__(self) -> str:
        return str(self.paper_id)


class PaperEdit(models.Model):
    """A curator's value for one field of a paper; the paper's column has it, and the sources' value stands here."""

    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="edits")
    field = models.CharField(max_length=20, help_text="As in services/ingest/curated_edits.py.")
    value = models.JSONField(null=True)
    source_value = models.JSONField(null=True, help_text="What the sources say, as of their last record.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    edited_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "field"], name="paper_edit_once")]

    def __str__(self) -> str:
        return f"{self.field} of {self.paper_id}"


class PlannedListing(models.Model):
    """A paper on an edition that is still to come. It becomes a Listing at its moment, and nobody sees it before."""

    day = models.DateField()
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="planned")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    publish_at = models.DateTimeField(help_text="The same for all of a day.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "paper"], name="planned_once_a_day")]
        indexes = [models.Index(fields=["publish_at"], name="planned_due")]

    def __str__(self) -> str:
        return f"{self.paper_id} for {self.day}"


class TopicPick(models.Model):
    """A paper that a curator put into a topic: it stays there, whether the topic's query finds it or not."""

    topic = models.ForeignKey("papers.Topic", on_delete=models.CASCADE, related_name="picks")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="picks")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "paper"], name="topic_pick_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} in {self.topic_id}"
