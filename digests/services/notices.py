"""Notices to curators and readers: which are due to which channel, each sent once, with the rows as the only truth.

A worker takes a notice by moving it to `sending`, posts it, and writes how it went. Killed in between, a notice whose
receiver can tell two copies from one (Matrix by its transaction, a webhook by its id, a mail by its Message-ID) is sent
again; of others it is written that nobody knows, and a curator decides.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from digests.models import Channel, Notice
from digests.services.channel_client import ChannelPostError, NoticeContent, is_safe_to_repeat, post
from digests.services.channel_failures import note_failure, note_success
from digests.services.health import mail_problems
from digests.services.list_notices import plan_list_notices
from digests.services.topic_notices import new_notice, paper_json, paper_url, plan_topic_notices
from papers.models import Edition, Listing
from papers.retry import RetrySchedule, minutes
from papers.services.curation.read_queue import is_queue_empty
from papers.services.operations.installation import group_settings, group_today
from papers.services.operations.status import SourceState, source_states

LEASE = timedelta(minutes=5)
"""Longer than any post takes."""
RETRIES = RetrySchedule(minutes(1, 5, 15, 60, 180, 360, 720))
EDITION_IS_NEWS = timedelta(days=3)
NOTICE_RETENTION = timedelta(days=60)
NOTICES_A_RUN = 50
GONE = 410
"""The other side wants no more: the channel ends at once (standardwebhooks.com)."""
BUDGET_SECONDS = 45.0
"""A host that does not answer keeps the worker no longer; the next minute goes on."""


def post_due_notices(*, now: datetime) -> int:
    """Write the notices that are due, and send them; returns how many were sent.

    Idempotent, also for two workers at once.
    """
    plan_notices(now=now)
    Notice.objects.filter(created_at__lt=now - NOTICE_RETENTION).delete()
    waiting = Notice.objects.due(now).filter(channel__in=Channel.objects.live()).values_list("pk", "channel_id")
    # The group's first, so that no reader's webhook keeps curators waiting; and none that just failed keeps others.
    due = [*waiting.filter(channel__owner=None)[:NOTICES_A_RUN], *waiting.exclude(channel__owner=None)[:NOTICES_A_RUN]]
    started, sent, failing = time.monotonic(), 0, set()
    for pk, channel_id in due:
        if time.monotonic() - started > BUDGET_SECONDS:
            break
        if channel_id in failing:
            continue
        if post_notice(pk, now=now):
            sent += 1
        else:
            failing.add(channel_id)
    return sent


# --- Which notices there are -----------------------------------------------------------------------------------------


def plan_notices(*, now: datetime) -> int:
    """Write a row for each notice that is due and has none yet; returns how many. A few queries a channel."""
    channels = list(Channel.objects.live().select_related("owner").order_by("pk"))
    if not channels:
        return 0
    today = group_today(now)
    said = [*_queue(today), *_stale(today, now), *_late(today, now)]
    rows = []
    for channel in channels:
        # What curators are told is no reader's business.
        wanted = [(key, said_of) for wish, key, said_of in said if channel.owner_id is None and getattr(channel, wish)]
        rows += [_row(channel, key, content, now) for key, content in wanted]
        rows += [_row(channel, key, content, now) for key, content in _edition(channel, now)]
    before = Notice.objects.count()
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    for channel in channels:
        plan_topic_notices(channel, now=now)
    plan_list_notices(channels, now=now)
    return Notice.objects.count() - before


def _row(channel: Channel, key: str, content: NoticeContent, now: datetime) -> Notice:
    return new_notice(channel, key, content, now=now)


def _queue(today: date) -> Iterable[tuple[str, str, NoticeContent]]:
    if not is_queue_empty():
        content = NoticeContent("queue", "Something waits for a curator", url=_url("papers:curate"))
        yield "notify_queue", f"queue:{today}", content


def _stale(today: date, now: datetime) -> Iterable[tuple[str, str, NoticeContent]]:
    for one in source_states(now=now):
        if one.trouble:
            words = {SourceState.STALE: "serves an old batch", SourceState.LATE: "is overdue"}
            title = f"{one.source.name} {words.get(one.trouble, 'fails')}"
            yield (
                "notify_stale",
                f"source:{one.source.pk}:{today}",
                NoticeContent("source", title, url=_url("papers:status")),
            )


def _late(today: date, now: datetime) -> Iterable[tuple[str, str, NoticeContent]]:
    if found := mail_problems(now):
        content = NoticeContent(
            "mail", "Mail is late", lines=[(problem, "") for problem in found], url=_url("papers:status")
        )
        yield "notify_late", f"late:{today}", content


def _edition(channel: Channel, now: datetime) -> Iterable[tuple[str, NoticeContent]]:
    """The newest day's best papers, once it is late enough; days from before the channel are no news."""
    local = now.astimezone(group_settings().zone)
    if not channel.notify_edition or local.time() < channel.edition_at:
        return
    first = max(local.date() - EDITION_IS_NEWS, channel.created_at.astimezone(local.tzinfo).date())
    found = Edition.objects.newest(local.date()).filter(is_sample=False, day__gte=first, day__lte=local.date()).first()
    if found is None or Notice.objects.filter(channel=channel, key=f"edition:{found.day}").exists():
        return
    best = Listing.objects.best_of_day(found.day).select_related("paper")[: channel.edition_size]
    papers = [listing.paper for listing in best]
    lines = [(paper.title, paper_url(paper)) for paper in papers]
    count = f"{found.listed_count:,} {'paper' if found.listed_count == 1 else 'papers'}"
    title = f"{group_settings().name or 'Daily Papers'}, {found.day:%A} {found.day.day} {found.day:%B}: {count}"
    yield (
        f"edition:{found.day}",
        NoticeContent(
            "edition", title, lines=lines, url=_url("papers:day", found.day), papers=[paper_json(one) for one in papers]
        ),
    )


