"""What a curator decides on, as one word: two curators who decide on the same subject take turns. Pure."""

from __future__ import annotations

from datetime import date


def paper_subject(paper_id: int) -> str:
    return f"paper:{paper_id}"


def day_subject(day: date) -> str:
    return f"day:{day}"


def comment_subject(comment_id: int) -> str:
    return f"comment:{comment_id}"


def record_subject(record_id: int) -> str:
    return f"record:{record_id}"


def topic_subject(topic_id: int) -> str:
    return f"topic:{topic_id}"


def author_subject(key: str) -> str:
    return f"author:{key}"


def pair_subject(one: int, other: int) -> str:
    """The same whichever of two papers is named first."""
    low, high = sorted((one, other))
    return f"pair:{low}-{high}"
