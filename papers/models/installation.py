"""What the group said of itself on the first-run page."""

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The one row of a group's own choices. A variable of the environment that says otherwise wins."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    group_name = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    access = models.CharField(
        max_length=8, choices=[("public", "anyone"), ("members", "members only")], default="public"
    )
    privacy_text = models.TextField(blank=True, help_text="What the group says on /privacy, in Markdown.")
    shows_thumbnails = models.BooleanField(
        default=False, help_text="Cards have a small picture of the first page of the paper."
    )
    set_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When the first-run page was answered or skipped."
    )
    sample_removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]

    def __str__(self) -> str:
        return self.group_name or "Broadsheet"
