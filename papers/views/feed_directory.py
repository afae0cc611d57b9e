"""All feeds on one page, and as OPML for feed readers."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.models import Followed, ListVisibility, SharedList, Tag, Topic, User
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.authors.lookup import slug_of
from papers.services.editions.masthead import chosen_categories
from papers.web.http import Request
from papers.web.opml import OPML_TYPE, FeedGroup, NamedFeed, write_opml

MOST = 1_000
"""Of topics, of shared tags, of lists and of whom a reader follows."""


@require_safe
@never_cache
def feeds(request: Request) -> HttpResponse:
    """What can be subscribed to: the site's lists, topics, shared tags; for a reader also what is one's own."""
    key = feed_key_of(request.user) if request.user.is_authenticated else ""
    return render(request, "papers/feeds.html", {"groups": _groups(request), "feed_key": key})


@require_safe
@never_cache
def opml(request: Request) -> HttpResponse:
    """The same as OPML, with the reader's own keys in it where somebody is signed in."""
    name = request.group.name or "Broadsheet"
    body = write_opml(f"Feeds of {name}", _groups(request), origin=settings.SITE.origin)
    headers = {"Content-Disposition": 'attachment; filename="feeds.opml"'}
    return HttpResponse(body, content_type=OPML_TYPE, headers=headers)


def _groups(request: Request) -> list[FeedGroup]:
    user = request.user if request.user.is_authenticated else None
    key = feed_key_of(user) if user else ""
    # A program that has no session gets into a closed site by the key alone.
    by = key if request.group.members_only else ""
    groups = [FeedGroup("This site", tuple(_of_site(by)), is_own=bool(by))]
    curated = Topic.objects.curated().order_by("name", "pk")[:MOST]
    groups.append(FeedGroup("Topics", tuple(_topic(topic, by) for topic in curated), is_own=bool(by)))
    shared = Tag.objects.filter(shared_at__isnull=False, user__is_active=True).select_related("user")
    if not request.group.members_only:
        groups.append(FeedGroup("Shared tags", tuple(_tag(tag) for tag in shared.order_by("name", "pk")[:MOST])))
    lists = SharedList.objects.readable_by(request.user).order_by("name", "pk")[:MOST]
    if not request.group.members_only:
        public = [one for one in lists if one.visibility == ListVisibility.EVERYBODY]
        groups.append(FeedGroup("Lists", tuple(_list(one) for one in public)))
    if user and key:
        groups.append(FeedGroup("Your own", tuple(_own(user, key)), is_own=True))
        closed = [one for one in lists if request.group.members_only or one.visibility != ListVisibility.EVERYBODY]
        groups.append(FeedGroup("Lists of members", tuple(_list(one, key) for one in closed), is_own=True))
    if user and not request.group.members_only:
        followed = Followed.objects.of(user)[:MOST]
        groups.append(FeedGroup("Whom you follow", tuple(_followed(one) for one in followed)))
    return [group for group in groups if group.feeds]


def _of_site(key: str) -> list[NamedFeed]:
    found = [
        _feed("Daily papers", reverse("papers:today"), "feed", "own-feed", key),
        _feed("Trending papers", reverse("papers:trending"), "trending-feed", "own-trending-feed", key),
        _feed("New papers", reverse("papers:new"), "new-feed", "own-new-feed", key),
    ]
    for code in chosen_categories():
        asked = {"category": code}
        page = f"{reverse('papers:new')}?{urlencode(asked)}"
        found.append(_feed(f"New papers in {code}", page, "new-feed", "own-new-feed", key, query=asked))
    found.append(_feed("Comments", reverse("papers:feeds"), "comments-feed", "own-comments-feed", key))
    if key:
        return found
    return [
        *found,
        _feed("Weekly papers", reverse("papers:newest-week"), "newest-week-feed", "", ""),
        _feed("Monthly papers", reverse("papers:newest-month"), "newest-month-feed", "", ""),
        _feed("Curation log", reverse("papers:curation-log"), "curation-log-feed", "", ""),
    ]


def _own(user: User, key: str) -> list[NamedFeed]:
    found = [
        _feed("For you", reverse("papers:for-you"), "", "for-you-feed", key),
        _feed("Followed authors and organizations", reverse("papers:following"), "", "following-feed", key),
        _feed("Library", reverse("papers:library"), "", "own-library-feed", key),
    ]
    tags = Tag.objects.of(user).select_related("user")[:MOST]
    found += [
        _feed(f"Tag {tag.name}", tag.get_absolute_url(), "", "own-tag-feed", key, arguments={"name": tag.name})
        for tag in tags
        if "/" not in tag.name
    ]
    searches = Topic.objects.filter(owner=user).order_by("name", "pk")[:MOST]
    return [*found, *(_topic(topic, key) for topic in searches)]


def _topic(topic: Topic, key: str) -> NamedFeed:
    page = topic.get_absolute_url()
    return _feed(topic.name, page, "topic-feed", "own-topic-feed", key, arguments={"slug": topic.slug})


def _tag(tag: Tag) -> NamedFeed:
    arguments = {"owner": tag.user.username, "name": tag.name}
    return _feed(f"{tag.name} · {tag.user.username}", tag.get_absolute_url(), "tag-feed", "", "", arguments=arguments)


def _list(one: SharedList, key: str = "") -> NamedFeed:
    return _feed(one.name, one.get_absolute_url(), "list-feed", "own-list-feed", key, arguments={"slug": one.slug})


def _followed(one: Followed) -> NamedFeed:
    kind = "author" if one.kind == Followed.Kind.AUTHOR else "organization"
    slug = slug_of(one.key)
    page = reverse(f"papers:{kind}", args=[slug])
    return _feed(one.name, page, f"{kind}-feed", "", "", arguments={"slug": slug})


def _feed(
    name: str,
    page: str,
    view: str,
    keyed_view: str,
    key: str,
    *,
    arguments: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> NamedFeed:
    """A feed with both its addresses: that with the reader's key, where there is one."""
    given = {**(arguments or {}), **({"key": key} if key else {})}
    end = f"?{urlencode(query)}" if query else ""
    atom, json = (
        reverse(f"papers:{keyed_view if key else view}", kwargs={**given, "form": form}) + end
        for form in ("atom", "json")
    )
    return NamedFeed(name=name, page=page, atom=atom, json=json)
