"""Feeds by a reader's own key, for programs that can't sign in: what is the reader's own, and the lists of a site that
is closed to visitors. Whoever has the address reads it; a new key, or a suspended account, ends them all."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from papers.models import LibraryItem, User
from papers.models.library import AddedPosition
from papers.services.accounts.feed_keys import user_of_feed_key
from papers.views import feeds
from papers.views.feed_lists import FeedOf, list_feed
from papers.web.http import Request
from papers.web.permissions import topic_for_read


def reader_of(key: str) -> User:
    """The reader whose key it is.

    Raises:
        Http404: it is nobody's any more, or of an account that is suspended.
    """
    found = user_of_feed_key(key)
    if found is None:
        raise Http404("There is no such feed.")
    return found


@require_safe
@cache_control(private=True)
def edition(request: Request, key: str, form: str) -> HttpResponse:
    """The newest edition; with a question, what the reader finds with it, own tags among them."""
    user = reader_of(key)
    if "q" in request.GET:
        return feeds.search(request, form, viewer=user)
    return feeds.newest_edition(request, form)


@require_safe
@cache_control(private=True)
def library(request: Request, key: str, form: str) -> HttpResponse:
    """What the reader saved, the last first; one state of it, or all but what is not interesting."""
    user, state = reader_of(key), request.GET.get("state", "")
    if state not in LibraryItem.State.values:
        state = ""
    query = {"state": state} if state else {}
    about = FeedOf(f"library:{user.pk}:{state.replace('_', '')}", "Library", reverse("papers:library"), query=query)
    found = LibraryItem.objects.of(user).in_state(state)
    return list_feed(request, form, about, AddedPosition, lambda after: found.sorted_by(AddedPosition, after=after))


@require_safe
@cache_control(private=True)
def tag(request: Request, key: str, name: str, form: str) -> HttpResponse:
    """The papers of one of the reader's own tags."""
    user = reader_of(key)
    return feeds.tag_feed(request, form, user, user.username, name)


@require_safe
@cache_control(private=True)
def shared_list(request: Request, key: str, slug: str, form: str) -> HttpResponse:
    """A shared list that the reader may see now."""
    return feeds.list_feed_of(request, form, reader_of(key), slug)


@require_safe
@cache_control(private=True)
def topic(request: Request, key: str, slug: str, form: str) -> HttpResponse:
    """A topic, or one of the reader's own saved searches."""
    return feeds.topic_feed(request, form, topic_for_read(reader_of(key), slug))


@require_safe
@cache_control(private=True)
def trending(request: Request, key: str, form: str) -> HttpResponse:
    """What readers vote for now."""
    reader_of(key)
    return feeds.trending_feed(request, form)


@require_safe
@cache_control(private=True)
def new(request: Request, key: str, form: str) -> HttpResponse:
    """Everything fetched, or one category."""
    reader_of(key)
    return feeds.new_feed(request, form)


@require_safe
@cache_control(private=True)
def comments(request: Request, key: str, form: str) -> HttpResponse:
    """What readers wrote last."""
    reader_of(key)
    return feeds.comments_feed(request, form)
