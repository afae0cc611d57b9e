"""How a span of time reads in words: rounded down, roughly, or exactly."""

from datetime import timedelta

from papers.text.counts import counted

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def duration_in_words(span: timedelta) -> str:
    """`4 minutes`, `3 hours`, `12 days`: one unit, rounded down."""
    seconds = int(span.total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return counted(seconds // size, unit)
    return "less than a minute"


def rough_duration(span: timedelta) -> str:
    """`a minute`, `12 minutes`, `3 hours`: one unit, rounded; for what nobody knows better."""
    seconds = span.total_seconds()
    if seconds < 90:
        return "a minute"
    return counted(round(seconds / 60), "minute") if seconds < 5_400 else counted(round(seconds / 3_600), "hour")


def exact_duration(span: timedelta) -> str:
    """`36 hours`, `7 days`: hours, rounded; days from three whole days on."""
    hours = round(span.total_seconds() / 3_600)
    return counted(hours // 24, "day") if hours >= 72 and hours % 24 == 0 else counted(hours, "hour")
