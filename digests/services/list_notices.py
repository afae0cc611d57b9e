"""New papers of a channel's lists beside topics: each once, whatever dies in between.

Of a category, an author and an organization, news are found in the log that mirrors read (papers/services/changes):
positions grow in the order of commits, so no paper is passed over, also one that gets its category a minute after it
came. For whom a reader follows there are releases, as for topics. Tags and shared lists have few papers, and all recent
ones are looked at. What was told, the notices say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from digests.models import Channel, ChannelList, Notice
from digests.services.channel_client import NoticeContent
from digests.services.channel_lists import address_of, find_contributor, label_of, lists_of, may_be_told
from digests.services.topic_notices import PAPERS_A_NOTICE, new_notice, paper_json, paper_url, untold
from papers.models import ChangedPaper, FollowedPaper, Paper, SharedListPaper, TaggedPaper
from papers.services.changes.numbering import newest_position, number_changes
from papers.services.ingest.releases import RELEASE_WINDOW, current_release

CHANGES_AT_ONCE = 20_000
"""After a large import a list is told over some turns."""
_LONGEST_TRANSACTION = timedelta(minutes=15)
"""A paper whose transaction began so long before its list was chosen may have been committed after that."""
Kind = ChannelList.Kind
_BY_CHANGES = (Kind.CATEGORY, Kind.AUTHOR, Kind.ORGANIZATION)
_BY_HAND = (Kind.TAG, Kind.LIST)
_PREPOSITIONS = {Kind.AUTHOR: "by", Kind.ORGANIZATION: "from", Kind.LIST: "on"}


def plan_list_notices(channels: Sequence[Channel], *, now: datetime) -> None:
    """Write the notices about new papers of these channels' lists. One query where they have none."""
    rows = ChannelList.objects.filter(channel__in=channels)
    if not rows.exists():
        return
    if rows.filter(kind__in=_BY_CHANGES).exists():
        number_changes(now=now)
    newest = {True: current_release(), False: newest_position()}
    for channel in channels:
        for row in lists_of(channel):
            if may_be_told(row, channel.owner):
                _plan(row, channel, newest=newest[row.kind == Kind.FOLLOWING], now=now)


def _plan(row: ChannelList, channel: Channel, *, newest: int, now: datetime) -> None:
    with transaction.atomic():
        fresh = ChannelList.objects.select_for_update().filter(pk=row.pk).first()
        if fresh is None or (fresh.read_to >= newest and row.kind not in _BY_HAND):
            return
        upto = newest if row.kind in (*_BY_HAND, Kind.FOLLOWING) else min(newest, fresh.read_to + CHANGES_AT_ONCE)
        prefix = f"list:{row.pk}:"
        if row.kind in _BY_HAND:
            papers, mark = (_tagged if row.kind == Kind.TAG else _listed)(fresh, now=now)
        else:
            papers = _followed(fresh, channel, upto) if row.kind == Kind.FOLLOWING else _changed(fresh, upto, now=now)
            mark = upto
        fresh_papers = untold(channel, prefix, papers)
        parts = range(0, len(fresh_papers), PAPERS_A_NOTICE)
        Notice.objects.bulk_create(
            [
                _notice(row, channel, f"{prefix}{mark}:{start}", fresh_papers[start : start + PAPERS_A_NOTICE], now=now)
                for start in parts
            ],
            ignore_conflicts=True,
        )
        ChannelList.objects.filter(pk=row.pk).update(read_to=upto)


def _changed(row: ChannelList, upto: int, *, now: datetime) -> list[Paper]:
    """Papers that came since the list was chosen, and are on it by now."""
    if row.kind == Kind.CATEGORY:
        papers = Paper.objects.visible().filter(categories__contains=[row.key])
    else:
        contributor = find_contributor(row.kind, row.key)
        papers = contributor.papers() if contributor is not None else Paper.objects.none()
    changes = ChangedPaper.objects.filter(position__gt=row.read_to, position__lte=upto)
    since = row.made_at - _LONGEST_TRANSACTION
    news = papers.filter(created_at__gte=since, listed_at__gte=now - RELEASE_WINDOW, is_sample=False)
    return list(news.filter(pk__in=changes.values("paper_id")).only("public_id", "title").order_by("listed_at", "pk"))


def _followed(row: ChannelList, channel: Channel, upto: int) -> list[Paper]:
    found = FollowedPaper.objects.filter(followed__follows__user=channel.owner_id)
    ids = found.filter(release__gt=row.read_to, release__lte=upto).values("paper_id")
    return list(Paper.objects.visible().filter(pk__in=ids).only("public_id", "title").order_by("listed_at", "pk"))


def _tagged(row: ChannelList, *, now: datetime) -> tuple[list[Paper], int]:
    """Papers that were given the tag since the list was chosen, and a mark for the notices, never the same twice."""
    since = max(row.made_at, now - RELEASE_WINDOW)
    tagged = TaggedPaper.objects.filter(tag=row.tag_id, created_at__gte=since, paper__hidden_at=None)
    rows = list(tagged.select_related("paper").only("paper__public_id", "paper__title").order_by("created_at", "pk"))
    return [one.paper for one in rows], max((one.pk for one in rows), default=0)


def _listed(row: ChannelList, *, now: datetime) -> tuple[list[Paper], int]:
    """The same of a shared list."""
    since = max(row.made_at, now - RELEASE_WINDOW)
    entries = SharedListPaper.objects.filter(shared_list__slug=row.key, added_at__gte=since, paper__hidden_at=None)
    rows = list(entries.select_related("paper").only("paper__public_id", "paper__title").order_by("added_at", "pk"))
    return [one.paper for one in rows], max((one.pk for one in rows), default=0)


def _notice(row: ChannelList, channel: Channel, key: str, papers: Sequence[Paper], *, now: datetime) -> Notice:
    count = f"{len(papers):,} new {'paper' if len(papers) == 1 else 'papers'}"
    content = NoticeContent(
        "list",
        f"{count} {_PREPOSITIONS.get(Kind(row.kind), 'in')} {label_of(row)}",
        lines=[(paper.title, paper_url(paper)) for paper in papers[: channel.edition_size]],
        url=str(settings.SITE.origin + address_of(row)),
        papers=[paper_json(paper) for paper in papers],
    )
    return new_notice(channel, key, content, now=now, papers=papers)
