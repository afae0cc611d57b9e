"""A reader's own library: tags, the shelf, and what is brought along from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse

from papers.models.keyset import row_less_than
from papers.models.user import User

NEVER_OPENED = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the moment at which a paper that was never opened was opened."""


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
    name = models.CharField(max_length=60)
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
    """What the shelf is sorted by: last saved first."""

    added_at: datetime
    paper_id: int


class PublishedPosition(NamedTuple):
    """The shelf, the newest paper first."""

    paper__listed_at: datetime
    paper_id: int


class OpenedPosition(NamedTuple):
    """The shelf, last opened first; those never opened come last."""

    opened: datetime
    paper_id: int


LibraryPosition = AddedPosition | PublishedPosition | OpenedPosition


class LibraryItemQuerySet(models.QuerySet["LibraryItem"]):
    def of(self, user: User) -> LibraryItemQuerySet:
        """The shelf, with `opened`: a moment also where there was none."""
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
        """Sorted, total, behind the position `after`. A shelf is one reader's, so it is sorted, not walked."""
        columns = kind._fields
        found = self if after is None else self.filter(row_less_than(columns, after))
        return found.order_by(*(f"-{column}" for column in columns))


class LibraryItem(models.Model):
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
    version_seen = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The version that the reader saw last; a newer one is told."
    )
    added_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    objects = LibraryItemQuerySet.as_manager()

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


class LibraryImportQuerySet(models.QuerySet["LibraryImport"]):
    def of(self, user: User) -> LibraryImportQuerySet:
        """A reader's own, newest first."""
        return self.filter(user=user).order_by("-created_at", "-pk")

    def due(self, now: datetime) -> LibraryImportQuerySet:
        """Those with papers to be fetched now, which no worker is at."""
        waiting = LibraryImportRow.objects.filter(
            of=OuterRef("pk"), state=LibraryImportRow.State.FETCHING, next_attempt_at__lte=now
        )
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(free, Exists(waiting), applied_at__isnull=False).order_by("applied_at", "pk")


class LibraryImport(models.Model):
    """A file or list that a reader brought: a draft until it is taken, then how far the fetching has come."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="library_imports")
    name = models.TextField(help_text="Of the file; empty for what was pasted.", blank=True)
    format = models.CharField(max_length=10, help_text="As in papers/references.")
    notes = ArrayField(models.TextField(), default=list, help_text="What was said of the file as a whole.")
    state = models.CharField(max_length=16, blank=True, help_text="Of the shelf; empty: not on the shelf.")
    tags = ArrayField(models.TextField(), default=list, help_text="On every paper of it.")
    uses_file_tags = models.BooleanField(default=False, help_text="The file's own keywords become tags.")
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True, help_text="Empty: a draft, of which nothing was stored.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="A worker is at it until then.")

    objects = LibraryImportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="library_import_of_reader")]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.user_id}"

    def get_absolute_url(self) -> str:
        return reverse("papers:library-import", args=[self.pk])


class LibraryImportRow(models.Model):
    """One entry of it, and what becomes of it."""

    class State(models.TextChoices):
        FOUND = "found", "found"
        WANTED = "wanted", "will be fetched"
        UNCLEAR = "unclear", "not understood"
        TWICE = "twice", "named before"
        FETCHING = "fetching", "being fetched"
        DONE = "done", "taken"
        FAILED = "failed", "could not be fetched"

    of = models.ForeignKey(LibraryImport, on_delete=models.CASCADE, related_name="rows", db_index=False)
    position = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    title = models.TextField(blank=True)
    given = models.TextField(blank=True)
    scheme = models.CharField(max_length=12, blank=True)
    value = models.TextField(blank=True)
    tags = ArrayField(models.TextField(), default=list)
    paper = models.ForeignKey("papers.Paper", on_delete=models.SET_NULL, null=True, related_name="import_rows")
    state = models.CharField(max_length=10, choices=State)
    reason = models.TextField(blank=True, help_text="In the reader's words.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["of", "position"], name="import_row_once")]
        indexes = [
            # What the workers have to do; nearly always empty.
            models.Index(fields=["of", "next_attempt_at"], name="import_row_due", condition=Q(state="fetching")),
        ]

    def __str__(self) -> str:
        return f"{self.given}: {self.state}"
