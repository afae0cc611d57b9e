"""A reader's votes, what a reader has seen, and what a reader has muted."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet

from papers.models.encrypted import EncryptedTextField, UnreadableSecret
from papers.models.paper import Paper
from papers.models.user import User

QuerySetT = TypeVar("QuerySetT", bound=QuerySet[Any])


class Vote(models.Model):
    """One vote a reader and paper. `Paper.vote_count` and `Listing.vote_count` are counted from these rows."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="votes")
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="votes")
    is_unnamed = models.BooleanField(default=False, help_text="The voter's name is not shown.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "paper"], name="vote_once")]
        indexes = [
            models.Index(fields=["paper", "created_at"], name="vote_of_paper"),
            # The votes of the last weeks: stored in the order in which they were given, so this index is tiny.
            BrinIndex(fields=["created_at"], name="vote_by_day", pages_per_range=16),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.paper_id}"


class SeenPaper(models.Model):
    """A paper that a reader has seen: opened, voted for, saved, disliked, or done with its day. Never by scrolling."""

    pk = models.CompositePrimaryKey("user_id", "paper_id")
    # The primary key serves what an index of this column would.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="seen_papers", db_index=False
    )
    paper = models.ForeignKey("papers.Paper", on_delete=models.CASCADE, related_name="seen_by")
    seen_at = models.DateTimeField()
    done_on = models.DateField(
        null=True, blank=True, help_text='The day whose "Done with this day" alone made it seen; undone with it.'
    )

    class Meta:
        indexes = [
            # Whether a reader is done with a day, and undoing it.
            models.Index(fields=["user", "done_on"], name="seen_by_day", condition=models.Q(done_on__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} seen by {self.user_id}"


def exclude_seen(found: QuerySetT, user: User) -> QuerySetT:
    """A list of papers, or of rows that have one, without those that `user` has seen.

    The list is walked along its own index, and each row looked up by the primary key of SeenPaper: the order and the
    cursor stay as they are, and a page fills up.
    """
    paper = "pk" if found.model is Paper else "paper_id"
    return found.filter(~Exists(SeenPaper.objects.filter(user_id=user.pk, paper_id=OuterRef(paper))))


class MutedQueryQuerySet(models.QuerySet["MutedQuery"]):
    def of(self, user: User) -> MutedQueryQuerySet:
        return self.filter(user=user).order_by("created_at", "pk")


class MutedQuery(models.Model):
    """A query in the search language; the papers it finds are folded away in this reader's lists."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="muted_queries")
    query = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MutedQueryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "query"], name="muted_query_once")]

    def __str__(self) -> str:
        return self.query


class FeedKey(models.Model):
    """The secret in the addresses of a reader's own feeds.

    Found by its digest, so an address that a feed reader knows works whatever becomes of SECRET_KEY; and encrypted
    beside it, because the page shows the address again.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="feed_key"
    )
    key = EncryptedTextField()
    key_digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"feed key of {self.user_id}"

    def save(self, *args: Any, **options: Any) -> None:
        """Store the key with its digest."""
        if not isinstance(self.key, UnreadableSecret):
            self.key_digest = digest_of_key(self.key)
            if options.get("update_fields") is not None:
                options["update_fields"] = {*options["update_fields"], "key_digest"}
        super().save(*args, **options)


def digest_of_key(key: str) -> str:
    """What a key is found by that is not stored as it is: SHA-256 in hexadecimal, which is enough for random keys."""
    return hashlib.sha256(key.encode()).hexdigest()
