"""Following authors and organizations: the button, all of it on one page, and as a feed with an address of its own."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.models import Followed, User
from papers.models.paper import NewestPosition
from papers.services.accounts.feed_keys import feed_key_of, renew_feed_key, user_of_feed_key
from papers.services.authors.lookup import (
    AuthorMovedError,
    Contributor,
    ContributorNotFoundError,
    find_author,
    find_organization,
    slug_of,
)
from papers.services.authors.profile import read_author_profile
from papers.services.reading import follows
from papers.services.reading.undo import before_follow
from papers.views.feed_lists import FeedOf, list_feed
from papers.views.paper_lists import card_page, show_list
from papers.web.answers import answer_act
from papers.web.feeds import MAX_ENTRIES
from papers.web.http import Request, UserRequest, safe_next
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited


@require_POST
@sign_in_required
@rate_limited("follow")
def follow_author(request: UserRequest, slug: str) -> HttpResponse:
    """Follow an author, or no longer."""
    try:
        return _set(request, find_author(slug))
    except AuthorMovedError as moved:
        return _set(request, find_author(slug_of(moved.key)))
    except ContributorNotFoundError as error:
        raise Http404("No paper here has this author.") from error


@require_POST
@sign_in_required
@rate_limited("follow")
def follow_organization(request: UserRequest, slug: str) -> HttpResponse:
    """Follow an organization, or no longer."""
    try:
        return _set(request, find_organization(slug))
    except ContributorNotFoundError as error:
        raise Http404("No paper here has this organization.") from error


def _set(request: UserRequest, who: Contributor) -> HttpResponse:
    facts = read_author_profile(who)
    if not facts.paper_count and not who.is_known:
        raise Http404("No paper here has this author.")
    is_on = request.POST.get("on") != "0"
    if not is_on:
        follows.unfollow(user=request.user, kind=who.kind, key=who.key)
    else:
        try:
            follows.follow(user=request.user, contributor=who, name=facts.name, now=timezone.now())
        except follows.FollowError as error:
            messages.error(request, str(error))
            return redirect(safe_next(request, default=who.get_absolute_url()))
    said = f"You follow {facts.name}." if is_on else f"You no longer follow {facts.name}."
    before = before_follow(who.kind, who.key, on=is_on)
    return answer_act(request, said, default=who.get_absolute_url(), before=before)


@never_cache
@require_safe
@sign_in_required
def following(request: UserRequest) -> HttpResponse:
    """The papers of all that a reader follows, and whom that is."""
    user = request.user
    page = card_page(request, NewestPosition, lambda after: follows.followed_papers(user, after=after), is_own=True)
    followed = list(Followed.objects.of(user))
    context = {"followed": followed, "feed_key": feed_key_of(user) if followed else ""}
    return show_list(request, "papers/following.html", page, context)


@require_POST
@sign_in_required
@rate_limited("follow")
def stop_following(request: UserRequest) -> HttpResponse:
    """No longer follow one of them."""
    kind, key = request.POST.get("kind", ""), request.POST.get("key", "")
    follows.unfollow(user=request.user, kind=kind, key=key)
    before = before_follow(kind, key, on=False) if kind in Followed.Kind.values else None
    return answer_act(request, "You no longer follow them.", default=reverse("papers:following"), before=before)


@require_POST
@sign_in_required
@rate_limited("follow")
def renew_feed_addresses(request: UserRequest) -> HttpResponse:
    """Give the reader's feeds other addresses; the old ones are dead at once."""
    renew_feed_key(request.user)
    messages.success(request, "Your feeds have new addresses. The old ones no longer work.")
    return redirect(safe_next(request, default=reverse("papers:following")))


@require_safe
@cache_control(private=True)
def following_feed(request: Request, key: str, form: str) -> HttpResponse:
    """The same as a feed, for whoever has the address: feed readers don't sign in."""
    user: User | None = user_of_feed_key(key)
    if user is None:
        raise Http404("There is no such feed.")
    about = FeedOf(f"following:{user.pk}", "Followed", reverse("papers:following"))
    most = MAX_ENTRIES + 50  # some may have been hidden
    return list_feed(
        request, form, about, NewestPosition, lambda after: follows.followed_papers(user, after=after, most=most)
    )
