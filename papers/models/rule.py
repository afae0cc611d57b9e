"""Rules that put papers on the edition by themselves, and which papers they have put there."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

MAX_PER_DAY = 200


class ListRuleQuerySet(models.QuerySet["ListRule"]):
    def enabled(self) -> ListRuleQuerySet:
        """Those that are on, the oldest first: it lists a paper that several would."""
        return self.filter(is_enabled=True).select_related("topic").order_by("pk")


class ListRule(models.Model):
    """What is listed without a curator: papers of a topic, papers with enough votes, or both at once."""

    topic = models.ForeignKey(
        "papers.Topic", on_delete=models.CASCADE, null=True, blank=True, related_name="rules",
        help_text="Only its papers; empty: of any topic and none.",
    )  # fmt: skip
    min_votes = models.PositiveIntegerField(default=0, help_text="At least so many votes of the group.")
    limit = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PER_DAY)],
        help_text="At most so many a day.",
    )
    is_enabled = models.BooleanField("in force", default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = ListRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(topic__isnull=False) | Q(min_votes__gt=0), name="list_rule_asks"),
            models.CheckConstraint(condition=Q(limit__gte=1, limit__lte=MAX_PER_DAY), name="list_rule_limit"),
        ]

    def __str__(self) -> str:
        parts = [f"in {self.topic}"] if self.topic is not None else []
        if self.min_votes:
            parts.append(f"with at least {self.min_votes:,} {'vote' if self.min_votes == 1 else 'votes'}")
        return f"Papers {' '.join(parts)}, at most {self.limit} a day"


class RuleListingQuerySet(models.QuerySet["RuleListing"]):
    def on_day(self, rule: ListRule, day: date) -> RuleListingQuerySet:
        return self.filter(rule=rule, day=day)


class RuleListing(models.Model):
    """A paper that a rule has listed. No rule lists it again, whatever curators do with it; it counts for its day."""

    paper = models.OneToOneField("papers.Paper", on_delete=models.CASCADE, primary_key=True, related_name="+")
    rule = models.ForeignKey(ListRule, on_delete=models.SET_NULL, null=True, related_name="papers", db_index=False)
    day = models.DateField()
    listed_at = models.DateTimeField()

    objects = RuleListingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["rule", "day"], name="rule_listing_of_day")]

    def __str__(self) -> str:
        return f"{self.paper_id} on {self.day}"
