"""Topics: a question asked of every new paper, and its answers."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Topic(models.Model):
    """A query in the search language; for all readers, or one reader's saved search."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    categories = ArrayField(models.TextField(), default=list, blank=True)
    query = models.TextField(blank=True)
    examples = models.ManyToManyField("papers.Paper", blank=True, related_name="example_of")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="topics",
        help_text="Empty: curated, for all.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class TopicMatch(models.Model):
    """A paper of a topic: the one place that its page, its feed and its digest read."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="matches")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="topic_matches")
    score = models.FloatField(default=0)
    matched_at = models.DateTimeField(auto_now_add=True)
    release = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "paper"], name="topic_match_once")]
        indexes = [models.Index(fields=["topic", "release"], name="topic_match_release")]

    def __str__(self) -> str:
        return f"{self.paper_id} in {self.topic_id}"
