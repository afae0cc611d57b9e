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
    clock, day = _clock_and_day(when, now)
    return _time_element(when, f"on {day} at {clock}" if day else f"at {clock}")


@register.filter
def since_time(when: datetime, now: datetime) -> SafeString:
    """`since 09:14`, or `since 23 Nov, 09:14` when that isn't today, in the time zone of the page."""
    clock, day = _clock_and_day(when, now)
    return _time_element(when, f"since {day}, {clock}" if day else f"since {clock}")


def _clock_and_day(when: datetime, now: datetime) -> tuple[str, str]:
    """The time of day and, when that isn't today's, the date."""
    local, today = timezone.localtime(when), timezone.localdate(now)
    clock = date_format(local, "H:i")
    if local.date() == today:
        return clock, ""
    return clock, date_format(local, "j M" if local.year == today.year else "j M Y")


def _time_element(when: datetime, words: str) -> SafeString:
    local = timezone.localtime(when)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), words)


register.filter("duration", duration_in_words)
register.filter("rough_duration", rough_duration)
register.filter("long_duration", exact_duration)