def _url(name: str, *args: Any) -> str:
    # SITE_URL holds the sub-path, which reverse() would add a second time.
    return str(settings.SITE.origin + reverse(name, args=args))


# --- Sending them ---------------------------------------------------------------------------------------------------


def post_notice(pk: int, *, now: datetime) -> bool:
    """Send one notice that is due; whether it was sent. Nothing happens where another worker has it."""
    notice = _take(pk, now=now)
    if notice is None:
        return False
    began = time.monotonic()
    try:
        said = post(
            notice.channel, NoticeContent.of(notice.content), uid=notice.uid, happened_at=notice.created_at, now=now
        )
    except ChannelPostError as error:
        measured = {"status": error.status, "seconds": round(time.monotonic() - began, 3)}
        _put_off(notice, error, now=now, **measured)
        return False
    seconds = round(time.monotonic() - began, 3)
    _settle(notice, state=Notice.State.SENT, result=said.words, status=said.status, seconds=seconds, sent_at=now)
    note_success(notice.channel)
    return True


def _take(pk: int, *, now: datetime) -> Notice | None:
    """Move a notice to `sending`, and commit; None where there is nothing to send."""
    with transaction.atomic():
        found = Notice.objects.due(now).filter(pk=pk).select_for_update(of=("self",), skip_locked=True)
        notice = found.select_related("channel").first()
        if notice is None or not Channel.objects.live().filter(pk=notice.channel_id).exists():
            return None
        if notice.state == Notice.State.SENDING and not is_safe_to_repeat(notice.channel):
            _settle(notice, state=Notice.State.UNKNOWN, result="Its worker ended before the other side had answered.")
            return None
        notice.state, notice.attempts, notice.not_before = Notice.State.SENDING, notice.attempts + 1, now + LEASE
        notice.save(update_fields=["state", "attempts", "not_before"])
    return notice


def _put_off(notice: Notice, error: ChannelPostError, *, now: datetime, **measured: Any) -> None:
    if error.is_unclear and not is_safe_to_repeat(notice.channel):
        _settle(notice, state=Notice.State.UNKNOWN, result=str(error), **measured)
        return
    pause = RETRIES.pause_after(notice.attempts, retry_after=error.wait)
    if error.is_final or pause is None:
        with transaction.atomic():
            if _settle(notice, state=Notice.State.FAILED, result=str(error), **measured):
                note_failure(notice, is_gone=error.status == GONE, now=now)
    else:
        _settle(notice, state=Notice.State.WAITING, result=str(error), not_before=now + pause, **measured)


def _settle(notice: Notice, **changes: Any) -> bool:
    """Write how it went, unless another worker has taken over since: then nothing is written."""
    mine = Notice.objects.filter(pk=notice.pk, attempts=notice.attempts, state=Notice.State.SENDING)
    return bool(mine.update(**changes))


def post_test_notice(channel: Channel, *, now: datetime) -> Notice:
    """Send a test to a channel now; returns the notice with its result. It is not repeated."""
    content = NoticeContent("test", "This is a test. Notices of this kind arrive here.", url=settings.SITE_URL)
    notice = _row(channel, f"test:{secrets.token_hex(8)}", content, now)
    notice.save()
    post_notice(notice.pk, now=now)
    notice.refresh_from_db()
    if notice.state == Notice.State.WAITING:  # a test is not repeated behind one's back
        Notice.objects.filter(pk=notice.pk).update(state=Notice.State.FAILED)
        notice.refresh_from_db()
    return notice


def retry_notice(notice: Notice, *, now: datetime) -> None:
    """Have a notice sent that failed, or of which nobody knows. Idempotent.

    A webhook may have one again that it has taken: it comes under its own id, so that the other side can tell.
    """
    again = [Notice.State.FAILED, Notice.State.UNKNOWN]
    if notice.channel.kind == Channel.Kind.WEBHOOK:
        again.append(Notice.State.SENT)
    Notice.objects.filter(pk=notice.pk, state__in=again).update(
        state=Notice.State.WAITING, attempts=0, not_before=now, result=""
    )
