"""Times and durations in words. No queries."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from papers.text.durations import duration_in_words, exact_duration, rough_duration

register = template.Library()


@register.filter
def clock_time(when: datetime, now: datetime) -> SafeString:
    """`at 09:14`, or `on 23 Nov at 09:14` when that isn't today, in the time zone of the page."""
    local, today = timezone.localtime(when), timezone.localdate(now)
    words = "at " + date_format(local, "H:i")
    if local.date() != today:
        words = f"on {date_format(local, 'j M' if local.year == today.year else 'j M Y')} {words}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), words)


register.filter("duration", duration_in_words)
register.filter("rough_duration", rough_duration)
register.filter("long_duration", exact_duration)
