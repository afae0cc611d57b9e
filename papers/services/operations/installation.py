"""The group's settings: its name, time zone, and who may read. The environment wins over the first-run page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.crypto import salted_hmac

from papers.hooks import lists_changed
from papers.models import Installation

# Only the row is cached. What the environment says is added by each process for itself, so that a worker started
# without BROADSHEET_ACCESS can't open the pages of a web server started with it.
_KEY = "installation:thumbnails"
_SECONDS = 60
_Row = tuple[str, str, str, bool, bool]


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """The choices in force."""

    name: str
    time_zone: str
    """A name that `zoneinfo` knows."""
    members_only: bool
    is_set_up: bool
    """The first-run page was answered or skipped."""
    shows_thumbnails: bool = False
    """Cards have a picture of the paper's first page."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def group_settings() -> GroupSettings:
    """The choices in force; one cached read a page.

    A change is seen by every process at once, or within a minute where the cache was away while it was made.
    """
    row: _Row | None = cache.get(_KEY)
    if row is None:
        row = _read()
        cache.set(_KEY, row, _SECONDS)
    name, time_zone, access, is_set_up, shows_thumbnails = row
    return GroupSettings(
        name=settings.GROUP_NAME or name,
        time_zone=_valid_zone(settings.GROUP_TIME_ZONE or time_zone),
        members_only=(settings.ACCESS or access) == "members",
        is_set_up=is_set_up,
        shows_thumbnails=shows_thumbnails,
    )


def site_mark() -> str:
    """What tells this site from all others, and nothing more: not guessed, not secret, the same in each process."""
    digest: str = salted_hmac("broadsheet.site-mark", settings.SITE.url, algorithm="sha256").hexdigest()
    return digest[:32]


def group_today(now: datetime) -> date:
    """The day by the group's clock."""
    return now.astimezone(group_settings().zone).date()


def _read() -> _Row:
    row = Installation.objects.filter(pk=1).first() or Installation()
    return row.group_name, row.time_zone, row.access, row.set_up_at is not None, row.shows_thumbnails


def _valid_zone(name: str) -> str:
    """`name`, or UTC where there is no such zone: a page never fails over a typing error in the environment."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC"
    return name


def fixed_by_environment() -> dict[str, str]:
    """The answers that the first-run page can't change: field → the variable that says it."""
    said = {
        "group_name": (settings.GROUP_NAME, "BROADSHEET_GROUP_NAME"),
        "time_zone": (settings.GROUP_TIME_ZONE, "BROADSHEET_TIME_ZONE"),
        "access": (settings.ACCESS, "BROADSHEET_ACCESS"),
    }
    return {field: variable for field, (value, variable) in said.items() if value}


def privacy_text() -> str:
    """What the group says on /privacy, in Markdown; may be empty. One query: no other page needs it."""
    return Installation.objects.filter(pk=1).values_list("privacy_text", flat=True).first() or ""


def save_group_settings(
    *, name: str, time_zone: str, access: str, now: datetime, privacy_text: str = "", shows_thumbnails: bool = False
) -> None:
    """Store the answers of the first-run page. Idempotent."""
    answers = {
        "group_name": name,
        "time_zone": time_zone,
        "access": access,
        "privacy_text": privacy_text,
        "shows_thumbnails": shows_thumbnails,
        "set_up_at": now,
    }
    Installation.objects.update_or_create(pk=1, defaults=answers)
    transaction.on_commit(invalidate_group_settings)
    lists_changed.notify()


def skip_setup(*, now: datetime) -> None:
    """Remember that the first-run page was skipped; every choice stays as it is. Idempotent."""
    Installation.objects.get_or_create(pk=1)
    Installation.objects.filter(pk=1, set_up_at=None).update(set_up_at=now)
    transaction.on_commit(invalidate_group_settings)


def invalidate_group_settings() -> None:
    """Make the next page read the choices anew."""
    cache.delete(_KEY)
