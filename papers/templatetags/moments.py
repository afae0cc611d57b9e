"""Moments as people say them: the hour, with the day when it isn't today. No queries."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def moment(when: datetime, now: datetime) -> SafeString:
    """`at 09:14`, or `on 23 Nov at 09:14` when that isn't today, in the time zone of the page."""
    local, today = timezone.localtime(when), timezone.localdate(now)
    words = "at " + date_format(local, "H:i")
    if local.date() != today:
        words = f"on {date_format(local, 'j M' if local.year == today.year else 'j M Y')} {words}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), words)
