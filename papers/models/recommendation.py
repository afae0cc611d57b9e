"""Recommendations to readers, computed before a page asks for them, and what readers decide about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q

from papers.models.library import Tag, TaggedPaper
from papers.models.reading import exclude_seen
from papers.models.user import User

SHOWN_FOR = timedelta(days=7)
"""How long a recommendation that the reader was shown stays, if the reader does nothing with it."""


class RecommendationState(models.Model):
    """Whether the recommendations to a reader are up to date; there from the first vote, save, tag or mute on.

    What a reader does writes `stale_at` in the same transaction; a worker finds it there.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    stale_at = models.DateTimeField(null=True, blank=True, help_text="The reader did something then; empty: all is in.")
    computed_at = models.DateTimeField(null=True, blank=True)
    liked_count = models.PositiveIntegerField(default=0, help_text="Papers that the last computing learnt from.")

    class Meta:
        indexes = [
            models.Index(fields=["stale_at"], name="recommendations_stale", condition=Q(stale_at__isnull=False)),
            models.Index(fields=["computed_at"], name="recommendations_computed"),
        ]

    def __str__(self) -> str:
        return f"recommendations of {self.user_id}"


class RankPosition(NamedTuple):
    """What a list of suggestions is sorted by."""

    rank: int


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def current_for(
        self, user: User, *, now: datetime, tag: Tag | None = None, after: RankPosition | None = None
    ) -> RecommendationQuerySet:
        """What a reader has not seen yet of the suggestions, or of those for a tag; the best first.

        Left out is what was seen, tagged, hidden or withdrawn since they were computed, or shown for `SHOWN_FOR`.
        """
        tagged = TaggedPaper.objects.filter(tag__user=user, paper=OuterRef("paper_id"))
        passed = ShownRecommendation.objects.filter(
            user=user, paper=OuterRef("paper_id"), shown_at__lte=now - SHOWN_FOR
        )
        found = self.filter(user=user, tag=tag, paper__hidden_at=None, paper__withdrawn_at=None)
        found = exclude_seen(found, user).filter(~Exists(tagged), ~Exists(passed))
        if after is not None:
            found = found.filter(rank__gt=after.rank)
        return found.order_by("rank")


class Recommendation(models.Model):
    """A paper suggested to a reader, in general or for one of the reader's tags."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recommendations")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveSmallIntegerField(help_text="On the list; 0 is the best.")
    score = models.FloatField(help_text="Standard deviations above the middle of the recent papers.")
    because_of = models.ForeignKey(
        "papers.Paper", on_delete=models.CASCADE, related_name="+", help_text="The liked paper that speaks for it most."
    )
    shared = ArrayField(
        models.TextField(), default=list, help_text="What both papers speak of, as the liked one says it."
    )

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "tag", "paper"], name="recommended_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} for {self.user_id}"


class ShownRecommendation(models.Model):
    """Since when a paper has been suggested to a reader: it stood on a list of suggestions that the reader opened then.

    It stays for `SHOWN_FOR` from that moment on, on whichever of the reader's lists, and never comes back.
    """

    pk = models.CompositePrimaryKey("user_id", "paper_id")
    # The primary key serves what an index of this column would.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    shown_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.paper_id} shown to {self.user_id}"


class FeedbackKind(models.TextChoices):
    """What a reader said of one paper, for the recommendations alone."""

    MORE = "more", "more like this"
    LESS = "less", "less like this"
    IGNORED = "ignored", "does not count"


class RecommendationFeedback(models.Model):
    """What a reader said of a paper: more like it, less like it, or that what was done with it shall not count."""

    Kind = FeedbackKind

    pk = models.CompositePrimaryKey("user_id", "paper_id")
    # The primary key serves what an index of this column would.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recommendation_feedback", db_index=False
    )
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=FeedbackKind)
    by_mail = models.BooleanField(default=False, help_text="By the link in a mail.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FeedbackKind.values), name="recommendation_feedback_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} like {self.paper_id} for {self.user_id}"


class RecommendationProfile(models.Model):
    """What a reader lets the recommendations learn from; without a row as the defaults say."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="recommendation_profile"
    )
    votes = models.BooleanField("papers you vote for", default=True)
    saves = models.BooleanField("papers you save", default=True)
    imports = models.BooleanField("papers you imported into your library", default=True)
    tags = models.BooleanField("papers you tag", default=True)
    follows = models.BooleanField("papers of the authors and organizations you follow", default=False)
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="What was done up to then does not count.")

    def __str__(self) -> str:
        return f"what counts for {self.user_id}"
