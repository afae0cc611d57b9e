"""What commands take on their line. What is wrong with it is said in a sentence, with how it is written."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, date, datetime


def date_argument(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day; write it as 2026-11-24.") from None


def datetime_argument(text: str) -> datetime:
    """In UTC where the text names no other zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date and time; write it as 2026-11-24T07:30.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def positive_int(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise ArgumentTypeError(f"{text[:40]!r} is not a number of 1 or more.")
    return int(text)
