"""A reader's own library: its papers, each in one state, and the reader's tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse

from papers.models.keyset import row_less_than
from papers.models.user import User

NEVER_OPENED = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the moment at which a paper that was never opened was opened."""


MAX_TAG_LENGTH = 60
"""In characters."""


class TagQuerySet(models.QuerySet["Tag"]):
    def of(self, user: User) -> TagQuerySet:
        return self.filter(user=user).order_by(Lower("name"))

    def named(self, *names: str) -> TagQuerySet:
        """Names are compared without regard to case, by the database, as the constraint does."""
        return self.annotate(lower_name=Lower("name")).filter(lower_name__in=[Lower(Value(name)) for name in names])

    def readable_by(self, user: User | AnonymousUser) -> TagQuerySet:
        """Those shared with the group, and the reader's own."""
        shared = Q(shared_at__isnull=False, user__is_active=True)
        return self.filter(shared | Q(user=user)) if user.is_authenticated else self.filter(shared)

    def with_counts(self) -> TagQuerySet:
        """Annotate `paper_count`: the papers a reader may see."""
        return self.annotate(paper_count=Count("tagged", filter=Q(tagged__paper__hidden_at=None)))


class Tag(models.Model):
    """A reader's own word for papers; shared with the group if its owner says so."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=MAX_TAG_LENGTH)
    shared_at = models.DateTimeField(null=True, blank=True)
    papers = models.ManyToManyField("papers.Paper", through="papers.TaggedPaper", related_name="tags")

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("user", Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Asks for the owner's name, so with `select_related("user")`."""
        return reverse("papers:tag", args=[self.user.username, self.name])


class TaggedPosition(NamedTuple):
    """What a tag's page is sorted by: last tagged first."""

    created_at: datetime
    pk: int


class TaggedPaperQuerySet(models.QuerySet["TaggedPaper"]):
    def newest_of(self, tag: Tag, *, after: TaggedPosition | None = None) -> TaggedPaperQuerySet:
        found = self.filter(tag=tag, paper__hidden_at=None)
        if after is not None:
            found = found.filter(row_less_than(TaggedPosition._fields, after))
        return found.order_by("-created_at", "-pk")


class TaggedPaper(models.Model):
    """A tag on a paper."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="tagged")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="tagged")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TaggedPaperQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "paper"], name="tagged_paper_once")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.paper_id}"


class AddedPosition(NamedTuple):
    """What the library is sorted by: last saved first."""

    added_at: datetime
    paper_id: int


class PublishedPosition(NamedTuple):
    """The library, the newest paper first."""

    paper__listed_at: datetime
    paper_id: int


class OpenedPosition(NamedTuple):
    """The library, last opened first; those never opened come last."""

    opened: datetime
    paper_id: int


LibraryPosition = AddedPosition | PublishedPosition | OpenedPosition


class LibraryItemQuerySet(models.QuerySet["LibraryItem"]):
    def of(self, user: User) -> LibraryItemQuerySet:
        """A reader's library, with `opened`: `opened_at`, or `NEVER_OPENED` where there is none."""
        found = self.filter(user=user, paper__hidden_at=None)
        return found.annotate(opened=Coalesce(F("opened_at"), Value(NEVER_OPENED)))

    def in_state(self, state: str) -> LibraryItemQuerySet:
        """Of one state; `""` is all but what the reader is not interested in."""
        return self.filter(state=state) if state else self.exclude(state=LibraryItem.State.NOT_INTERESTED)

    def with_newer_version(self) -> LibraryItemQuerySet:
        """Those with a newer version than the reader saw."""
        return self.filter(paper__version__gt=F("version_seen"))

    def tagged(self, tag: Tag) -> LibraryItemQuerySet:
        return self.filter(Exists(TaggedPaper.objects.filter(tag=tag, paper=OuterRef("paper"))))

    def of_papers(self, papers: models.QuerySet[Any]) -> LibraryItemQuerySet:
        """Those whose paper is among `papers`: that is asked of each paper in the library, and not of all stored."""
        return self.filter(Exists(papers.filter(pk=OuterRef("paper_id"))))

    def sorted_by(self, kind: type[LibraryPosition], *, after: LibraryPosition | None = None) -> LibraryItemQuerySet:
        """In a total order, behind the position `after`. One reader's rows are few, so no index has this order."""
        columns = kind._fields
        found = self if after is None else self.filter(row_less_than(columns, after))
        return found.order_by(*(f"-{column}" for column in columns))


class LibraryState(models.TextChoices):
    """What a reader means to do, or has done, with a paper of the library."""

    TO_READ = "to_read", "to read"
    READING = "reading", "reading"
    READ = "read", "read"
    NOT_INTERESTED = "not_interested", "not interested"


class LibraryItem(models.Model):
    """A paper in a reader's library, in one state, with a note."""

    State = LibraryState

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="library")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="library_items")
    state = models.CharField(max_length=16, choices=State, default=State.TO_READ)
    note = models.TextField(blank=True, help_text="Markdown.")
    version_seen = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The version that the reader saw last; a newer one is said to be out."
    )
    added_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    objects = LibraryItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "paper"], name="library_item_once"),
            models.CheckConstraint(
                condition=Q(state__in=LibraryState.values),
                name="library_item_state",
            ),
        ]
        indexes = [models.Index(fields=["user", "state", "-added_at"], name="library_item_of_reader")]

    def __str__(self) -> str:
        return f"{self.paper_id} of {self.user_id}: {self.state}"
