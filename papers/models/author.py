"""Authors and organizations: what curators decided on names, who follows whom, and the papers of those followed.

Names are not people. Without a row here an author is a name, and has the papers whose `author_keys` hold it (one GIN
index). A row is there only where a curator said more: that two spellings are one person, or that two people share one.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from papers.models.user import User


class Author(models.Model):
    """A person of whom a curator said more than the names on papers do."""

    key = models.TextField(primary_key=True, help_text="Words of the address: a name as in Paper.author_keys.")
    name = models.TextField(help_text="As it is shown.")
    orcid = models.CharField(max_length=19, blank=True, help_text="0000-0000-0000-0000; empty where none is known.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class AuthorName(models.Model):
    """A spelling that is this author's, on every paper except those claimed for somebody else."""

    name = models.TextField(primary_key=True, help_text="As in Paper.author_keys.")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="names")

    def __str__(self) -> str:
        return f"{self.name} is {self.author_id}"


class AuthorClaim(models.Model):
    """On this paper, this name is that author: how two people of one name are told apart."""

    pk = models.CompositePrimaryKey("paper_id", "name")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="author_claims", db_index=False)
    name = models.TextField(help_text="As in Paper.author_keys.")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="claims")

    def __str__(self) -> str:
        return f"{self.name} on {self.paper_id} is {self.author_id}"


class FollowedQuerySet(models.QuerySet["Followed"]):
    def of(self, user: User) -> FollowedQuerySet:
        """What a reader follows, by name."""
        return self.filter(follows__user=user).order_by("kind", "name", "pk")


class Followed(models.Model):
    """An author or organization that at least one reader follows; its papers are in FollowedPaper."""

    class Kind(models.TextChoices):
        AUTHOR = "author", "author"
        ORGANIZATION = "organization", "organization"

    kind = models.CharField(max_length=12, choices=Kind)
    key = models.TextField(help_text="An author's as in Author, else in Paper.author_keys; an organization's words.")
    name = models.TextField(help_text="As it is shown.")

    objects = FollowedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="followed_once")]

    def __str__(self) -> str:
        return self.name


class Follow(models.Model):
    """A reader follows an author or organization, from `created_at` on."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows", db_index=False)
    followed = models.ForeignKey(Followed, on_delete=models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "followed"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.followed_id} by {self.user_id}"


class FollowedPaper(models.Model):
    """A paper of a followed author or organization: what the list, the feed and the mail read."""

    pk = models.CompositePrimaryKey("followed_id", "paper_id")
    followed = models.ForeignKey(Followed, on_delete=models.CASCADE, related_name="papers", db_index=False)
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="followed_as")
    release = models.BigIntegerField(help_text="0: it was there before anybody followed, and is in nobody's mail.")
    matched_at = models.DateTimeField(default=timezone.now)
    listed_at = models.DateTimeField(help_text="The paper's, kept in line by the matching.")

    class Meta:
        indexes = [
            models.Index(F("followed"), F("listed_at").desc(), F("paper").desc(), name="followed_paper_newest"),
            models.Index(fields=["followed", "release"], name="followed_paper_release", condition=Q(release__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} of {self.followed_id}"
