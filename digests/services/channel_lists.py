"""Which lists a channel is told of beside topics: found by the addresses of their pages, as far as its owner may read.

A group's channel has what every reader may see, a reader's webhook also the reader's own tags and saved searches, and
whom the reader follows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.urls import Resolver404, get_script_prefix, resolve, reverse

from digests.models import Channel, ChannelList
from papers.catalogue import categories
from papers.models import ListVisibility, SharedList, Tag, Topic, User
from papers.services.authors.lookup import (
    AuthorMovedError,
    Contributor,
    ContributorNotFoundError,
    find_author,
    find_organization,
    slug_of,
)
from papers.services.changes.numbering import newest_position, number_changes
from papers.services.ingest.releases import current_release

MAX_WEBHOOKS = 5
"""Of a reader."""
MAX_LISTS = 20
"""Of a channel, topics among them."""
Kind = ChannelList.Kind


class ListNotFoundError(Exception):
    """An address is of no list that the channel's owner may read; the message says so, for the owner."""


class TooManyWebhooksError(Exception):
    """The reader has as many as one may have; the message says so."""


@dataclass(slots=True)
class ChosenLists:
    """What a channel is to be told of."""

    topics: list[Topic] = field(default_factory=list)
    lists: list[ChannelList] = field(default_factory=list)
    """Not stored; with kind, key and tag alone."""

    def __len__(self) -> int:
        return len(self.topics) + len(self.lists)


def find_lists(addresses: Collection[str], *, owner: User | None) -> ChosenLists:
    """The lists at these addresses, each once. A few queries an address.

    Raises:
        ListNotFoundError: one of them is not the address of a list that `owner` may read.
    """
    found, seen = ChosenLists(), set()
    for address in addresses:
        one = _find(address, owner)
        if isinstance(one, Topic):
            found.topics += [one] if one not in found.topics else []
        elif (name := (one.kind, one.key, one.tag_id)) not in seen:
            seen.add(name)
            found.lists.append(one)
    return found


def _find(address: str, owner: User | None) -> Topic | ChannelList:
    viewer = owner or AnonymousUser()
    view, given, query = _page_of(address)
    if view == "papers:topic":
        topic = Topic.objects.readable_by(viewer).filter(slug=given["slug"]).first()
        if topic is not None:
            return topic
    elif view == "papers:tag":
        tags = Tag.objects.readable_by(viewer).named(given["name"]).filter(user__username__iexact=given["owner"])
        if (tag := tags.select_related("user").first()) is not None:
            return ChannelList(kind=Kind.TAG, tag=tag)
    elif view == "papers:new" and (category := categories.find_category(query.get("category", ""))) is not None:
        return ChannelList(kind=Kind.CATEGORY, key=category.code)
    elif view in ("papers:author", "papers:organization"):
        contributor = find_contributor(view.removeprefix("papers:"), given["slug"])
        if contributor is not None:
            return ChannelList(kind=contributor.kind, key=slug_of(contributor.key))
    elif view == "papers:list" and _lists(owner).filter(slug=given["slug"]).exists():
        return ChannelList(kind=Kind.LIST, key=given["slug"])
    elif view == "papers:following" and owner is not None:
        return ChannelList(kind=Kind.FOLLOWING)
    raise ListNotFoundError(f"This is not the address of a list you can read here: {address[:200]}")


def _lists(owner: User | None) -> QuerySet[SharedList]:
    """The shared lists that a channel may be told of: its owner's to read; a group's those of all members."""
    if owner is None:
        return SharedList.objects.exclude(visibility=ListVisibility.NAMED)
    return SharedList.objects.readable_by(owner)


def _page_of(address: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The name of the page at an address of this site, and what the address gives it."""
    try:
        parts = urlsplit(address)
        path = unquote(parts.path)
        prefix = get_script_prefix()
        found = resolve("/" + path.removeprefix(prefix).lstrip("/"))
        query = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=20).items()}
    except (Resolver404, ValueError):
        return "", {}, {}
    return found.view_name, {name: str(value) for name, value in found.kwargs.items()}, query


def find_contributor(kind: str, slug: str) -> Contributor | None:
    """The author or organization at an address, also where the author has another one by now."""
    try:
        return find_author(slug) if kind == Kind.AUTHOR else find_organization(slug)
    except AuthorMovedError as moved:
        return find_contributor(kind, slug_of(moved.key))
    except ContributorNotFoundError:
        return None


def may_be_told(row: ChannelList, owner: User | None) -> bool:
    """Whether the channel's owner may still read the list. One query of a tag or a shared list, none of others."""
    if row.tag_id is not None:
        return Tag.objects.readable_by(owner or AnonymousUser()).filter(pk=row.tag_id).exists()
    if row.kind == Kind.LIST:
        return _lists(owner).filter(slug=row.key).exists()
    return row.kind != Kind.FOLLOWING or owner is not None


def address_of(row: ChannelList) -> str:
    """The path of the list's page. Of a tag with `select_related("tag__user")`."""
    if row.kind == Kind.CATEGORY:
        return f"{reverse('papers:new')}?category={row.key}"
    if row.kind == Kind.TAG and row.tag is not None:
        return row.tag.get_absolute_url()
    if row.kind == Kind.FOLLOWING:
        return reverse("papers:following")
    return reverse(f"papers:{row.kind}", args=[row.key])


def label_of(row: ChannelList) -> str:
    """What the list is called where no page of it says so."""
    if row.kind == Kind.TAG and row.tag is not None:
        return f"the tag {row.tag.name}"
    if row.kind == Kind.FOLLOWING:
        return "Following"
    if row.kind == Kind.LIST:
        name = SharedList.objects.filter(slug=row.key).values_list("name", flat=True).first()
        return f"the list {name or row.key}"
    return row.key if row.kind == Kind.CATEGORY else row.key.replace("-", " ")


def lists_of(channel: Channel) -> list[ChannelList]:
    """A channel's lists beside topics, in the order in which they were chosen."""
    return list(channel.lists.select_related("tag__user").order_by("pk")) if channel.pk else []


def save_lists(channel: Channel, chosen: Sequence[ChannelList], *, now: datetime) -> None:
    """Let a channel be told of these lists from now on. Those that it has keep their places.

    Changes are numbered first, so that what waits for its number is not told as new.
    """
    number_changes(now=now)
    positions = {True: current_release(), False: newest_position()}
    with transaction.atomic():
        Channel.objects.select_for_update().get(pk=channel.pk)
        known = {(row.kind, row.key, row.tag_id): row for row in channel.lists.all()}
        wanted = {(str(row.kind), row.key, row.tag_id): row for row in chosen}
        channel.lists.filter(pk__in=[row.pk for name, row in known.items() if name not in wanted]).delete()
        for name, row in wanted.items():
            if name not in known:
                row.channel, row.made_at = channel, now
                row.read_to = positions[row.kind == Kind.FOLLOWING]
                row.save()


def add_webhook(channel: Channel) -> None:
    """Store a new webhook of its owner; nothing where it has none.

    Raises:
        TooManyWebhooksError: the reader has `MAX_WEBHOOKS`.
    """
    if channel.owner_id is None:
        return
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=channel.owner_id)  # two at once may not pass the limit
        if Channel.objects.filter(owner=channel.owner_id).count() >= MAX_WEBHOOKS:
            raise TooManyWebhooksError(f"You can have at most {MAX_WEBHOOKS} webhooks. Delete one first.")
        channel.save()
