"""Shared lists: papers that several members keep in an order of their own, each with a word why it is there."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from papers.models.keyset import row_greater_than, row_less_than
from papers.models.user import User, can_curate

MAX_LIST_NAME = 120
MAX_LIST_SLUG = 80
"""In characters, both."""


class ListVisibility(models.TextChoices):
    """Who reads a list beside those who are named on it."""

    NAMED = "named", "only those named"
    MEMBERS = "members", "all members"
    EVERYBODY = "everybody", "everybody who can read this site"


class ListRole(models.TextChoices):
    """What somebody who is named on a list may do."""

    EDITOR = "editor", "editor"
    READER = "reader", "reader"


class ListAudience(NamedTuple):
    """Who may see a list: the rule of `readable_by` for many readers at once."""

    visibility: str
    owner_id: int | None
    named: frozenset[int]
    """The keys of those who are named on it."""

    def includes(self, user_id: int | None, *, curates: bool) -> bool:
        """Whether somebody is among them; a visitor has no key."""
        if self.visibility == ListVisibility.EVERYBODY or user_id is None:
            return self.visibility == ListVisibility.EVERYBODY
        is_theirs = user_id == self.owner_id or user_id in self.named
        return is_theirs or self.visibility == ListVisibility.MEMBERS or (curates and self.owner_id is None)


class ListsPosition(NamedTuple):
    """What the page of lists is sorted by: last changed first."""

    changed_at: datetime
    pk: int


class SharedListQuerySet(models.QuerySet["SharedList"]):
    def readable_by(self, user: User | AnonymousUser) -> SharedListQuerySet:
        """Those that `user` may see; the rule of papers/services/shared_lists/rights.py as a filter."""
        if not user.is_authenticated:
            return self.filter(visibility=ListVisibility.EVERYBODY)
        named = Exists(SharedListMember.objects.filter(shared_list=OuterRef("pk"), user=user))
        found = Q(visibility__in=(ListVisibility.EVERYBODY, ListVisibility.MEMBERS)) | Q(owner=user) | Q(named)
        if can_curate(user):
            found |= Q(owner=None)
        return self.filter(found)

    def edited_by(self, user: User) -> SharedListQuerySet:
        """Those that are the user's own, or that name the user as an editor."""
        editor = SharedListMember.objects.filter(shared_list=OuterRef("pk"), user=user, role=ListRole.EDITOR)
        return self.filter(Q(owner=user) | Exists(editor))

    def last_changed(self, *, after: ListsPosition | None = None) -> SharedListQuerySet:
        found = self if after is None else self.filter(row_less_than(ListsPosition._fields, after))
        return found.order_by("-changed_at", "-pk")


class SharedList(models.Model):
    """A list of papers with a name and an address, kept by its owner and editors.

    Whoever changes what is on it holds its row, so that two who press at once come one after the other.
    """

    slug = models.SlugField(max_length=MAX_LIST_SLUG, unique=True, help_text="Its address; stays with another name.")
    name = models.CharField(max_length=MAX_LIST_NAME)
    description = models.TextField(blank=True, help_text="Markdown.")
    visibility = models.CharField(max_length=9, choices=ListVisibility, default=ListVisibility.MEMBERS)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="own_lists",
        help_text="Empty: curators look after it.",
    )  # fmt: skip
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When its papers, name or description changed last.")

    objects = SharedListQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-changed_at", "-id"], name="shared_list_last_changed")]
        constraints = [
            models.CheckConstraint(condition=Q(visibility__in=ListVisibility.values), name="shared_list_visibility")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("papers:list", args=[self.slug])


class SharedListMember(models.Model):
    """Somebody who is named on a list, beside its owner."""

    shared_list = models.ForeignKey(SharedList, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_memberships")
    role = models.CharField(max_length=6, choices=ListRole)
    since = models.DateTimeField(help_text="Since when in this role: the longest editor follows an owner who leaves.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shared_list", "user"], name="shared_list_member_once"),
            models.CheckConstraint(condition=Q(role__in=ListRole.values), name="shared_list_member_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} as {self.role} of {self.shared_list_id}"


class HandPosition(NamedTuple):
    """A list in the order that its editors gave it."""

    position: int
    pk: int


class ListAddedPosition(NamedTuple):
    """A list, last added first."""

    added_at: datetime
    pk: int


class ListDatePosition(NamedTuple):
    """A list, the newest paper first."""

    paper__listed_at: datetime
    pk: int


ListOrder = HandPosition | ListAddedPosition | ListDatePosition


class SharedListPaperQuerySet(models.QuerySet["SharedListPaper"]):
    def visible_of(self, shared_list: SharedList) -> SharedListPaperQuerySet:
        """Without hidden papers, which keep their places."""
        return self.filter(shared_list=shared_list, paper__hidden_at=None)

    def sorted_by(self, kind: type[ListOrder], *, after: ListOrder | None = None) -> SharedListPaperQuerySet:
        """In a total order, behind the position `after`."""
        compare, mark = (row_greater_than, "") if kind is HandPosition else (row_less_than, "-")
        found = self if after is None else self.filter(compare(kind._fields, after))
        return found.order_by(*(f"{mark}{column}" for column in kind._fields))


class SharedListPaper(models.Model):
    """A paper on a list: its place, a note, who put it there."""

    # The first column of `shared_list_paper_once`.
    shared_list = models.ForeignKey(SharedList, on_delete=models.CASCADE, related_name="entries", db_index=False)
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="list_entries")
    position = models.BigIntegerField(help_text="Grows along the list, with gaps, so that moving one writes one row.")
    note = models.TextField(blank=True, help_text="Why it is here; Markdown.")
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    noted_at = models.DateTimeField(null=True, blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    added_at = models.DateTimeField()
    # For mail: news of the list, as of a topic. 0 until its transaction draws a number.
    release = models.BigIntegerField(default=0)
    released_at = models.DateTimeField()

    objects = SharedListPaperQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shared_list", "paper"], name="shared_list_paper_once")]
        indexes = [
            models.Index(fields=["shared_list", "position", "id"], name="shared_list_by_hand"),
            models.Index(fields=["shared_list", "release"], name="shared_list_releases"),
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} on {self.shared_list_id}"


class SharedListChange(models.Model):
    """Who added or removed which paper; the newest of a list are kept."""

    class Kind(models.TextChoices):
        ADDED = "added", "added"
        REMOVED = "removed", "removed"

    shared_list = models.ForeignKey(SharedList, on_delete=models.CASCADE, related_name="changes", db_index=False)
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=7, choices=Kind)
    at = models.DateTimeField()
    # Of a removal, so that it can be undone: what stood in the entry's row.
    entry = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["shared_list", "-id"], name="shared_list_changes")]

    def __str__(self) -> str:
        return f"{self.paper_id} {self.kind} by {self.by_id}"
