"""Times and durations in words. No queries."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def clock_time(when: datetime, now: datetime) -> SafeString:
    """`at 09:14`, or `on 23 Nov at 09:14` when that isn't today, in the time zone of the page."""
    local, today = timezone.localtime(when), timezone.localdate(now)
    words = "at " + date_format(local, "H:i")
    if local.date() != today:
        words = f"on {date_format(local, 'j M' if local.year == today.year else 'j M Y')} {words}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), words)


@register.filter
def duration(span: timedelta) -> str:
    """`4 minutes`, `3 hours`, `12 days`: one unit, rounded down."""
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{seconds // size:,} {name}{'' if seconds < 2 * size else 's'}"
    return "less than a minute"


@register.filter
def long_duration(duration: timedelta) -> str:
    """`36 hours`, `7 days`: hours, rounded; days from three whole days on."""
    count = round(duration.total_seconds() / 3600)
    if count >= 72 and count % 24 == 0:
        return f"{count // 24} days"
    return f"{count:,} hour{'' if count == 1 else 's'}"
