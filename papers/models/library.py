"""A reader's own library: tags, the shelf, followed authors."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class Tag(models.Model):
    """A reader's own word for papers; shared with the group if its owner says so."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)
    shared_at = models.DateTimeField(null=True, blank=True)
    papers = models.ManyToManyField("papers.Paper", through="papers.TaggedPaper", related_name="tags")

    class Meta:
        constraints = [models.UniqueConstraint("user", Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return self.name


class TaggedPaper(models.Model):
    """A tag on a paper."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="tagged")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="tagged")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "paper"], name="tagged_paper_once")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.paper_id}"


class ShelfItem(models.Model):
    """A paper on a reader's shelf, in one state, with a note."""

    class State(models.TextChoices):
        TO_READ = "to_read", "to read"
        READING = "reading", "reading"
        READ = "read", "read"
        NOT_INTERESTED = "not_interested", "not interested"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shelf")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="shelved")
    state = models.CharField(max_length=16, choices=State, default=State.TO_READ)
    note = models.TextField(blank=True, help_text="Markdown.")
    version_seen = models.PositiveSmallIntegerField(null=True, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "paper"], name="shelf_item_once"),
            models.CheckConstraint(
                condition=Q(state__in=["to_read", "reading", "read", "not_interested"]),
                name="shelf_item_state",
            ),
        ]
        indexes = [models.Index(fields=["user", "state", "-added_at"], name="shelf_of_reader")]

    def __str__(self) -> str:
        return f"{self.paper_id} of {self.user_id}: {self.state}"


class FollowedAuthor(models.Model):
    """An author, by normalised name, whose papers a reader wants to see."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followed_authors")
    key = models.TextField(help_text="As in Paper.author_keys.")
    name = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="followed_author_once")]

    def __str__(self) -> str:
        return self.name
