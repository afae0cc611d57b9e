"""Topics: queries that every new paper is matched with, and the papers that matched."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from papers.dates import weekly_counts
from papers.models.keyset import row_less_than
from papers.models.user import User

DEFAULT_CLOSENESS = 0.55
"""How close to an example a paper must be, where the topic does not say."""


class TopicQuerySet(models.QuerySet["Topic"]):
    def curated(self) -> TopicQuerySet:
        """Those for all readers."""
        return self.filter(owner=None)

    def readable_by(self, viewer: User | AnonymousUser) -> TopicQuerySet:
        """The curated ones and the viewer's own."""
        return self.filter(Q(owner=None) | Q(owner=viewer.pk)) if viewer.is_authenticated else self.curated()

    def pending(self) -> TopicQuerySet:
        """Made or changed, and not yet asked of the papers that were there before; the longest waiting first."""
        return self.filter(pending_since__isnull=False).order_by("pending_since", "pk")


class Topic(models.Model):
    """A query in the search language; for all readers, or one reader's saved search.

    A paper of it fulfils the query, is in one of the categories and close to one of the examples, as far as these are
    given. Written by services/topics.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    categories = ArrayField(models.TextField(), default=list, blank=True)
    query = models.TextField(blank=True)
    examples = models.ManyToManyField("papers.Paper", blank=True, related_name="example_of")
    closeness = models.FloatField(
        default=DEFAULT_CLOSENESS,
        help_text="How close to an example its papers are: 1 the same meaning, 0 nothing in common.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="topics",
        help_text="Empty: curated, for all.",
    )  # fmt: skip
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change of what it asks.")
    pending_since = models.DateTimeField(
        null=True, blank=True, default=timezone.now, help_text="It was made or changed then; empty once that is done."
    )
    offered_at = models.DateTimeField(null=True, blank=True, help_text="Its reader offers it for all; until decided.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = TopicQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["pending_since"], name="topic_pending", condition=Q(pending_since__isnull=False)),
            # What waits for a curator.
            models.Index(fields=["-offered_at"], name="topic_offered", condition=Q(offered_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("papers:topic", args=[self.slug])


class TopicNewestPosition(NamedTuple):
    """What a topic's page is sorted by."""

    listed_at: datetime
    paper_id: int


class TopicVotesPosition(NamedTuple):
    """What a topic's most voted papers are sorted by."""

    vote_count: int
    listed_at: datetime
    paper_id: int


class TopicMatchQuerySet(models.QuerySet["TopicMatch"]):
    def visible(self) -> TopicMatchQuerySet:
        """Papers that readers may see."""
        return self.filter(paper__hidden_at=None)

    def newest(self, topic: Topic, *, after: TopicNewestPosition | None = None) -> TopicMatchQuerySet:
        """A topic's papers, the newest first: one walk along an index."""
        found = self.visible().filter(topic=topic)
        if after is not None:
            found = found.filter(row_less_than(TopicNewestPosition._fields, after))
        return found.order_by("-listed_at", "-paper_id")

    def most_voted(self, topic: Topic, *, after: TopicVotesPosition | None = None) -> TopicMatchQuerySet:
        """A topic's papers that have votes, the most voted first: one walk along an index."""
        found = self.visible().filter(topic=topic, vote_count__gt=0)
        if after is not None:
            found = found.filter(row_less_than(TopicVotesPosition._fields, after))
        return found.order_by("-vote_count", "-listed_at", "-paper_id")


class TopicMatch(models.Model):
    """A paper of a topic: the one place that its page, its feed and its digest read.

    Hundreds of thousands are written at once, for which Postgres would look up both keys of each row by themselves. So
    triggers (papers/migrations/sql) keep the keys instead, with one look for each statement.
    """

    pk = models.CompositePrimaryKey("topic_id", "paper_id")
    topic = models.ForeignKey(
        Topic, on_delete=models.CASCADE, related_name="matches", db_index=False, db_constraint=False
    )
    paper = models.ForeignKey(
        "papers.Paper", on_delete=models.CASCADE, related_name="topic_matches", db_constraint=False
    )
    score = models.FloatField(default=0, help_text="How well it fits, 0 to 1; compares papers of one topic.")
    matched_at = models.DateTimeField(
        default=timezone.now,
        help_text="When it was matched; of papers that were there before the topic, when they came.",
    )
    release = models.BigIntegerField()
    # The paper's, kept by the next matching after a change: a page of a topic is one walk along an index.
    listed_at = models.DateTimeField(default=timezone.now)
    vote_count = models.PositiveIntegerField(default=0)

    objects = TopicMatchQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["topic", "release"], name="topic_match_release"),
            # Read backwards, and written at the end of each topic's part: new papers are the newest.
            models.Index(fields=["topic", "listed_at", "paper"], name="topic_match_newest"),
            models.Index(
                fields=["topic", "vote_count", "listed_at", "paper"],
                name="topic_match_voted",
                condition=Q(vote_count__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} in {self.topic_id}"


class TopicWeekQuerySet(models.QuerySet["TopicWeek"]):
    def year_of(self, topic: Topic, *, last: date) -> list[tuple[date, int]]:
        """The 53 weeks up to that of `last`, each by its Monday, with how many papers. One query."""
        found = self.filter(topic=topic, week__gt=last - timedelta(weeks=54)).values_list("week", "papers")
        return weekly_counts(last, found)


class TopicWeek(models.Model):
    """How many papers a topic has of a week (UTC, by its Monday), hidden ones too.

    Kept by a trigger on TopicMatch, in the transaction of every writer: counting a year of a large topic
    takes longer than its page.
    """

    pk = models.CompositePrimaryKey("topic_id", "week")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="weeks", db_index=False)
    week = models.DateField()
    papers = models.PositiveIntegerField()

    objects = TopicWeekQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.papers} of {self.topic_id} in {self.week}"


class TopicBacklog(models.Model):
    """A paper that is new or changed and not yet matched to the topics.

    Written by a trigger of the database, in the transaction of every writer of a paper, so that no change is
    lost with a message. `changes` tells a worker that the paper changed again while it was being matched.
    """

    paper = models.OneToOneField("papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="+")
    changes = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return str(self.paper_id)
