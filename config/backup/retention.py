"""Which backups of a folder stay: the newest of each of the last days, and of each of the last weeks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

_NAME = re.compile(r"broadsheet-(\d{8}T\d{6})Z\.zip(\.age)?")


def backup_name(at: datetime, *, is_encrypted: bool) -> str:
    """`broadsheet-20261130T020000Z.zip`, with `.age` behind it where only a key opens it. The time is UTC."""
    return f"broadsheet-{at.astimezone(UTC):%Y%m%dT%H%M%S}Z.zip{'.age' if is_encrypted else ''}"


def backup_time(name: str) -> datetime | None:
    """When the backup of this name was begun; None for every other name."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def to_be_kept(names: Iterable[str], *, days: int, weeks: int, zone: tzinfo) -> set[str]:
    """The names of those backups that are to be kept; names that are no backup's are ignored.

    Days and ISO weeks are those of `zone`, and only those with a backup count: after a month's pause the old ones are
    still kept.
    """
    dated = sorted(((at, name) for name in names if (at := backup_time(name))), reverse=True)
    by_day: dict[object, str] = {}
    by_week: dict[object, str] = {}
    for at, name in dated:
        local = at.astimezone(zone)
        by_day.setdefault(local.date(), name)
        by_week.setdefault(local.isocalendar()[:2], name)
    return {*list(by_day.values())[:days], *list(by_week.values())[:weeks]}
