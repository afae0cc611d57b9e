"""What a reader brings along from elsewhere: imports into the library, and their rows."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from papers.models.user import User


class LibraryImportQuerySet(models.QuerySet["LibraryImport"]):
    def of(self, user: User) -> LibraryImportQuerySet:
        """A reader's own, newest first."""
        return self.filter(user=user).order_by("-created_at", "-pk")

    def due(self, now: datetime) -> LibraryImportQuerySet:
        """Applied imports with rows to be fetched now; first applied first."""
        waiting = LibraryImportRow.objects.filter(
            library_import=OuterRef("pk"), state=LibraryImportRow.State.FETCHING, next_attempt_at__lte=now
        )
        return self.filter(Exists(waiting), applied_at__isnull=False).order_by("applied_at", "pk")


class LibraryImport(models.Model):
    """A file or list that a reader brings: first to be read by a worker, then a draft until it is applied, then what
    its fetching has done so far."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="library_imports")
    name = models.TextField(help_text="Of the file; empty for what was pasted.", blank=True)
    format = models.CharField(max_length=10, blank=True, help_text="As in papers/references.")
    notes = ArrayField(models.TextField(), default=list, help_text="What was said of the file as a whole.")
    state = models.CharField(max_length=16, blank=True, help_text="Of its papers in the library; empty: tags alone.")
    tags = ArrayField(models.TextField(), default=list, help_text="On every paper of it.")
    uses_file_tags = models.BooleanField(default=False, help_text="The file's own keywords become tags.")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it waits to be read.")
    problem = models.TextField(blank=True, help_text="Why nothing of it was read, in the reader's words.")
    applied_at = models.DateTimeField(null=True, blank=True, help_text="Empty: a draft, of which nothing was stored.")

    objects = LibraryImportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="library_import_of_reader")]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.user_id}"

    def get_absolute_url(self) -> str:
        return reverse("papers:library-import", args=[self.pk])


class LibraryUpload(models.Model):
    """What is to be read for an import. Deleted once it is."""

    library_import = models.OneToOneField(
        LibraryImport, on_delete=models.CASCADE, primary_key=True, related_name="upload"
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Begun, also by workers that were killed.")

    def __str__(self) -> str:
        return f"upload of import {self.pk}"


class LibraryUploadPart(models.Model):
    """A piece of an upload: a connection to Postgres keeps for good the memory that its largest statement took."""

    upload = models.ForeignKey(LibraryUpload, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveSmallIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="library_upload_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of upload {self.upload_id}"


class LibraryImportRow(models.Model):
    """One entry of an import, and what became of it."""

    class State(models.TextChoices):
        FOUND = "found", "found"
        WANTED = "wanted", "will be fetched"
        UNCLEAR = "unclear", "not recognised"
        TWICE = "twice", "duplicate"
        FETCHING = "fetching", "being fetched"
        DONE = "done", "added"
        FAILED = "failed", "could not be fetched"

    library_import = models.ForeignKey(LibraryImport, on_delete=models.CASCADE, related_name="rows", db_index=False)
    position = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    title = models.TextField(blank=True)
    reference = models.TextField(blank=True, help_text="As the file or list has it.")
    scheme = models.CharField(max_length=12, blank=True)
    value = models.TextField(blank=True)
    tags = ArrayField(models.TextField(), default=list)
    needs_title = models.BooleanField(
        default=False, help_text="Its id stands in a note, so the paper’s title must agree before it is taken."
    )
    paper = models.ForeignKey("papers.Paper", on_delete=models.SET_NULL, null=True, related_name="library_import_rows")
    state = models.CharField(max_length=10, choices=State)
    reason = models.TextField(blank=True, help_text="In the reader's words.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["library_import", "position"], name="library_import_row_once")]
        indexes = [
            # What the workers have to do; nearly always empty.
            models.Index(
                fields=["library_import", "next_attempt_at"],
                name="library_import_row_due",
                condition=Q(state="fetching"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.state}"
