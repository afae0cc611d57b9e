"""Deleting an account, with everything that is its own."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from papers.hooks import account_deleted, lists_changed
from papers.models import Comment, Invitation, Listing, Paper, User, Vote
from papers.services.clubs.clubs import release_presentations
from papers.services.curation.undo import delete_undo_data_of
from papers.services.lists.trending import refresh_trending_scores
from papers.services.reading.comments import delete_comment
from papers.services.shared_lists.settings import release_lists_of


class LastAdministratorError(Exception):
    """The account is the last one that may administer the site."""


def delete_account(user: User) -> None:
    """Remove an account and all that is its own, for good.

    Votes are counted off. Comments stay in their threads without text and name, so that answers keep their place.
    Shared lists that others are named on or see go to the longest editor, or stay without an owner.

    Raises:
        LastAdministratorError: make another administrator first.
    """
    with transaction.atomic():
        require_another_administrator(leaving=user)
        User.objects.select_for_update().get(pk=user.pk)  # a vote that comes now waits, and is not counted
        account_deleted.notify(user)
        Invitation.objects.filter(made_by=user, used_at=None, revoked_at=None).update(revoked_at=timezone.now())
        delete_undo_data_of(user)
        release_lists_of(user)
        release_presentations(user=user, now=timezone.now())
        _lock_papers(user)
        _take_back_votes(user)
        for comment in Comment.objects.visible().filter(user=user).order_by("paper", "pk"):
            delete_comment(comment=comment)
        Comment.objects.filter(user=user).update(user=None)
        user.delete()


def require_another_administrator(*, leaving: User) -> None:
    """Make sure that another administrator is left, and lock them until the caller's transaction ends.

    Raises:
        LastAdministratorError: there is no other.
    """
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").select_for_update(no_key=True)
    if list(found.values_list("pk", flat=True)) == [leaving.pk]:
        raise LastAdministratorError


def _lock_papers(user: User) -> None:
    """In the order of keys, so that two who leave at once don't wait for each other; other voters wait for a moment."""
    own = Q(pk__in=Vote.objects.filter(user=user).values("paper"))
    own |= Q(pk__in=Comment.objects.filter(user=user).values("paper"))
    list(Paper.objects.filter(own).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _take_back_votes(user: User) -> None:
    papers = list(Vote.objects.filter(user=user).values_list("paper", flat=True))
    if not papers:
        return
    Vote.objects.filter(user=user).delete()
    Paper.objects.filter(pk__in=papers).update(vote_count=F("vote_count") - 1)
    counted = Paper.objects.filter(pk=OuterRef("paper")).values("vote_count")
    Listing.objects.filter(paper__in=papers).update(vote_count=Subquery(counted))
    refresh_trending_scores(papers)
    lists_changed.notify()
