"""A channel that fails again and again is turned off, and the others are told; of a reader's webhook, the reader."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.urls import reverse

from digests.models import Channel, Notice
from digests.services.channel_client import NoticeContent
from digests.services.topic_notices import new_notice
from papers.models import SecurityEvent
from papers.services.accounts.security_log import record_event

MOST_FAILED = 5
"""Notices given up in a row: with their pauses, a day at least of no answer, or five refusals."""


def note_success(channel: Channel) -> None:
    """A notice was taken. One query, none where nothing had failed."""
    if channel.failed_count:
        Channel.objects.filter(pk=channel.pk).update(failed_count=0)


def note_failure(notice: Notice, *, is_gone: bool, now: datetime) -> None:
    """A notice was given up. Inside the caller's transaction; turns the channel off where that was once too often."""
    if notice.key.startswith("test:"):
        return
    Channel.objects.filter(pk=notice.channel_id).update(failed_count=F("failed_count") + 1)
    most = 1 if is_gone else MOST_FAILED
    failing = Channel.objects.filter(pk=notice.channel_id, is_enabled=True, failed_count__gte=most)
    if failing.update(is_enabled=False, disabled_at=now):
        if notice.channel.owner is not None:
            kind, name = SecurityEvent.Kind.WEBHOOK_OFF, f"“{notice.channel.name}”"
            record_event(user=notice.channel.owner, kind=kind, now=now, detail=name)
        else:
            _tell_others(notice.channel, now=now)


def _tell_others(channel: Channel, *, now: datetime) -> None:
    url = str(settings.SITE.origin + reverse("digests:channels"))
    content = NoticeContent("channel", f"The channel {channel.name} has been turned off: its notices failed", url=url)
    others = Channel.objects.of_group().filter(is_enabled=True, notify_late=True).exclude(pk=channel.pk)
    key = f"channel:{channel.pk}:{now:%Y%m%dT%H%M%S}"
    rows = [new_notice(other, key, content, now=now) for other in others]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
