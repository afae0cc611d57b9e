"""Reads what an answer's headers say about coming again. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_SECONDS = 24 * 60 * 60.0


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header: a number of seconds or an HTTP date (RFC 9110 §10.2.3).

    At most a day, whatever it says; a date that has passed is 0; None for what is neither.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A number too long to be one of seconds is cut before int() has to read it.
        return min(float(text[:12]), LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)


def parse_rate_limit(value: str) -> float | None:
    """Seconds until a spent budget opens again, by a header such as `RateLimit: "api";r=0;t=123`.

    Several budgets may be named; the longest wait of those with nothing left counts, at most a day. None when none
    is spent. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    waits = []
    for item in value.split(","):
        figures = dict(re.findall(r";\s*([rt])\s*=\s*(\d{1,12})(?!\d)", item))
        if figures.get("r", "").strip("0") == "" and "r" in figures and "t" in figures:
            waits.append(float(figures["t"]))
    return min(max(waits), LONGEST_WAIT_SECONDS) if waits else None
