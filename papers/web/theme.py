"""Light or dark, as a reader chose it; without a choice the system's own holds."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

THEME_COOKIE_SECONDS = 365 * 24 * 60 * 60
THEMES = ("light", "dark")


def theme_cookie() -> str:
    """The name of the cookie that keeps the choice."""
    return f"{settings.SITE.cookie_prefix}broadsheet_theme"


def chosen_theme(cookies: Mapping[str, str]) -> str:
    """`light`, `dark`, or nothing where no choice was made."""
    chosen = cookies.get(theme_cookie(), "")
    return chosen if chosen in THEMES else ""
